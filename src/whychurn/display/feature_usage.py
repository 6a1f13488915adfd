"""Which modules go with staying: the verdicts, the forest, and bands of use."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, finding, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.feature_figures import NARROW, WIDE, dose_svg, is_drawable, module_forest_svg
from whychurn.display.numbers import format_number, printed
from whychurn.display.wording import first_row, interval, listed, number, p_text, with_interval
from whychurn.findings import Findings, Row

PROTECTIVE, IRRELEVANT, RISKY = "protective", "irrelevant", "risky"
VERDICT_CLASS = {PROTECTIVE: "strong", RISKY: "weak", IRRELEVANT: "none"}
RULES = (
    "Protective or risky: p, adjusted for the number of tests, is small and there are enough leavers per coefficient. "
    "Irrelevant: the whole interval lies within the grey band, where a ratio is too small to matter. Unclear: everything else."
)
VOLUNTARY = "voluntary"


def verdict_chip(verdict: str) -> Markup:
    """Return a verdict in its colour; the word carries the meaning."""
    return sentence('<span class="grade {css}">{v}</span>', css=VERDICT_CLASS.get(verdict, "inconclusive"), v=verdict)


def equal_rows(findings: Findings) -> list[Row]:
    """Return the ratios of modules with all else equal that verdicts go by, strongest protection first."""
    outcome = headline_outcome(findings)
    rows = findings.where(
        estimand="hazard_ratio", effect_kind="total", method="Cox, Efron ties", outcome=outcome
    ).rows()
    return sorted(rows, key=lambda row: row.estimate if row.estimated else 1e9)


def headline_outcome(findings: Findings) -> str:
    """Return the outcome that verdicts go by."""
    row = first_row(findings, estimand="events_per_coefficient")
    return "" if row is None else str(row.outcome)


def left_out(findings: Findings) -> Block | None:
    """Return why there is nothing to show, None if there is something."""
    row = first_row(findings, estimand="left_out")
    return None if row is None else finding(row.note)


def nothing() -> Block:
    """Return an empty block."""
    return Block(Markup(""))


def feature_summary(findings: Findings) -> Block:
    """Name the module that goes with staying, and how many do not."""
    absent = left_out(findings)
    if absent is not None:
        return absent
    rows = equal_rows(findings)
    carried = findings.one(estimand="events_per_coefficient")
    if not any(row.estimated for row in rows):
        return finding("Of no module can it be told whether it goes with staying.") + paragraph(
            carried.note or rows[0].note, "note"
        )
    protective = [row for row in rows if row.grade == PROTECTIVE]
    return finding(_headline(rows, protective)) + paragraph(_counted(findings, carried), "sub")


def _headline(rows: Sequence[Row], protective: Sequence[Row]) -> Markup:
    others = [row for row in rows if row not in protective]
    small = [row.term for row in others if row.grade == IRRELEVANT]
    risky = [row.term for row in others if row.grade == RISKY]
    rest = [row.term for row in others if row.grade not in (IRRELEVANT, RISKY)]
    tail = Markup("")
    if small:
        tail += sentence(" {names}: no difference that matters.", names=listed(small).capitalize())
    if risky:
        tail += sentence(" Those who use {names} leave faster.", names=listed(risky))
    if rest:
        tail += sentence(" {names}: the data cannot tell.", names=listed(rest).capitalize())
    if not protective:
        return sentence(
            "Among equally active customers, none of {n} modules clearly goes with staying.{tail}",
            n=printed(len(rows), "count"),
            tail=tail,
        )
    top = protective[0]
    more = (
        sentence(" So it is with {names}.", names=listed([row.term for row in protective[1:]]))
        if protective[1:]
        else ""
    )
    return sentence(
        "Customers who use {module} as much as is usual ({level}) leave at {ratio} times the rate of those who do not use it "
        "(interval {i}), equally active and with all other modules equal.{more}{tail}",
        module=top.term,
        level=top.level,
        ratio=number(top, "ratio2"),
        i=interval(top, "ratio2"),
        more=more,
        tail=tail,
    )


def _counted(findings: Findings, carried: Row) -> Markup:
    left = (
        "departures that the customer decided on"
        if carried.outcome == VOLUNTARY
        else "departures for whatever reason, as no reason tells the causes apart"
    )
    return sentence(
        "{n} {left}; {per} of them for each coefficient of the model. Held equal: {held}, and the uses of all other modules. "
        "This is association: whether making customers use a module would keep them is another question. {note}",
        n=number(carried, "count", "n_events"),
        left=left,
        per=number(carried, "number1"),
        held=carried.adjusted_for or "nothing else",
        note=carried.note,
    )


def feature_forest(findings: Findings) -> Block:
    """Return the forest: each module alone in grey, and with all else equal in colour."""
    rows = equal_rows(findings)
    drawn = [row for row in rows if is_drawable(row)]
    if not drawn:
        return nothing()
    alone = {row.term: row for row in findings.where(estimand="hazard_ratio", effect_kind="unadjusted").rows()}
    naive = [row for row in drawn if row.term in alone and alone[row.term].conf_high < 1]
    kept = [row for row in drawn if row.grade == PROTECTIVE]
    if len(naive) > len(kept):
        title = sentence(
            "Looked at one by one, {seem} to keep customers; with all else equal {m}.",
            seem=sentence("all {n} modules seem", n=printed(len(drawn), "count"))
            if len(naive) == len(drawn)
            else sentence("{k} of {n} modules seem", k=printed(len(naive), "count"), n=printed(len(drawn), "count")),
            m=sentence("only {names} {do}", names=listed([r.term for r in kept]), do="does" if len(kept) == 1 else "do")
            if kept
            else "none clearly does",
        )
    else:
        title = sentence(
            "With all else equal, {k} of {n} modules go with staying.",
            k=printed(len(kept), "count"),
            n=printed(len(drawn), "count"),
        )
    pairs = [(row, alone.get(row.term)) for row in drawn]
    alt = "; ".join(
        f"{row.term}: {format_number(row.estimate, 'ratio2')} with all else equal, interval "
        f"{format_number(row.conf_low, 'ratio2')} to {format_number(row.conf_high, 'ratio2')}, {row.grade}"
        for row in drawn
    )
    wide, narrow = (module_forest_svg(pairs, f"Hazard ratios of modules. {alt}", layout) for layout in (WIDE, NARROW))
    return figure(wide, narrow, title, paragraph(RULES, "sub"))


def feature_table(findings: Findings) -> Block:
    """Return every module's ratios and verdict."""
    rows = equal_rows(findings)
    if not rows:
        return nothing()
    alone = {row.term: row for row in findings.where(estimand="hazard_ratio", effect_kind="unadjusted").rows()}
    any_leaving = {
        row.term: row
        for row in findings.where(estimand="hazard_ratio", effect_kind="total", outcome="churn").rows()
        if row.outcome != headline_outcome(findings)
    }
    cells = [
        {
            "module": sentence("{m} <small>{level}</small>", m=row.term, level=row.level),
            "verdict": verdict_chip(row.grade),
            "equal": with_interval(row, "ratio2"),
            "alone": with_interval(alone[row.term], "ratio2") if row.term in alone else "–",
            "any": with_interval(any_leaving[row.term], "ratio2") if row.term in any_leaving else "–",
            "p": number(row, "p", "p_adjusted"),
            "n": number(row, "count", "n_accounts"),
            "left": number(row, "count", "n_events"),
            "note": row.note,
        }
        for row in rows
    ]
    columns = [
        Column("Module, usual amount", "module", css="cause"),
        Column("Verdict", "verdict", css="grade"),
        Column("All else equal", "equal", number=True),
        Column("Alone", "alone", number=True),
        Column("adjusted p", "p", number=True),
        Column("Used it", "n", number=True),
        Column("Left then", "left", number=True),
        Column("Note", "note", css="small"),
    ]
    if any_leaving:
        columns.insert(3, Column("All leaving", "any", number=True))
    if not any(row.note for row in rows):
        columns.pop()
    note = sentence(
        "Usual amount: {text}. Used it: customers who did at some time; left then: while there was a use in the window.{more}",
        text=rows[0].definition.split(", with")[0],
        more=" All leaving: all else equal as well, whoever decided." if any_leaving else "",
    )
    caption = "Rate of leaving of those who use a module as much as is usual against those who do not (hazard ratio, interval)"
    return table(caption, columns, cells) + paragraph(note, "sub")


