"""Intervals of rates of revenue, from sums over customers: each customer counts with what it pays."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from whychurn.models.shares import wilson_interval
from whychurn.models.wald import normal_quantile


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over customers of a part y of what they pay and of what they pay, x.

    Attributes
    ----------
    part, whole : float
        Sums of y and x.
    part_square, cross, whole_square : float
        Sums of y*y, x*y and x*x.
    n : float
        Customers, those that belong to one owner as one: their sums are squared, not what each of them pays.
    """

    part: float
    whole: float
    part_square: float
    cross: float
    whole_square: float
    n: float

    @classmethod
    def of(cls, part: ArrayLike, whole: ArrayLike) -> Sums:
        """Add up arrays of shape (n,)."""
        y, x = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
        return cls(float(y.sum()), float(x.sum()), float(y @ y), float(x @ y), float(x @ x), float(len(x)))

    def __add__(self, other: Sums) -> Sums:
        return self._with(other, 1)

    def __sub__(self, other: Sums) -> Sums:
        return self._with(other, -1)

    def _with(self, other: Sums, sign: int) -> Sums:
        return Sums(*(getattr(self, name) + sign * getattr(other, name) for name in _FIELDS))

    @property
    def ratio(self) -> float:
        """Part per whole; NaN where there is no whole."""
        return self.part / self.whole if self.whole > 0 else math.nan

    @property
    def variance(self) -> float:
        """Variance of the ratio, customers being independent (linearised; Cochran 1977, Sampling Techniques, 6.3)."""
        if self.n < 2 or not self.whole > 0:
            return math.nan
        residual = self.part_square - 2 * self.ratio * self.cross + self.ratio**2 * self.whole_square
        return max(residual, 0.0) / self.whole**2 * self.n / (self.n - 1)


_FIELDS = tuple(each.name for each in fields(Sums))


def share_of_revenue(sums: Sums, conf_level: float) -> dict[str, Any]:
    """Return the columns of a share between 0 and 1 in which large customers count for more.

    The interval is Wilson's with as many customers as the variance is worth, at most as many as the spread of what they
    pay is worth ((sum x)^2 / sum x^2; Kish 1965, Survey Sampling, 11.7): one loss among large and small customers could
    have been another's. Korn & Graubard (1998, Survey Methodology 24:193) do the same for proportions in surveys.
    """
    row: dict[str, Any] = {"numerator": sums.part, "denominator": sums.whole}
    share = sums.ratio
    if math.isnan(share):
        return row
    row["estimate"] = share
    if sums.n < 2 or not -1e-9 <= share <= 1 + 1e-9 or not sums.whole_square > 0:
        return row
    share = min(max(share, 0.0), 1.0)
    worth = sums.whole**2 / sums.whole_square
    if sums.variance > 0:
        worth = min(worth, share * (1 - share) / sums.variance)
    if not worth > 0:
        return row
    low, high = wilson_interval(share, worth, normal_quantile(conf_level))
    return row | {"conf_low": low, "conf_high": high, "conf_level": conf_level}


def less(row: dict[str, Any]) -> dict[str, Any]:
    """Return the columns of one less a share, or less a ratio, counted against the same denominator."""
    out = dict(row, numerator=row["denominator"] - row["numerator"])
    if "estimate" in row:
        out["estimate"] = 1 - row["estimate"]
    if "conf_low" in row:
        out |= {"conf_low": 1 - row["conf_high"], "conf_high": 1 - row["conf_low"]}
    return out


def ratio_of_revenue(sums: Sums, conf_level: float) -> dict[str, Any]:
    """Return the columns of a ratio above 0 without upper end; its logarithm has the linearised variance."""
    row: dict[str, Any] = {"numerator": sums.part, "denominator": sums.whole}
    if math.isnan(sums.ratio):
        return row
    row["estimate"] = sums.ratio
    if not sums.ratio > 0 or not sums.variance > 0:
        return row
    factor = math.exp(normal_quantile(conf_level) * math.sqrt(sums.variance) / sums.ratio)
    return row | {"conf_low": sums.ratio / factor, "conf_high": sums.ratio * factor, "conf_level": conf_level}


def net_retention(kept: Sums, grown: Sums, conf_level: float) -> dict[str, Any]:
    """Return the columns of net retention: the share that is kept, and what the same customers pay more, added up.

    The interval is made of theirs as if they were independent (Zou & Donner 2008, Statist. Med. 27:1693, MOVER). An interval from
    the scatter of the sum alone is too short where few customers pay most: as long as none of the large ones is lost, nothing in
    the data says how much one could take. The share that is kept has an interval that allows for it.

    Parameters
    ----------
    kept : Sums
        Of what is kept, nobody counting for more than at the beginning.
    grown : Sums
        Of what is paid at the end beyond that.
    conf_level : float
    """
    base, more = share_of_revenue(kept, conf_level), ratio_of_revenue(grown, conf_level)
    row: dict[str, Any] = {"numerator": kept.part + grown.part, "denominator": kept.whole}
    if "estimate" not in base:
        return row
    value = row["estimate"] = base["estimate"] + more["estimate"]
    if "conf_low" not in base:
        return row
    # Where nobody pays more there is nothing to be unsure of.
    below, above = (
        math.hypot(*(abs(part["estimate"] - part.get(end, part["estimate"])) for part in (base, more)))
        for end in ("conf_low", "conf_high")
    )
    return row | {"conf_low": max(value - below, 0.0), "conf_high": value + above, "conf_level": conf_level}


def difference_test(one: Sums, other: Sums) -> dict[str, Any]:
    """Return the columns of the difference of two ratios of different customers, and a test that they are the same.

    The scatter is that of all customers around their common ratio, in proportion to what each pays: a group that happened to
    lose nobody large has a small scatter of its own, and would be called different too often.
    """
    value = one.ratio - other.ratio
    if math.isnan(value):
        return {}
    both = one + other
    residual = both.part_square - 2 * both.ratio * both.cross + both.ratio**2 * both.whole_square
    variance = max(residual, 0.0) / both.whole_square * sum(each.whole_square / each.whole**2 for each in (one, other))
    if not variance > 0:
        return {"estimate": value}
    z = value / math.sqrt(variance)
    return {
        "estimate": value,
        "std_error": math.sqrt(variance),
        "statistic": z,
        "p_value": float(2 * norm.sf(abs(z))),
    }
