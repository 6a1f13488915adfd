"""Does knowing the score help to tell who leaves? Models of the earlier landmarks on the later ones, with it and without."""

from __future__ import annotations

from typing import Any

import pandas as pd

from whychurn.analyses.churn_within import FEWEST_EVENTS
from whychurn.analyses.landmark_fit import fit_landmarks
from whychurn.analyses.landmark_forecasts import split_of
from whychurn.analyses.landmark_rows import landmark_rows
from whychurn.analyses.nps_churn.base import BASE, FORESIGHT, VOLUNTARY_CHURN
from whychurn.analyses.nps_churn.signs import SCORES, Sign
from whychurn.analyses.risk_rows import CLUSTER, VOLUNTARY
from whychurn.errors import FitError
from whychurn.models import accuracy_difference, auc
from whychurn.panel import Candidate, Panel
from whychurn.panel.levels import as_objects
from whychurn.panel.panel import FrameRows
from whychurn.study import TableStudy

METHOD = "logistic regression at landmarks"
ALONE, WITHOUT, WITH = "the score alone", "all else, without the score", "all else and the score"
PAIRS = "share of pairs of a leaver and a stayer of later dates in which the leaver has the higher predicted risk"


def foresight_rows(
    rows: pd.DataFrame, score: Sign, panel: Panel, outcome: str, study: TableStudy
) -> list[dict[str, Any]]:
    """Return how well leaving within the horizon is ranked by the score alone, by all else, and by both.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows at risk with the causes in use and the score.
    score : Sign
    panel : Panel
    outcome : str
    study : TableStudy
    """
    base = BASE | {"outcome": outcome, "method": METHOD, "term": FORESIGHT, "estimand": "auc", "unit": "share of pairs"}
    base |= {"definition": PAIRS, "time": float(study.horizon)}
    plain = {str(name): as_objects(rows[name]) for name in rows if rows[name].dtype == "category"}
    at = landmark_rows(FrameRows(rows.assign(**plain)), panel, study)
    if outcome == VOLUNTARY_CHURN:
        at.frame["event"] = ((at.frame["event"] == 1) & (at.frame["cause"] == VOLUNTARY)).astype(int)
    split = split_of(at)
    if split is None:
        return [base | {"note": "There are too few landmarks to fit to the earlier and test on the later ones."}]
    others = tuple(term for term in at.terms if term.column not in SCORES)
    events = int(split.later["event"].sum())
    if min(events, int(split.earlier["event"].sum())) < FEWEST_EVENTS:
        return [base | {"note": "Too few customers left in time to measure."}]
    base |= {"n_accounts": int(split.later["account_id"].nunique()), "n_events": events}
    models: dict[str, tuple[Candidate, ...]] = {
        ALONE: (score.candidate,), WITHOUT: others, WITH: (*others, score.candidate),
    }  # fmt: skip
    risks = {}
    for name, terms in models.items():
        made = fit_landmarks(split.earlier, terms)
        if made.fit is None:
            return [base | {"level": name, "note": made.note}]
        risks[name] = made.predict(split.later)
    scored = split.later.assign(**risks).dropna(subset=list(risks))
    out, found = [], {}
    for name in models:
        try:
            found[name] = auc(scored, name, "event", cluster=CLUSTER, conf_level=study.confidence_level)
        except FitError as problem:
            return [base | {"level": name, "note": f"Not estimated: {problem}"}]
        one = found[name]
        out.append(base | {"level": name} | _limits(one.estimate, one.std_error, one.conf_low, one.conf_high, study))
    gap = accuracy_difference(found[WITH], found[WITHOUT]).iloc[0]
    row = base | {"estimand": "auc_difference", "level": WITH, "reference": WITHOUT, "p_value": float(gap["p_value"])}
    row["definition"] = f"difference of the {PAIRS}"
    return [*out, row | _limits(gap["estimate"], gap["std_error"], gap["conf_low"], gap["conf_high"], study)]


def _limits(estimate: float, error: float, low: float, high: float, study: TableStudy) -> dict[str, float]:
    named = {"estimate": estimate, "std_error": error, "conf_low": low, "conf_high": high}
    return {name: float(value) for name, value in named.items()} | {"conf_level": study.confidence_level}