def feature_doses(findings: Findings) -> Block:
    """Return for each module that goes with staying, or with leaving, the ratios by how much it is used."""
    block = nothing()
    banded = findings.where(method="Cox, Efron ties, in bands", effect_kind="total")
    for trend in banded.where(estimand="trend_test").rows():
        rows = [row for row in banded.where(estimand="hazard_ratio", term=trend.term).rows() if is_drawable(row)]
        if rows:
            block = block + _dose(trend, rows)
    if not block.markup:
        return paragraph("No module has a verdict that would call for a look at how much it is used.", "sub")
    return block


def _dose(trend: Row, rows: Sequence[Row]) -> Block:
    lowest, highest = rows[0], rows[-1]
    title = sentence(
        "With {low} uses of {module}, customers leave at {a} times the rate of those with none; with {high}, at {b} times.",
        low=lowest.level,
        high=highest.level,
        module=trend.term,
        a=number(lowest, "ratio2"),
        b=number(highest, "ratio2"),
    )
    alt = "; ".join(f"{row.level} uses: {format_number(row.estimate, 'ratio2')}" for row in rows)
    window = f"Uses of {trend.term} in the weeks before ({lowest.definition.split(';')[0]})"
    wide, narrow = (
        dose_svg(
            rows,
            lowest.reference,
            f"Hazard ratios by uses of {trend.term}. {alt}",
            layout,
            window if layout is WIDE else lowest.definition.split(";")[0],
        )
        for layout in (WIDE, NARROW)
    )
    after = sentence(
        "Test for a trend over the bands: {p}. {rule}; all else equal as above.",
        p=p_text(trend, "p_value"),
        rule=lowest.definition.split("; ")[-1].capitalize(),
    )
    return figure(wide, narrow, title, paragraph(after, "sub"))
