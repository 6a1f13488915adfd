"""Predicted beside observed risk in bands of predicted risk, and what the riskiest customers hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.common import share_interval
from whychurn.models import fit_kaplan_meier, precision_recall_at
from whychurn.study import Study

#: Tenths of predicted risk with at least so many leavers within the horizon, fifths with fewer.
EVENTS_FOR_TENTHS = 200
BANDS = {5: "Fifth of predicted risk", 10: "Tenth of predicted risk"}
#: Shares of customers that a team might have the capacity for.
CAPACITIES = (0.05, 0.1, 0.2)
RISKIEST = "Riskiest customers"


def base_row(study: Study, **values: Any) -> dict[str, Any]:
    """Return what every row of the analysis shares, with the values given."""
    return {
        "analysis": "accuracy",
        "outcome": f"churn within {study.horizon:g} {study.time_unit}",
        "time": float(study.horizon),
        "conf_level": study.confidence_level,
        "effect_kind": "direct",
        "declared": "in advance",
        **values,
    }


def scored_rows(rows: pd.DataFrame, risk: np.ndarray, study: Study) -> pd.DataFrame:
    """Return predicted customers: stop, event, risk, left_within (0/1), band of risk (from 0), declared follow-up group."""
    by = study.churn.censoring_by
    frame = rows[["stop", "event"]].assign(risk=risk, declared=rows[by].astype(str) if by and by in rows else "")
    frame = frame[~np.isnan(risk)].reset_index(drop=True)
    frame["left_within"] = ((frame["event"] == 1) & (frame["stop"] <= study.horizon)).astype(int)
    bands = 10 if frame["left_within"].sum() >= EVENTS_FOR_TENTHS else 5
    # Equal risks share a band: that of the middle of their ranks.
    middle = (frame["risk"].rank() - 0.5) / max(len(frame), 1)
    frame["band"] = np.minimum((middle * bands).astype(int), bands - 1)
    return frame.assign(bands=bands)


def band_rows(scored: pd.DataFrame, study: Study, base: dict[str, Any]) -> list[dict[str, Any]]:
    """Return predicted beside observed risk in bands of equal size, and in how many of them they agree."""
    bands, level = int(scored["bands"].iloc[0]), study.confidence_level
    curve = fit_kaplan_meier(scored, "stop", "event", group="band", conf_level=level).at([float(study.horizon)])
    out, agreeing, known = [], 0, 0
    for point in curve.to_dict("records"):
        number = int(point["group"])
        inside = scored[scored["band"] == number]
        shared = base | {
            "term": BANDS[bands],
            "level": f"{number + 1}" + {0: " (lowest)", bands - 1: " (highest)"}.get(number, ""),
            "unit": "share",
            "n_accounts": len(inside),
            "n_events": int(inside["left_within"].sum()),
        }
        predicted = float(inside["risk"].mean())
        observed = shared | {"estimand": "observed_risk"} | _observed(point, inside, study)
        if "conf_low" in observed:
            known += 1
            agreeing += observed["conf_low"] <= predicted <= observed["conf_high"]
        out += [
            shared | {"estimand": "mean_predicted", "estimate": predicted, "definition": "mean predicted risk"},
            observed | {"definition": "one minus Kaplan-Meier at the horizon, within the band"},
        ]
    counted = {
        "term": BANDS[bands],
        "estimand": "bands_agreeing",
        "unit": "bands",
        "estimate": agreeing,
        "numerator": agreeing,
        "denominator": known,
        "definition": "bands whose interval of the observed risk holds the mean predicted risk",
    }
    return [*out, base | counted]


def _observed(point: Mapping[Any, Any], inside: pd.DataFrame, study: Study) -> dict[str, Any]:
    if math.isnan(point["survival"]):
        return {"note": "Nobody in this band was followed to the horizon."}
    risk = 1 - float(point["survival"])
    if not inside["left_within"].any():
        # The curve's own limits say nothing where it has not stepped.
        followed = int((inside["stop"] >= study.horizon).sum())
        high = share_interval(0, followed, study.confidence_level)[1] if followed else 1.0
        note = f"Nobody left; interval from the {followed:,} customers followed to the horizon."
        return {"estimate": 0.0, "conf_low": 0.0, "conf_high": high, "note": note}
    if math.isnan(point["conf_low"]):
        return {"estimate": risk, "note": "Everyone left; no interval can be given."}
    return {"estimate": risk, "conf_low": 1 - float(point["conf_high"]), "conf_high": 1 - float(point["conf_low"])}


def capacity_rows(weighted: pd.DataFrame, study: Study, base: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the riskiest customers hold, for teams that can take on so many."""
    size = len(weighted)
    k = [max(1, math.floor(share * size + 0.5)) for share in CAPACITIES]
    found = precision_recall_at(
        weighted, "risk", "left_within", k, weights="weight", conf_level=study.confidence_level
    ).table
    average = float((weighted["weight"] * weighted["left_within"]).sum() / weighted["weight"].sum())
    given = "; weights taken as known, interval takes the ranking as given"
    out = [base | {"estimand": "average_risk", "unit": "share", "estimate": average, "definition": "weighted share"}]
    for share, one in zip(CAPACITIES, found.to_dict("records"), strict=True):
        shared = base | {"term": RISKIEST, "level": f"{share:.0%}", "n_accounts": int(one["k"]), "denominator": size}
        shared.pop("n_events")
        unknown = math.isnan(one["precision"])
        for estimand, name, definition in (
            ("churn_captured", "recall", "share of all churn within the horizon that they hold" + given),
            ("churn_rate", "precision", "share of them who leave within the horizon" + given),
        ):
            limits = {f"conf_{end}": one[f"{name}_{end}"] for end in ("low", "high")}
            out.append(
                shared
                | {"estimand": estimand, "unit": "share", "estimate": one[name], "definition": definition, **limits}
                | ({"note": "None of them was followed to the horizon."} if unknown else {})
            )
        lift = {
            "estimand": "lift",
            "unit": "ratio",
            "estimate": one["lift"],
            "definition": "their churn over the average",
        }
        out.append(shared | lift)
    return out
