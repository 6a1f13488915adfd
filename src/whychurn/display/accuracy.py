"""How well could this tell who will leave? Ranking, calibration and worth to a limited team."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, bullets, figure, finding, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.calibration import NARROW, WIDE, calibration_svg
from whychurn.display.numbers import format_number
from whychurn.display.wording import horizon_text, interval, number, with_interval
from whychurn.findings import Findings, Row

#: Estimand -> (what it is called, how it is printed, how to read it).
MEASURES = {
    "auc": (
        "Pairs ranked rightly at the horizon (AUC)",
        "number3",
        "a leaver and a stayer; a coin gives 0.5",
    ),
    "concordance": (
        "Pairs ranked rightly at all times (concordance)",
        "number3",
        "an earlier and a later leaver; a coin gives 0.5",
    ),
    "brier": (
        "Squared distance of risk from outcome (Brier score)",
        "number4",
        "smaller is better",
    ),
    "null_brier": (
        "The same, giving everybody the average risk",
        "number4",
        "what has to be beaten",
    ),
    "scaled_brier": (
        "Error removed (scaled Brier score)",
        "percent1",
        "all of it would be certainty; none is the average",
    ),
    "calibration_slope": (
        "Calibration slope",
        "number2",
        "one is right; below it predictions are too extreme, above it not extreme enough",
    ),
    "expected_over_observed": (
        "Expected over observed leavers",
        "number2",
        "one is right; above it too much churn is predicted",
    ),
}
NOTHING = "How well one could tell who will leave could not be measured here."


def accuracy_summary(findings: Findings) -> Block:
    """State how well leavers are ranked above stayers, what the riskiest tenth holds, and how far that reaches."""
    reach = paragraph(findings.one(estimand="reach").note, "note")
    area, _ = _both(findings, "auc")
    if area is None:
        return finding(NOTHING) + bullets(_notes(findings)) + reach
    text = sentence(
        "Of two customers, one who left within {h} and one who stayed longer, the model gives the leaver the higher risk in "
        "{pairs} of 100 pairs (interval {low}–{high}){doubt}.{tenth}",
        h=horizon_text(findings),
        pairs=number(area, "percent0-bare"),
        low=number(area, "percent0-bare", "conf_low"),
        high=number(area, "percent0-bare", "conf_high"),
        doubt=", which is not clearly better than a coin" if not area.conf_low > 0.5 else "",
        tenth=_riskiest_tenth(findings),
    )
    return finding(text) + reach + _optimism(findings) + bullets(_notes(findings))


def _riskiest_tenth(findings: Findings) -> Markup:
    rows = findings.where(estimand="churn_captured", level="10%").rows()
    if not rows or not rows[0].estimated:
        return Markup("")
    return sentence(
        " The riskiest tenth holds {share} of the churn (interval {i}).",
        share=number(rows[0], "percent0"),
        i=interval(rows[0], "percent0"),
    )


def _optimism(findings: Findings) -> Block:
    """Say how the predictions were made, and what measuring on the customers of the fit would have claimed."""
    area, flattered = _both(findings, "auc")
    folds = findings.one(estimand="folds_fitted")
    text = sentence(
        "Each of {n} customers was predicted by a model that had not seen them: the customers were dealt into {k} groups, and "
        "each group was predicted from the others.",
        n=number(folds, "count", "n_accounts"),
        k=number(folds, "count", "denominator"),
    )
    if area is not None and flattered is not None:
        text += sentence(
            " Measured on the very customers it was fitted to, the model would score {seen} of 100 pairs instead of {unseen}.",
            seen=number(flattered, "percent1-bare"),
            unseen=number(area, "percent1-bare"),
        )
    return paragraph(text, "sub")


def accuracy_measures(findings: Findings) -> Block:
    """Return every measure, on customers not seen and on those the model was fitted to, and how to read it."""
    cells = []
    for estimand, (name, style, reading) in MEASURES.items():
        unseen, seen = _both(findings, estimand)
        if unseen is None:
            continue
        cells.append(
            {
                "name": sentence("{name} <small>{reading}</small>", name=name, reading=reading),
                "unseen": with_interval(unseen, style),
                "seen": with_interval(seen, style) if seen is not None else "–",
            }
        )
    if not cells:
        return paragraph(NOTHING, "sub")
    columns = [
        Column("Measure", "name", css="cause"),
        Column("Customers not seen", "unseen", number=True),
        Column("Customers of the fit (flatters)", "seen", number=True),
    ]
    caption = sentence("Accuracy of the risk of leaving within {h}, with intervals", h=horizon_text(findings))
    return table(caption, columns, cells) + _censoring(findings)


def _censoring(findings: Findings) -> Block:
    """Set the AUC beside what coarser assumptions on follow-up would give."""
    rows = [row for row in findings.where(estimand="auc_other_censoring").rows() if row.estimated]
    if not rows:
        return Block(sentence(""))
    others = sentence(" and ").join(
        sentence("{auc} with {how}", auc=number(row, "number3"), how=row.group) for row in rows
    )
    text = sentence(
        "Whoever was not followed to the horizon is stood for by others in the same band of predicted risk. To take risky "
        "and safe customers as followed equally long would give an AUC of {others}. For the same reason the average risk here "
        "may differ a little from that on the page about who leaves within the horizon.",
        others=others,
    )
    return paragraph(text, "sub")


def calibration_figure(findings: Findings) -> Block:
    """Return predicted against observed risk by band, titled by how far they agree."""
    pairs = [(predicted, observed) for predicted, observed in _pairs(findings) if observed.estimated]
    if not pairs:
        return paragraph("No band of predicted risk was followed to the horizon.", "sub")
    agreeing = findings.one(estimand="bands_agreeing")
    predicted, observed = pairs[-1]
    title = sentence(
        "In {k} of {m} groups the predicted risk lies within the interval of the observed one; in the riskiest, {p} were "
        "predicted to leave within {h} and {o} did",
        k=number(agreeing, "count", "numerator"),
        m=number(agreeing, "count", "denominator"),
        p=number(predicted, "percent0"),
        o=number(observed, "percent0"),
        h=horizon_text(findings),
    )
    spoken = "; ".join(
        f"{format_number(p.estimate, 'percent1')} and {format_number(o.estimate, 'percent1')}" for p, o in pairs
    )
    alt = f"Predicted and observed risk by {_band_name(observed)}, lowest first: {spoken}."
    wide, narrow = (calibration_svg(pairs, alt, layout) for layout in (WIDE, NARROW))
    below = paragraph(
        sentence("One dot per {band}; observed by Kaplan-Meier, with intervals.", band=_band_name(observed)), "sub"
    )
    return figure(wide, narrow, title, below)


def calibration_table(findings: Findings) -> Block:
    """Return predicted and observed risk by band of predicted risk."""
    pairs = _pairs(findings)
    if not pairs:
        return paragraph(NOTHING, "sub")
    cells = [
        {
            "band": observed.level,
            "n": number(observed, "count", "n_accounts"),
            "left": number(observed, "count", "n_events"),
            "predicted": number(predicted, "percent1"),
            "observed": with_interval(observed, "percent1"),
        }
        for predicted, observed in pairs
    ]
    columns = [
        Column(str(pairs[0][1].term), "band", css="cause"),
        Column("Predicted", "predicted", number=True),
        Column("Observed (interval)", "observed", number=True),
        Column("Customers", "n", number=True),
        Column("Left in time", "left", number=True),
    ]
    caption = sentence("Risk of leaving within {h}, predicted and observed", h=horizon_text(findings))
    notes = [f"{observed.level}: {observed.note}" for _, observed in pairs if observed.note]
    return table(caption, columns, cells) + (bullets(notes, "small") if notes else Block(sentence("")))


def capacity_table(findings: Findings) -> Block:
    """Return what the riskiest customers hold, for teams that can take on so many."""
    captured = findings.where(estimand="churn_captured").rows()
    if not captured:
        return paragraph(NOTHING, "sub")
    others = {(row.level, row.estimand): row for row in findings.where(estimand=("churn_rate", "lift")).rows()}
    cells = []
    for row in captured:
        rate, lift = others[(row.level, "churn_rate")], others[(row.level, "lift")]
        cells.append(
            {
                "who": f"Riskiest {row.level}",
                "n": number(row, "count", "n_accounts"),
                "rate": with_interval(rate, "percent0"),
                "lift": number(lift, "times"),
                "captured": with_interval(row, "percent0"),
            }
        )
    columns = [
        Column("A team that takes on", "who", css="cause"),
        Column("Share of all churn", "captured", number=True),
        Column("Of them leave in time", "rate", number=True),
        Column("Times the average", "lift", number=True),
        Column("Customers", "n", number=True),
    ]
    caption = sentence(
        "What the riskiest customers hold of the churn within {h}; {average} of all customers leave in that time",
        h=horizon_text(findings),
        average=number(findings.one(estimand="average_risk"), "percent1"),
    )
    return table(caption, columns, cells) + _reading(captured, others)


def _reading(captured: list[Row], others: dict[tuple[str, str], Row]) -> Block:
    """Say the largest capacity in a sentence, and what the table does not promise."""
    row = captured[-1]
    if not others[(row.level, "churn_rate")].estimated:
        return paragraph(others[(row.level, "churn_rate")].note, "sub")
    text = sentence(
        "The riskiest {level} of customers hold {share} of the churn, and {rate} of them leave in time. Whether calling them "
        "keeps them is another question: it takes a trial.",
        level=row.level,
        share=number(row, "percent0"),
        rate=number(others[(row.level, "churn_rate")], "percent0"),
    )
    return paragraph(text, "sub")


def _both(findings: Findings, estimand: str) -> tuple[Row | None, Row | None]:
    """Return a measure on customers not seen and on those of the fit, where it could be estimated."""
    found = (findings.where(estimand=name).rows() for name in (estimand, f"{estimand}_in_sample"))
    unseen, seen = (rows[0] if rows and rows[0].estimated else None for rows in found)
    return unseen, seen


def _pairs(findings: Findings) -> list[tuple[Row, Row]]:
    predicted = {row.level: row for row in findings.where(estimand="mean_predicted").rows()}
    return [(predicted[row.level], row) for row in findings.where(estimand="observed_risk").rows()]


def _notes(findings: Findings) -> list[str]:
    rows = findings.where(estimand=("auc", "folds_fitted", "calibration_slope")).rows()
    return list(dict.fromkeys(row.note for row in rows if row.note))


def _band_name(row: Row) -> str:
    return str(row.term).lower()
