"""Why there: the direct effect beside the total one, in words, step by step, and what levels differ in otherwise."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.industry_base import (
    ALL,
    ALL_PAIRS,
    NOTHING,
    against_text,
    clear,
    empty,
    level_name,
    log_ratio,
    looked_at,
    ratio,
    segments,
)
from whychurn.display.wording import number, with_interval
from whychurn.findings import Findings, Row

#: So many differences in later causes are shown at once.
MOST_EXPOSURES = 6
CAUTION = (
    "What is held equal here may itself follow from what customers are, and from things nobody recorded. So this says "
    "beside what a difference shrinks, not by which path it comes about. A ratio also moves a little with every cause "
    "held equal, even with one that has nothing to do with the segment."
)
#: A direct effect within this part of a total one, on the log scale, is called unchanged.
UNCHANGED = 0.1


def industry_why(findings: Findings) -> Block:
    """Set the direct effect beside the total one: how much of a difference goes with what comes later."""
    if empty(findings) is not None:
        return NOTHING
    first = segments(findings)[0]
    pairs = looked_at(findings, first)
    words = [text for row in pairs if (text := _in_words(findings, first, row)) is not None]
    if not words:
        return paragraph("There is no direct effect to set beside a total one.", "sub")
    lead = finding(words[0]) + (paragraph(words[1]) if len(words) > 1 else NOTHING)
    return lead + _steps(findings, pairs) + _exposures(findings, first, pairs) + paragraph(CAUTION, "sub")


def _in_words(findings: Findings, segment: Row, total: Row) -> Markup | None:
    """Return one pair's total beside its direct ratio in words."""
    direct = ratio(findings, total, "direct")
    if direct is None or not direct.estimated:
        return None
    parts = {
        "pair": against_text(total),
        "total": number(total, "ratio2"),
        "direct": with_interval(direct, "ratio2"),
        "noun": "excess" if total.estimate > 1 else "advantage",
    }
    if not clear(total):
        template = (
            "{pair}: there is no clear total difference to look into (ratio {total}; {direct} with all else equal)."
        )
        return sentence(template, **parts)
    kept = log_ratio(direct) / log_ratio(total)
    certain = not direct.conf_low <= 1 <= direct.conf_high
    if kept > 1 + UNCHANGED:
        template = "{pair}: the {noun} is larger among customers equal in all else: {direct} instead of {total}."
    elif kept >= 1 - UNCHANGED:
        template = "{pair}: hardly any of the {noun} goes with what comes later: {direct} with all else equal, {total} without."
    elif kept > 0:
        template = (
            "{pair}: part of the {noun} goes with {where}. With all else equal the ratio is {direct} instead of {total}; "
            + ("what is left is still clear." if certain else "what is left is not clearly other than none.")
        )
        parts["where"] = _largest_step(findings, total)
    else:
        template = "{pair}: with all else equal the {noun} is gone or turned round: {direct} instead of {total}."
    return sentence(template, **parts)


def _path(findings: Findings, total: Row) -> list[tuple[str, Row]]:
    """Return the ratios of one pair as tiers are added: what was added last, and the ratio."""
    steps = findings.where(
        estimand="hazard_ratio",
        term=total.term,
        outcome=total.outcome,
        effect_kind="stepwise",
        level=total.level,
        reference=total.reference,
    ).rows()
    mark = f", {ALL_PAIRS}" if total.group == ALL_PAIRS else ""
    path = [(total.group, total)]
    path += [(row.group.removesuffix(mark), row) for row in steps if row.group.endswith(ALL_PAIRS) == bool(mark)]
    direct = ratio(findings, total, "direct")
    return [*path, ("all later tiers", direct)] if direct is not None else path


def _last_tier(findings: Findings, steps: list[str]) -> str:
    """Return the name of the tier that the direct effect adds to the steps before it."""
    names = [str(name) for name in findings.provenance.get("tiers") or []]
    place = names.index(steps[-1]) + 1 if steps and steps[-1] in names else len(names) - 1
    return names[place] if 0 <= place < len(names) else "what comes later"


def _largest_step(findings: Findings, total: Row) -> str:
    """Return the name of the tier beside which a difference shrinks most."""
    path = _path(findings, total)
    if len(path) < 3:
        return "what comes later (contract, use, support, as declared)"
    names = [name for name, _ in path[1:-1]]
    moves = [abs(log_ratio(path[i - 1][1])) - abs(log_ratio(path[i][1])) for i in range(1, len(path))]
    labels = [*names, _last_tier(findings, names)]
    largest = labels[moves.index(max(moves))]
    return f"“{largest}”"


def _steps(findings: Findings, pairs: list[Row]) -> Block:
    """Return the ratios as one tier more is held equal at a time."""
    paths = {(row.level, row.reference): _path(findings, row) for row in pairs}
    longest = max(paths.values(), key=len)
    if len(longest) < 3:
        return NOTHING
    names = [name for name, _ in longest[1:-1]]
    labels = ["Alike in what comes earlier and in the same tier (total)", *[f"… and in “{name}”" for name in names]]
    labels.append(f"… and in “{_last_tier(findings, names)}” (direct)")
    cells = []
    for place, label in enumerate(labels):
        cell: dict[str, object] = {"step": label}
        for (level, reference), path in paths.items():
            cell[f"{level} {reference}"] = with_interval(path[place][1], "ratio2") if place < len(path) else "–"
        cells.append(cell)
    columns = [
        Column("Customers compared", "step"),
        *[Column(f"{level} against {reference}", f"{level} {reference}", number=True) for level, reference in paths],
    ]
    return table("The ratio as one tier of causes more is held equal at a time", columns, cells)


def _exposures(findings: Findings, segment: Row, pairs: list[Row]) -> Block:
    """Return in what the levels of these pairs differ of that which the direct effect holds equal, largest first."""
    rows = findings.where(estimand="time_share", term=segment.term).rows()
    if not rows:
        return NOTHING
    at = {(row.group, row.level): row for row in rows}
    # Small groups that models count together have shares of their own only.
    known = {row.level for row in rows}
    levels = [
        level for level in dict.fromkeys(x for row in pairs for x in (row.level, row.reference)) if level in known
    ]
    if not levels:
        return NOTHING
    groups = list(dict.fromkeys(row.group for row in rows))
    front, back = levels[0], levels[-1] if len(levels) > 1 else ALL

    def gap(group: str) -> float:
        return abs(at[group, front].estimate - at[group, back].estimate)

    groups.sort(key=gap, reverse=True)
    cells = [
        {"cause": group, **{level: number(at[group, level], "percent1") for level in [*levels, ALL]}}
        for group in groups
    ]
    columns = [
        Column("Share of customers’ time with", "cause"),
        *[Column(level_name(level), level, number=True) for level in [*levels, ALL]],
    ]
    caption = sentence("In what “{front}” and “{back}” differ most otherwise", front=front, back=back)
    rest = table("Smaller differences", columns, cells[MOST_EXPOSURES:])
    shown = table(caption, columns, cells[:MOST_EXPOSURES])
    return shown + (folded("Where they differ less", rest) if len(cells) > MOST_EXPOSURES else NOTHING)
