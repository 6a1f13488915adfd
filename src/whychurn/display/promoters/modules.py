"""Odds ratios of modules, the comparisons behind the claim, and the assumption of one ratio for both steps."""

from __future__ import annotations

import math

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.forest import Scale, axis, mark
from whychurn.display.promoters.summary import (
    AHEAD,
    BEHIND,
    CLEAR,
    HOLDS,
    IN_ADVANCE,
    NO,
    claim_of,
    goes_with,
    leader_of,
)
from whychurn.display.wording import listed, number, p_text, with_interval
from whychurn.findings import Findings, Row

#: With fewer customers for each difference that Brant's test compares, it rejects too often.
FEW_PER_DIFFERENCE = 40


def promoter_modules(findings: Findings) -> Block:
    """Return the modules with their odds ratios drawn, the largest first."""
    rows = findings.where(estimand="odds_ratio", group="module").rows()
    known = sorted((row for row in rows if row.estimated), key=lambda row: -row.estimate)
    if not known:
        return Block(Markup(""))
    scale = _scale(known)
    cells = []
    for row in (*known, *(row for row in rows if not row.estimated)):
        chances = {each.level: each for each in findings.where(estimand="promoter_chance", term=row.term).rows()}
        effects = findings.where(estimand="promoter_effect", term=row.term).rows()
        cells.append(
            {
                "module": sentence(
                    "{name} <small>{how}</small>", name=row.term, how="declared" if row.declared == IN_ADVANCE else ""
                ),
                "picture": mark(row, scale),
                "ratio": with_interval(row, "ratio2"),
                "effect": with_interval(effects[0], "points1") if effects else "",
                "none": number(chances["no use"], "percent0") if "no use" in chances else "",
                "often": _often(chances["frequent use"]) if "frequent use" in chances else "",
                "p": number(row, "p", "p_adjusted"),
                "note": row.note,
            }
        )
    columns = [
        Column("Module", "module", css="cause"),
        Column("Odds of recommending, per doubling of use", "picture", css="fig", under=axis(scale)),
        Column("Odds ratio (interval)", "ratio", number=True),
        Column("Points per doubling", "effect", number=True),
        Column("Promoters if not used", "none", number=True),
        Column("if used often", "often", number=True),
        Column("adjusted p", "p", number=True),
        *([Column("Note", "note", css="small")] if any(cell["note"] for cell in cells) else []),
    ]
    equal = next((row.adjusted_for for row in known), "")
    text = sentence(
        "Right of one: the more a module is used, the likelier a higher answer; points are those of the share of promoters. Each ratio is with the other modules and all else held "
        "equal, so that heavy use as such is not taken for a module’s doing. Twice as often means twice one more than the number of uses; often is what "
        "the top quarter of a module’s users reach. Whether use makes promoters, or promoters use more, the data cannot say."
    )
    held = folded("What is held equal", paragraph(equal, "sub"), _held_equal(findings))
    return table(_title(known), columns, cells, css="causes") + paragraph(text, "sub") + held


def _scale(rows: list[Row]) -> Scale:
    """Return a scale wide enough to have a tick on either side of one."""
    scale = Scale.around(rows)
    return Scale(min(scale.low, 0.45), max(scale.high, 2.2))


def _often(row: Row) -> Markup:
    return sentence(
        "{share} <small>{n}+ uses</small>", share=number(row, "percent0"), n=number(row, "number0", "numerator")
    )


def _title(known: list[Row]) -> Markup:
    clear = [row for row in known if row.p_adjusted < CLEAR]
    up, down = [row for row in clear if row.estimate > 1], [row for row in clear if row.estimate < 1]
    if not clear:
        return sentence("Use of no module goes clearly with recommending")
    parts = []
    if up:
        parts.append(sentence("Use of {names} goes with recommending", names=listed(row.term for row in up)))
    if down:
        parts.append(sentence("use of {names} with advising against", names=listed(row.term for row in down)))
    rest = sentence("; of the other modules nothing is clear") if len(clear) < len(known) else Markup("")
    return sentence("{head}{rest}", head=sentence(", ").join(parts), rest=rest)


