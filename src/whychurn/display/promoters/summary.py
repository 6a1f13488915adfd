"""Who the best promoters are, in one sentence."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, finding, paragraph
from whychurn.display.blocks import say as sentence
from whychurn.display.wording import first_row, interval, listed, number, with_interval
from whychurn.findings import Findings, Row

HOLDS, AHEAD, PARTLY, NO, BEHIND = (
    "holds", "ahead of all, but not alone", "ahead of some", "no module stands out", "another is ahead",
)  # fmt: skip
IN_ADVANCE = "in advance"
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
    leader = leader_of(findings)
    if leader is not None:
        return _not_as_expected(findings, claim, leader)
    numbers = _chances(findings, claim)
    if claim.grade == NO and claim.declared == IN_ADVANCE:
        return sentence(
            "The study expected frequent users of {lead} to be the best promoters; the data do not show it clearly{numbers}.",
            lead=claim.term, numbers=numbers,
        )  # fmt: skip
    template = {
        HOLDS: "Frequent users of {lead}, and not of the other modules, are the best promoters{numbers}.",
        AHEAD: "Frequent users of {lead} are the best promoters{numbers}; use of {also} goes with recommending as well.",
        PARTLY: "Frequent users of {lead} recommend us most{numbers}; that it is ahead of every other module is not clear.",
        NO: "No module’s users clearly recommend us more than those of the others.",
    }[str(claim.grade)]
    return sentence(template, lead=claim.term, numbers=numbers, also=listed(claim.level.split(", ")))


def _chances(findings: Findings, claim: Row) -> Markup:
    """Say how many are promoters where the module is used often, and where it is not."""
    chances = {row.level: row for row in findings.where(estimand="promoter_chance", term=claim.term).rows()}
    if len(chances) != 2:
        return Markup("")
    return sentence(
        ": {often} are promoters where it is used often, {none} where it is not, all else equal",
        often=with_interval(chances["frequent use"], "percent0"), none=with_interval(chances["no use"], "percent0"),
    )  # fmt: skip


def _not_as_expected(findings: Findings, claim: Row, leader: Row) -> Markup:
    """Say that another module than the declared one is in front, whether that is clear, and what holds of the declared one."""
    text = (
        "The study expected frequent users of {driver} to be the best promoters, and the data do not show it: {lead} is in front, with {ratio} "
        "times the odds ratio of {driver} ({i}){chance}. {own}"
    )
    own = (
        sentence(
            "Use of {driver} goes with recommending{numbers}.", driver=claim.term, numbers=_chances(findings, claim)
        )
        if goes_with(findings, claim.term)
        else sentence("Use of {driver} does not clearly go with recommending.", driver=claim.term)
    )
    return sentence(
        text, driver=claim.term, lead=leader.term, ratio=number(leader, "ratio2"), i=interval(leader, "ratio2"), own=own,
        chance="" if leader.p_adjusted < CLEAR else ", which may be chance",
    )  # fmt: skip


def goes_with(findings: Findings, module: str) -> bool:
    """Whether use of a module by itself goes clearly with recommending."""
    row = first_row(findings, estimand="odds_ratio", term=module, group="module")
    return row is not None and row.estimate > 1 and row.p_adjusted < CLEAR


def _used(findings: Findings) -> Block:
    used = findings.one(estimand="answers_used")
    bands = {row.level: row for row in findings.where(estimand="band_share").rows()}
    if used.estimate == 0:
        return Block(Markup(""))
    text = sentence(
        "{n} answers of {accounts} customers: {up} promoters (9 or 10), {mid} passives, {down} detractors (0 to 6). Use is that of the {days} "
        "days before the answer, as recorded in whole weeks, and nothing from the day of the answer on; {unknown} answers before which use was "
        "not recorded are left out. {chosen}",
        chosen=_chosen(findings),
        n=number(used, "count"),
        accounts=number(used, "count", "n_accounts"),
        up=number(bands["promoter"], "percent0"),
        mid=number(bands["passive"], "percent0"),
        down=number(bands["detractor"], "percent0"),
        days=number(used, "number0", "time"),
        unknown=number(used, "count", "numerator"),
    )
    return paragraph(text)


def _chosen(findings: Findings) -> Markup:
    """Say who named the module of the claim: the study in advance, or the data."""
    claim = claim_of(findings)
    if claim is None:
        return Markup("")
    if claim.declared == IN_ADVANCE:
        return sentence("The study named {module} before looking.", module=claim.term)
    why = claim.note or "The study named no module before looking."
    text = "{why} The data chose {module}, and the largest of several ratios is rather too large."
    return sentence(text, why=why, module=claim.term)


def leader_of(findings: Findings) -> Row | None:
    """Return the module in front, where it is not the one that the study declares."""
    return first_row(findings, estimand="leader")


def claim_of(findings: Findings) -> Row | None:
    """Return the finding on the claim, if a module leads."""
    row = first_row(findings, estimand="claim")
    return row if row is not None and row.term else None
