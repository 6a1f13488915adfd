"""Our coefficients beside those of lifelines and statsmodels."""

from __future__ import annotations

from whychurn.display.blocks import Block, Column, bullets, finding, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.wording import number
from whychurn.findings import Findings

LIBRARIES = ("whychurn", "lifelines", "statsmodels")
DIFFERENCES = ("ph_statistic", "late_entry_coefficient", "mean_lifetime_std_error")


def opinion_summary(findings: Findings) -> Block:
    """State to how many digits the other libraries agree."""
    rows = findings.where(estimand="digits_agreed").rows()
    if not rows:
        notes = [row.note for row in findings.where(estimand="coefficient").rows() if row.note]
        return finding("No model could be compared.") + bullets(dict.fromkeys(notes))
    parts = [
        sentence(
            "{library} agrees with all {k} coefficients and standard errors to {d} digits or more of a standard error.",
            library=row.method,
            k=number(row, "count", "numerator"),
            d=number(row, "count"),
        )
        for row in rows
    ]
    return finding(sentence(" ").join(parts))


def opinion_table(findings: Findings) -> Block:
    """Return every coefficient of the model of all causes, library by library."""
    rows = findings.where(estimand="coefficient")
    by_key = {(row.term, row.level, row.method): row for row in rows.rows() if row.estimated}
    cells = []
    for term, level in dict.fromkeys((row.term, row.level) for row in rows.rows() if row.estimated):
        cell: dict[str, object] = {"term": f"{term}: {level}" if level else term}
        for library in LIBRARIES:
            row = by_key.get((term, level, library))
            cell[library] = (
                sentence("{b} <small>({e})</small>", b=number(row, "number4"), e=number(row, "number4", "std_error"))
                if row is not None
                else "–"
            )
        cells.append(cell)
    columns = [Column("Cause", "term", css="cause"), *[Column(name, name, number=True) for name in LIBRARIES]]
    failed = [f"{row.method}: {row.note}" for row in rows.rows() if row.note]
    extra = bullets(failed) if failed else Block(sentence(""))
    return (
        table("Coefficients (log hazard ratios) with standard errors, all causes in one model", columns, cells) + extra
    )


def opinion_curves(findings: Findings) -> Block:
    """Return the Kaplan-Meier estimate at the horizon, library by library."""
    rows = findings.where(estimand="survival").rows()
    if not rows:
        return paragraph("Nobody was followed to the horizon.", "sub")
    parts = [sentence("{library}: {share}", library=row.method, share=number(row, "percent3")) for row in rows]
    return paragraph(
        sentence("Still customers at the horizon, by Kaplan-Meier: {all}.", all=sentence("; ").join(parts))
    )


def opinion_differences(findings: Findings) -> Block:
    """Return the quantities that other libraries compute otherwise, with the reason."""
    cells, reasons = [], []
    for estimand in DIFFERENCES:
        pair = {row.method: row for row in findings.where(estimand=estimand).rows()}
        ours = pair.pop("whychurn", None)
        for library, theirs in pair.items():
            if ours is None:
                continue
            cause = f"{theirs.term}: {theirs.level}" if theirs.level else theirs.term
            # The reason says whose it is. Beside the numbers it would squeeze them on a phone.
            reasons.append(f"{theirs.definition.split(':')[0]}: {theirs.note}")
            cells.append(
                {
                    "what": sentence(
                        "{what} <small>({cause})</small>", what=theirs.definition.split(":")[0], cause=cause
                    ),
                    "ours": number(ours, "number4"),
                    "library": library,
                    "theirs": number(theirs, "number4"),
                }
            )
    if not cells:
        return paragraph("No quantity that is known to differ could be compared on these rows.", "sub")
    columns = [
        Column("Quantity", "what", css="cause"),
        Column("whychurn", "ours", number=True),
        Column("Library", "library"),
        Column("Its figure", "theirs", number=True),
    ]
    shown = table("The largest difference of each kind, on the rows of this study", columns, cells)
    return shown + bullets(dict.fromkeys(reasons))
