"""How often right, over many companies: every figure with what chance alone could make of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest, norm

from whychurn.models import adjust_p_values

Record = dict[str, Any]
Z = float(norm.ppf(0.975))


@dataclass(frozen=True, slots=True)
class Share:
    """A share of companies, with its exact 95% interval (Clopper and Pearson 1934)."""

    count: int
    total: int

    @property
    def value(self) -> float:
        """The share; NaN of no companies."""
        return self.count / self.total if self.total else math.nan

    @property
    def limits(self) -> tuple[float, float]:
        """95% interval."""
        if not self.total:
            return math.nan, math.nan
        interval = binomtest(self.count, self.total).proportion_ci(0.95, method="exact")
        return float(interval.low), float(interval.high)


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over companies, with its 95% interval."""

    value: float
    std_error: float

    @classmethod
    def of(cls, values: Sequence[float] | np.ndarray) -> Mean:
        """Return the mean of values."""
        known = np.asarray(values, dtype=float)
        known = known[~np.isnan(known)]
        if len(known) < 2:
            return cls(float(known.mean()) if len(known) else math.nan, math.nan)
        return cls(float(known.mean()), float(known.std(ddof=1) / math.sqrt(len(known))))

    @property
    def limits(self) -> tuple[float, float]:
        """95% interval."""
        return self.value - Z * self.std_error, self.value + Z * self.std_error


@dataclass(frozen=True, slots=True)
class Calibration:
    """Estimates of one number, held against the truth.

    Attributes
    ----------
    n, missing : int
        Companies with an estimate, and without (nobody at that level left, say).
    truth : float
    bias : Mean
        Mean estimate less truth.
    spread, std_error : float
        Standard deviation of estimates, and the mean of the standard errors stated with them.
    coverage : Share
        Of the 95% intervals.
    """

    n: int
    missing: int
    truth: float
    bias: Mean
    spread: float
    std_error: float
    coverage: Share


def calibrate(pairs: Sequence[Sequence[float] | None], truth: float) -> Calibration:
    """Hold estimates (with standard error, or with limits as third and fourth number) against the truth.

    Parameters
    ----------
    pairs : sequence
        One per company; None where there is no estimate.
    truth : float
    """
    known = [pair for pair in pairs if pair is not None and not any(math.isnan(value) for value in pair[:2])]
    estimates, errors = (np.array([pair[place] for pair in known], dtype=float) for place in (0, 1))
    if known and len(known[0]) == 4:
        low, high = (np.array([pair[place] for pair in known], dtype=float) for place in (2, 3))
    else:
        low, high = estimates - Z * errors, estimates + Z * errors
    inside = int(((low <= truth) & (truth <= high)).sum())
    return Calibration(
        n=len(known),
        missing=len(pairs) - len(known),
        truth=truth,
        bias=Mean.of(estimates - truth),
        spread=float(estimates.std(ddof=1)) if len(known) > 1 else math.nan,
        std_error=float(errors.mean()) if len(known) else math.nan,
        coverage=Share(inside, len(known)),
    )


def significant(pairs: Sequence[Sequence[float] | None], sign: int = 0) -> Share:
    """Share of companies in which an estimate is significant at 5%; of one sign, if asked for."""
    known = [pair for pair in pairs if pair is not None and not math.isnan(pair[0])]
    clear = [pair for pair in known if abs(pair[0]) > Z * pair[1] and (not sign or np.sign(pair[0]) == sign)]
    return Share(len(clear), len(known))


@dataclass(frozen=True, slots=True)
class Discoveries:
    """What a family of tests finds.

    Attributes
    ----------
    q : float
        False-discovery rate aimed at.
    proportion : Mean
        False discoveries among discoveries (0 where nothing was found), averaged over companies.
    any_false : Share
        Companies with a false discovery.
    power : Mean
        Share of the candidates with an effect that were found.
    """

    q: float
    proportion: Mean
    any_false: Share
    power: Mean


def discoveries(adjusted: Sequence[dict[str, float | None]], nulls: Sequence[str], q: float) -> Discoveries:
    """Count false discoveries among adjusted p-values.

    Parameters
    ----------
    adjusted : sequence of dict
        Candidate -> adjusted p, one per company.
    nulls : sequence of str
        Candidates without effect.
    q : float
    """
    false, power, any_false = [], [], 0
    for family in adjusted:
        found = {name for name, p in family.items() if p is not None and p <= q}
        wrong = found & set(nulls)
        false.append(len(wrong) / len(found) if found else 0.0)
        any_false += bool(wrong)
        real = [name for name in family if name not in nulls]
        power.append(len(found & set(real)) / len(real) if real else math.nan)
    return Discoveries(q, Mean.of(false), Share(any_false, len(adjusted)), Mean.of(power))


def adjusted_families(records: Sequence[Record], key: str = "p_direct") -> list[dict[str, float | None]]:
    """Adjust the p-values of each company over its family (Benjamini and Hochberg)."""
    out = []
    for record in records:
        names = list(record[key])
        values = [math.nan if record[key][name] is None else record[key][name] for name in names]
        out.append(dict(zip(names, (float(p) for p in adjust_p_values(values, method="bh")), strict=True)))
    return out


def table_families(records: Sequence[Record]) -> list[dict[str, float | None]]:
    """Return the adjusted p-values of each company's cause table."""
    return [{name: row["p_adjusted"] for name, row in record["table"].items()} for record in records]


def grades_of(records: Sequence[Record], column: str) -> Counter[str]:
    """Count the grades that a cause was given."""
    return Counter(record["table"][column]["grade"] for record in records if column in record["table"])


def ranks_first(records: Sequence[Record], column: str, by_share: bool = False) -> Share:
    """Share of companies whose cause table ranks a cause first: as printed, or by share of departures alone."""
    first = [_order(record, by_share)[:1] == [column] for record in records]
    return Share(sum(first), len(first))


def pairwise(records: Sequence[Record], higher: str, lower: str, by_share: bool = False) -> Share:
    """Share of companies whose cause table ranks one cause above another."""
    right = total = 0
    for record in records:
        order = _order(record, by_share)
        if higher in order and lower in order:
            total += 1
            right += order.index(higher) < order.index(lower)
        elif higher in order or lower in order:
            total += 1
            right += higher in order
    return Share(right, total)


def _order(record: Record, by_share: bool) -> list[str]:
    table = record["table"]
    if not by_share:
        return sorted(table, key=lambda name: table[name]["rank"])
    known = [name for name, row in table.items() if row.get("share")]
    return sorted(known, key=lambda name: -table[name]["share"][0])
