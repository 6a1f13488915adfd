"""Could one have told? Models fitted to the earlier landmarks, held against who left after the later ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from whychurn.analyses.landmark_agreement import BOTH, risk_agreement, sign_rows
from whychurn.analyses.landmark_coding import n_unheld
from whychurn.analyses.landmark_cox import cox_forecast, past_rows
from whychurn.analyses.landmark_fit import FEWEST_EVENTS, LandmarkFit, fit_landmarks
from whychurn.analyses.landmark_naive import AS_MANY, LOGIN, is_silent, naive_rows
from whychurn.analyses.landmark_renewal import as_declared
from whychurn.analyses.landmark_rows import RECORDED, Landmarks
from whychurn.analyses.landmark_scores import (
    CAPACITY,
    band_rows,
    calibration_rows,
    capacity_rows,
    error_rows,
    ranking_row,
)
from whychurn.panel import Panel
from whychurn.study import TableStudy

#: Share of the landmarks that models are fitted to, and fewest of them.
SHARE_FITTED, FEWEST_FITTED = 0.7, 2
LATER, EARLIER = "later landmarks", "landmarks of the fit"
LOGISTIC, COX = "logistic regression of all causes", "Cox regression of all causes"
EVERYONE = "Everyone"


@dataclass(frozen=True, slots=True)
class Split:
    """Earlier and later landmarks.

    Attributes
    ----------
    earlier, later : pandas.DataFrame
        Customers at landmarks.
    day : pandas.Timestamp
        The first of the later landmarks; the horizons of all earlier ones have ended by then.
    """

    earlier: pd.DataFrame
    later: pd.DataFrame
    day: pd.Timestamp


def split_of(at: Landmarks) -> Split | None:
    """Part the landmarks by time; None where there are not enough of them."""
    n_fitted = max(FEWEST_FITTED, round(SHARE_FITTED * len(at.dates)))
    if n_fitted >= len(at.dates):
        return None
    day = at.dates[n_fitted]
    later = (at.frame["date"] >= day).to_numpy()
    before, after = (at.frame[side].reset_index(drop=True) for side in (~later, later))
    return Split(before, after, pd.Timestamp(day))


def forecast_rows(
    at: Landmarks, rows: pd.DataFrame, panel: Panel, base: dict[str, Any], study: TableStudy
) -> list[dict[str, Any]]:
    """Return accuracy out of time beside that on the landmarks of the fit, naive rules, and agreement with Cox.

    Parameters
    ----------
    at : Landmarks
    rows : pandas.DataFrame
        Rows at risk with the causes as declared, for the Cox model.
    panel : Panel
    base : dict
        What all rows share.
    study : TableStudy
    """
    split, base = split_of(at), base | {"effect_kind": "direct", "term": EVERYONE}
    if split is None:
        many = "is one landmark" if len(at.dates) == 1 else f"are {len(at.dates):,} landmarks"
        note = f"There {many} with customers: too few to fit to the earlier and test on the later ones."
        return [base | {"estimand": "split", "note": note}]
    out = [_split_row(at, split, base)]
    made = fit_landmarks(split.earlier, at.terms)
    note, events = made.note, int(split.later["event"].sum())
    if made.fit is not None and events < FEWEST_EVENTS:
        note = f"Only {events:,} customers left in time after them: too few to measure."
    if made.fit is None or events < FEWEST_EVENTS:
        return [*out, base | {"method": LOGISTIC, "group": LATER, "estimand": "auc", "note": note}]
    scored, seen = (_scored(frame, made) for frame in (split.later, split.earlier))
    out += _logistic_rows(split, scored, seen, made, at, base, study)
    out += naive_rows(split.earlier, scored, base | {"group": LATER} | _counts(scored), study.confidence_level)
    return out + _cox_rows(split, scored, rows, made, at, panel, base, study)


def _scored(frame: pd.DataFrame, made: LandmarkFit) -> pd.DataFrame:
    return frame.assign(risk=made.predict(frame)).dropna(subset=["risk"]).reset_index(drop=True)


def _split_row(at: Landmarks, split: Split, base: dict[str, Any]) -> dict[str, Any]:
    fitted = split.earlier["date"].nunique()
    return base | {
        "level": f"{split.day:%Y-%m-%d}",
        "estimand": "split",
        "unit": "landmarks",
        "estimate": fitted,
        "numerator": fitted,
        "denominator": len(at.dates),
        "n_accounts": split.later["account_id"].nunique(),
        "n_events": int(split.later["event"].sum()),
        "definition": "landmarks fitted to; the horizons of all of them end by the first of those tested on",
    }


def _counts(scored: pd.DataFrame) -> dict[str, Any]:
    return {
        "n_accounts": scored["account_id"].nunique(),
        "n_events": int(scored["event"].sum()),
        "denominator": len(scored),
    }


def _tenth(scored: pd.DataFrame) -> int:
    return max(1, math.floor(CAPACITY * len(scored) + 0.5))


def _measures(scored: pd.DataFrame, rate: float, base: dict[str, Any], level: float) -> Iterator[dict[str, Any]]:
    """Yield every measure of one set of predictions, `rate` being what one would say without a model."""
    base = base | _counts(scored)
    yield ranking_row(scored, base, level)
    yield from error_rows(scored, rate, base, level)
    yield from calibration_rows(scored, base, level)
    yield from capacity_rows(scored, _tenth(scored), f"{CAPACITY:.0%}", base, level)
    for estimand, values in (("mean_risk", scored["risk"]), ("observed_share", scored["event"])):
        yield base | {"estimand": estimand, "unit": "share", "estimate": float(values.mean())}


def _logistic_rows(
    split: Split,
    scored: pd.DataFrame,
    seen: pd.DataFrame,
    made: LandmarkFit,
    at: Landmarks,
    base: dict[str, Any],
    study: TableStudy,
) -> list[dict[str, Any]]:
    level, rate = study.confidence_level, float(split.earlier["event"].mean())
    model = base | {"method": LOGISTIC, "group": LATER}
    out = [model | {"estimand": "predicted", **_counts(scored), "note": _caveats(split, scored, made, at)}]
    out += _measures(scored, rate, model, level)
    out += band_rows(scored, model | _counts(scored), level)
    out += _measures(seen, rate, model | {"group": EARLIER}, level)
    if f"{RECORDED}{LOGIN}" in scored and (n_silent := int(is_silent(scored).sum())):
        out += capacity_rows(scored, n_silent, AS_MANY, model | _counts(scored), level)
    return out


def _caveats(split: Split, scored: pd.DataFrame, made: LandmarkFit, at: Landmarks) -> str:
    parts = [made.note] if made.note else []
    odd = n_unheld(split.later, at.terms, made.rows)
    if odd:
        parts.append(
            f"{odd:,} rows are at a level that was not there before, or at which nobody had left: they are predicted as at "
            "the reference."
        )
    if len(scored) < len(split.later):
        parts.append(f"{len(split.later) - len(scored):,} rows lack a number and are not predicted.")
    return " ".join(parts)


def _cox_rows(
    split: Split,
    scored: pd.DataFrame,
    rows: pd.DataFrame,
    made: LandmarkFit,
    at: Landmarks,
    panel: Panel,
    base: dict[str, Any],
    study: TableStudy,
) -> list[dict[str, Any]]:
    causes = [cause for cause in panel.used if cause.column not in at.bound and not cause.determined_by]
    cox = cox_forecast(past_rows(rows, split.day), as_declared(scored), causes, at.horizon, study)
    compared = base | {"method": COX, "group": LATER}
    if cox.fit is None:
        return [compared | {"estimand": "auc", "note": cox.note}]
    both = scored.assign(cox=cox.risk).dropna(subset=["cox"]).reset_index(drop=True)
    rate = float(split.earlier["event"].mean())
    out = list(_measures(both.assign(risk=both["cox"]), rate, compared, study.confidence_level))
    joint = base | {"method": BOTH, "group": LATER} | _counts(both)
    out += risk_agreement(both, _tenth(both), joint)
    past = base | {"method": BOTH, "group": f"before {split.day:%Y-%m-%d}"}
    return out + sign_rows(made, cox, causes, past, study)
