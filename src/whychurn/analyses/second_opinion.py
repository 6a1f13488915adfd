"""Do other libraries agree? The same rows through lifelines and statsmodels, coefficient by coefficient."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.common import OUTCOME
from whychurn.analyses.known_differences import known_differences
from whychurn.analyses.rows import ModelRows, model_rows
from whychurn.errors import FitError
from whychurn.findings import Findings
from whychurn.models import fit_cox, fit_kaplan_meier
from whychurn.panel import Candidate, Panel
from whychurn.study import Study

#: Agreement beyond this many digits is not told apart from agreement in full.
MOST_DIGITS = 6
Estimates = tuple[np.ndarray, np.ndarray]


def run(panel: Panel, study: Study) -> Findings:
    """Fit the model of all causes here, in lifelines and in statsmodels, and count the digits that agree.

    Digits are counted of what the libraries compute alike: coefficients and model-based standard errors of a Cox
    model with Efron's ties, and the Kaplan-Meier estimate at the horizon. What they are known to compute otherwise
    is set beside ours with the reason.
    """
    candidates = [candidate for candidate in panel.used if not candidate.determined_by]
    coded = model_rows(panel.intervals, candidates)
    base: dict[str, Any] = {"analysis": "second_opinion", "outcome": OUTCOME, "effect_kind": "direct"}
    if not coded.terms:
        return Findings.from_rows([base | {"estimand": "coefficient", "note": "No cause is left to fit."}])
    design, names = _design(coded, candidates)
    opinions: dict[str, Callable[[], Estimates]] = {
        "whychurn": lambda: _ours(coded),
        "lifelines": lambda: _lifelines(coded, design),
        "statsmodels": lambda: _statsmodels(coded, design),
    }
    found: dict[str, Estimates] = {}
    rows: list[dict[str, Any]] = []
    for library, ask in opinions.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found[library] = ask()
        except (FitError, ValueError, ArithmeticError, np.linalg.LinAlgError, RuntimeError) as problem:
            rows.append(base | {"method": library, "estimand": "coefficient", "note": f"Not estimated: {problem}"})
            continue
        for (term, level), beta, error in zip(names, *found[library], strict=True):
            rows.append(
                base
                | {
                    "method": library,
                    "term": term,
                    "level": level,
                    "estimand": "coefficient",
                    "unit": "log hazard ratio",
                    # Rounded: the last bits of another library's optimiser are nobody's result.
                    "estimate": round(float(beta), 6),
                    "std_error": round(float(error), 6),
                    "std_error_scale": "log",
                }
            )
    rows += _agreement(found, base)
    rows += _curve_rows(panel, study, base)
    rows += known_differences(coded, design, names, float(study.horizon), base)
    return Findings.from_rows(rows)


def _design(coded: ModelRows, candidates: list[Candidate]) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Return the plain 0/1 and number columns that any library takes, in the order of our coefficients."""
    columns: dict[str, pd.Series] = {}
    names: list[tuple[str, str]] = []
    labels = {candidate.column: candidate.label for candidate in candidates}
    for column, name in coded.names.items():
        levels = coded.levels(column)
        if not levels:
            columns[name] = coded.frame[name].astype(float)
            names.append((labels[column], ""))
        for position, level in enumerate(levels[1:], start=1):
            columns[f"{name}_{position}"] = (coded.frame[name] == level).astype(float)
            names.append((labels[column], level))
    return pd.DataFrame(columns), names


def _ours(coded: ModelRows) -> Estimates:
    fit = fit_cox(coded.frame, coded.terms, time="stop", event="event")
    return fit.params.to_numpy(), fit.std_errors.to_numpy()


def _lifelines(coded: ModelRows, design: pd.DataFrame) -> Estimates:
    from lifelines import CoxPHFitter

    frame = design.assign(stop=coded.frame["stop"].to_numpy(), event=coded.frame["event"].to_numpy())
    fit = CoxPHFitter().fit(frame, "stop", "event", fit_options={"precision": 1e-10})
    return fit.params_.to_numpy(), fit.standard_errors_.to_numpy()


def _statsmodels(coded: ModelRows, design: pd.DataFrame) -> Estimates:
    from statsmodels.duration.hazard_regression import PHReg

    model = PHReg(
        coded.frame["stop"].to_numpy(), design.to_numpy(), status=coded.frame["event"].to_numpy(), ties="efron"
    )
    fit = model.fit()
    return np.asarray(fit.params), np.asarray(fit.bse)


def _agreement(found: dict[str, Estimates], base: dict[str, Any]) -> list[dict[str, Any]]:
    """Digits to which another library's coefficients agree with ours, on the scale of their standard errors."""
    if "whychurn" not in found:
        return []
    beta, error = found["whychurn"]
    return [
        base
        | {
            "method": library,
            "term": "All causes together",
            "estimand": "digits_agreed",
            "unit": "digits",
            "estimate": digits(np.abs(np.concatenate([(other - beta) / error, theirs / error - 1]))),
            "numerator": len(beta),
            "definition": "decimal digits of a standard error to which all coefficients and standard errors agree "
            f"({MOST_DIGITS} stands for that many or more)",
        }
        for library, (other, theirs) in found.items()
        if library != "whychurn"
    ]


def digits(differences: np.ndarray) -> int:
    """Return the number of decimal digits to which all differences vanish, at most :data:`MOST_DIGITS`.

    Examples
    --------
    >>> digits(np.array([0.0, 0.004]))
    2
    """
    worst = float(np.max(differences))
    return MOST_DIGITS if worst < 10.0**-MOST_DIGITS else max(0, math.floor(-math.log10(worst)))


def _curve_rows(panel: Panel, study: Study, base: dict[str, Any]) -> list[dict[str, Any]]:
    """Kaplan-Meier at the horizon, here and in lifelines."""
    from lifelines import KaplanMeierFitter

    rows, horizon = panel.intervals, float(study.horizon)
    ours = float(fit_kaplan_meier(rows, "stop", "event").at([horizon])["survival"].iloc[0])
    theirs = float(KaplanMeierFitter().fit(rows["stop"], rows["event"]).predict(horizon))
    return [
        base
        | {
            "method": library,
            "term": "Everyone",
            "estimand": "survival",
            "time": horizon,
            "unit": "share",
            "estimate": value,
            "effect_kind": "unadjusted",
        }
        for library, value in (("whychurn", ours), ("lifelines", round(theirs, 12)))
        if not math.isnan(value)
    ]