def _held_equal(findings: Findings) -> Block:
    rows = findings.where(estimand="odds_ratio", group="held equal").rows()
    cells = [
        {
            "name": sentence(
                "{level} <small>{term}</small>", level=row.level or row.term, term=row.term if row.level else ""
            ),
            "against": row.reference,
            "ratio": with_interval(row, "ratio2"),
            "p": number(row, "p", "p_value"),
        }
        for row in rows
    ]
    if not cells:
        return Block(Markup(""))
    columns = [
        Column("Held equal", "name", css="cause"),
        Column("Against", "against"),
        Column("Odds ratio (interval)", "ratio", number=True),
        Column("p, not adjusted", "p", number=True),
    ]
    return table("Odds ratios of what is held equal", columns, cells)


def promoter_contrasts(findings: Findings) -> Block:
    """Hold the declared module, or else the one in front, against each other one: the claim, tested."""
    claim = claim_of(findings)
    rows = findings.where(estimand="contrast").rows()
    if claim is None or not rows:
        return Block(Markup(""))
    known = [row for row in rows if row.estimated]
    scale = _scale(known)
    cells = [
        {
            "other": sentence("{lead} against {other}", lead=row.term, other=row.reference),
            "picture": mark(row, scale) if row.estimated else "",
            "ratio": with_interval(row, "ratio2"),
            "p": number(row, "p", "p_adjusted"),
            "verdict": _verdict(row),
        }
        for row in rows
    ]
    columns = [
        Column("Comparison", "other", css="cause"),
        Column("Ratio of the two odds ratios", "picture", css="fig", under=axis(scale)),
        Column("Ratio (interval)", "ratio", number=True),
        Column("adjusted p", "p", number=True),
        Column("Verdict", "verdict"),
    ]
    text = sentence(
        "One odds ratio larger than another is a claim of its own: that one is clear and the other is not does not show it. {how} p-values "
        "are adjusted by Holm over {family}.",
        how=f"The study declares {claim.term} as the driver of recommending, so it is held against each other module."
        if claim.declared == IN_ADVANCE
        else f"{claim.note or 'The study declares no driver of recommending.'} The data chose {claim.term}, so all pairs of modules are compared.",
        family=claim.family,
    )
    title = _claim_title(findings, claim)
    return table(title, columns, cells, css="causes") + paragraph(text, "sub") + _others(findings, claim)


def _others(findings: Findings, claim: Row) -> Block:
    """Say how much the other modules may do and still look like nothing."""
    rows = [row for row in findings.where(estimand="odds_ratio", group="module").rows() if row.estimated]
    others = [row for row in rows if row.term != claim.term]
    if claim.grade != HOLDS or not others:
        return Block(Markup(""))
    most = max(others, key=lambda row: row.conf_high)
    text = sentence(
        "That nothing is clear of the others does not prove that they do nothing: their intervals reach up to {high} times the odds per "
        "doubling of use ({module}).",
        high=number(most, "ratio2", "conf_high"), module=most.term,
    )  # fmt: skip
    return paragraph(text, "sub")


def _verdict(row: Row) -> str:
    if not row.estimated:
        return str(row.note)
    if row.p_adjusted < CLEAR:
        return "ahead" if row.estimate > 1 else "behind"
    return "not clear"


