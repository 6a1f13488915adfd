"""Signs of engagement: falling use beside low use, tickets and ratings beside everything declared."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, bullets, figure, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.forest import Scale, axis, mark
from whychurn.display.ratio_dots import NARROW, WIDE, Line, in_words, ratio_svg
from whychurn.display.wording import first_row, first_upper, interval, number, times_as_fast, with_interval
from whychurn.findings import Findings, Row

VOLUNTARY = "voluntary churn"
DECLINE, SILENCE, SUPPORT, CONTACTS = "decline", "decline beside silence", "support", "contacts"
UNADJUSTED = "unadjusted"
HALVED = "halved or worse"


def engagement_summary(findings: Findings) -> Block:
    """Name the signs whose adjusted interval lies above one, the strongest first, and say what is not recorded."""
    shown = [row for row in _warnings(findings) if row.estimated]
    clear = sorted((row for row in shown if row.conf_low > 1 and row.p_adjusted < 0.05), key=lambda row: -row.estimate)
    return _headline(findings, clear, shown) + _lacking(findings) + _outcomes(findings)


def _headline(findings: Findings, clear: Sequence[Row], shown: Sequence[Row]) -> Block:
    nobody = first_row(findings, estimand="verdict", term="Everything")
    if nobody is not None:
        return finding(str(nobody.note))
    if not shown:
        return finding("Whether support, satisfaction or falling use warn of leaving cannot be told from these data.")
    if not clear:
        return finding("Neither support nor satisfaction nor falling use shows a clear tie to leaving.")
    named = [
        sentence(
            "{term} “{level}” ({r} times as fast as “{reference}”, interval {i})",
            term=_lower(row.term),
            level=row.level,
            r=number(row, "times"),
            reference=row.reference,
            i=interval(row, "ratio2"),
        )
        for row in clear
    ]
    quiet = [row for row in shown if row not in clear]
    rest = sentence(" Not clearly: {names}.", names=", ".join(_lower(row.term) for row in quiet)) if quiet else ""
    return finding(
        sentence("What warns of leaving, all else equal: {signs}.{rest}", signs=sentence("; ").join(named), rest=rest)
    )


def _warnings(findings: Findings) -> list[Row]:
    """The adjusted ratio that each sign is about: halved use, the most tickets, a low rating."""
    rows = [row for group in (DECLINE, SUPPORT) for row in adjusted(findings, group) if row.family]
    return [row for row in rows if row.group == SUPPORT or row.level == HALVED]


def decline_figure(findings: Findings) -> Block:
    """Return how falling use goes with leaving: as it is, and at the same level of use."""
    rows = adjusted(findings, DECLINE)
    terms = list(dict.fromkeys(row.term for row in rows))
    if not rows:
        return paragraph(_why(findings, "Trend of use"), "note")
    lines = [
        Line(f"Use {row.level}" if row.term == terms[0] else first_upper(row.level), (crude_of(findings, row), row))
        for row in rows
    ]
    series = ("alone", "adjusted, each beside the other")
    alt = f"Hazard ratios of use against its usual, and of the level of use. {in_words(lines, series)}."
    wide, narrow = (ratio_svg(lines, series, alt, layout) for layout in (WIDE, NARROW))
    references = listed_references(rows)
    return figure(
        wide, narrow, _decline_title(findings, rows), paragraph(sentence("Against {r}.", r=references), "sub")
    ) + _beside_silence(findings)


def _decline_title(findings: Findings, rows: Sequence[Row]) -> Markup:
    verdict = first_row(findings, estimand="verdict", group=DECLINE)
    row = next((each for each in rows if each.level == HALVED), None)
    if verdict is None or row is None or not row.estimated:
        return sentence("Whether falling use warns of leaving cannot be told. {note}", note=row.note if row else "")
    parts = {
        "leave": verb(findings),
        "adjusted": times_as_fast(row),
        "i": interval(row, "ratio2"),
        "steady": row.reference,
    }
    crude = crude_of(findings, row)
    if verdict.grade == "warns beyond low use":
        text = "Customers whose use has halved against their own usual {leave} {adjusted} ({i}) as steady ones who use as much"
    elif verdict.grade == "may warn beyond low use":
        text = (
            "Customers whose use has halved {leave} {adjusted} ({i}) as steady ones who use as much: a sign too weak to stand for "
            "itself among the signs looked at"
        )
    elif verdict.grade == "no more than low use" and crude is not None:
        text = (
            "Falling use warns no more than low use does: customers whose use has halved {leave} {crude} as steady ones, and "
            "{adjusted} ({i}) as steady ones who use as much"
        )
        parts["crude"] = times_as_fast(crude)
    elif verdict.grade == "the reverse":
        text = "At the same level of use, customers whose use has halved {leave} {adjusted} ({i}): falling use does not warn"
    else:
        text = "Use that has halved against its own usual shows no clear tie to leaving ({adjusted}, {i})"
    return sentence(text, **parts)


def _beside_silence(findings: Findings) -> Block:
    row = next((each for each in adjusted(findings, SILENCE) if each.level == HALVED), None)
    if row is None or not row.estimated:
        return Block(Markup(""))
    if row.conf_low > 1:
        text = "Beside the declared measures of use as well, such as the time since the last login, {r} ({i}) is left."
    else:
        text = (
            "Beside the declared measures of use as well, such as the time since the last login, it is {r} ({i}), and the interval "
            "holds one: what falling use says beyond them is not clear."
        )
    return paragraph(sentence(text, r=times_as_fast(row), i=interval(row, "ratio2")))


def decline_table(findings: Findings) -> Block:
    """Return the ratios of falling use and of the level of use, with and without adjustment."""
    rows = adjusted(findings, DECLINE)
    if not rows:
        return Block(Markup(""))
    silence = {(row.term, row.level): row for row in adjusted(findings, SILENCE)}
    cells = [
        {
            **sign_cells(findings, row),
            "silence": cell(silence.get((row.term, row.level))),
        }
        for row in rows
    ]
    columns = sign_columns(findings, "Beside each other")
    if silence:
        columns.insert(5, Column("Beside silence too", "silence", number=True))
    return table("How many times as fast customers leave, by use", columns, cells, css="causes") + definitions(
        findings, DECLINE
    )


def support_table(findings: Findings) -> Block:
    """Return the forest of tickets and ratings, adjusted, with the ratios beside."""
    rows = adjusted(findings, SUPPORT)
    if not rows:
        return paragraph(_why(findings, "Open tickets"), "note")
    scale = Scale.around([row for row in rows if row.estimated])
    cells = [{**sign_cells(findings, row), "forest": mark(row, scale, _colour(row))} for row in rows]
    columns = sign_columns(findings, "Adjusted")
    columns.insert(1, Column("Adjusted, log scale", "forest", css="fig", under=axis(scale)))
    caption = "How many times as fast customers leave, by tickets and by the last rating"
    return finding(_support_title(findings, rows)) + table(caption, columns, cells) + definitions(findings, SUPPORT)


def _support_title(findings: Findings, rows: Sequence[Row]) -> Markup:
    known = [row for row in rows if row.estimated]
    clear = sorted((row for row in known if row.conf_low > 1), key=lambda row: -row.estimate)
    if not clear:
        return sentence("No level of tickets or ratings goes clearly with leaving sooner.")
    top = clear[0]
    silent = [term for term in dict.fromkeys(row.term for row in known) if not any(row.term == term for row in clear)]
    text = sentence(
        "{term} “{level}” goes with leaving {times} ({i}) as {reference}",
        term=top.term,
        level=top.level,
        times=times_as_fast(top),
        i=interval(top, "ratio2"),
        reference=sentence("“{r}”", r=top.reference),
    )
    if silent:
        names = " and ".join(_lower(term) for term in silent)
        return sentence("{text}; nothing clear from {names}.", text=text, names=names)
    return sentence("{text}.", text=text)


def sign_cells(findings: Findings, row: Row) -> dict[str, object]:
    """Return the cells that all tables of signs share."""
    share = first_row(findings, estimand="time_share", term=row.term, level=row.level)
    everyone = _same(findings.where(outcome="churn"), row)
    return {
        "sign": sentence("{term}: {level} <small>against {r}</small>", term=row.term, level=row.level, r=row.reference),
        "share": number(share, "percent0") if share is not None else "",
        "left": number(row, "count", "n_events"),
        "crude": cell(crude_of(findings, row)),
        "ratio": cell(row),
        "all": cell(everyone),
        "note": row.note,
    }


def sign_columns(findings: Findings, adjusted_title: str) -> list[Column]:
    """Return the columns that all tables of signs share."""
    voluntary = primary(findings) == VOLUNTARY
    columns = [
        Column("Sign", "sign", css="cause"),
        Column("Of all time", "share", number=True),
        Column("Left", "left", number=True),
        Column("Alone", "crude", number=True),
        Column(adjusted_title, "ratio", number=True),
    ]
    if voluntary:
        columns.append(Column("Same, all leaving", "all", number=True))
    if any(row.note for row in findings.where(estimand="hazard_ratio", outcome=primary(findings)).rows()):
        columns.append(Column("Note", "note", css="small"))
    return columns


def definitions(findings: Findings, *groups: str) -> Block:
    """Return what the levels mean and what is adjusted for, folded away."""
    ours = findings.where(outcome=primary(findings), estimand="joint_test", group=list(groups))
    meanings = dict.fromkeys(row.definition for row in ours.rows() if row.definition)
    models = dict.fromkeys(
        (row.definition, row.adjusted_for)
        for row in findings.where(outcome=primary(findings), estimand="hazard_ratio", group=list(groups)).rows()
        if row.adjusted_for
    )
    tests = [row for row in ours.rows() if row.effect_kind != UNADJUSTED and row.p_value == row.p_value]
    about = [row for group in groups for row in adjusted(findings, group) if row.family]
    lines: list[Markup | str] = [*meanings]
    lines += [sentence("{what}: {names}.", what=first_upper(what), names=names) for what, names in models]
    lines += [
        sentence("{term}: all its levels together, p {p}.", term=row.term, p=number(row, "p", "p_value"))
        for row in tests
    ]
    lines += [
        sentence(
            "{term}, {level}: p {p} adjusted for the number of signs ({family}).",
            term=row.term,
            level=row.level,
            p=number(row, "p", "p_adjusted"),
            family=row.family,
        )
        for row in about
    ]
    return folded("What the levels mean, and what the ratios are adjusted for", bullets(lines))


def _outcomes(findings: Findings) -> Block:
    if primary(findings) != VOLUNTARY:
        return paragraph("Leaving for whatever reason: the study cannot tell who left of their own will.", "sub")
    return paragraph(
        "Ratios, and who left, are those of leaving of one’s own will; every other departure ends the follow-up. Tables give the "
        "same for all leaving beside it. A ratio of two means leaving twice as fast at any given tenure.",
        "sub",
    )


def _lacking(findings: Findings) -> Block:
    terms = [_lower(row.term) for row in findings.where(group="not recorded", estimand="hazard_ratio").rows()]
    return paragraph(sentence("Not recorded here: {t}.", t=", ".join(terms)), "note") if terms else Block(Markup(""))


def _why(findings: Findings, term: str) -> str:
    row = first_row(findings, group="not recorded", term=term)
    nobody = first_row(findings, estimand="verdict", term="Everything")
    if nobody is not None:
        return str(nobody.note)
    return f"{term}: {row.note}" if row is not None else f"{term} could not be related to leaving."


def primary(findings: Findings) -> str:
    """Return the outcome that comes first: leaving of one's own will where it is known."""
    outcomes = set(findings.where(estimand="joint_test").table["outcome"])
    return VOLUNTARY if VOLUNTARY in outcomes else "churn"


