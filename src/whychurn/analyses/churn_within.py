"""Who leaves within the horizon? Logistic regression with weights for customers not followed that long."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from whychurn.analyses.adjustment import DIRECT
from whychurn.analyses.contrasts import step_name
from whychurn.analyses.rows import ModelRows, model_rows
from whychurn.errors import FitError
from whychurn.findings import Findings
from whychurn.models import censoring_weights, fit_logistic
from whychurn.models.logistic import LogisticFit
from whychurn.panel import Candidate, Panel
from whychurn.study import Study

#: With fewer events than this within the horizon no regression is attempted.
FEWEST_EVENTS = 10
DIFFERENCE = (
    "average difference in risk among the customers of the model that the cause applies to, if all were at this level "
    "instead of the reference; weights taken as known"
)
SLOPE = "average change in risk per step, among the customers of the model; weights taken as known"


def run(panel: Panel, study: Study) -> Findings:
    """Risk of leaving within the horizon: by level, standardised, as differences and as odds ratios.

    Customers censored before the horizon are stood for by the others through inverse-probability-of-censoring
    weights; dropping them ("followed only") would overstate the risk. Standard errors are sandwich (HC0).
    """
    rows = weighted_rows(panel, study)
    candidates = [candidate for candidate in panel.used if not candidate.determined_by]
    out = [_overall_row(rows, study), *_naive_row(rows, study, "Everyone"), *_pooled_rows(panel, study)]
    for candidate in candidates:
        out += _unadjusted_rows(rows, candidate, study)
    out += _adjusted_rows(rows, candidates, study)
    return Findings.from_rows(out)


def weighted_rows(panel: Panel, study: Study) -> pd.DataFrame:
    """Return the panel's rows with ``left_within`` (0/1) and the censoring ``weight`` (0 if not followed).

    ``settled`` says whether the outcome is known, ``followed`` whether the group was followed to the horizon.
    """
    rows = panel.intervals.copy()
    by = study.churn.censoring_by
    group = rows[by].astype(str) if by and by in rows else None
    rows["left_within"] = ((rows["event"] == 1) & (rows["stop"] <= study.horizon)).astype(int)
    strata = group if group is not None else pd.Series("", index=rows.index)
    rows["settled"] = settled = (rows["stop"] >= study.horizon) | (rows["event"] == 1)
    # Where nobody was followed to the horizon, no weight can stand for those who were not.
    rows["followed"] = (rows["stop"] >= study.horizon).groupby(strata).transform("any") | settled.groupby(
        strata
    ).transform("all")
    mine = np.flatnonzero(rows["followed"].to_numpy(dtype=bool))
    reached = rows.iloc[mine]
    weight = np.zeros(len(rows))
    weight[mine] = censoring_weights(
        reached["stop"].to_numpy(dtype=float),
        reached["event"].to_numpy(),
        float(study.horizon),
        group=None if group is None else group.iloc[mine].tolist(),
    )
    return rows.assign(weight=weight)


def _base(study: Study, **values: Any) -> dict[str, Any]:
    return {
        "analysis": "churn_within",
        "outcome": f"churn within {study.horizon:g} {study.time_unit}",
        "conf_level": study.confidence_level,
        "declared": "in advance",
        **values,
    }


def _weighted_risk(rows: pd.DataFrame, study: Study) -> dict[str, Any]:
    """Weighted share with its sandwich interval on the logit scale."""
    weight, left = rows["weight"].to_numpy(), rows["left_within"].to_numpy(dtype=float)
    total = weight.sum()
    values: dict[str, Any] = {
        "n_accounts": len(rows),
        "n_events": int(left.sum()),
        "numerator": float((weight * left).sum()),
        "denominator": float(total),
        "unit": "share",
        "estimand": "risk",
    }
    if total <= 0 or not rows["followed"].all():
        return values | {
            "note": "Not estimated: some of these customers belong to a group that nobody in was followed to the horizon."
        }
    risk = float((weight * left).sum() / total)
    if not 0 < risk < 1:
        extreme = "left" if risk > 0 else "stayed"
        return values | {
            "estimate": risk,
            "note": f"Everyone followed to the horizon {extreme}; no interval can be given.",
        }
    error = math.sqrt(float((weight**2 * (left - risk) ** 2).sum())) / total
    z = norm.ppf(0.5 + study.confidence_level / 2) * error / (risk * (1 - risk))
    logit = math.log(risk / (1 - risk))
    low, high = (1 / (1 + math.exp(-(logit + sign * z))) for sign in (-1, 1))
    return values | {
        "estimate": risk,
        "std_error": error,
        "std_error_scale": "share",
        "conf_low": low,
        "conf_high": high,
    }


def _overall_row(rows: pd.DataFrame, study: Study) -> dict[str, Any]:
    return _base(
        study,
        method="IPCW share",
        term="Everyone",
        effect_kind="unadjusted",
        definition="weighted share leaving within the horizon",
    ) | _weighted_risk(rows, study)


def _naive_row(rows: pd.DataFrame, study: Study, term: str, level: str = "") -> list[dict[str, Any]]:
    """Return what one would get by dropping customers not followed to the horizon: shown because it is wrong."""
    followed = rows[rows["settled"]]
    if followed.empty:
        return []
    events = int(followed["left_within"].sum())
    row = _base(
        study,
        method="followed customers only",
        term=term,
        level=level,
        estimand="naive_risk",
        unit="share",
        estimate=events / len(followed),
        numerator=events,
        denominator=len(followed),
        n_accounts=len(followed),
        n_events=events,
        effect_kind="unadjusted",
        definition="leavers within the horizon / customers followed to the horizon",
        note="Biased: customers who joined recently and stayed are missing from the denominator.",
    )
    return [row]


def _pooled_rows(panel: Panel, study: Study) -> list[dict[str, Any]]:
    """Return the risk with one censoring curve for everyone, which is one minus Kaplan-Meier."""
    if not study.churn.censoring_by:
        return []
    churn = study.churn.model_copy(update={"censoring_by": None})
    pooled = _weighted_risk(weighted_rows(panel, replace(study, churn=churn)), study)
    row = _base(
        study,
        method="IPCW share, one censoring curve",
        term="Everyone",
        effect_kind="unadjusted",
        definition="one minus Kaplan-Meier over all customers: right only if follow-up does not differ by group",
    )
    return [row | pooled | {"estimand": "pooled_risk"}]


def _unadjusted_rows(rows: pd.DataFrame, candidate: Candidate, study: Study) -> list[dict[str, Any]]:
    if candidate.kind == "number":
        return []
    out = []
    for level in candidate.levels:
        inside = rows[rows[candidate.column] == level]
        if inside.empty:
            continue
        base = _base(
            study,
            method="IPCW share",
            term=candidate.label,
            level=level,
            effect_kind="unadjusted",
            definition="weighted share leaving within the horizon at this level",
        )
        out += [base | _weighted_risk(inside, study), *_naive_row(inside, study, candidate.label, level)]
    return out


def _adjusted_rows(rows: pd.DataFrame, candidates: list[Candidate], study: Study) -> list[dict[str, Any]]:
    followed = rows[(rows["weight"] > 0) & rows["followed"]].reset_index(drop=True)
    base = _base(study, method="IPCW logistic, sandwich errors", effect_kind=DIRECT)
    events = int(followed["left_within"].sum())
    if events < FEWEST_EVENTS:
        return [
            base
            | {
                "term": "All causes together",
                "estimand": "risk_difference",
                "n_events": events,
                "note": f"Only {events:,} customers left within the horizon: too few for a regression.",
            }
        ]
    coded = model_rows(followed, candidates, event="left_within")
    kept = followed.iloc[coded.frame["row"].to_numpy()].reset_index(drop=True)
    coded.frame["weight"] = kept["weight"].to_numpy()
    out: list[dict[str, Any]] = []
    by_column = {candidate.column: candidate for candidate in candidates}
    for left in coded.left:
        out.append(
            base
            | {
                "term": by_column[left.column].label,
                "level": left.level,
                "reference": coded.references.get(left.column, by_column[left.column].reference),
                "estimand": "risk_difference",
                "n_accounts": left.n_accounts,
                "n_events": left.n_events,
                "note": left.note.replace("hazard ratio", "odds ratio"),
            }
        )
    try:
        fit = fit_logistic(coded.frame, coded.terms, outcome="left_within", weights="weight", covariance="HC0")
    except FitError as problem:
        return [
            *out,
            base
            | {
                "term": "All causes together",
                "estimand": "risk_difference",
                "note": f"Not estimated: {problem}",
            },
        ]
    for column in coded.names:
        out += _term_rows(fit, coded, kept, by_column[column], base, study)
    return out


def _term_rows(
    fit: LogisticFit,
    coded: ModelRows,
    kept: pd.DataFrame,
    candidate: Candidate,
    base: dict[str, Any],
    study: Study,
) -> list[dict[str, Any]]:
    name, reference = coded.names[candidate.column], coded.references[candidate.column]
    shared = base | {"term": candidate.label, "reference": reference, "adjusted_for": "every other cause in the model"}
    z = norm.ppf(0.5 + study.confidence_level / 2)
    out = []
    levels = coded.levels(candidate.column)[1:] if candidate.kind == "category" else [step_name(candidate)]
    for level, column in zip(levels, fit.term_slices[name], strict=True):
        beta, error = float(fit.params[column]), float(fit.std_errors[column])
        inside = coded.frame[coded.frame[name] == level] if candidate.kind == "category" else coded.frame
        out.append(
            shared
            | {
                "level": level,
                "estimand": "odds_ratio",
                "unit": "ratio",
                "estimate": math.exp(beta),
                "std_error": error,
                "std_error_scale": "log",
                "conf_low": math.exp(beta - z * error),
                "conf_high": math.exp(beta + z * error),
                "statistic": beta / error,
                "df": 1,
                "p_value": float(2 * norm.sf(abs(beta / error))),
                "n_accounts": len(inside),
                "n_events": int(inside["left_within"].sum()),
            }
        )
    # A cause is moved for those it applies to: not for customers whose level is another column's in disguise.
    applies = ~kept[candidate.column].isin([merge.level for merge in candidate.merged]).to_numpy()
    effects = fit.average_marginal_effects(name, conf_level=study.confidence_level, among=applies)
    for effect in effects.itertuples():
        out.append(
            shared
            | {
                "level": str(effect.level) if candidate.kind == "category" else step_name(candidate),
                "estimand": "risk_difference",
                "unit": "share",
                "estimate": effect.estimate,
                "std_error": effect.std_error,
                "std_error_scale": "share",
                "conf_low": effect.conf_low,
                "conf_high": effect.conf_high,
                "p_value": effect.p_value,
                "definition": DIFFERENCE if candidate.kind == "category" else SLOPE,
            }
        )
    return out