def _claim_title(findings: Findings, claim: Row) -> Markup:
    parts = {"lead": claim.term, "k": number(claim, "count"), "n": number(claim, "count", "denominator")}
    leader = leader_of(findings)
    if leader is not None:
        text = (
            "{front} is in front, not {lead} as the study expected; {lead} is clearly ahead of {k} of {n} other modules"
            if claim.grade != BEHIND
            else "{front} is in front, and {lead}, which the study expected there, is clearly behind {behind}"
        )
        return sentence(text, front=leader.term, behind=listed(_behind(findings)), **parts)
    if claim.grade == HOLDS:
        return sentence(
            "{lead} is ahead of each of the {n} other modules, and none of them goes clearly with recommending itself",
            **parts,
        )
    if claim.grade == AHEAD:
        also = str(claim.level).split(", ")
        return sentence(
            "{lead} is ahead of each of the {n} other modules, of which {also} {go} with recommending too",
            also=listed(also), go="goes" if len(also) == 1 else "go", **parts,
        )  # fmt: skip
    if claim.grade == NO:
        own = goes_with(findings, claim.term)
        return sentence(
            "{lead} is in front, but clearly ahead of none of the {n} others"
            if own
            else "{lead} is in front, but does not go clearly with recommending itself",
            **parts,
        )
    return sentence("{lead} is clearly ahead of {k} of {n} other modules", **parts)


def _behind(findings: Findings) -> list[str]:
    rows = findings.where(estimand="contrast").rows()
    return [str(row.reference) for row in rows if row.estimate < 1 and row.p_adjusted < CLEAR]


def promoter_assumption(findings: Findings) -> Block:
    """Say whether one odds ratio does for both steps, and show both where it does not."""
    tests = findings.where(estimand="one_ratio_test").rows()
    if not tests:
        return Block(Markup(""))
    whole = tests[0]
    if math.isnan(whole.p_value):
        return paragraph(
            sentence("Whether one odds ratio does for both steps cannot be tested. {note}", note=whole.note), "note"
        )
    failing = [row for row in tests[1:] if row.p_adjusted < CLEAR]
    gloss = "One odds ratio stands for two steps: from detractor upwards, and from passive to promoter."
    steps = _steps(findings)
    if not whole.p_value < CLEAR and not failing:
        text = sentence(
            "{gloss} The data do not speak against that ({p} for all terms together; smallest adjusted p of a module {least}).",
            gloss=gloss, p=p_text(whole, "p_value"), least=_least(tests[1:]),
        )  # fmt: skip
        return paragraph(text, "sub") + folded("The two steps, one by one", steps)
    names = f": {', '.join(str(row.term) for row in failing)}" if failing else ""
    text = sentence(
        "{gloss} The steps differ ({p} for all terms together{names}), so the ratios above are averages of the two; here are both.{few}",
        gloss=gloss, p=p_text(whole, "p_value"), names=names, few=_few(whole),
    )  # fmt: skip
    return finding(text) + steps


def _few(whole: Row) -> Markup:
    """Say that the test rejects too often where customers are few beside what is compared (docs/validation.md)."""
    if not whole.n_accounts < FEW_PER_DIFFERENCE * whole.df:
        return Markup("")
    return sentence(
        " With {n} customers for {df} differences the test rejects rather too often.",
        n=number(whole, "count", "n_accounts"), df=number(whole, "number0", "df"),
    )  # fmt: skip


def _least(tests: list[Row]) -> Markup:
    known = [row for row in tests if not math.isnan(row.p_adjusted)]
    return number(min(known, key=lambda row: row.p_adjusted), "p", "p_adjusted") if known else Markup("–")


def _steps(findings: Findings) -> Block:
    rows = findings.where(estimand="odds_ratio_of_step").rows()
    tests = {row.term: row for row in findings.where(estimand="one_ratio_test").rows()}
    by_key = {(row.term, row.level): row for row in rows}
    levels = list(dict.fromkeys(row.level for row in rows))
    cells = [
        {
            "module": term,
            **{
                level: with_interval(by_key[term, level], "ratio2") if (term, level) in by_key else ""
                for level in levels
            },
            "p": number(tests[term], "p", "p_adjusted") if term in tests else "",
        }
        for term in dict.fromkeys(row.term for row in rows)
    ]
    columns = [
        Column("Module", "module", css="cause"),
        *(
            Column(f"Odds of being {'a ' if level == 'promoter' else ''}{level}", level, number=True)
            for level in levels
        ),
        Column("Same? adjusted p", "p", number=True),
    ]
    return table("Odds ratios of each step, per doubling of use", columns, cells)
