"""Sums over slot intervals without subtraction, for predictors of extreme range.

The quick way to sum over a risk set with late entry is one cumulative sum less another. When a row of
enormous relative risk enters later, that difference loses the small sums before it. Here each interval is
cut into O(log K) dyadic blocks, so that only numbers of one sign are ever added.
"""

from __future__ import annotations

import numpy as np

from whychurn.models.columns import Floats, Integers


def scatter(entry: Integers, leave: Integers, values: Floats, slots: int) -> Floats:
    """Return at each slot the sum of `values` over the intervals ``entry <= slot < leave`` that hold it.

    Parameters
    ----------
    entry, leave
        Shape (n,).
    values
        Shape (n,) or (n, q).

    Returns
    -------
    Shape (slots,) or (slots, q). O((n + slots) log slots).
    """
    levels = max(slots - 1, 1).bit_length() + 1
    nodes = [np.zeros((-(-slots >> level) + 1, *values.shape[1:])) for level in range(levels)]
    low, high = entry.copy(), leave.copy()
    for level in range(levels):
        for mask, node in ((low < high) & (low & 1 == 1), low), ((low < high) & (high & 1 == 1), high - 1):
            np.add.at(nodes[level], node[mask], values[mask])
        low, high = (low + 1) >> 1, high >> 1
    for level in range(levels - 1, 0, -1):
        children = nodes[level - 1]
        children += nodes[level][np.arange(children.shape[0]) >> 1]
    return nodes[0][:slots]


def gather(entry: Integers, leave: Integers, per_slot: Floats) -> Floats:
    """Return for each interval the sum of `per_slot` over ``entry <= slot < leave``, shape (n,) or (n, q)."""
    level_sums = per_slot
    low, high = entry.copy(), leave.copy()
    total = np.zeros((entry.size, *per_slot.shape[1:]))
    while (low < high).any():
        for mask, node in ((low < high) & (low & 1 == 1), low), ((low < high) & (high & 1 == 1), high - 1):
            total[mask] += level_sums[node[mask]]
        low, high = (low + 1) >> 1, high >> 1
        if level_sums.shape[0] % 2:
            level_sums = np.concatenate((level_sums, np.zeros((1, *per_slot.shape[1:]))))
        level_sums = level_sums[0::2] + level_sums[1::2]
    return total
