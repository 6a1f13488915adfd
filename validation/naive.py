"""The analysis that is usually made: one row per customer, with what it did and had in all its time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from validation.company import Drawn
from whychurn.errors import FitError
from whychurn.models import fit_cox, fit_logistic
from whychurn.sources.simulator import world

#: Lifetime totals, and the effect each stands for.
TOTALS = {
    "reporting": "Reporting, ln(1 + all uses)",
    "mobile": "Mobile, ln(1 + all uses)",
    "tickets": "Tickets in all",
    "interactions": "Contacts in all",
    "saved": "Ever an attempt to save",
}
PLAIN = ("medical_devices", "starter", "enterprise")
Pair = list[float]


def lifetime_rows(drawn: Drawn) -> pd.DataFrame:
    """Return one row per customer at risk in the window: tenure at the end, whether it left, and its totals.

    Everything recorded counts, up to the day of leaving or the end of the window.
    """
    rows = drawn.rows
    last = rows.groupby("account").agg(
        tenure=("stop", "last"), cause=("cause", "last"), industry=("industry", "last"), plan=("plan", "last")
    )
    ids = "A" + last.index.astype(str).str.zfill(6)
    uses = {name: _uses(drawn, module) for name, module in (("reporting", world.REPORTING), ("mobile", world.MOBILE))}
    place = last.index.to_numpy() - 1
    counts = {
        name: drawn.frames[name]["account_id"].value_counts().reindex(ids).fillna(0).to_numpy()
        for name in ("tickets", "interactions", "interventions")
    }
    return pd.DataFrame({
        "tenure": last["tenure"].to_numpy(dtype=float),
        "left": (last["cause"] == 1).to_numpy(dtype=int),
        "reporting": np.log1p(uses["reporting"][place]),
        "mobile": np.log1p(uses["mobile"][place]),
        "tickets": counts["tickets"],
        "interactions": counts["interactions"],
        "saved": (counts["interventions"] > 0).astype(float),
        "medical_devices": (last["industry"] == world.MEDICAL_DEVICES).to_numpy(dtype=float),
        "starter": (last["plan"] == world.STARTER).to_numpy(dtype=float),
        "enterprise": (last["plan"] == world.ENTERPRISE).to_numpy(dtype=float),
    })  # fmt: skip


def _uses(drawn: Drawn, module: int) -> np.ndarray:
    """Uses of a module by account, in all the time of service."""
    found = []
    for block in drawn.blocks:
        activity, service = block.paths.activity, block.followed.service
        real = service[activity.account, activity.column]
        found.append(np.bincount(activity.account[real], activity.uses[real, module], len(service)))
    return np.concatenate(found)


def naive(drawn: Drawn) -> dict[str, Any]:
    """Return estimates with standard errors: a Cox model and a logistic one of totals, and the crude comparison."""
    frame = lifetime_rows(drawn)
    terms = [*TOTALS, *PLAIN]
    out: dict[str, Any] = {"cox": {}, "logistic": {}}
    try:
        fit = fit_cox(frame, terms, "tenure", "left")
        out["cox"] = {name: [float(fit.params[name]), float(fit.std_errors[name])] for name in terms}
    except FitError as problem:
        out["problem"] = str(problem)
    try:
        binary = fit_logistic(frame, terms, "left")
        out["logistic"] = {name: [float(binary.params[name]), float(binary.std_errors[name])] for name in terms}
    except FitError as problem:
        out["problem"] = str(problem)
    out["crude_saved"] = _crude(frame["left"], frame["saved"] > 0)
    return out


def _crude(left: pd.Series, exposed: pd.Series) -> Pair | None:
    """Log risk ratio of leaving, exposed against not, with its standard error; None where nobody left on one side."""
    a, n = int(left[exposed].sum()), int(exposed.sum())
    b, m = int(left[~exposed].sum()), int((~exposed).sum())
    if not (a and b and n and m):
        return None
    return [math.log(a / n / (b / m)), math.sqrt(1 / a - 1 / n + 1 / b - 1 / m)]
