"""What a new customer brings in revenue up to a horizon, from the survival curve, beside the usual formula."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.flat_metrics.base import BASE, MONTHS, NO_AMOUNTS, Reading
from whychurn.analyses.value.base import FEWEST_AT_RISK, GROSS_PROFIT, LIFETIME_REVENUE
from whychurn.analyses.value.usual import STEPS
from whychurn.models import discounted_lifetime, last_well_known
from whychurn.models.wald import normal_quantile
from whychurn.study import FlatStudy

CURVE, FORMULA = "survival curve", "usual formula"
DISCOUNTED, UNDISCOUNTED = "discounted at the study's yearly rate", "not discounted"
MONEY = "integral to the horizon of S(t) x mean amount of those still customers at tenure t"
TIME = "area under the survival curve up to the horizon (restricted mean)"
USUAL = "amount per customer-month / departures per customer-month: no horizon, one rate for all tenures, no discount"
NOBODY_LEFT = "Nobody left: the usual formula divides by a churn of zero."
#: Horizons in months that are also listed, up to the study's own.
LISTED = (12, 24, 36, 48, 60)


def lifetime_rows(readings: list[Reading], study: FlatStudy) -> Iterator[dict[str, Any]]:
    """Yield settings, then under each reading months, revenue, the usual formula and the steps between the two."""
    called = GROSS_PROFIT if study.value.gross_margin else LIFETIME_REVENUE
    yield BASE | {"estimand": "called", "method": "setting", "level": called}
    yield BASE | {
        "estimand": "discount_rate",
        "method": "setting",
        "unit": "share",
        "estimate": study.value.discount_rate,
    }
    for reading in readings:
        yield from _Lifetime.of(reading, study).found()


@dataclass(frozen=True, slots=True)
class _Lifetime:
    """One reading's rows, times in months, with how far ahead they let one look."""

    reading: Reading
    study: FlatStudy
    horizon: int

    @classmethod
    def of(cls, reading: Reading, study: FlatStudy) -> _Lifetime:
        asked = float(study.value.horizon_months)
        reach = last_well_known(reading.rows, "stop", FEWEST_AT_RISK, "start", latest=asked)
        return cls(reading, study, math.floor(reach + 1e-9))

    def found(self) -> Iterator[dict[str, Any]]:
        base = BASE | {"group": self.reading.name, "conf_level": self.study.confidence_level}
        asked = self.study.value.horizon_months
        short = "" if self.horizon == asked else "The file reaches no further with enough customers at risk."
        yield base | {"estimand": "lifetime_horizon", "method": "setting", "unit": "months"} | {
            "estimate": float(self.horizon), "numerator": float(asked), "note": short,
        }  # fmt: skip
        if self.horizon < 1:
            note = f"A lifetime needs at least {FEWEST_AT_RISK} customers at risk at every tenure up to one month."
            yield base | {"estimand": "lifetime_revenue", "method": CURVE, "level": DISCOUNTED, "note": note}
            return
        yield from self._rows(base, "expected_months", TIME, "months", None, 0.0)
        if self.reading.rows["amount"].isna().all():
            yield base | {"estimand": "lifetime_revenue", "method": CURVE, "level": DISCOUNTED, "note": NO_AMOUNTS}
            return
        for level, rate in ((UNDISCOUNTED, 0.0), (DISCOUNTED, self.study.value.discount_rate)):
            yield from self._rows(
                base | {"level": level}, "lifetime_revenue", MONEY, self.study.currency, "amount", rate
            )
        yield from self._usual(base)

    @property
    def margin(self) -> float:
        return self.study.value.gross_margin or 1.0

    def _curve(self, months: list[int], amount: str | None, rate: float) -> pd.DataFrame:
        running = None if amount is None else {amount: self.margin}
        return discounted_lifetime(
            self.reading.rows, "stop", "event", months, entry="start", rate=rate, year=MONTHS, amount=running,
            conf_level=self.study.confidence_level,
        ).table  # fmt: skip

    def _rows(
        self, base: dict[str, Any], estimand: str, words: str, unit: str, amount: str | None, rate: float
    ) -> Iterator[dict[str, Any]]:
        months = sorted({month for month in LISTED if month < self.horizon} | {self.horizon})
        each: Any
        for each in self._curve(months, amount, rate).itertuples():
            yield base | {
                "estimand": estimand, "method": CURVE, "unit": unit, "time": float(each.horizon), "definition": words,
                "estimate": each.estimate, "n_accounts": each.n, "n_events": each.n_events, "denominator": each.n_at_risk,
                "note": each.note,
            } | _scatter(each)  # fmt: skip

    def _usual(self, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
        rows = self.reading.rows
        lived, known = (rows["stop"] - rows["start"]).to_numpy(), rows["amount"].notna().to_numpy()
        paid = np.where(known, rows["amount"].fillna(0.0) * lived, 0.0) * self.margin
        left = rows["event"].to_numpy(dtype=float)
        months, counted, departures = float(lived.sum()), float(lived[known].sum()), float(left.sum())
        base = base | {"method": FORMULA, "n_accounts": len(rows), "n_events": departures}
        arpa, churn = float(paid.sum()) / counted, departures / months
        yield base | {
            "estimand": "arpa", "unit": self.study.currency, "estimate": arpa, "numerator": float(paid.sum()),
            "denominator": counted, "definition": "amount per customer-month",
        }  # fmt: skip
        if not departures:
            yield base | {"estimand": "usual_value", "note": NOBODY_LEFT}
            return
        usual = arpa / churn
        row = base | {"estimand": "usual_value", "unit": self.study.currency, "estimate": usual, "definition": USUAL}
        row |= {"numerator": arpa, "denominator": churn}
        if arpa > 0:
            # Of the logarithm of (amounts / time with an amount) / (departures / time).
            effect = paid / paid.sum() - known * lived / counted - left / departures + lived / months
            error = math.sqrt(float((effect**2).sum()))
            factor = math.exp(normal_quantile(self.study.confidence_level) * error)
            row |= {
                "std_error": error,
                "std_error_scale": "log",
                "conf_low": usual / factor,
                "conf_high": usual * factor,
            }
        yield row
        yield from self._walk(base, usual, arpa, churn)

    def _walk(self, base: dict[str, Any], usual: float, arpa: float, churn: float) -> Iterator[dict[str, Any]]:
        """Yield the steps from the usual figure to the curve's, and how many times the one is the other."""
        ahead = [self.horizon]
        reached = {
            "horizon": arpa * -math.expm1(-churn * self.horizon) / churn,
            "tenure": arpa * float(self._curve(ahead, None, 0.0)["estimate"].iloc[0]),
            "revenue": float(self._curve(ahead, "amount", 0.0)["estimate"].iloc[0]),
            "discount": float(self._curve(ahead, "amount", self.study.value.discount_rate)["estimate"].iloc[0]),
        }
        before = usual
        for place, (name, value) in enumerate(reached.items(), start=1):
            yield base | {
                "estimand": "step", "unit": self.study.currency, "level": name, "time": float(place),
                "estimate": value - before, "numerator": value, "denominator": before, "definition": STEPS[name],
            }  # fmt: skip
            before = value
        if before > 0:
            yield base | {
                "estimand": "usual_ratio", "unit": "ratio", "estimate": usual / before, "numerator": usual,
                "denominator": before, "time": float(self.horizon), "definition": "usual formula / curve, discounted",
            }  # fmt: skip


def _scatter(found: Any) -> dict[str, float]:
    """Return error and interval; where nothing scatters, as where nobody left, there is none."""
    if not found.std_error > 0:
        return {}
    return {"std_error": found.std_error, "conf_low": found.conf_low, "conf_high": found.conf_high}
