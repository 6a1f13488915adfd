"""Numbers that other columns fix: a price that is the sum of the services bought says nothing beyond them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.sources.contract import Determined

LEAST_R_SQUARED = 0.99
#: A column is dropped from the determining set if R-squared falls by less than this without it.
NEGLIGIBLE = 0.001
MOST_LEVELS = 50
ROWS_PER_COLUMN = 10

Floats = NDArray[np.float64]


def determined_columns(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[Determined, ...]:
    """Return numbers that are, to 99% of their variance, a linear function of other columns.

    Judged from the last column to the first; a column found to be determined determines no other, so that of two
    that fix each other the earlier stays.

    Parameters
    ----------
    frame : pandas.DataFrame
    columns : sequence of str
        Numbers, and categories (as indicators of their levels, a missing value as its own level).
    """
    blocks = {name: block for name in columns if (block := _block(frame[name])) is not None}
    found = []
    for name in reversed(list(blocks)):
        if not pd.api.types.is_numeric_dtype(frame[name]) or frame[name].nunique() < 3:
            continue
        others = {other: block for other, block in blocks.items() if other != name}
        determined = _judge(name, frame[name].to_numpy(dtype=float), others)
        if determined is not None:
            found.append(determined)
            del blocks[name]
    return tuple(reversed(found))


def _judge(name: str, target: Floats, others: dict[str, Floats]) -> Determined | None:
    use = np.isfinite(target)
    for block in others.values():
        complete = use & np.isfinite(block).all(axis=1)
        # A column with many gaps cannot explain the rest; it is left out rather than the rows.
        if complete.sum() >= 0.9 * use.sum():
            use = complete
    blocks = {other: block[use] for other, block in others.items() if np.isfinite(block[use]).all()}
    width = sum(block.shape[1] for block in blocks.values())
    y = target[use] - target[use].mean() if use.any() else target[:0]
    if not blocks or len(y) < ROWS_PER_COLUMN * (width + 1) or not np.ptp(y) > 0:
        return None
    gram = _Gram(blocks, y)
    names = list(blocks)
    best = gram.r_squared(names)
    if best < LEAST_R_SQUARED:
        return None
    while len(names) > 1:
        trials = [(gram.r_squared([other for other in names if other != gone]), gone) for gone in reversed(names)]
        value, gone = max(trials, key=lambda trial: trial[0])
        if value < LEAST_R_SQUARED or best - value > NEGLIGIBLE:
            break
        names.remove(gone)
        best = value
    return Determined(name, tuple(names), gram.r_squared(names))


class _Gram:
    """Cross products of all blocks, so that each subset costs a small solve and no pass over the rows."""

    def __init__(self, blocks: dict[str, Floats], y: Floats) -> None:
        self.columns: dict[str, list[int]] = {}
        width = 0
        for name, block in blocks.items():
            self.columns[name] = list(range(width, width + block.shape[1]))
            width += block.shape[1]
        x = np.hstack(list(blocks.values()))
        x = x - x.mean(axis=0)
        scale = x.std(axis=0)
        x /= np.where(scale > 0, scale, 1)
        self.xx, self.xy, self.yy = x.T @ x, x.T @ y, float(y @ y)

    def r_squared(self, names: Sequence[str]) -> float:
        index = [column for name in names for column in self.columns[name]]
        beta = np.linalg.lstsq(self.xx[np.ix_(index, index)], self.xy[index], rcond=1e-10)[0]
        return float(self.xy[index] @ beta / self.yy)


def _block(values: pd.Series) -> Floats | None:
    """Design columns of one column of the frame; None where it cannot or need not enter."""
    if pd.api.types.is_numeric_dtype(values):
        if values.isna().all():
            return None
        return values.to_numpy(dtype=float)[:, None] if np.nanmin(values) < np.nanmax(values) else None
    codes, levels = pd.factorize(values, use_na_sentinel=False)
    if not 2 <= len(levels) <= MOST_LEVELS:
        return None
    return (codes[:, None] == np.arange(1, len(levels))).astype(float)
