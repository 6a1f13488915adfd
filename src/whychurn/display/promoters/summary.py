"""Who the best promoters are, in one sentence."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, finding, paragraph
from whychurn.display.blocks import say as sentence
from whychurn.display.wording import first_row, number
from whychurn.findings import Findings, Row

HOLDS, AHEAD, PARTLY, NO = "holds", "ahead of all, but not alone", "ahead of some", "no module stands out"
CLEAR = 0.05


def missing_note(findings: Findings) -> str:
    """Return why there is nothing to show; "" where there is something."""
    row = findings.one(estimand="answers_used")
    return "" if row.estimated else str(row.note)


def promoters_summary(findings: Findings) -> Block:
    """State whose users are the best promoters, and what that rests on."""
    note = missing_note(findings)
    if note:
        return finding(note)
    claim = findings.one(estimand="claim")
    if not claim.term:
        return finding(
            sentence("Which customers recommend us most cannot be told from their use. {note}", note=claim.note)
        ) + _used(findings)
    return finding(_head(findings, claim)) + _used(findings)


def _head(findings: Findings, claim: Row) -> Markup:
    chances = {row.level: row for row in findings.where(estimand="promoter_chance", term=claim.term).rows()}
    numbers = Markup("")
    if len(chances) == 2:
        numbers = sentence(
            ": {often} are promoters where it is used often, {none} where it is not, all else equal",
            often=number(chances["frequent use"], "percent0"), none=number(chances["no use"], "percent0"),
        )  # fmt: skip
    template = {
        HOLDS: "Frequent users of {lead}, and not of the other modules, are the best promoters{numbers}.",
        AHEAD: "Frequent users of {lead} are the best promoters{numbers}; use of {also} goes with recommending as well.",
        PARTLY: "Frequent users of {lead} recommend us most{numbers}; that it is ahead of every other module is not clear.",
        NO: "No module’s users clearly recommend us more than those of the others.",
    }[str(claim.grade)]
    return sentence(template, lead=claim.term, numbers=numbers, also=_listed(claim.level))


def _listed(names: str) -> str:
    parts = names.split(", ")
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _used(findings: Findings) -> Block:
    used = findings.one(estimand="answers_used")
    bands = {row.level: row for row in findings.where(estimand="band_share").rows()}
    if used.estimate == 0:
        return Block(Markup(""))
    text = sentence(
        "{n} answers of {accounts} customers: {up} promoters (9 or 10), {mid} passives, {down} detractors (0 to 6). Use is that of the {days} "
        "days before the answer, as recorded in whole weeks, and nothing from the day of the answer on; {unknown} answers before which use was "
        "not recorded are left out.",
        n=number(used, "count"),
        accounts=number(used, "count", "n_accounts"),
        up=number(bands["promoter"], "percent0"),
        mid=number(bands["passive"], "percent0"),
        down=number(bands["detractor"], "percent0"),
        days=number(used, "number0", "time"),
        unknown=number(used, "count", "numerator"),
    )
    return paragraph(text)


def claim_of(findings: Findings) -> Row | None:
    """Return the finding on the claim, if a module leads."""
    row = first_row(findings, estimand="claim")
    return row if row is not None and row.term else None
