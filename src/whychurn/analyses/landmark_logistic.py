"""What goes with leaving within the horizon: odds ratios and differences in risk, all declared causes in one model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from whychurn.analyses.contrasts import step_name
from whychurn.analyses.landmark_effects import RiskDifference, RiskDifferences
from whychurn.analyses.landmark_fit import LandmarkFit, fit_landmarks
from whychurn.analyses.landmark_rows import DATE, Landmarks
from whychurn.models import FirthFit, LogisticFit, adjust_p_values
from whychurn.panel import Candidate
from whychurn.study import TableStudy

METHOD = "logistic regression at landmarks, errors by account"
PENALISED = "logistic regression at landmarks, Firth's penalty"
BESIDE = "every other declared cause, time as a customer, and the date"
DIFFERENCE = (
    "average difference in the risk of leaving within the horizon, if the customers that the cause applies to were all at "
    "this level instead of the reference"
)
SLOPE = "average change in the risk of leaving within the horizon per step"
BOUND = "Nearly all customers share its value at any date, so the date stands for it."
ALL = "All causes together"


def logistic_rows(at: Landmarks, base: dict[str, Any], study: TableStudy) -> list[dict[str, Any]]:
    """Return odds ratios, risk differences and a joint test of every cause.

    Parameters
    ----------
    at : Landmarks
    base : dict
        What all rows share.
    study : TableStudy
    """
    # The date stands first: what repeats it gives way to it.
    made = fit_landmarks(at.frame, (at.date_term(), *at.terms))
    penalised = isinstance(made.fit, FirthFit)
    base = base | {"method": PENALISED if penalised else METHOD, "effect_kind": "direct", "adjusted_for": BESIDE}
    out = [_model_row(made, base)]
    for cause in at.causes:
        if cause.column in at.bound:
            out.append(base | {"term": cause.label, "estimand": "risk_difference", "note": BOUND})
        elif cause.determined_by:
            note = f"It is fixed by {', '.join(cause.determined_by)}, which are in the model."
            out.append(base | {"term": cause.label, "estimand": "risk_difference", "note": note})
    if made.fit is None:
        return out
    out += _left_rows(made, base)
    ratios = _ratios(made, study.confidence_level)
    moved = RiskDifferences(made.fit, made.rows.frame) if isinstance(made.fit, LogisticFit) else None
    tests = []
    for term in made.terms:
        if term.column in made.rows.names:
            tests.append(_joint_row(made, term, base))
            if term.column != DATE.column:
                out += _term_rows(made, term, ratios, moved, at.frame, base, study)
    ranked = [test["p_value"] if test["declared"] else math.nan for test in tests]
    adjusted = adjust_p_values(ranked, method="bh")
    family = f"logistic at landmarks, {int((~np.isnan(adjusted)).sum())} declared causes"
    return out + [{**test, "p_adjusted": p, "family": family} for test, p in zip(tests, adjusted, strict=True)]


def _model_row(made: LandmarkFit, base: dict[str, Any]) -> dict[str, Any]:
    frame = made.rows.frame
    events = int(frame["event"].sum())
    row = base | {
        "term": ALL,
        "estimand": "events_per_coefficient",
        "unit": "leavers",
        "n_accounts": frame["account_id"].nunique(),
        "n_events": events,
        "note": made.note,
    }
    if made.fit is None:
        return row
    n = len(made.fit.params) - 1
    if events < 10 * n:
        row["note"] = f"{made.note} Fewer than 10 leavers per coefficient: intervals are rough.".strip()
    if made.rows.n_incomplete:
        row["note"] = f"{row['note']} {made.rows.n_incomplete:,} rows lack a number and are left out.".strip()
    return row | {"estimate": events / n, "numerator": events, "denominator": n}


def _left_rows(made: LandmarkFit, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the levels that had to leave the model; of dates without leavers there is nothing to say."""
    by_column = {term.column: term for term in made.terms}
    for left in made.rows.left:
        term = by_column[left.column]
        if term.column != DATE.column:
            yield base | {
                "term": term.label,
                "level": left.level,
                "reference": made.rows.references.get(left.column, term.reference),
                "estimand": "risk_difference",
                "n_accounts": left.n_accounts,
                "n_events": left.n_events,
                "note": left.note.replace("hazard ratio", "odds ratio"),
            }


