"""Differences of shares, each with an interval of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

from whychurn.analyses.common import share_interval


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its interval; where it is a count of something, the count and of how many."""

    estimate: float
    conf_low: float
    conf_high: float
    count: float = math.nan
    total: float = math.nan

    @classmethod
    def of(cls, count: float, total: float, conf_level: float) -> Share:
        """Return a counted share with Wilson's interval; of nothing there is no share."""
        if not total:
            return cls(math.nan, math.nan, math.nan, count, total)
        return cls(count / total, *share_interval(count, total, conf_level), count, total)

    @property
    def known(self) -> bool:
        """Whether there is a share with an interval."""
        return not (math.isnan(self.estimate) or math.isnan(self.conf_low))

    def row(self) -> dict[str, float]:
        """Return the columns of a finding."""
        if math.isnan(self.estimate):
            return {"numerator": self.count, "denominator": self.total}
        return {
            "estimate": self.estimate,
            "conf_low": self.conf_low,
            "conf_high": self.conf_high,
            "numerator": self.count,
            "denominator": self.total,
        }


def difference(one: Share, other: Share) -> Share:
    """Return one share less another, its interval made of theirs as if they were independent.

    References
    ----------
    Newcombe (1998), Statist. Med. 17:873-890, method 10, for two counted shares; Zou & Donner (2008), Statist. Med.
    27:1693-1702 (MOVER), for any two estimates with intervals.
    """
    value = one.estimate - other.estimate
    below = math.hypot(one.estimate - one.conf_low, other.conf_high - other.estimate)
    above = math.hypot(one.conf_high - one.estimate, other.estimate - other.conf_low)
    return Share(value, value - below, value + above)


def total(shares: list[Share]) -> Share:
    """Return the sum of shares, its interval made of theirs as if they were independent."""
    value = sum(share.estimate for share in shares)
    below = math.hypot(*(share.estimate - share.conf_low for share in shares))
    above = math.hypot(*(share.conf_high - share.estimate for share in shares))
    return Share(value, value - below, value + above)
