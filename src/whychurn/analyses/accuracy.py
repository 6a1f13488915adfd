"""How well could this tell who will leave? A model of all causes, measured on customers it has not seen.

Who leaves within the horizon is unknown for customers not followed that long. Others in the same band of predicted
risk stand for them, through inverse-probability-of-censoring weights by band. Within a band that is Kaplan-Meier, so
all numbers here rest on one assumption and agree. Weights within one declared column (as in `churn_within`) would ask
for more: that among its levels those at high risk are followed as long as those at low risk, which is untrue wherever
risky customers are also recent ones. What that and a single curve would give is reported beside it.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from scipy.stats import norm

from whychurn.analyses.accuracy_rows import band_rows, base_row, capacity_rows, scored_rows
from whychurn.analyses.churn_within import FEWEST_EVENTS
from whychurn.analyses.common import OUTCOME
from whychurn.analyses.predictions import in_sample, out_of_fold
from whychurn.errors import FitError
from whychurn.findings import Findings
from whychurn.models import (
    calibration,
    censoring_weights,
    concordance,
    time_dependent_auc,
    time_dependent_brier,
)
from whychurn.panel import Panel
from whychurn.study import Study

FOLDS = 5
EVERYONE = "Everyone"
GIVEN = "; the interval takes the predictions as given"
UNSEEN = f"Cox model of all causes, each customer predicted by a model fitted to the other {FOLDS - 1} of {FOLDS} folds"
SEEN = "Cox model of all causes, each customer predicted by the model fitted to all of them"
#: Ending of the estimands measured on the customers of the fit.
IN_SAMPLE = "_in_sample"
REACH = (
    "This is optimistic about real use, and no measure of a score in daily use: the prediction is one at sign-up, but "
    "it is made from what the file last recorded of each customer, and some of that was not known at sign-up."
)
RECENT = " All leavers are taken to be in the file."
POOLED = "One censoring curve for everyone: some band of predicted risk was not followed to the horizon."


def run(panel: Panel, study: Study) -> Findings:
    """Discrimination, calibration and worth to a limited team, out of fold; the in-sample figures beside them.

    The model is the Cox model of all causes in use. Intervals take the predictions as given: they tell how precisely
    these predictions were measured, not how they would vary with other customers to learn from.
    """
    rows = panel.intervals.reset_index(drop=True)
    candidates = [candidate for candidate in panel.used if not candidate.determined_by]
    reach = REACH + (RECENT if study.churn.leavers_in_file != "all" else "")
    out = [base_row(study, estimand="reach", note=reach)]
    problem = ""
    if not candidates:
        problem = "No cause is left to predict from."
    elif (rows["start"] > 0).any() or rows["account_id"].duplicated().any():
        problem = "Not estimated: that needs one row per customer, followed from sign-up."
    if problem:
        return Findings.from_rows([*out, base_row(study, method=UNSEEN, estimand="auc", note=problem)])
    horizon = float(study.horizon)
    unseen = out_of_fold(rows, candidates, horizon, FOLDS, study.seed)
    scored = scored_rows(rows, unseen.risk, study)
    out.append(
        base_row(
            study,
            method=UNSEEN,
            estimand="folds_fitted",
            unit="folds",
            estimate=unseen.n_fitted,
            numerator=unseen.n_fitted,
            denominator=FOLDS,
            n_accounts=len(scored),
            n_events=int(scored["left_within"].sum()),
            note=" ".join(unseen.notes),
        )
    )
    out += _measures(scored, study, UNSEEN)
    seen = scored_rows(rows, in_sample(rows, candidates, horizon).risk, study)
    out += [row | {"estimand": row["estimand"] + IN_SAMPLE} for row in _measures(seen, study, SEEN)]
    return Findings.from_rows(out)


def _measures(scored: pd.DataFrame, study: Study, method: str) -> list[dict[str, Any]]:
    """Return every measure of one set of predictions; of predictions on customers seen, only those that flatter."""
    events = int(scored["left_within"].sum())
    base = base_row(study, method=method, term=EVERYONE, n_accounts=len(scored), n_events=events)
    if events < FEWEST_EVENTS:
        note = f"Only {events:,} of {len(scored):,} customers predicted left within the horizon: too few to measure."
        return [base | {"estimand": "auc", "note": note}]
    out = [_concordance_row(scored, base)]
    for group, note in (("band", ""), (None, POOLED)):
        try:
            rows = _at_horizon(scored, study, base, group, note)
        except FitError as problem:
            failure = base | {"estimand": "auc", "note": f"Not estimated: {problem}"}
            continue
        if method == SEEN:
            return out + rows
        weights = censoring_weights(
            scored["stop"], scored["event"], float(study.horizon), group=scored[group] if group else None
        )
        weighted = scored.assign(weight=weights)
        return [
            *out,
            *rows,
            *(_other_censoring(scored, study, base) if group else []),
            *_in_the_large(weighted, study, base),
            *band_rows(scored, study, base),
            *capacity_rows(weighted, study, base),
        ]
    return [*out, failure]


def _concordance_row(scored: pd.DataFrame, base: dict[str, Any]) -> dict[str, Any]:
    found = concordance(scored, "risk", "stop", "event", higher_is="riskier").tidy(base["conf_level"]).iloc[0]
    return base | {
        "outcome": OUTCOME,
        "time": math.nan,
        "estimand": "concordance",
        "unit": "share of pairs",
        **_numbers(found),
        "n_events": int(scored["event"].sum()),
        "definition": "pairs whose earlier leaver has the higher predicted risk, at all times" + GIVEN,
    }


def _numbers(found: Any) -> dict[str, Any]:
    names = ("estimate", "std_error", "conf_low", "conf_high")
    return {name: float(found[name]) for name in names} | {"std_error_scale": "share"}


def _at_horizon(
    scored: pd.DataFrame, study: Study, base: dict[str, Any], group: str | None, note: str
) -> list[dict[str, Any]]:
    """Return AUC and Brier scores; a customer censored just at the horizon counts as having stayed, as elsewhere here."""
    horizon, level = float(study.horizon), study.confidence_level
    area = time_dependent_auc(
        scored, "risk", "stop", "event", horizon, group=group, censored_at_time="known", conf_level=level
    )
    brier = time_dependent_brier(
        scored, "risk", "stop", "event", horizon, group=group, censored_at_time="known", conf_level=level
    )
    found, score = area.tidy().iloc[0], brier.tidy().iloc[0]
    half = norm.ppf(0.5 + level / 2) * score["scaled_std_error"]
    shared = base | {"note": note}
    if math.isnan(found["estimate"]):
        raise FitError("Nobody stayed beyond the horizon: there are no pairs of a leaver and a stayer.")
    return [
        shared
        | {
            "estimand": "auc",
            "unit": "share of pairs",
            **_numbers(found),
            "definition": "pairs of a leaver within the horizon and a stayer in which the leaver has the higher risk"
            + GIVEN,
        },
        shared
        | {
            "estimand": "brier",
            "unit": "squared share",
            **_numbers(score),
            "definition": "mean squared distance of predicted risk from what happened" + GIVEN,
        },
        shared
        | {
            "estimand": "null_brier",
            "unit": "squared share",
            "estimate": float(score["null"]),
            "definition": "the same if everybody were given the average risk",
        },
        shared
        | {
            "estimand": "scaled_brier",
            "unit": "share",
            "estimate": float(score["scaled"]),
            "std_error": float(score["scaled_std_error"]),
            "std_error_scale": "share",
            "conf_low": float(score["scaled"] - half),
            "conf_high": float(score["scaled"] + half),
            "definition": "share of the squared error of knowing only the average that the predictions remove" + GIVEN,
        },
    ]


def _other_censoring(scored: pd.DataFrame, study: Study, base: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the AUC under coarser assumptions on who was followed how long."""
    readings: list[tuple[str, str | None]] = [("one censoring curve for everyone", None)]
    if scored["declared"].ne("").any():
        by = study.churn.censoring_by
        label = next((cause.label for cause in study.causes if cause.column == by), by)
        readings.append((f"one for each level of {label}", "declared"))
    out = []
    for name, group in readings:
        try:
            area = _at_horizon(scored, study, base, group, "")[0]
        except FitError as problem:
            area = base | {"estimand": "auc", "note": f"Not estimated: {problem}"}
        out.append(area | {"estimand": "auc_other_censoring", "group": name})
    return out


def _in_the_large(weighted: pd.DataFrame, study: Study, base: dict[str, Any]) -> list[dict[str, Any]]:
    """Return calibration over all customers: slope of the log odds, and expected over observed leavers."""
    texts = {
        "calibration_slope": ("slope", "coefficient of the predicted log odds: below 1, predictions are too extreme"),
        "expected_over_observed": ("ratio", "leavers expected over leavers observed, weighted"),
    }
    try:
        # A predicted risk of exactly 0 has no log odds.
        known = weighted[(weighted["risk"] > 0) & (weighted["risk"] < 1)]
        found = calibration(known, "risk", "left_within", weights="weight", conf_level=study.confidence_level)
    except FitError as problem:
        return [base | {"estimand": estimand, "note": f"Not estimated: {problem}"} for estimand in texts]
    out = []
    for estimand, (name, definition) in texts.items():
        one = getattr(found, name)
        row = base | {"estimand": estimand, "unit": "ratio", "definition": definition + "; weights taken as known"}
        # For constant predictions there is no slope.
        if math.isfinite(one.estimate):
            row |= {"estimate": one.estimate, "conf_low": one.conf_low, "conf_high": one.conf_high}
        out.append(row)
    return out
