"""Could one have told who leaves? The earlier dates' model on the later dates, beside simple rules, and beside Cox."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, figure, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.calibration import NARROW, WIDE, calibration_svg
from whychurn.display.numbers import format_number, printed
from whychurn.display.wording import first_row, horizon_text, interval, number, with_interval
from whychurn.findings import Findings, Row

LATER, EARLIER = "later landmarks", "landmarks of the fit"
LOGISTIC, COX = "logistic regression of all causes", "Cox regression of all causes"
RULE = "rule of silence"
AS_MANY = "as many as the rule names"
#: An effect is clear below this p.
CLEAR = 0.05
TENTH = "10%"
#: What the columns of the table of measures hold.
SIDES = (
    ("later", "Model, later dates", LOGISTIC, LATER),
    ("earlier", "Model, its own dates (flatters)", LOGISTIC, EARLIER),
    ("rule", "30 days without a login", RULE, LATER),
)
#: What both models, fitted to the past, did on the later dates.
MODELS = (("logistic", "Logistic, once per date", LOGISTIC, LATER), ("cox", "Cox, every week", COX, LATER))
#: Estimand -> (level, what it is called, how it is printed, how to read it).
MEASURES = {
    "auc": ("", "Pairs ranked rightly (AUC)", "number3", "a leaver and a stayer; a coin gives 0.5"),
    "churn_captured": (TENTH, "Leavers in the riskiest tenth", "percent0", "a tenth of them by chance"),
    "lift": (TENTH, "Times the average rate in the riskiest tenth", "times", ""),
    "brier": ("", "Squared distance of risk from outcome (Brier score)", "number4", "smaller is better"),
    "brier_skill": (
        "",
        "Error removed",
        "percent1",
        "against the same risk for all; small where few leave, for nobody is sure to",
    ),
    "calibration_slope": ("", "Calibration slope", "number2", "one is right; below it predictions are too extreme"),
    "calibration_intercept": ("", "Calibration intercept", "number2", "zero is right; below it too many are expected"),
    "expected_over_observed": ("", "Expected over observed leavers", "number2", "one is right"),
}


def held_back(findings: Findings) -> Sequence[str]:
    """Return what to mind about the predictions."""
    rows = findings.where(estimand=("predicted", "auc"), method=LOGISTIC, group=LATER).rows()
    return [note for note in dict.fromkeys(row.note for row in rows) if note]


def landmark_forecast(findings: Findings) -> Block:
    """State how the model of the earlier dates did on the later ones, and whether it beats a simple rule."""
    split = first_row(findings, estimand="split")
    area = first_row(findings, estimand="auc", method=LOGISTIC, group=LATER)
    if split is None or not split.estimated:
        return finding(split.note if split is not None else "There are no later dates to test on.")
    if area is None or not area.estimated:
        return finding(area.note if area is not None else "It could not be measured.")
    text = sentence(
        "Fitted to the first {k} of {n} dates and tested on the others, the model gives a customer who left the higher risk in {a} "
        "of 100 pairs with one who stayed (interval {low}–{high}){doubt}. {rule}",
        k=number(split, "count", "numerator"),
        n=number(split, "count", "denominator"),
        a=number(area, "percent0-bare"),
        low=number(area, "percent0-bare", "conf_low"),
        high=number(area, "percent0-bare", "conf_high"),
        doubt="" if area.conf_low > 0.5 else ", which is not clearly better than a coin",
        rule=_beside_the_rule(findings),
    )
    day = sentence(
        "Nothing from {day} on, the first date tested on, was known to the model; {left} of the customers tested on left in time.",
        day=split.level,
        left=number(split, "count", "n_events"),
    )
    return finding(text) + paragraph(day, "sub")


def _beside_the_rule(findings: Findings) -> Markup:
    mine, rule = (
        first_row(findings, estimand="churn_captured", method=method, level=AS_MANY) for method in (LOGISTIC, RULE)
    )
    if mine is None or rule is None or not (mine.estimated and rule.estimated):
        return Markup("")
    return sentence(
        "Calling everyone silent for a month reaches {rule} of those who left; calling as many by the model reaches {mine}.",
        rule=number(rule, "percent0"),
        mine=number(mine, "percent0"),
    )


def landmark_calibration(findings: Findings) -> Block:
    """Return predicted against observed risk on the later dates, titled by how far they agree."""
    predicted = {row.level: row for row in findings.where(estimand="mean_predicted").rows()}
    pairs = [(predicted[row.level], row) for row in findings.where(estimand="observed_risk").rows()]
    agreeing = first_row(findings, estimand="bands_agreeing")
    if not pairs or agreeing is None:
        return Block(Markup(""))
    title = sentence(
        "On the later dates, the predicted risk lies within the interval of the observed one in {k} of {m} groups; of the riskiest, "
        "{p} were predicted to leave within {h} and {o} did",
        k=number(agreeing, "count", "numerator"),
        m=number(agreeing, "count", "denominator"),
        p=number(pairs[-1][0], "percent1"),
        o=number(pairs[-1][1], "percent1"),
        h=horizon_text(findings),
    )
    spoken = "; ".join(
        f"{format_number(p.estimate, 'percent1')} and {format_number(o.estimate, 'percent1')}" for p, o in pairs
    )
    band = str(pairs[0][1].term).lower()
    alt = f"Predicted and observed risk on the later dates by {band}, lowest first: {spoken}."
    wide, narrow = (calibration_svg(pairs, alt, layout) for layout in (WIDE, NARROW))
    off = first_row(findings, estimand="calibration_error")
    below = sentence(
        "One dot per {band}, with the interval of the share that left. Predicted and observed lie {off} points apart on average over the "
        "groups (expected calibration error; chance alone gives some).",
        band=band,
        off=number(off, "percent1-bare") if off is not None else "–",
    )
    return figure(wide, narrow, title, paragraph(below, "sub"))


def landmark_accuracy(findings: Findings) -> Block:
    """Return every measure of the predictions, out of time and in sample, beside a simple rule."""
    caption = sentence("Accuracy of the risk of leaving within {h}, with intervals", h=horizon_text(findings))
    rule = first_row(findings, estimand="auc", method=RULE)
    note = rule.note if rule is not None else ""
    return _measures(findings, SIDES, caption) + (paragraph(note, "sub") if note else Block(Markup("")))


def _measures(findings: Findings, among: Sequence[tuple[str, str, str, str]], caption: Markup) -> Block:
    sides = [side for side in among if findings.where(method=side[2], group=side[3]).rows()]
    cells = []
    for estimand, (level, name, style, reading) in MEASURES.items():
        found = {
            key: first_row(findings, estimand=estimand, method=method, group=group, level=level)
            for key, _, method, group in sides
        }
        if all(row is None or not row.estimated for row in found.values()):
            continue
        named = sentence("{name} <small>{reading}</small>", name=name, reading=reading)
        cells.append({"name": named, **{key: _cell(row, style) for key, row in found.items()}})
    if not cells:
        return Block(Markup(""))
    columns = [
        Column("Measure", "name", css="cause"),
        *(Column(title, key, number=True) for key, title, _, _ in sides),
    ]
    return table(caption, columns, cells)


def _cell(row: Row | None, style: str) -> Markup:
    return Markup("–") if row is None or not row.estimated else with_interval(row, style)


def landmark_agreement(findings: Findings) -> Block:
    """Say whether logistic and Cox regression, both fitted to the past, point the same way."""
    ranks = first_row(findings, estimand="rank_correlation")
    same = first_row(findings, estimand="same_sign")
    if ranks is None or same is None or not same.estimated:
        failed = first_row(findings, estimand="auc", method=COX)
        why = failed.note if failed is not None else ""
        return paragraph(sentence("There is no Cox model to compare with. {why}", why=why), "sub")
    beside = _measures(findings, MODELS, sentence("Both models on the later dates"))
    return finding(_verdict(findings, ranks, same)) + _risks(findings) + beside + _signs(findings)


def _verdict(findings: Findings, ranks: Row, same: Row) -> Markup:
    clear = first_row(findings, estimand="same_sign_clear")
    return sentence(
        "Of {n} contrasts that both models hold, {k} point the same way{clear}. Their risks put the customers in {how} order (rank "
        "correlation {r}).",
        n=number(same, "count", "denominator"),
        k=number(same, "count", "numerator"),
        clear=_clear(clear),
        how="much the same"
        if ranks.estimate >= 0.7
        else "a partly similar"
        if ranks.estimate >= 0.4
        else "a different",
        r=number(ranks, "number2"),
    )


def _clear(clear: Row | None) -> Markup:
    if clear is None or not clear.estimated:
        return Markup("")
    if clear.numerator == clear.denominator:
        return sentence(", among them all {n} that are clear in either", n=number(clear, "count", "denominator"))
    return sentence(
        ", among them {k} of the {n} that are clear in either (not: {against})",
        k=number(clear, "count", "numerator"),
        n=number(clear, "count", "denominator"),
        against=clear.note,
    )


def _risks(findings: Findings) -> Block:
    """Say how far the two risks are apart, and which is off."""
    difference = first_row(findings, estimand="mean_difference")
    slopes = [first_row(findings, estimand="calibration_slope", method=each, group=LATER) for each in (LOGISTIC, COX)]
    common = first_row(findings, estimand="riskiest_in_common")
    if difference is None or common is None:
        return Block(Markup(""))
    text = sentence(
        "On average the Cox model’s risk lies {d} points from the logistic one’s; {c} of the riskiest tenth of one are in that of the "
        "other.{extreme}",
        d=number(difference, "points1"),
        c=number(common, "percent0"),
        extreme=_too_extreme(*slopes),
    )
    return paragraph(text, "sub")


def _too_extreme(logistic: Row | None, cox: Row | None) -> Markup:
    if logistic is None or cox is None or not (logistic.estimated and cox.estimated):
        return Markup("")
    if not (cox.conf_high < 1 and cox.estimate < logistic.estimate):
        return Markup("")
    return sentence(
        " Held for a whole horizon, the states that the Cox model reads every week spread its risks too far (calibration slope {c}, "
        "interval {ci}; the logistic one’s {l}): it explains the weeks, it does not replace a forecast.",
        c=number(cox, "number2"),
        ci=interval(cox, "number2"),
        l=number(logistic, "number2"),
    )


def _signs(findings: Findings) -> Block:
    """Return odds ratios at dates beside hazard ratios of weeks, both from the past only; those clear in either first."""
    hazards = {(row.term, row.level): row for row in findings.where(estimand="hazard_ratio_past").rows()}
    pairs = [(row, hazards[(row.term, row.level)]) for row in findings.where(estimand="odds_ratio_past").rows()]
    if not pairs:
        return Block(Markup(""))
    clear = [pair for pair in pairs if min(pair[0].p_value, pair[1].p_value) < CLEAR]
    rest = [pair for pair in pairs if pair not in clear]
    group = pairs[0][0].group
    out = Block(Markup(""))
    if clear:
        out += _side_by_side(clear, sentence("Both models fitted to what came {g}: effects clear in either", g=group))
    if rest:
        more = sentence("{n} contrasts that are clear in neither", n=printed(len(rest), "count"))
        out += folded(more, _side_by_side(rest, sentence("Both models fitted to what came {g}: the others", g=group)))
    return out + paragraph(
        "An odds ratio nearer to one than the hazard ratio is what a state that soon passes leaves behind when it is read once per "
        "date. The renewal is left out: the two models read it in different ways.",
        "sub",
    )


def _side_by_side(pairs: Sequence[tuple[Row, Row]], caption: Markup) -> Block:
    cells = [
        {
            "term": sentence("{t}, {l} <small>against {r}</small>", t=odds.term, l=odds.level, r=odds.reference),
            "odds": with_interval(odds, "ratio2"),
            "hazard": with_interval(hazard, "ratio2"),
            "same": "same" if (odds.estimate > 1) == (hazard.estimate > 1) else "opposite",
        }
        for odds, hazard in pairs
    ]
    columns = [
        Column("Cause", "term", css="cause"),
        Column("Odds ratio, once per date", "odds", number=True),
        Column("Hazard ratio, every week", "hazard", number=True),
        Column("Direction", "same"),
    ]
    return table(caption, columns, cells)
