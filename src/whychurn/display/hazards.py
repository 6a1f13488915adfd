"""How much faster customers leave: forest tables, the proportional-hazards verdict, effects by period."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, bullets, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.forest import Scale, axis, mark
from whychurn.display.numbers import printed
from whychurn.display.wording import (
    TEST_COLUMNS,
    against,
    first_upper,
    number,
    one_reading,
    tested,
    times_as_fast,
    with_interval,
)
from whychurn.findings import SECOND_READING, Findings, Row

TITLES = {"total": "Total effect", "direct": "Direct effect", "unadjusted": "Unadjusted"}


def hazard_summary(findings: Findings) -> Block:
    """Name the largest total effect and how well all causes together tell leavers from stayers."""
    rows = _ratios(findings, "total")
    known = [row for row in rows if row.estimated and row.p_value < 0.05]
    if not known:
        return finding("No candidate shows a hazard ratio that differs clearly from one.")
    top = max(known, key=lambda row: abs(_log(row)))
    text = sentence(
        "With {term} at “{level}”, customers leave {times} ({interval}) as with “{reference}”, earlier causes and those of the same tier equal.",
        term=top.term,
        level=top.level,
        times=times_as_fast(top),
        reference=top.reference or "one step less",
        interval=sentence("interval {i}", i=_interval(top)),
    )
    return finding(text) + _concordance(findings)


def _concordance(findings: Findings) -> Block:
    rows = findings.where(estimand="concordance").rows()
    events = findings.where(estimand="events_per_coefficient").rows()
    if not rows or not rows[0].estimated:
        return paragraph("All causes together could not be fitted in one model.", "note")
    text = sentence(
        "All causes together put the earlier leaver first in {c} of pairs (a coin would in half of them; measured on the data "
        "the model was fitted to), with {n} leavers per coefficient. {note}",
        c=number(rows[0], "percent1"),
        n=number(events[0], "number0"),
        note=events[0].note,
    )
    return paragraph(text, "sub")


def hazard_forest(findings: Findings, kind: str = "total") -> Block:
    """Return the forest of one kind of effect: every contrast of every candidate, largest first.

    Parameters
    ----------
    findings : Findings
        From the analysis ``hazards``.
    kind : {"total", "direct", "unadjusted"}
        Which effect.
    """
    rows = sorted(_ratios(findings, kind), key=lambda row: -abs(_log(row)) if row.estimated else 1.0)
    estimated = [row for row in rows if row.estimated]
    scale = Scale.around(estimated)
    cells = [
        {
            "term": _name(row),
            "forest": mark(row, scale, _colour(row)),
            "ratio": with_interval(row, "ratio2"),
            "p": number(row, "p", "p_value"),
            "n": number(row, "count", "n_accounts"),
            "left": number(row, "count", "n_events"),
            "note": row.note,
        }
        for row in rows
    ]
    columns = [
        Column("Cause", "term", css="cause"),
        Column("Hazard ratio, log scale", "forest", css="fig", under=axis(scale)),
        Column("Ratio (interval)", "ratio", number=True),
        Column("p, unadjusted", "p", number=True),
        Column("Customers", "n", number=True),
        Column("Left", "left", number=True),
        Column("Note", "note"),
    ]
    if not any(row.note for row in rows):
        columns.pop()
    caption = sentence("{kind}: {text}", kind=TITLES[kind], text=rows[0].definition if rows else "no estimate")
    return table(caption, columns, cells)


def hazard_comparison(findings: Findings) -> Block:
    """Set unadjusted, total and direct effects side by side: where they part, something else explains the tie."""
    by_kind = {kind: {(row.term, row.level): row for row in _ratios(findings, kind)} for kind in TITLES}
    adjusted = {row.term: row.adjusted_for for row in findings.where(estimand="joint_test", effect_kind="total").rows()}
    cells = []
    for key, total in by_kind["total"].items():
        cells.append(
            {
                "term": _name(total),
                **{
                    kind: with_interval(by_kind[kind][key], "ratio2") if key in by_kind[kind] else "–"
                    for kind in TITLES
                },
                "set": _set(adjusted.get(total.term, "")),
            }
        )
    columns = [
        Column("Cause", "term", css="cause"),
        *[Column(TITLES[kind], kind, number=True) for kind in ("unadjusted", "total", "direct")],
        Column("Total effect adjusts for", "set", css="small"),
    ]
    return table("Hazard ratios with intervals, by what they are adjusted for", columns, cells)


def proportional_summary(findings: Findings) -> Block:
    """Say for how many candidates one ratio does not fit all of tenure."""
    rows = [row for row in findings.where(estimand="proportional_hazards").rows() if row.grade != "not tested"]
    changing = [row for row in rows if row.grade == "changes with tenure"]
    if not rows:
        return finding("Proportional hazards could not be tested.")
    if not changing:
        return finding("For no candidate is there a sign that its effect changes with tenure.")
    text = sentence(
        "For {k} of {n} candidates the effect changes with tenure: their single ratio is an average over tenure, "
        "and the table by period says more.",
        k=printed(len(changing), "count"),
        n=printed(len(rows), "count"),
    )
    return finding(text)


def proportional_table(findings: Findings) -> Block:
    """Return the proportional-hazards test of every candidate."""
    rows = findings.where(estimand="proportional_hazards").rows()
    cells = [{"term": row.term, **tested(row), "verdict": row.grade} for row in rows]
    columns = [
        Column("Candidate", "term"),
        Column("Chi-square", "statistic", number=True),
        *TEST_COLUMNS,
        Column("Verdict", "verdict"),
    ]
    return table(
        "Does the effect change with tenure? Grambsch-Therneau score test in the total-effect model", columns, cells
    )


def period_table(findings: Findings) -> Block:
    """Return the effects by period of tenure, for candidates whose effect changes."""
    rows = [
        row
        for row in findings.where(estimand="hazard_ratio", effect_kind="total", outcome="churn").rows()
        if row.group not in ("", SECOND_READING)
    ]
    if not rows:
        return paragraph("No effect by period is needed.", "sub")
    periods = list(dict.fromkeys(row.group for row in rows))
    contrasts = list(dict.fromkeys((row.term, row.level) for row in rows))
    by_key = {(row.term, row.level, row.group): row for row in rows}
    cells = []
    for term, level in contrasts:
        present = [by_key.get((term, level, period)) for period in periods]
        first = next(row for row in present if row is not None)
        notes = dict.fromkeys(f"{row.group}: {row.note}" for row in present if row is not None and row.note)
        cells.append(
            {
                "term": _name(first),
                **{
                    period: with_interval(row, "ratio2") if row is not None else "–"
                    for period, row in zip(periods, present, strict=True)
                },
                "note": " ".join(notes),
            }
        )
    columns = [
        Column("Cause", "term", css="cause"),
        *[Column(period, period, number=True) for period in periods],
        Column("Note", "note", css="small"),
    ]
    return table("Total effect by period of tenure: hazard ratio with interval", columns, cells)


def window_comparison(findings: Findings) -> Block:
    """Set total effects beside what they would be if the file held only recent leavers."""
    rows = {(row.term, row.level): row for row in findings.where(estimand="hazard_ratio", group=SECOND_READING).rows()}
    if not rows:
        return paragraph(one_reading(findings), "note")
    pairs = [(row, rows.get((row.term, row.level))) for row in _ratios(findings, "total")]
    kept: list[Row] = []
    turned: list[Row] = []
    for total, other in pairs:
        if other is None or not (total.estimated and other.estimated) or total.p_value >= 0.05:
            continue
        same = _log(total) * _log(other) > 0 and (other.conf_low > 1 or other.conf_high < 1)
        (kept if same else turned).append(total)
    lines = []
    if kept:
        lines.append(sentence("Holds under both readings: {names}.", names=_names(kept)))
    if turned:
        lines.append(sentence("Rests on earlier leavers being in the file: {names}.", names=_names(turned)))
    cells = [
        {
            "term": _name(total),
            "all": with_interval(total, "ratio2"),
            "recent": with_interval(other, "ratio2") if other is not None else "–",
        }
        for total, other in pairs
    ]
    columns = [
        Column("Cause", "term", css="cause"),
        Column("If every leaver is in the file", "all", number=True),
        Column("If only recent leavers are", "recent", number=True),
    ]
    return bullets(lines) + table(
        "Total effects under both readings of the file: hazard ratio with interval", columns, cells
    )


def outcome_comparison(findings: Findings) -> Block:
    """Set total effects on all leaving beside those on one cause of leaving alone."""
    outcomes = [name for name in dict.fromkeys(findings.table["outcome"]) if name.endswith(" churn")]
    if not outcomes:
        return paragraph(
            "Causes of leaving are not recorded, or there is only one, so effects cannot be told apart by them.", "note"
        )
    rows = {
        (row.outcome, row.term, row.level): row
        for row in findings.where(estimand="hazard_ratio", effect_kind="total", outcome=outcomes).rows()
    }
    cells = []
    for total in _ratios(findings, "total"):
        own = [rows.get((outcome, total.term, total.level)) for outcome in outcomes]
        if any(row is not None for row in own):
            shown = {
                outcome: with_interval(row, "ratio2") if row is not None else Markup("–")
                for outcome, row in zip(outcomes, own, strict=True)
            }
            cells.append({"term": _name(total), "all": with_interval(total, "ratio2"), **shown})
    columns = [
        Column("Cause", "term", css="cause"),
        Column("All leaving", "all", number=True),
        *[Column(first_upper(outcome.replace(" churn", " leaving")), outcome, number=True) for outcome in outcomes],
    ]
    return table("Total effects by how customers left: hazard ratio with interval", columns, cells)


def _set(adjusted_for: str) -> Block | str:
    """Return how many causes a model adjusts for; their names unfold."""
    names = [name for name in adjusted_for.split(", ") if name]
    if not names:
        return "nothing"
    return folded(sentence("{n} causes", n=printed(len(names), "count")), Block(sentence("{all}", all=adjusted_for)))


def _names(rows: list[Row]) -> str:
    return ", ".join(f"{row.term} ({row.level})" if row.level else str(row.term) for row in rows)


def _ratios(findings: Findings, kind: str) -> list[Row]:
    return findings.where(estimand="hazard_ratio", effect_kind=kind, group="", outcome="churn").rows()


def _log(row: Row) -> float:
    return float(row.statistic * row.std_error) if row.estimated else 0.0


def _interval(row: Row) -> object:
    return sentence("{low}–{high}", low=number(row, "times", "conf_low"), high=number(row, "times", "conf_high"))


def _name(row: Row) -> object:
    return sentence("{term}: {level} <small>{against}</small>", term=row.term, level=row.level, against=against(row))


def _colour(row: Row) -> str:
    if not row.estimated or row.conf_low <= 1 <= row.conf_high:
        return "soft"
    return "c2" if row.estimate > 1 else "c3"
