"""Do a logistic regression at landmarks and a Cox regression of weekly rows say the same? Risks, and signs of effects."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from whychurn.analyses.contrasts import step_name
from whychurn.analyses.landmark_cox import CoxForecast
from whychurn.analyses.landmark_fit import LandmarkFit
from whychurn.analyses.landmark_renewal import RENEWAL
from whychurn.analyses.rows import ModelRows
from whychurn.models import FirthFit, LogisticFit
from whychurn.models.cox import CoxFit
from whychurn.panel import Candidate
from whychurn.study import TableStudy

BOTH = "logistic beside Cox regression"
ODDS, HAZARD = "odds_ratio_past", "hazard_ratio_past"
#: An effect is clear below this p.
CLEAR = 0.05


def risk_agreement(both: pd.DataFrame, riskiest: int, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield how alike two predictions of the same customers are.

    Parameters
    ----------
    both : pandas.DataFrame
        ``risk`` (logistic) and ``cox``.
    riskiest : int
        How many count as the riskiest.
    base : dict
    """
    one, other = both["risk"], both["cox"]
    yield base | {
        "estimand": "rank_correlation",
        "unit": "-1 to 1",
        "estimate": float(one.corr(other, method="spearman")),
        "definition": "Spearman's rank correlation of the two predicted risks",
    }
    yield base | {
        "estimand": "mean_difference",
        "unit": "share",
        "estimate": float((other - one).mean()),
        "definition": "mean predicted risk of the Cox less that of the logistic regression",
    }
    top = [set(np.argsort(-values.to_numpy(), kind="stable")[:riskiest]) for values in (one, other)]
    common = len(top[0] & top[1])
    yield base | {
        "estimand": "riskiest_in_common",
        "unit": "share",
        "estimate": common / riskiest,
        "numerator": common,
        "denominator": riskiest,
        "definition": "share of the riskiest tenth of one that is in the riskiest tenth of the other",
    }


def sign_rows(
    made: LandmarkFit, cox: CoxForecast, causes: Sequence[Candidate], base: dict[str, Any], study: TableStudy
) -> list[dict[str, Any]]:
    """Return every contrast that both models of the past hold, and how many point the same way.

    Parameters
    ----------
    made : LandmarkFit
        Fitted to the earlier landmarks.
    cox : CoxForecast
        Fitted to the weekly rows until the first later landmark.
    causes : sequence of Candidate
        Those of the Cox model.
    base, study
        As elsewhere.
    """
    assert made.fit is not None and cox.fit is not None
    rows: list[dict[str, Any]] = []
    n, same, n_clear, same_clear = 0, 0, 0, 0
    against: list[str] = []
    for cause in causes:
        # The renewal is read in another way at landmarks.
        if cause.column == RENEWAL or cause.role != "cause":
            continue
        for level, reference, odds, hazard in _pairs(cause, made, cox):
            n += 1
            alike = odds[0] * hazard[0] > 0
            same += alike
            if any(abs(beta) > float(norm.ppf(1 - CLEAR / 2)) * error for beta, error in (odds, hazard)):
                n_clear += 1
                same_clear += alike
                if not alike:
                    against.append(f"{cause.label}, {level}")
            named = base | {"term": cause.label, "level": level, "reference": reference, "declared": "in advance"}
            rows += [
                named | {"estimand": estimand} | _ratio(*pair, study)
                for estimand, pair in ((ODDS, odds), (HAZARD, hazard))
            ]
    counted = {"unit": "share", "n_accounts": math.nan, "n_events": math.nan}
    rows.append(
        base
        | counted
        | {
            "estimand": "same_sign",
            "estimate": same / n if n else math.nan,
            "numerator": same,
            "denominator": n,
            "definition": "contrasts of which both models say that one leaves faster, or that one leaves slower",
        }
    )
    rows.append(
        base
        | counted
        | {
            "estimand": "same_sign_clear",
            "estimate": same_clear / n_clear if n_clear else math.nan,
            "numerator": same_clear,
            "denominator": n_clear,
            "definition": f"the same, of those that differ from none at p < {CLEAR:g} in one model at least",
            "note": "; ".join(against),
        }
    )
    return rows


def _pairs(
    cause: Candidate, made: LandmarkFit, cox: CoxForecast
) -> Iterator[tuple[str, str, tuple[float, float], tuple[float, float]]]:
    """Yield level, reference, and coefficient with error in both models, of contrasts that are the same in both."""
    if cause.column not in made.rows.names or cause.column not in cox.rows.names:
        return
    reference, theirs = (_reference(rows, cause) for rows in (made.rows, cox.rows))
    if reference != theirs:
        return
    assert made.fit is not None and cox.fit is not None
    found = [
        _coefficients(fit, rows.names[cause.column], rows.levels(cause.column)[1:] or [step_name(cause)])
        for fit, rows in ((made.fit, made.rows), (cox.fit, cox.rows))
    ]
    for level, odds in found[0].items():
        if level in found[1]:
            yield level, reference, odds, found[1][level]


def _reference(rows: ModelRows, cause: Candidate) -> str:
    """Return the level that a model compares with: the first of those it holds."""
    return rows.levels(cause.column)[0] if cause.kind == "category" else rows.references[cause.column]


def _coefficients(
    fit: LogisticFit | FirthFit | CoxFit, name: str, levels: Sequence[str]
) -> dict[str, tuple[float, float]]:
    columns = fit.term_slices[name]
    return {
        level: (float(fit.params[column]), float(fit.std_errors[column]))
        for level, column in zip(levels, columns, strict=True)
    }


def _ratio(beta: float, error: float, study: TableStudy) -> dict[str, Any]:
    half = float(norm.ppf(0.5 + study.confidence_level / 2)) * error
    return {
        "unit": "ratio",
        "estimate": math.exp(beta),
        "std_error": error,
        "std_error_scale": "log",
        "conf_level": study.confidence_level,
        "conf_low": math.exp(beta - half),
        "conf_high": math.exp(beta + half),
        "p_value": float(2 * norm.sf(abs(beta / error))) if error > 0 else math.nan,
    }
