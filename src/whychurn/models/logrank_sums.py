"""Observed less expected events and their covariance: the sums under every test of the log-rank family.

Source: Mantel (1966), Cancer Chemother. Rep. 50:163; weights of Fleming & Harrington (1991), Counting
Processes and Survival Analysis, definition 7.2.1; case weights as in Xie & Liu (2005), Statist. Med. 24:3089.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from whychurn.errors import FitError
from whychurn.models.columns import Booleans, Floats, Integers
from whychurn.models.distinct import distinct_codes, places_among
from whychurn.models.life_table import count_whole, rows_by_group


@dataclass(frozen=True, slots=True)
class RiskCounts:
    """Counts of one stratum at its D event times, by group, shape (D, k) each.

    Attributes
    ----------
    deaths, at_risk
        (Weighted) events, and rows at risk just before.
    row_deaths, row_at_risk, squares
        With weights that are no counts: events and rows at risk without weights, and the sums of the squared
        weights of those at risk; else None.
    """

    deaths: Floats
    at_risk: Floats
    row_deaths: Floats | None = None
    row_at_risk: Floats | None = None
    squares: Floats | None = None

    def only(self, groups: list[int]) -> RiskCounts:
        """Return the counts of some groups, at the times at which one of them has an event."""
        some = self.deaths[:, groups].sum(axis=1) > 0
        tables = (self.deaths, self.at_risk, self.row_deaths, self.row_at_risk, self.squares)
        return RiskCounts(*(None if each is None else each[np.ix_(some, groups)] for each in tables))  # type: ignore[arg-type]


def risk_counts(
    group: Integers,
    k: int,
    stratum: Integers,
    strata: int,
    start: Floats | None,
    stop: Floats,
    event: Booleans,
    weights: Floats | None,
) -> list[RiskCounts]:
    """Count events and rows at risk by group at the event times of every stratum that has any.

    Parameters
    ----------
    group, k, stratum, strata
        Codes of each row, shape (n,), and how many there are.
    start, stop, event, weights
        As in `life_tables`.
    """
    if weights is None or (weights == np.round(weights)).all():
        return [RiskCounts(*each) for each in _tables(group, k, stratum, strata, start, stop, event, weights)]
    weighted, squared, plain = (
        _tables(group, k, stratum, strata, start, stop, event, mass) for mass in (weights, weights**2, None)
    )
    return [
        RiskCounts(deaths, at_risk, row_deaths, row_at_risk, squares)
        for (deaths, at_risk), (_, squares), (row_deaths, row_at_risk) in zip(weighted, squared, plain, strict=True)
    ]


def log_rank_sums(counts: RiskCounts, rho: float, gamma: float) -> tuple[Floats, Floats, Floats]:
    """Return observed and expected, shape (k,), and the covariance of their difference, shape (k, k), of a stratum.

    Given who is at risk and how many have the event, those who have it are a simple random sample of those at
    risk: without case weights the covariance is hypergeometric.
    """
    deaths, at_risk = counts.deaths, counts.at_risk
    d, n = deaths.sum(axis=1), at_risk.sum(axis=1)
    weight = fleming_harrington_weights(d, n, rho, gamma)
    share = at_risk / n[:, None]
    if counts.row_deaths is None or counts.row_at_risk is None or counts.squares is None:
        spread = np.divide(weight**2 * d * (n - d), n - 1.0, out=np.zeros_like(n), where=n > 1.0)
        covariance = np.diag(spread @ share) - share.T @ (spread[:, None] * share)
    else:
        rows, dying = counts.row_at_risk.sum(axis=1), counts.row_deaths.sum(axis=1)
        several = rows > 1.0
        spread = np.divide(weight**2 * dying * (rows - dying), rows * (rows - 1.0), out=np.zeros(d.size), where=several)
        own = counts.squares
        cross = share.T @ (spread[:, None] * own)
        total = own.sum(axis=1)
        covariance = np.diag(spread @ own) - cross - cross.T + share.T @ ((spread * total)[:, None] * share)
    return weight @ deaths, (weight * d) @ share, covariance


def fleming_harrington_weights(d: Floats, n: Floats, rho: float, gamma: float) -> Floats:
    """Return ``S^rho (1 - S)^gamma`` at each event time, S the pooled survival just before it, shape (D,)."""
    if rho == 0.0 and gamma == 0.0:
        return np.ones(d.size)
    survival = np.concatenate(([1.0], np.cumprod(np.maximum(1.0 - d / n, 0.0))[:-1]))
    with np.errstate(divide="ignore"):
        weight = survival**rho * (1.0 - survival) ** gamma
    if not np.isfinite(weight).all():
        raise FitError(
            f"With rho = {rho:g}, events after everybody at risk was gone once would weigh without limit: late entry "
            "into an empty risk set. Use rho >= 0."
        )
    return np.asarray(weight, dtype=np.float64)


def _tables(
    group: Integers,
    k: int,
    stratum: Integers,
    strata: int,
    start: Floats | None,
    stop: Floats,
    event: Booleans,
    weights: Floats | None,
) -> Iterator[tuple[Floats, Floats]]:
    """Yield events and numbers at risk, shape (D, k) each, of the strata that have events."""
    codes = group if strata == 1 else stratum * k + group
    leaving = count_whole(stop, codes, strata * k, event, weights)
    entering = None if start is None else count_whole(start, codes, strata * k, None, weights)
    if leaving is not None and (start is None or entering is not None):
        time, table = leaving
        at_risk = _from_here_on(table.sum(axis=2))[:-1]
        if entering is not None:
            later = _from_here_on(entering[1][:, :, 0])
            at_risk -= later[np.searchsorted(entering[0], time, side="left")]
        for layer in range(strata):
            mine = slice(layer * k, (layer + 1) * k)
            deaths = table[:, mine, 1]
            some = deaths.sum(axis=1) > 0
            if some.any():
                yield deaths[some], at_risk[some, mine]
        return
    for rows in rows_by_group(stratum, strata):
        happened = event[rows]
        if not happened.any():
            continue
        times, _ = distinct_codes(stop[rows[happened]])
        mass = None if weights is None else weights[rows]
        deaths = _count(
            places_among(times, stop[rows[happened]]) - 1,
            group[rows[happened]],
            times.size,
            k,
            None if mass is None else mass[happened],
        )
        at_risk = _from_here_on(_count(places_among(times, stop[rows]), group[rows], times.size + 1, k, mass))[1:-1]
        if start is not None:
            entry = places_among(times, start[rows])
            at_risk = at_risk - _from_here_on(_count(entry, group[rows], times.size + 1, k, mass))[1:-1]
        yield deaths, at_risk


def _from_here_on(table: Floats) -> Floats:
    """Return sums from each row of a table to its last, with a row of zeros at the end."""
    return np.concatenate((np.cumsum(table[::-1], axis=0)[::-1], np.zeros((1, *table.shape[1:]))))


def _count(slot: Integers, group: Integers, slots: int, k: int, weights: Floats | None) -> Floats:
    """Count rows by slot and group, shape (slots, k)."""
    flat = np.bincount(slot * k + group, weights=weights, minlength=slots * k)
    return flat.reshape(slots, k).astype(np.float64)
