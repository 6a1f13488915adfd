"""Do the intervals of customer churn, gross and net revenue retention hold the truth as often as they say?

Companies are drawn customer by customer from populations whose rates are known, and the product's own intervals are found for
each. ``python -m validation.revenue docs/validation-revenue.md`` writes the page (two minutes); without a file it goes to the
terminal. Nothing is kept.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from validation.markdown import percent, table
from validation.summary import Share
from whychurn.analyses.metrics.base import share_of_customers
from whychurn.analyses.metrics.intervals import Sums, net_retention, share_of_revenue

CONF_LEVEL, SEED = 0.95, 2026
#: Companies of each kind and size, and customers from which the truth is taken.
COMPANIES, TRUTH = 4_000, 4_000_000
SIZES = (100, 500, 2_000)
#: Standard deviation of the logarithm of what customers pay where few pay most, and the share that comes to pay another amount.
SPREAD, CHANGES = 1.4, 0.35
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Population:
    """Customers of which companies are drawn.

    Attributes
    ----------
    name : str
    spread : float
        Standard deviation of the logarithm of what customers pay.
    leaving : float
        Share that leaves in a year.
    tenfold : float
        By what the chance to leave is multiplied for whoever pays ten times as much.
    together : float
        Share of customers that share their owner with another; owners leave with all that is theirs.
    """

    name: str
    spread: float = SPREAD
    leaving: float = 0.12
    tenfold: float = 1.0
    together: float = 0.0


POPULATIONS = (
    Population("all pay about the same", spread=0.2),
    Population("few pay most"),
    Population("few pay most, and leave less", tenfold=0.5),
    Population("few pay most, few leave", leaving=0.03),
    Population("few pay most, four of ten share an owner", together=0.4),
)
HEAD = f"""# Intervals of churn and retention against truth

Written by `python -m validation.revenue docs/validation-revenue.md`, never by hand. Companies are drawn customer by customer from
populations whose rates are known; of each, the intervals of whychurn are found, which are to hold the truth {CONF_LEVEL:.0%} of the
time. What customers pay is log-normal; where few pay most, {norm.cdf(SPREAD - norm.ppf(0.9)):.0%} of everything is paid by the dearest
tenth. Of those who stay {CHANGES:.0%} pay another amount at the end. In brackets is what chance alone may have made of a figure ({COMPANIES:,} companies each).

An interval of gross retention, or of revenue lost, that holds the truth more often than it says is meant to: how much a company of
few large customers can lose, a year in which it lost none of them does not show. The interval of net retention was chosen after companies drawn with another
seed: one from the scatter of what is paid at the end holds the truth too seldom where few pay most (`tests/validation`).
"""


def draw(population: Population, n: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Return, of `n` customers, the owner, and what each pays at the beginning and at the end; who left pays nothing."""
    owner, pairs = np.arange(n), int(population.together * n / 2)
    owner[pairs : 2 * pairs] = owner[:pairs]
    paid = population.spread * rng.normal(0.0, 1.0, n)
    begin = np.round(np.exp(5.0 + paid), 2)
    leaving = np.clip(population.leaving * population.tenfold ** (paid / np.log(10.0)), 0.0, 0.9)
    gone = rng.random(n)[owner] < leaving[owner]
    change = np.where(rng.random(n) < CHANGES, np.exp(rng.normal(0.05, 0.25, n)), 1.0)
    return owner, begin, np.where(gone, 0.0, begin * change)


def sums_of(owner: NDArray[np.int64], part: Floats, whole: Floats) -> Sums:
    """Return the sums over owners."""
    there = np.bincount(owner) > 0
    return Sums.of(*(np.bincount(owner, weights=each)[there] for each in (part, whole)))


def rates(owner: NDArray[np.int64], begin: Floats, end: Floats) -> dict[str, dict[str, Any]]:
    """Return every rate of a company with its interval, as the product finds them."""
    kept, gone = np.minimum(begin, end), (end == 0).astype(float)
    still = sums_of(owner, kept, begin)
    return {
        "customers lost": share_of_customers(sums_of(owner, gone, np.ones(len(begin))), CONF_LEVEL),
        "revenue lost": share_of_revenue(sums_of(owner, gone * begin, begin), CONF_LEVEL),
        "gross retention": share_of_revenue(still, CONF_LEVEL),
        "net retention": net_retention(still, sums_of(owner, end - kept, begin), CONF_LEVEL),
    }


def coverage(population: Population, n: int, companies: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield, per rate, the truth, in how many companies the interval holds it, lies above or below it, and its median length."""
    rng = np.random.default_rng([seed, n, *population.name.encode()])
    truth = {name: row["estimate"] for name, row in rates(*draw(population, TRUTH, rng)).items()}
    limits: dict[str, list[tuple[float, float]]] = {name: [] for name in truth}
    for _ in range(companies):
        for name, row in rates(*draw(population, n, rng)).items():
            limits[name].append((row.get("conf_low", np.nan), row.get("conf_high", np.nan)))
    for name, found in limits.items():
        low, high = np.array(found).T
        yield {
            "rate": name, "truth": truth[name], "length": float(np.nanmedian(high - low)),
            "held": Share(int(((low <= truth[name]) & (truth[name] <= high)).sum()), companies),
            "above": Share(int((low > truth[name]).sum()), companies), "below": Share(int((high < truth[name]).sum()), companies),
        }  # fmt: skip


def page(companies: int = COMPANIES) -> str:
    """Return the page: one table per population."""
    parts = [HEAD]
    heads = ["customers", "rate", "truth", "intervals that hold it", "that lie above it", "below it", "median length"]
    for population in POPULATIONS:
        lines = [
            [f"{n:,}", row["rate"], f"{row['truth']:.1%}", percent(row["held"]), f"{row['above'].value:.1%}",
             f"{row['below'].value:.1%}", f"{100 * row['length']:.1f} points"]
            for n in SIZES
            for row in coverage(population, n, companies, SEED)
        ]  # fmt: skip
        parts.append(f"## {population.name[:1].upper()}{population.name[1:]}\n\n{table(heads, lines)}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    text = page()
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        print(text)
