"""Who leaves within the horizon, on a study of tables: the share at each date, and what goes with leaving."""

from __future__ import annotations

import math

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, bullets, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.landmark_forecasts import LATER, LOGISTIC, held_back
from whychurn.display.numbers import printed
from whychurn.display.points import PointScale, point_axis, point_mark
from whychurn.display.wording import against, first_row, horizon_text, interval, number, with_interval
from whychurn.findings import Findings, Row

EVERYONE = "Everyone"
#: An effect is clear below this p.
CLEAR = 0.05


def landmark_summary(findings: Findings) -> Block:
    """State the share that leaves within the horizon, and how well that could have been foretold."""
    everyone = first_row(findings, estimand="left_within", term=EVERYONE)
    if everyone is None or not everyone.estimated:
        return finding(everyone.note if everyone is not None else "There is no date to look from.")
    text = sentence(
        "Over {n} dates, {share} of the customers there were left within the next {h} (interval {i}).{foretold}",
        n=printed(len(findings.where(estimand="left_within", term="Landmark")), "count"),
        share=number(everyone, "percent1"),
        h=horizon_text(findings),
        i=interval(everyone, "percent1"),
        foretold=_foretold(findings),
    )
    counted = sentence(
        "{rows} customers at dates, {customers} different ones, of whom {left} left in time. The dates lie {h} apart, so that no "
        "stretch of time counts twice. {note}",
        rows=number(everyone, "count", "denominator"),
        customers=number(everyone, "count", "n_accounts"),
        left=number(everyone, "count", "n_events"),
        h=horizon_text(findings),
        note=everyone.note,
    )
    return finding(text) + paragraph(counted, "sub")


def _foretold(findings: Findings) -> Markup:
    area = first_row(findings, estimand="auc", method=LOGISTIC, group=LATER)
    tenth = first_row(findings, estimand="churn_captured", method=LOGISTIC, group=LATER, level="10%")
    if area is None or tenth is None or not area.estimated:
        return sentence("")
    return sentence(
        " A model that knew only what came before puts {share} of those who left later among the riskiest tenth{doubt}.",
        share=number(tenth, "percent0"),
        doubt="" if area.conf_low > 0.5 else ", which is not clearly better than chance",
    )


def landmark_dates(findings: Findings) -> Block:
    """Return the share that left within the horizon after each date."""
    rows = findings.where(estimand="left_within", term="Landmark").rows()
    if not rows:
        return Block(Markup(""))
    cells = [
        {
            "date": row.level,
            "share": with_interval(row, "percent1"),
            "n": number(row, "count", "denominator"),
            "left": number(row, "count", "n_events"),
        }
        for row in rows
    ]
    columns = [
        Column("Date", "date"),
        Column("Share that left (interval)", "share", number=True),
        Column("Customers", "n", number=True),
        Column("Left in time", "left", number=True),
    ]
    caption = sentence("Customers at each date who left within {h}", h=horizon_text(findings))
    return folded("The dates one by one", table(caption, columns, cells))


def landmark_effects(findings: Findings) -> Block:
    """Return the differences in risk of every declared cause as a forest, largest first, titled by the largest."""
    rows = findings.where(estimand="risk_difference", declared="in advance").rows()
    known = sorted((row for row in rows if row.estimated), key=lambda row: -abs(row.estimate))
    if not known:
        return _ratios_only(findings)
    clear = [row for row in known if row.conf_low > 0 or row.conf_high < 0]
    shown, rest = (clear, [row for row in known if row not in clear]) if clear else (known, [])
    scale = PointScale.around(known)
    out = _forest(findings, _largest(findings, clear), shown, scale)
    if rest:
        more = sentence("{n} contrasts whose interval holds zero", n=printed(len(rest), "count"))
        out += folded(more, _forest(findings, "Not clearly associated with leaving in time", rest, scale))
    return out + _how_to_read(findings)


def _forest(findings: Findings, caption: str | Markup, rows: list[Row], scale: PointScale) -> Block:
    odds = {(row.term, row.level): row for row in findings.where(estimand="odds_ratio").rows()}
    cells = [
        {
            "term": _name(row),
            "forest": point_mark(row, scale),
            "difference": with_interval(row, "points1"),
            "odds": with_interval(odds[(row.term, row.level)], "ratio2"),
            "p": number(odds[(row.term, row.level)], "p", "p_value"),
            "n": number(row, "count", "n_accounts"),
            "left": number(row, "count", "n_events"),
        }
        for row in rows
    ]
    columns = [
        Column("Cause", "term", css="cause"),
        Column("Fewer leave, or more: percentage points", "forest", css="fig", under=point_axis(scale)),
        Column("Points (interval)", "difference", number=True),
        Column("Odds ratio (interval)", "odds", number=True),
        Column("p, unadjusted", "p", number=True),
        Column("Customers", "n", number=True),
        Column("Left in time", "left", number=True),
    ]
    return table(caption, columns, cells)