def verb(findings: Findings) -> str:
    """Return "leave", with what the study knows of why."""
    return "leave of their own will" if primary(findings) == VOLUNTARY else "leave"


def adjusted(findings: Findings, group: str) -> list[Row]:
    """Return the adjusted ratios of a part for the first outcome."""
    rows = findings.where(estimand="hazard_ratio", group=group, outcome=primary(findings)).rows()
    return [row for row in rows if row.effect_kind != UNADJUSTED]


def crude_of(findings: Findings, row: Row) -> Row | None:
    """Return the ratio without adjustment that stands beside an adjusted one."""
    return first_row(
        findings, estimand="hazard_ratio", group=row.group, outcome=row.outcome, effect_kind=UNADJUSTED,
        term=row.term, level=row.level,
    )  # fmt: skip


def _same(findings: Findings, row: Row) -> Row | None:
    return first_row(
        findings, estimand="hazard_ratio", group=row.group, effect_kind=row.effect_kind, term=row.term, level=row.level
    )


def cell(row: Row | None) -> Markup | str:
    """Return a ratio with its interval, or a dash."""
    return with_interval(row, "ratio2") if row is not None else "–"


def listed_references(rows: Sequence[Row]) -> str:
    """Return what each term is compared with: trend of use “steady”, uses “15 or more”."""
    pairs = dict.fromkeys((row.term, row.reference) for row in rows)
    return ", ".join(f"{_lower(term)} “{reference}”" for term, reference in pairs)


def _lower(text: object) -> str:
    text = str(text)
    return text[:1].lower() + text[1:]


def _colour(row: Row) -> str:
    if not row.estimated or row.conf_low <= 1 <= row.conf_high:
        return "soft"
    return "c2" if row.estimate > 1 else "c3"
