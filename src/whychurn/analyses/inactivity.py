"""How long a silence is a warning? Leaving by the days since the last login and since the last use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from whychurn.analyses.adjusted import adjusters_of
from whychurn.analyses.common import OUTCOME, ratio_row
from whychurn.analyses.inactivity_curve import (
    Curve,
    average_slope,
    curve_rows,
    fit_curve,
    knots_for,
    week_shares,
)
from whychurn.analyses.inactivity_fits import LevelFit, added_by_adjusters, fit_levels, fit_without
from whychurn.analyses.inactivity_lags import fit_lags, lag_rows
from whychurn.analyses.inactivity_outlook import outlook_rows, silent_first_rows
from whychurn.analyses.inactivity_rows import (
    BANDS,
    CLOCKS,
    LEVELS,
    LOGIN,
    UNRECORDED,
    UNSEEN,
    USE,
    AtRisk,
    Clock,
    Floats,
    Silence,
    customers_by,
    of_voluntary,
    read_at_risk,
    read_silence,
    unadjusted,
)
from whychurn.analyses.inactivity_tests import (
    MONTH_WITHOUT_LOGIN,
    RISE,
    RISING_FROM,
    TWO_WEEKS_WITHOUT_USE,
    Part,
    Statement,
    judged,
    risk_part,
    statement_rows,
)
from whychurn.analyses.inactivity_threshold import find_threshold, threshold_rows
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.study import Study, TableStudy

METHOD = "Cox, Efron ties"
UNADJUSTED, TOTAL = "unadjusted", "total"
TWO_WEEKS = f"{RISING_FROM}+ days"
NO_CLOCK = "Not recorded: the study has no record of it with days, so nothing can be said of silence by this clock."


@dataclass(frozen=True, slots=True)
class _Model:
    """One clock and one kind of leaving: the bands and the curve."""

    rows: AtRisk
    silence: Silence
    bands: LevelFit
    curve: Curve


def run(panel: Panel, study: Study) -> Findings:
    """Leaving by how long customers had been silent, as known a lag before each row at risk.

    Adjusted for the declared causes of earlier tiers, with errors robust to repeats of a customer (or of a parent's
    customers), and unadjusted beside it; for all leaving, and for voluntary leaving alone where causes are recorded.
    """
    if not isinstance(study, TableStudy):
        note = "A file with one row per customer has no days of silence: this needs tables with dates, and usage."
        return Findings.from_rows([{**_base("", OUTCOME), "estimand": "not_measured", "note": note}])
    rows = read_at_risk(panel, study, adjusters_of(panel, (LOGIN.name, USE.name)))
    voluntary, plain = of_voluntary(rows), unadjusted(rows)
    others = added_by_adjusters(rows, fit_without(rows))
    lag = {"estimand": "lag_days", "estimate": float(study.lag_days), "unit": "days"}
    out: list[dict[str, Any]] = [
        {**_base("", OUTCOME), **lag, "definition": "how long before a row its silence is known"}
    ]
    statements: list[Statement] = []
    for clock in CLOCKS:
        silence = read_silence(panel, clock)
        if silence is None:
            out.append({**_base(clock.term, OUTCOME), "estimand": "not_measured", "note": NO_CLOCK})
            continue
        out += _level_rows(rows, silence)
        knots = knots_for(silence, rows)
        main = _fitted(rows, silence, knots)
        out += _model_rows(main, study, TOTAL) + _model_rows(_fitted(plain, silence, knots), study, UNADJUSTED)
        statements.append(_statement(clock, main, study))
        if voluntary is not None:
            beside = _fitted(voluntary, silence, knots)
            out += _model_rows(beside, study, TOTAL)
            out += _statement_rows(_statement(clock, beside, study), voluntary.outcome, study)[:-1]
        out += _more_rows(main, others, study)
    for statement in judged(statements):
        out += _statement_rows(statement, OUTCOME, study, len(statements))
    return Findings.from_rows(out)


def _fitted(rows: AtRisk, silence: Silence, knots: tuple[float, ...]) -> _Model:
    bands = fit_levels(rows, silence.level)
    return _Model(rows, silence, bands, fit_curve(rows, silence, knots, bands))


def _base(term: str, outcome: str, **more: Any) -> dict[str, Any]:
    return {"analysis": "inactivity", "term": term, "outcome": outcome, **more}


def _level_rows(rows: AtRisk, silence: Silence) -> list[dict[str, Any]]:
    """Return the share of customer-time at each level of silence and in each week of it."""
    length, total = rows.length, float(rows.length.sum())
    days = np.bincount(silence.level, weights=length, minlength=len(LEVELS))
    left = np.bincount(silence.level[rows.left], minlength=len(LEVELS))
    customers = customers_by(silence.level, len(LEVELS), rows.account)
    base = _base(silence.clock.term, OUTCOME, method="share of customer-time", unit="share")
    out = []
    for index, level in enumerate(LEVELS):
        missing = index == UNRECORDED and days[index] > 0
        out.append(
            base
            | {
                "estimand": "time_share", "level": level, "estimate": float(days[index]) / total,
                "numerator": float(days[index]), "denominator": total, "n_accounts": int(customers[index]),
                "n_events": int(left[index]),
                "definition": "share of the time at risk that customers had been silent for so long",
                "note": "A level of its own in every model: not counted as silent, nor as active." if missing else "",
            }
        )  # fmt: skip
    for start, share in zip(*week_shares(rows, silence), strict=True):
        out.append(base | {"estimand": "time_share_week", "time": float(start), "estimate": float(share)})
    return out


def _model_rows(model: _Model, study: TableStudy, kind: str) -> list[dict[str, Any]]:
    """Return bands and curve of one model."""
    base = _base(model.silence.clock.term, model.rows.outcome, method=METHOD, effect_kind=kind, declared="in advance")
    told = base | {
        "adjusted_for": ", ".join(model.bands.adjusted_for),
        "definition": f"hazard ratio by days of silence, as known {study.lag_days} days before a row begins",
        "note": model.bands.note,
    }
    out = [
        ratio_row(
            contrast, study.confidence_level, **(told | ({"note": ""} if contrast.note == model.bands.note else {}))
        )
        for contrast in model.bands.contrasts
    ]
    if not out:
        note = model.bands.note or "Silence does not vary."
        out = [told | {"estimand": "hazard_ratio", "level": BANDS[-1], "reference": BANDS[0], "note": note}]
    return out + curve_rows(model.curve, model.rows, model.silence, study.confidence_level, base)


def _statement(clock: Clock, model: _Model, study: TableStudy) -> Statement:
    """Return the statement about one clock with the numbers it rests on."""
    if clock is LOGIN:
        part = risk_part(
            model.bands.contrast(BANDS[-1]), BANDS[-1], BANDS[0], model.bands.adjusted_for, model.bands.note
        )
        return Statement(MONTH_WITHOUT_LOGIN, clock.term, (part,))
    labels = (*BANDS[:2], TWO_WEEKS, *UNSEEN)
    level = np.where(model.silence.seen, np.minimum(model.silence.level, 2), model.silence.level - 1)
    fit = fit_levels(model.rows, level, labels, model.bands)
    risk = risk_part(fit.contrast(TWO_WEEKS), TWO_WEEKS, BANDS[0], fit.adjusted_for, fit.note)
    slope, error = average_slope(model.curve, model.rows, model.silence, RISING_FROM)
    definition = (
        f"hazard ratio per further week of silence from {RISING_FROM} days on: the straight line nearest to the curve, "
        "days weighted by customer-time"
    )
    rise = Part(
        RISE, "each further week", TWO_WEEKS, slope, error, risk.n_accounts, risk.n_events, model.curve.adjusted_for,
        definition, model.curve.note,
    )  # fmt: skip
    return Statement(TWO_WEEKS_WITHOUT_USE, clock.term, (risk, rise))


def _statement_rows(
    statement: Statement, outcome: str, study: TableStudy, n_statements: int = 0
) -> list[dict[str, Any]]:
    base = _base(statement.term, outcome, method=METHOD, effect_kind=TOTAL)
    return statement_rows(statement, study.confidence_level, base, f"{n_statements} statements made in advance (Holm)")


def _more_rows(model: _Model, others: Floats, study: TableStudy) -> list[dict[str, Any]]:
    """Return what needs the main model of a clock only: lags, a threshold found, the weeks ahead, who fell silent."""
    rows, silence, level = model.rows, model.silence, study.confidence_level
    base = _base(silence.clock.term, OUTCOME, method=METHOD, effect_kind=TOTAL, declared="in advance")
    plain = _base(silence.clock.term, OUTCOME)
    return [
        *lag_rows(fit_lags(rows, silence, study, model.bands), study, level, base),
        *threshold_rows(find_threshold(rows, silence, others, study.seed, model.bands), level, base),
        *outlook_rows(rows, silence, study, level, plain),
        *silent_first_rows(rows, silence, study, level, plain),
    ]
