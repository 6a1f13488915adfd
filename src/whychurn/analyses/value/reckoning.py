"""The estimator applied to a ledger: one call for each question, with the study's rate and what is to be taken off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from whychurn.analyses.rates import MONTH, YEAR
from whychurn.analyses.value.base import FEWEST_AT_RISK
from whychurn.analyses.value.ledger import Ledger
from whychurn.models import discounted_lifetime, last_well_known
from whychurn.models.lifetime import TIME, TOTAL
from whychurn.study import TableStudy

#: Parts of a value as the estimator names them.
REVENUE, SERVICE, ACQUISITION = "mrr", "service", "acquisition"
__all__ = ["ACQUISITION", "REVENUE", "SERVICE", "TIME", "TOTAL", "Reckoning", "columns_of", "horizon_of"]


@dataclass(frozen=True, slots=True)
class Reckoning:
    """How lifetimes of a ledger are reckoned."""

    ledger: Ledger
    study: TableStudy

    def time(self, rows: pd.DataFrame, months: Sequence[float], group: str | None = None) -> pd.DataFrame:
        """Return expected months as a customer up to some horizons, by group."""
        found = self._of(rows, months, 0.0, None, None, group)
        columns = ["estimate", "std_error", "conf_low", "conf_high"]
        found[columns] /= MONTH
        return found

    def money(
        self, rows: pd.DataFrame, months: Sequence[float], group: str | None = None, discounted: bool = True
    ) -> pd.DataFrame:
        """Return revenue, costs (negative) and what is left up to some horizons, by group."""
        running: dict[str, float] = {REVENUE: self.ledger.margin}
        running |= {SERVICE: -1.0} if self.ledger.has_service else {}
        once = {ACQUISITION: -1.0} if self.ledger.has_acquisition else None
        rate = self.study.value.discount_rate if discounted else 0.0
        return self._of(rows, months, rate, running, once, group)

    def _of(
        self,
        rows: pd.DataFrame,
        months: Sequence[float],
        rate: float,
        running: dict[str, float] | None,
        once: dict[str, float] | None,
        group: str | None,
    ) -> pd.DataFrame:
        found = discounted_lifetime(
            rows,
            "duration",
            "event",
            [month * MONTH for month in months],
            entry="entry",
            rate=rate,
            year=YEAR,
            amount=running,
            amount_per=MONTH,
            upfront=once,
            group=group,
            cluster="owner",
            conf_level=self.study.confidence_level,
        ).table
        # Errors are by owner, counts are of customers.
        accounts = rows.groupby(group or (lambda _: "all"), observed=True)["account_id"].nunique()
        n = found["group"].map({str(label): count for label, count in accounts.items()})
        return found.assign(month=(found["horizon"] / MONTH).round(6), n=n)


def horizon_of(rows: pd.DataFrame, months: int, at_least: int = FEWEST_AT_RISK) -> int:
    """Return how many whole months, up to `months`, at least so many customers are at risk at every age."""
    if rows.empty:
        return 0
    return math.floor(last_well_known(rows, "duration", at_least, "entry", latest=months * MONTH) / MONTH + 1e-9)


def columns_of(found: Any, sign: float = 1.0) -> dict[str, Any]:
    """Return the columns of a finding from a row of the estimator's table; `sign` -1 turns a deduction into a cost."""
    low, high = (found.conf_low, found.conf_high) if sign > 0 else (-found.conf_high, -found.conf_low)
    return {
        "estimate": sign * found.estimate,
        "std_error": found.std_error,
        "conf_low": low,
        "conf_high": high,
        "n_accounts": found.n,
        "n_events": found.n_events,
        "note": found.note,
    }