def _ratios(made: LandmarkFit, conf_level: float) -> dict[str, dict[str, Any]]:
    """Return estimate (log odds ratio), its error and limits of the ratio, and p, by column of the design."""
    assert made.fit is not None
    return {
        str(row["column"]): {str(name): value for name, value in row.items()}
        for row in made.fit.tidy(conf_level).to_dict("records")
    }


def _joint_row(made: LandmarkFit, term: Candidate, base: dict[str, Any]) -> dict[str, Any]:
    name = made.rows.names[term.column]
    fit = made.fit
    assert fit is not None
    test = fit.penalised_lr_test(name) if isinstance(fit, FirthFit) else fit.wald_test(name)
    return base | {
        "term": term.label,
        "estimand": "joint_test",
        "statistic": test.statistic,
        "df": test.df,
        "p_value": test.p_value,
        "declared": "in advance" if term.role == "cause" else "",
        "n_accounts": made.rows.frame["account_id"].nunique(),
        "n_events": int(made.rows.frame["event"].sum()),
    }


def _term_rows(
    made: LandmarkFit,
    term: Candidate,
    ratios: Mapping[str, Mapping[str, Any]],
    moved: RiskDifferences | None,
    frame: pd.DataFrame,
    base: dict[str, Any],
    study: TableStudy,
) -> Iterator[dict[str, Any]]:
    """Yield the odds ratio and the difference in risk of every level of one term, or of a step."""
    assert made.fit is not None
    name = made.rows.names[term.column]
    shared = base | {
        "term": term.label,
        "reference": made.rows.references[term.column],
        "declared": "in advance" if term.role == "cause" else "",
    }
    levels = made.rows.levels(term.column)[1:] or [step_name(term)]
    columns = made.fit.term_slices[name]
    differences = _differences(made, term, moved, frame)
    for level, column in zip(levels, columns, strict=True):
        inside = made.rows.frame
        inside = inside[inside[name] == level] if term.kind == "category" else inside
        counts = {"n_accounts": inside["account_id"].nunique(), "n_events": int(inside["event"].sum())}
        counts["denominator"] = len(inside)
        yield shared | counts | {"level": level, "estimand": "odds_ratio"} | _ratio(ratios[column], study)
        row = shared | counts | {"level": level, "estimand": "risk_difference", "unit": "share"}
        row["definition"] = DIFFERENCE if term.kind == "category" else SLOPE
        yield row | _in_points(differences.get(column), study)


def _ratio(found: Mapping[str, Any], study: TableStudy) -> dict[str, Any]:
    row = {
        "unit": "ratio",
        "conf_level": study.confidence_level,
        "estimate": float(found["odds_ratio"]),
        "std_error": float(found["std_error"]),
        "std_error_scale": "log",
        "statistic": float(found["statistic"]),
        "df": 1,
        "p_value": float(found["p_value"]),
        "note": str(found.get("note", "")),
    }
    limits = {"conf_low": float(found["conf_low"]), "conf_high": float(found["conf_high"])}
    # A profile without a limit leaves its side of the interval open.
    return row | {name: value for name, value in limits.items() if math.isfinite(value)}


def _differences(
    made: LandmarkFit, term: Candidate, moved: RiskDifferences | None, frame: pd.DataFrame
) -> dict[str, RiskDifference]:
    """Return differences in risk by column of the design."""
    if moved is None or made.fit is None:
        return {}
    name = made.rows.names[term.column]
    if term.kind == "number":
        return {made.fit.term_slices[name][0]: moved.of_number(name)}
    # A cause is moved for those it applies to: not for customers whose level is another column's in disguise.
    disguised = [merge.level for merge in term.merged]
    applies = ~frame[term.column].isin(disguised).to_numpy()[made.rows.frame["row"].to_numpy()]
    return moved.of_levels(name, applies) if applies.any() else {}


def _in_points(found: RiskDifference | None, study: TableStudy) -> dict[str, Any]:
    if found is None:
        return {"note": "Not worked out beside Firth's penalty."}
    z = float(norm.ppf(0.5 + study.confidence_level / 2)) * found.std_error
    return {
        "estimate": found.estimate,
        "std_error": found.std_error,
        "std_error_scale": "share",
        "conf_level": study.confidence_level,
        "conf_low": found.estimate - z,
        "conf_high": found.estimate + z,
        "p_value": float(2 * norm.sf(abs(found.estimate) / found.std_error)) if found.std_error > 0 else math.nan,
    }
