"""Deterministic folds for predictions of rows that the model has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.arguments import is_whole
from whychurn.models.columns import Integers, read_groups


def cross_fitted_folds(rows: int | pd.Series | Sequence[Any], folds: int = 5, seed: int = 0) -> Integers:
    """Return the fold 0..folds-1 in which each row is predicted; fit on all others, shape (n,).

    Parameters
    ----------
    rows
        Number of rows, or the cluster of each row: rows of a cluster share a fold. Clusters are dealt out
        in shuffled order, the largest first, each to the fold with fewest rows so far.
    folds
        Number of folds, at least 2.
    seed
        Same seed, same labels, same folds, whatever the order of the rows.

    Returns
    -------
    The fold of each row, shape (n,).

    Raises
    ------
    FitError
        Fewer than two folds, or fewer rows (clusters) than folds; a missing label.
    """
    if not is_whole(folds) or folds < 2:
        raise FitError(f"folds is a whole number, at least 2, not {folds!r}.")
    folds = int(folds)
    if isinstance(rows, (int, np.integer)):
        codes, sizes, what = np.arange(rows), np.ones(max(int(rows), 0), dtype=np.int64), "rows"
    else:
        labels = pd.DataFrame({"cluster": pd.Series(rows).reset_index(drop=True)})
        codes, what = read_groups(labels, "cluster")[0], "clusters"
        sizes = np.bincount(codes)
    if sizes.size < folds:
        raise FitError(f"There are {sizes.size:,} {what} for {folds} folds; ask for fewer folds.")
    shuffled = np.random.default_rng(seed).permutation(sizes.size)
    largest_first = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    fold = np.empty(sizes.size, dtype=np.int64)
    if (sizes == sizes[0]).all():
        fold[largest_first] = np.arange(sizes.size) % folds
        return fold[codes]
    filled = np.zeros(folds, dtype=np.int64)
    for cluster in largest_first:
        fold[cluster] = int(np.argmin(filled))
        filled[fold[cluster]] += sizes[cluster]
    return fold[codes]
