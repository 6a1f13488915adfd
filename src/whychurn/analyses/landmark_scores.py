"""How good a set of predicted risks is on customers at landmarks: ranking, calibration, skill, worth to a limited team."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from whychurn.analyses.accuracy_rows import BANDS, EVENTS_FOR_TENTHS, RISKIEST
from whychurn.analyses.risk_rows import CLUSTER
from whychurn.errors import FitError
from whychurn.models import auc, brier_score, calibration, calibration_curve, precision_recall_at

GIVEN = "; the interval takes the predictions as given and keeps the rows of one account together"
#: Share of the customers that a team might have the capacity for.
CAPACITY = 0.1


def ranking_row(scored: pd.DataFrame, base: dict[str, Any], conf_level: float) -> dict[str, Any]:
    """Return how often a leaver has the higher risk than a stayer.

    Parameters
    ----------
    scored : pandas.DataFrame
        ``risk``, ``event`` and ``cluster`` of customers at landmarks.
    base : dict
        What the rows share.
    conf_level : float
    """
    row = base | {"estimand": "auc", "unit": "share of pairs", "definition": "pairs of a leaver and a stayer" + GIVEN}
    try:
        found = auc(scored, "risk", "event", cluster=CLUSTER, conf_level=conf_level)
    except FitError as problem:
        return row | {"note": f"Not estimated: {problem}"}
    return row | _limits(found.estimate, found.std_error, found.conf_low, found.conf_high)


def error_rows(scored: pd.DataFrame, share: float, base: dict[str, Any], conf_level: float) -> Iterator[dict[str, Any]]:
    """Yield the Brier score and the skill: the part of the squared error that knowing only a share leaves and these remove.

    Parameters
    ----------
    scored : pandas.DataFrame
    share : float
        What everybody's risk would be taken to be without a model.
    base : dict
    conf_level : float
    """
    found = brier_score(scored, "risk", "event", cluster=CLUSTER, conf_level=conf_level)
    yield (
        base
        | {
            "estimand": "brier",
            "unit": "squared share",
            "definition": "mean squared distance of predicted risk from what happened" + GIVEN,
        }
        | _limits(found.estimate, found.std_error, found.conf_low, found.conf_high)
    )
    event = scored["event"].to_numpy(dtype=float)
    mine, plain = (event - scored["risk"].to_numpy()) ** 2, (event - share) ** 2
    skill = 1.0 - float(mine.mean() / plain.mean())
    parts = (mine - (1.0 - skill) * plain) / (plain.mean() * len(event))
    error = math.sqrt(float((pd.Series(parts).groupby(scored[CLUSTER].to_numpy()).sum() ** 2).sum()))
    half = float(norm.ppf(0.5 + conf_level / 2)) * error
    yield (
        base
        | {
            "estimand": "brier_skill",
            "unit": "share",
            "definition": "share of the squared error of giving everybody the earlier rate that is removed" + GIVEN,
        }
        | _limits(skill, error, skill - half, skill + half)
    )


def calibration_rows(scored: pd.DataFrame, base: dict[str, Any], conf_level: float) -> Iterator[dict[str, Any]]:
    """Yield slope, intercept, and expected over observed."""
    texts = {
        "calibration_slope": ("slope", "coefficient of the predicted log odds: below 1, predictions are too extreme"),
        "calibration_intercept": (
            "intercept",
            "log odds to be added to every prediction for the right number of leavers",
        ),
        "expected_over_observed": ("ratio", "leavers expected over leavers observed"),
    }
    try:
        found = calibration(scored, "risk", "event", cluster=CLUSTER, clip=1e-6, conf_level=conf_level)
    except FitError as problem:
        for estimand in texts:
            yield base | {"estimand": estimand, "note": f"Not estimated: {problem}"}
        return
    for estimand, (name, definition) in texts.items():
        one = getattr(found, name)
        row = base | {"estimand": estimand, "definition": definition + GIVEN}
        row["unit"] = "log odds" if name == "intercept" else "ratio"
        if math.isfinite(one.estimate):
            row |= _limits(one.estimate, one.std_error, one.conf_low, one.conf_high)
        yield row


def band_rows(scored: pd.DataFrame, base: dict[str, Any], conf_level: float) -> Iterator[dict[str, Any]]:
    """Yield predicted beside observed risk in bands of equal size, and how far they lie apart on average."""
    bands = 10 if scored["event"].sum() >= EVENTS_FOR_TENTHS else 5
    table = calibration_curve(scored, "risk", "event", bins=bands, cluster=CLUSTER, conf_level=conf_level).table
    last = len(table)
    agreeing = 0
    for place, band in enumerate(table.to_dict("records"), start=1):
        shared = base | {
            "term": BANDS[bands],
            "level": f"{place}" + {1: " (lowest)", last: " (highest)"}.get(place, ""),
            "unit": "share",
            "n_events": int(band["n_events"]),
            "denominator": int(band["n"]),
        }
        shared.pop("n_accounts", None)
        agreeing += band["conf_low"] <= band["predicted"] <= band["conf_high"]
        yield shared | {
            "estimand": "mean_predicted",
            "estimate": band["predicted"],
            "definition": "mean predicted risk",
        }
        yield shared | {
            "estimand": "observed_risk",
            "estimate": band["observed"],
            "conf_low": band["conf_low"],
            "conf_high": band["conf_high"],
            "definition": "share that left within the horizon; Wilson interval, by account",
        }
    yield base | {
        "term": BANDS[bands],
        "estimand": "bands_agreeing",
        "unit": "bands",
        "estimate": agreeing,
        "numerator": agreeing,
        "denominator": last,
        "definition": "bands whose interval of the observed risk holds the mean predicted risk",
    }
    off = float((table["n"] * (table["observed"] - table["predicted"]).abs()).sum() / table["n"].sum())
    yield base | {
        "term": BANDS[bands],
        "estimand": "calibration_error",
        "unit": "share",
        "estimate": off,
        "definition": "expected calibration error: mean distance of observed from predicted risk over the bands; above 0 by chance alone",
    }


def capacity_rows(
    scored: pd.DataFrame, size: int, level: str, base: dict[str, Any], conf_level: float
) -> Iterator[dict[str, Any]]:
    """Yield what the riskiest customers hold, for a team that can take on so many.

    Parameters
    ----------
    scored : pandas.DataFrame
    size : int
        How many.
    level : str
        What they are called.
    base : dict
    conf_level : float
    """
    found = precision_recall_at(scored, "risk", "event", max(1, size), conf_level=conf_level).table.iloc[0]
    shared = base | {"term": RISKIEST, "level": level, "denominator": len(scored), "numerator": int(found["k"])}
    shared.pop("n_accounts", None)
    ranking = "; the interval takes the ranking as given"
    for estimand, name, definition in (
        ("churn_captured", "recall", "share of the leavers that they hold" + ranking),
        ("churn_rate", "precision", "share of them who left within the horizon" + ranking),
    ):
        yield shared | {
            "estimand": estimand,
            "unit": "share",
            "estimate": float(found[name]),
            "conf_low": float(found[f"{name}_low"]),
            "conf_high": float(found[f"{name}_high"]),
            "definition": definition,
        }
    yield shared | {
        "estimand": "lift",
        "unit": "ratio",
        "estimate": float(found["lift"]),
        "definition": "their rate of leaving over the average",
    }


def _limits(estimate: float, error: float, low: float, high: float) -> dict[str, Any]:
    row = {"estimate": float(estimate)}
    named = {"std_error": error, "conf_low": low, "conf_high": high}
    return row | {name: float(value) for name, value in named.items() if np.isfinite(value)}
