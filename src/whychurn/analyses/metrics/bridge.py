"""From opening to closing revenue of every period: what came and went, and whether it adds up to the cent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.metrics.base import BASE, LAST, MONTH, QUARTER, YEAR, cells_of, days_since, label, money, sums
from whychurn.panel import Panel
from whychurn.study import TableStudy

CAME, WENT = ("new", "expansion", "reactivation"), ("contraction", "churn")
STEPS = ("opening", *CAME, *WENT, "closing")
#: Half a cent: sums of money may differ by less only because computers round.
CENT = 0.005
_DEFINITION = (
    "recurring revenue per month of the customers of the day before; opening + new + expansion + reactivation - contraction - "
    "churn = closing"
)


def bridge_rows(panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield the steps of each bridge, what is missing to the cent, and the same change summed from day to day."""
    for period in (MONTH, QUARTER, YEAR, LAST):
        table = sums(panel, period)
        gaps = bridge_gaps(table)
        for place, cell in enumerate(cells_of(table)):
            base: dict[str, Any] = {
                "method": period,
                "term": label(cell.starts_on, cell.ends_on, period),
                "group": "bridge",
            }
            base |= {"time": days_since(cell.starts_on, study.observed_from), "definition": _DEFINITION}
            note = "" if abs(gaps[place]) < CENT else f"The bridge does not close: {gaps[place]:+,.2f} is unexplained."
            for step in STEPS:
                value = getattr(cell, f"mrr_{step}")
                amount = -value if step in WENT else value
                yield money(study, amount, numerator=abs(value), estimand="mrr", level=step, note=note, **base)
        if period == MONTH:
            yield _closes(gaps, "opening plus movements against closing", study)
            yield _closes(daily_gaps(panel, table), "daily changes against the bridge", study)


def bridge_gaps(table: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return, per period, closing revenue less what the bridge leads to; and whether each opens where the last closed."""
    moved = sum(table[f"mrr_{step}"] for step in CAME) - sum(table[f"mrr_{step}"] for step in WENT)
    gap = (table["mrr_closing"] - table["mrr_opening"] - moved).to_numpy(dtype=float)
    opens = (table["mrr_opening"] - table["mrr_closing"].shift(1)).fillna(0.0).to_numpy(dtype=float)
    return np.where(np.abs(opens) > np.abs(gap), opens, gap)


def daily_gaps(panel: Panel, months: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return, per month, the net change of the bridge less that of all movements of its days."""
    moves = panel.tables["movements"]
    net = (moves["mrr_after"] - moves["mrr_before"]).astype(float)
    daily = net.groupby(pd.to_datetime(moves["on"])).sum()
    monthly = daily.groupby(pd.DatetimeIndex(daily.index).to_period("M")).sum()
    wanted = monthly.reindex(months["starts_on"].dt.to_period("M"), fill_value=0.0).to_numpy(dtype=float)
    return (months["mrr_closing"] - months["mrr_opening"]).to_numpy(dtype=float) - wanted


def _closes(gaps: np.ndarray[Any, np.dtype[np.float64]], what: str, study: TableStudy) -> dict[str, Any]:
    largest = float(np.abs(gaps).max()) if len(gaps) else 0.0
    wrong = int((np.abs(gaps) >= CENT).sum())
    # What is below half a cent is the rounding of the machine, which may differ from one to another.
    return BASE | {
        "estimand": "bridge_gap", "term": what, "unit": study.currency, "estimate": largest if wrong else 0.0,
        "numerator": wrong, "denominator": len(gaps), "grade": "does not close" if wrong else "closes",
        "definition": "largest difference in any month, to the cent",
        "note": f"{wrong} of {len(gaps)} months do not close." if wrong else "",
    }  # fmt: skip