def _largest(findings: Findings, clear: list[Row]) -> Markup:
    """Say the largest clear difference on either side of zero."""
    if not clear:
        return sentence("No declared cause shifts the risk of leaving within {h} clearly", h=horizon_text(findings))
    parts = []
    for side, word in ((1, "highest"), (-1, "lowest")):
        row = next((each for each in clear if each.estimate * side > 0), None)
        if row is not None:
            text = sentence(
                "{word} at “{level}” of {term} ({p} points {against})",
                word=word,
                level=row.level,
                term=row.term,
                p=number(row, "points1"),
                against=against(row),
            )
            parts.append(text)
    joined = parts[0] if len(parts) == 1 else sentence("{a} and {b}", a=parts[0], b=parts[1])
    return sentence("All else equal, the risk of leaving within {h} is {parts}", h=horizon_text(findings), parts=joined)


def _how_to_read(findings: Findings) -> Block:
    tests = [
        row for row in findings.where(estimand="joint_test", declared="in advance").rows() if row.p_adjusted < CLEAR
    ]
    tested = findings.where(estimand="joint_test", declared="in advance").rows()
    model = first_row(findings, estimand="events_per_coefficient")
    names = ", ".join(row.term for row in sorted(tests, key=lambda row: row.p_adjusted))
    text = sentence(
        "How many percentage points more (or fewer) would leave in time if the customers a cause applies to were all at this level "
        "rather than at the reference, everything else in the model as it is: associated with leaving, not shown to cause it. "
        "Held constant besides: time as a customer, and the date. A hollow dot: the interval holds zero. Adjusted for {n} joint "
        "tests (Benjamini and Hochberg), {k} of the causes are clearly associated with leaving{names}.",
        n=printed(len(tested), "count"),
        k=printed(len(tests), "count"),
        names=f": {names}" if names else "",
    )
    out = paragraph(text, "sub")
    if model is not None and model.note:
        out += paragraph(model.note, "sub")
    return out + _left_out(findings)


def _left_out(findings: Findings) -> Block:
    rows = findings.where(estimand="risk_difference", declared="in advance").rows()
    left = [row for row in rows if not row.estimated]
    if not left:
        return Block(Markup(""))
    items = [sentence("{name}: {note}", name=_plain_name(row), note=row.note) for row in left]
    return folded("Not in this picture", bullets(items, "sub"))


def _ratios_only(findings: Findings) -> Block:
    """Return the odds ratios where differences in points were not worked out, or why there is nothing."""
    rows = [row for row in findings.where(estimand="odds_ratio", declared="in advance").rows() if row.estimated]
    model = first_row(findings, estimand="events_per_coefficient")
    if not rows:
        return paragraph(model.note if model is not None else "Nothing could be estimated.", "note") + _left_out(
            findings
        )
    cells = [
        {"term": _name(row), "odds": with_interval(row, "ratio2"), "p": number(row, "p", "p_value")}
        for row in sorted(rows, key=lambda row: -abs(math.log(row.estimate)))
    ]
    columns = [
        Column("Cause", "term", css="cause"),
        Column("Odds ratio (interval)", "odds", number=True),
        Column("p, unadjusted", "p", number=True),
    ]
    caption = sentence("Odds of leaving within {h}, all else equal", h=horizon_text(findings))
    note = paragraph(model.note, "sub") if model is not None and model.note else Block(Markup(""))
    return table(caption, columns, cells) + note


def landmark_caveats(findings: Findings) -> Block:
    """Say what a look from dates can and cannot tell."""
    held = held_back(findings)
    return bullets(
        [
            "A customer’s state is read once per date and kept for the whole horizon: states that last for a week or two, such "
            "as a missed payment, fade in these numbers. The page on hazards reads them every week.",
            "A renewal counts by whether it falls within the horizon, for its day is known in advance.",
            *held,
        ],
        "sub",
    )


def _plain_name(row: Row) -> str:
    return f"{row.term}, {row.level}" if row.level else row.term


def _name(row: Row) -> Markup:
    return sentence("{t} <small>{a}</small>", t=_plain_name(row), a=against(row))
