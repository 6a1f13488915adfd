"""What silence says of the weeks ahead, and how many of those who left had fallen silent first."""

from __future__ import annotations

from typing import Any

import numpy as np

from whychurn.analyses.common import OUTCOME, clustered_share, share_interval
from whychurn.analyses.inactivity_rows import BANDS, LEVELS, NEVER, UNRECORDED, AtRisk, Floats, Silence, clusters_of
from whychurn.study import TableStudy

#: Days ahead, and days of silence that count as having fallen silent.
HORIZONS = (30, 90)
SILENT = (14, 30)


def outlook_rows(
    rows: AtRisk, silence: Silence, study: TableStudy, conf_level: float, base: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the share of customers who left within so many days, by how long they had been silent.

    Every beginning of a row at risk is a look at a customer, if the whole horizon lies inside the window: by the
    calendar, not by the outcome, so that nobody whose records end counts as staying and nobody is picked for leaving.
    Looks at one customer repeat each other; intervals are Wilson's at the number of looks that would be as informative
    if they were independent (Kish 1965; clusters are customers, or parents).
    """
    last = np.append(np.flatnonzero(rows.spell[1:] != rows.spell[:-1]), len(rows.spell) - 1)
    end = rows.array("stop")[last][rows.spell] - rows.array("start")
    leaves = rows.left[last][rows.spell]
    begins = rows.array("start_on").astype("datetime64[D]")
    ahead = (np.datetime64(study.observed_to) - begins).astype(np.int64) - 1
    clusters = clusters_of(rows)
    out = []
    for horizon in HORIZONS:
        followed = ahead >= horizon
        within = leaves & (end <= horizon)
        for index in (*range(len(BANDS)), NEVER):
            at = followed & (silence.level == index)
            row = base | {
                "outcome": OUTCOME, "estimand": "leaving_within", "level": LEVELS[index], "time": float(horizon),
                "unit": "share", "conf_level": conf_level, "method": "share of looks, Wilson at the effective number",
                "definition": (
                    f"share who leave within {horizon} days of a look at them, with silence as known "
                    f"{study.lag_days} days before; only looks with the whole horizon inside the window"
                ),
            }  # fmt: skip
            if not at.any():
                none = "Nobody was" if followed.any() else "No customer could be followed that long while"
                out.append(row | {"note": f"{none} at this level."})
                continue
            n, left = int(at.sum()), int(within[at].sum())
            low, high, effective = clustered_share(within[at], clusters[at], conf_level)
            out.append(
                row
                | {
                    "estimate": left / n, "conf_low": low, "conf_high": high, "numerator": left, "denominator": n,
                    "n_accounts": int(np.unique(rows.account[at]).size),
                    "n_events": int(np.unique(rows.spell[at & within]).size),
                    "note": f"{n:,} looks, worth {effective:,.0f} independent ones.",
                }
            )  # fmt: skip
    return out


def silent_first_rows(
    rows: AtRisk, silence: Silence, study: TableStudy, conf_level: float, base: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return which share of departures, and of all customer-time, was silent, and how long before leaving it began."""
    known = silence.level != UNRECORDED
    length = rows.length
    gone = rows.left & known
    base = base | {"outcome": OUTCOME, "method": "share", "declared": "in advance"}
    out = []
    for days in SILENT:
        level = f"{days}+ days"
        silent = silence.seen & (silence.days >= days)
        time = float(length[known].sum())
        row = base | {
            "estimand": "silent_share_of_time", "level": level, "unit": "share",
            "definition": f"share of customer-time, where silence was recorded, that was silent for at least {days} days",
        }  # fmt: skip
        if time > 0:
            spent = float(length[silent].sum())
            out.append(row | {"estimate": spent / time, "numerator": spent, "denominator": time})
        row = base | {
            "estimand": "silent_share_of_leavers", "level": level, "unit": "share", "conf_level": conf_level,
            "n_events": int(gone.sum()),
            "definition": (
                f"share of departures whose last row had been silent for at least {days} days, as known "
                f"{study.lag_days} days before it began"
            ),
        }  # fmt: skip
        n = int(gone.sum())
        if not n:
            out.append(row | {"note": "Nobody left whose silence was recorded."})
            continue
        count = int((gone & silent).sum())
        low, high = share_interval(count, n, conf_level)
        out.append(
            row | {"estimate": count / n, "conf_low": low, "conf_high": high, "numerator": count, "denominator": n}
        )
        out += _lead_rows(lead_days(rows, silence, study, days), level, days, base)
    return out


def lead_days(rows: AtRisk, silence: Silence, study: TableStudy, days: int) -> Floats:
    """Return, for each departure silent for at least `days` at last, how long before leaving it had become so.

    The last sign of life before the cut-off is known to the day; what came after the cut-off is not looked at.
    """
    gone = rows.left & silence.seen & (silence.days >= days)
    return np.asarray(rows.length[gone] + study.lag_days + silence.days[gone] - days, dtype=float)


def _lead_rows(lead: Floats, level: str, days: int, base: dict[str, Any]) -> list[dict[str, Any]]:
    definition = f"days from the day on which silence reached {days} days until leaving, among those who left silent"
    shared = base | {
        "estimand": "lead_days",
        "group": level,
        "unit": "days",
        "definition": definition,
        "n_events": len(lead),
    }
    if not len(lead):
        return [shared | {"level": "median", "note": "Nobody left after so long a silence."}]
    names = ("lower quartile", "median", "upper quartile")
    values = np.percentile(lead, [25, 50, 75])
    return [shared | {"level": name, "estimate": float(value)} for name, value in zip(names, values, strict=True)]
