"""How long until a new customer first uses each module, with leaving before that as the competing end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.feature_rows import Module, raw_name
from whychurn.analyses.onboarding_rows import NewCustomers
from whychurn.models import fit_aalen_johansen

ANALYSIS, METHOD = "onboarding", "Aalen-Johansen"
#: Days since sign-up for which shares are told, and up to which they are drawn.
DAYS, DRAWN_TO = (30, 90, 180, 365), 182
USED, LEFT = "used", "left"
DEFINITION = (
    "share of new customers seen using it by this day, as far as it was known then; leaving before is the other end. A "
    "first use in the last days before leaving, within the lag, is not seen"
)


def first_uses(new: NewCustomers, module: Module) -> pd.DataFrame:
    """Return how the wait of each customer for a first use ended.

    Returns
    -------
    pandas.DataFrame
        ``customer``, ``time`` (days since sign-up), ``ended`` ("used", "left", or "" where it was still going on, or
        could no longer be seen because recording had a gap). Customers of whom nothing was known yet are not among them.
    """
    rows = new.rows[(new.rows["cut_off"] > 0) & new.could_use(module)[new.rows["customer"].to_numpy()]]
    adopted = rows[raw_name(module.adopted)].to_numpy(dtype=float)
    waiting = adopted == 0
    customers = rows["customer"].to_numpy()
    # The first row that no longer says "never yet", by customer.
    over = rows[~waiting].assign(seen=adopted[~waiting] == 1).drop_duplicates("customer").set_index("customer")
    last = rows.drop_duplicates("customer", keep="last").set_index("customer")["cut_off"]
    everyone = pd.Index(np.flatnonzero(new.could_use(module)), name="customer")
    out = pd.DataFrame({"time": last.reindex(everyone), "ended": ""}, index=everyone)
    left = new.ended[everyone]
    out.loc[left, "time"], out.loc[left, "ended"] = new.followed[everyone][left], LEFT
    seen = over["seen"].astype(bool)
    used, lost = over.index[seen], over.index[~seen]
    out.loc[used, "time"], out.loc[used, "ended"] = over["cut_off"][seen], USED
    # Not known any more: the wait is followed to the last day on which it was.
    before = rows[waiting & np.isin(customers, lost)]
    before = before[before["cut_off"].to_numpy() < over["cut_off"].reindex(before["customer"]).to_numpy()]
    out.loc[lost, "time"] = before.groupby("customer")["cut_off"].max().reindex(lost)
    out.loc[lost, "ended"] = ""
    known = out["time"].notna() & (out["time"] > 0)
    return out[known].reset_index()


def first_use_rows(new: NewCustomers, conf_level: float) -> list[dict[str, Any]]:
    """Return the cumulative share of new customers that used each module, and that left before."""
    out = []
    for module in new.measures.modules:
        waits = first_uses(new, module)
        base = {
            "analysis": ANALYSIS,
            "method": METHOD,
            "term": module.name,
            "n_accounts": len(waits),
            "n_events": int((waits["ended"] == USED).sum()),
            "definition": DEFINITION,
            "unit": "share",
            "note": _late(new, module),
        }
        out += _shares(new, waits, base, conf_level)
    return out


def _late(new: NewCustomers, module: Module) -> str:
    if not new.late(module):
        return ""
    return f"Nobody used it before {new.first_seen[module]}: only customers who came since are counted."


def _shares(new: NewCustomers, waits: pd.DataFrame, base: dict[str, Any], conf_level: float) -> list[dict[str, Any]]:
    if not (waits["ended"] == USED).any():
        nobody = f"None of {len(waits):,} new customers was seen using it. {base['note']}".strip()
        return [base | {"estimand": "first_use", "time": float(DAYS[1]), "note": nobody}]
    going_on = "" if (waits["ended"] == "").any() else None
    fit = fit_aalen_johansen(waits, "time", "ended", censored=going_on, conf_level=conf_level)
    longest = float(waits["time"].max())
    grid = [day for day in range(new.interval_days, DRAWN_TO + 1, new.interval_days) if day <= longest]
    times = sorted({*grid, *[day for day in DAYS if day <= longest]})
    table = fit.at(times)
    out = []
    for cause, estimand in ((USED, "first_use"), (LEFT, "left_before_use")):
        for row in table[table["cause"] == cause].to_dict("records"):
            if estimand == "left_before_use" and row["time"] not in DAYS:
                continue
            out.append(
                base
                | {
                    "estimand": estimand,
                    "time": float(row["time"]),
                    "estimate": float(row["incidence"]),
                    "std_error": float(row["std_error"]),
                    "std_error_scale": "identity",
                    "conf_low": float(row["conf_low"]),
                    "conf_high": float(row["conf_high"]),
                    "conf_level": conf_level,
                    "denominator": float(row["n_at_risk"]),
                }
            )
    return out
