"""The chance to have left by some tenure, from the survival curve, under each reading; and what a reading would imply."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.flat_metrics.base import BASE, MONTHS, Reading, in_months
from whychurn.analyses.flat_metrics.definitions import definition_of
from whychurn.analyses.value.base import FEWEST_AT_RISK
from whychurn.errors import FitError
from whychurn.findings import SECOND_READING
from whychurn.models import fit_kaplan_meier, last_well_known
from whychurn.models.product_limit import KaplanMeierFit
from whychurn.study import FlatStudy

#: Tenures in months at which the chance is listed, beside the study's own horizon.
LISTED = (1.0, 3.0, 6.0, MONTHS, 24.0, 36.0, 48.0, 60.0)
#: A horizon of the study that close to a listed one, in months, is the same.
SAME = 0.1
FELL = "Everybody observed at some tenure left, so nobody is left past it by this curve, although customers of longer tenure are seen."
NOT_FOLLOWED = "Nobody was followed that long."
TOO_FEW = (
    f"Fewer than {FEWEST_AT_RISK} customers were observed at some tenure up to this one, and the curve would be theirs."
)


def leaving_rows(customers: pd.DataFrame, readings: list[Reading], study: FlatStudy) -> Iterator[dict[str, Any]]:
    """Yield 1 - S(t) by tenure under each reading, and how many would have had to be won under the second."""
    for reading in readings:
        base = BASE | {"group": reading.name, "method": "Kaplan-Meier", "conf_level": study.confidence_level}
        base |= {"n_accounts": len(reading.rows), "n_events": int(reading.rows["event"].sum())}
        try:
            fit = fit_kaplan_meier(reading.rows, "stop", "event", start="start", conf_level=study.confidence_level)
        except FitError as problem:
            yield base | {"estimand": "left_by", "time": MONTHS, "unit": "share", "note": str(problem)}
            continue
        # Under late entry a handful at risk at a low tenure decides all that follows.
        late = reading.name == SECOND_READING
        reach = last_well_known(reading.rows, "stop", FEWEST_AT_RISK, "start") if late else math.inf
        yield from _left_by(fit, base, study, reach)
        if late:
            yield _won(fit, customers, base, reach)


def _left_by(fit: KaplanMeierFit, base: dict[str, Any], study: FlatStudy, reach: float) -> Iterator[dict[str, Any]]:
    point: Any
    own = in_months(float(study.horizon), study)
    months = np.unique([*LISTED, *([own] if min(abs(own - month) for month in LISTED) > SAME else [])])
    for point in fit.at(months).itertuples():
        row = base | {"estimand": "left_by", "time": float(point.time), "unit": "share", "denominator": point.n_at_risk}
        row |= {"definition": definition_of("left_by")}
        if np.isnan(point.survival) or point.time > reach:
            if point.time == MONTHS:
                yield row | {"note": NOT_FOLLOWED if np.isnan(point.survival) else TOO_FEW}
            continue
        row |= {"estimate": 1.0 - point.survival, "note": FELL if fit.notes and point.survival == 0 else ""}
        # Greenwood's variance is zero before the first departure: an interval of no width would claim certainty.
        if point.survival < 1 and not (np.isnan(point.conf_low) or np.isnan(point.conf_high)):
            row |= {"conf_low": 1.0 - point.conf_high, "conf_high": 1.0 - point.conf_low}
        yield row


def _won(fit: KaplanMeierFit, customers: pd.DataFrame, base: dict[str, Any], reach: float) -> dict[str, Any]:
    """Return how many customers would have been won for each who is there, had it always been like the window.

    Each customer who is there stands for 1 / S(tenure) who were won when it was; of tenures past `reach` nothing is said.
    Far out this is known by its order of magnitude at best, so two digits of it are kept.
    """
    months = customers.loc[(customers["event"] == 0) & (customers["months"] > 0), "months"].to_numpy(dtype=float)
    there = months[months <= reach]
    row = base | {"estimand": "won_per_present", "unit": "customers", "denominator": len(there), "n_events": np.nan}
    row |= {
        "definition": "mean of 1 / S(tenure) over the customers who are there, S being the curve of the window; two digits kept",
        "numerator": len(months),
    }
    if not len(there):
        return row | {"note": TOO_FEW if len(months) else "Nobody is still there."}
    curve = fit.curve
    place = np.searchsorted(curve["time"].to_numpy(), there, side="right") - 1
    survival = np.where(place >= 0, curve["survival"].to_numpy()[np.maximum(place, 0)], 1.0)
    if not (survival > 0).all():
        return row | {"note": "Under this reading some of the customers who are there could not be."}
    longest = {"time": float(there.max())} if len(there) < len(months) else {}
    return row | longest | {"estimate": float(f"{(1.0 / survival).mean():.2g}")}
