"""Means and shares by group, with intervals that allow for several values of one cluster.

A share's interval is Wilson's on the effective number of values: as many independent ones would have the same variance.

Source: Wilson (1927), J. Am. Stat. Assoc. 22:209-212; Korn & Graubard (1998), Survey Methodology 24:193-201 (effective
sample size); Liang & Zeger (1986), Biometrika 73:13-22 (variance by cluster).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import stats

from whychurn.errors import FitError
from whychurn.models.columns import Floats, Integers, read_groups, read_numbers, refuse_rows, tally
from whychurn.models.shares import wilson_interval
from whychurn.models.wald import normal_quantile

_FEW_CLUSTERS = 10
# A variance this small beside that of independent values is rounding.
_NO_SPREAD = 1e-12


@dataclass(frozen=True, slots=True)
class GroupedMeans:
    """Means of groups.

    Attributes
    ----------
    table
        One row per group: group, estimate, std_error, conf_low, conf_high, n (values), n_clusters, n_effective, note.
    against_rest
        One row per group: group, estimate (mean of the group less that of all others), std_error, conf_low, conf_high,
        statistic, p_value (two-sided), note. Clusters with values on both sides are allowed for.
    conf_level
        Level of the intervals.
    """

    table: pd.DataFrame
    against_rest: pd.DataFrame = field(repr=False)
    conf_level: float


def grouped_means(
    frame: pd.DataFrame,
    value: str,
    by: str | None = None,
    cluster: str | None = None,
    share: bool = False,
    conf_level: float = 0.95,
) -> GroupedMeans:
    """Estimate means, or shares, by group.

    Parameters
    ----------
    frame
        One row per value.
    value
        Numbers; 0 or 1 for a share.
    by
        Column of the group; all rows are one group without it.
    cluster
        Column of what values belong together by. With fewer than two clusters values count as independent.
    share
        Whether the values are 0 or 1 and the intervals Wilson's; else they are normal.
    conf_level
        Level of the intervals.

    Raises
    ------
    FitError
        No rows, values that are missing, or are neither 0 nor 1 for a share.
    """
    if not len(frame):
        raise FitError("The frame has no rows.")
    z = normal_quantile(conf_level)
    values = read_numbers(frame, value)
    if share:
        refuse_rows(frame, (values != 0) & (values != 1), f"Column {value!r} is neither 0 nor 1")
    place, labels = read_groups(frame, by)
    owner = read_groups(frame, cluster)[0] if cluster is not None else np.arange(len(frame))
    if owner.max() < 1:
        owner = np.arange(len(frame))
    size = len(labels)
    n = np.bincount(place, minlength=size)
    mean = tally(place, values, size) / n
    residual = values - mean[place]
    n_clusters = np.bincount(np.unique(owner * size + place) % size, minlength=size)
    variance = _by_cluster(residual / n[place], place, owner, size)
    spread = tally(place, residual**2, size) / n
    # Where all values are equal they tell nothing about clusters: each cluster then counts once.
    known = variance > _NO_SPREAD * np.maximum(spread, 1e-300)
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = np.where(known, np.minimum(spread / variance, n), n_clusters).astype(float)
    if share:
        limits = [wilson_interval(float(m), float(size), z) for m, size in zip(mean, effective, strict=True)]
        low, high = np.array(limits).reshape(-1, 2).T
    else:
        low, high = mean - z * np.sqrt(variance), mean + z * np.sqrt(variance)
    no_error = ~known & (not share)
    table = pd.DataFrame({
        "group": labels, "estimate": mean, "std_error": np.where(known, np.sqrt(variance), np.nan),
        "conf_low": np.where(no_error, np.nan, low), "conf_high": np.where(no_error, np.nan, high),
        "n": n, "n_clusters": n_clusters, "n_effective": effective, "note": [_note(int(count)) for count in n_clusters],
    })  # fmt: skip
    return GroupedMeans(table, _against_rest(values, place, owner, labels, z), conf_level)


def _by_cluster(influence: Floats, place: Integers, owner: Integers, size: int) -> Floats:
    """Return the variance of each group from the influence of its values, summed within clusters."""
    groups = int(owner.max()) + 1
    cell, of_cell = np.unique(place * groups + owner, return_inverse=True)
    summed = tally(of_cell, influence, len(cell))
    return tally(cell // groups, summed**2, size) * (groups / max(groups - 1.0, 1.0))


def _against_rest(values: Floats, place: Integers, owner: Integers, labels: tuple[str, ...], z: float) -> pd.DataFrame:
    groups, rows = int(owner.max()) + 1, []
    for k, label in enumerate(labels):
        inside = place == k
        if inside.all():
            rows.append((label, *[math.nan] * 6, "there are no others"))
            continue
        one, rest = values[inside].mean(), values[~inside].mean()
        # Linearised: the share of each value in its own mean times its distance from it.
        influence = np.where(inside, (values - one) / inside.sum(), -(values - rest) / (~inside).sum())
        error = math.sqrt(float((tally(owner, influence, groups) ** 2).sum()) * groups / max(groups - 1.0, 1.0))
        gap = float(one - rest)
        if error <= 1e-12:
            rows.append((label, gap, *[math.nan] * 5, "no spread on either side: no error can be given"))
            continue
        p = float(2 * stats.norm.sf(abs(gap / error)))
        rows.append((label, gap, error, gap - z * error, gap + z * error, gap / error, p, ""))
    names = ["group", "estimate", "std_error", "conf_low", "conf_high", "statistic", "p_value", "note"]
    return pd.DataFrame(rows, columns=names)


def _note(n_clusters: int) -> str:
    few = n_clusters < _FEW_CLUSTERS
    return f"{n_clusters} clusters: the interval is likely to be too narrow" if few else ""
