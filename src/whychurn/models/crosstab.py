"""Two-way tables: chi-square, effect size, residuals, and an exact or simulated test where cells are sparse.

Source: Agresti (2013), Categorical Data Analysis, sections 3.2 to 3.5; Bergsma (2013), J. Korean Statist.
Soc. 42:323-328 (bias-corrected V); Patefield (1981), Appl. Statist. 30:91 (random tables).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from whychurn.errors import FitError
from whychurn.models.arguments import is_whole
from whychurn.models.columns import Floats, Integers, read_groups

_SPARSE = 5.0
_DRAWS = 9_999
_DRAWN_AT_ONCE = 1_111


@dataclass(frozen=True, slots=True)
class CrosstabResult:
    """A two-way table and what it says. Frames are rows x columns, labelled as the data.

    Attributes
    ----------
    counts, expected, row_shares
        Observed counts, counts expected under independence, shares within each row.
    adjusted_residuals
        Standardised residuals: about standard normal under independence. NaN where a margin leaves no room.
    statistic, df, p_value
        Pearson chi-square without continuity correction.
    likelihood_ratio, likelihood_ratio_p_value
        G statistic, on the same degrees of freedom.
    cramers_v, cramers_v_corrected
        Effect size between 0 and 1; the second less biased in small tables.
    p_value_exact, exact_method
        Where an expected count is below 5: Fisher's exact test (2 x 2), or a simulation of Pearson's
        statistic given the margins. NaN and "" otherwise.
    monte_carlo_error
        Standard error of a simulated p-value; zero for Fisher's, NaN where there is neither.
    note
        Why statistics are missing or what to mind; "" if nothing.
    """

    counts: pd.DataFrame
    expected: pd.DataFrame
    row_shares: pd.DataFrame
    adjusted_residuals: pd.DataFrame
    statistic: float
    df: int
    p_value: float
    likelihood_ratio: float
    likelihood_ratio_p_value: float
    cramers_v: float
    cramers_v_corrected: float
    p_value_exact: float
    exact_method: str
    note: str
    monte_carlo_error: float

    def tidy(self) -> pd.DataFrame:
        """Return row, column, count, row_share, expected, adjusted_residual: one row per cell."""
        parts = {
            "count": self.counts,
            "row_share": self.row_shares,
            "expected": self.expected,
            "adjusted_residual": self.adjusted_residuals,
        }
        index = pd.MultiIndex.from_product([self.counts.index, self.counts.columns], names=["row", "column"])
        table = pd.DataFrame({name: part.to_numpy().ravel() for name, part in parts.items()}, index)
        return table.reset_index()


def crosstab(frame: pd.DataFrame, row: str, column: str, seed: int = 0, draws: int = _DRAWS) -> CrosstabResult:
    """Cross two columns and test their independence.

    Parameters
    ----------
    frame
        One row per customer. Missing values are refused: make them a level of their own first.
    row, column
        The columns to cross.
    seed
        Seed of the simulated p-value of sparse tables.
    draws
        Tables drawn for it.

    Returns
    -------
    CrosstabResult

    Raises
    ------
    FitError
        No rows, an absent column or missing values, no draws. A table with one row or column is no error: see `note`.
    """
    if not len(frame):
        raise FitError("The frame has no rows.")
    if not is_whole(draws) or draws < 1:
        raise FitError(f"draws is a number of tables, at least one, not {draws!r}.")
    draws = int(draws)
    row_codes, row_labels = read_groups(frame, row)
    column_codes, column_labels = read_groups(frame, column)
    shape = (len(row_labels), len(column_labels))
    counts = np.bincount(row_codes * shape[1] + column_codes, minlength=shape[0] * shape[1]).reshape(shape)
    expected = counts.sum(axis=1)[:, None] * counts.sum(axis=0) / counts.sum()
    labels = (pd.Index(row_labels, name=row), pd.Index(column_labels, name=column))
    statistic, ratio, df = _statistics(counts, expected)
    exact, method, error = _sparse_p_value(counts, expected, statistic, seed, draws)
    cramer, corrected = _effect_sizes(counts, statistic)
    note = ""
    if df == 0:
        side, name = ("row", row) if shape[0] == 1 else ("column", column)
        note = f"one {side} only ({name!r} has a single value): nothing to compare"
    elif method:
        note = f"{int((expected < _SPARSE).sum())} of {counts.size} expected counts are below 5"
    return CrosstabResult(
        counts=pd.DataFrame(counts, *labels),
        expected=pd.DataFrame(expected, *labels),
        row_shares=pd.DataFrame(counts / counts.sum(axis=1, keepdims=True), *labels),
        adjusted_residuals=pd.DataFrame(_adjusted_residuals(counts, expected), *labels),
        statistic=statistic,
        df=df,
        p_value=float(stats.chi2.sf(statistic, df)) if df else float("nan"),
        likelihood_ratio=ratio,
        likelihood_ratio_p_value=float(stats.chi2.sf(ratio, df)) if df else float("nan"),
        cramers_v=cramer,
        cramers_v_corrected=corrected,
        p_value_exact=exact,
        exact_method=method,
        note=note,
        monte_carlo_error=error,
    )


def _statistics(counts: Integers, expected: Floats) -> tuple[float, float, int]:
    df = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    if df == 0:
        return float("nan"), float("nan"), 0
    pearson = float(((counts - expected) ** 2 / expected).sum())
    filled = counts > 0
    ratio = 2.0 * float((counts[filled] * np.log(counts[filled] / expected[filled])).sum())
    return pearson, ratio, df


def _adjusted_residuals(counts: Integers, expected: Floats) -> Floats:
    total = counts.sum()
    room = np.outer(1.0 - counts.sum(axis=1) / total, 1.0 - counts.sum(axis=0) / total)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(room > 0.0, (counts - expected) / np.sqrt(expected * room), np.nan)


def _effect_sizes(counts: Integers, statistic: float) -> tuple[float, float]:
    """Return Cramer's V and Bergsma's bias-corrected V (2013, eq. 3)."""
    r, c = counts.shape
    n = float(counts.sum())
    if min(r, c) < 2 or n < 2.0:
        return float("nan"), float("nan")
    phi = statistic / n
    plain = float(np.sqrt(phi / (min(r, c) - 1)))
    corrected_phi = max(0.0, phi - (r - 1) * (c - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    smaller = min(rows, columns) - 1.0
    return plain, float(np.sqrt(corrected_phi / smaller)) if smaller > 0.0 else float("nan")


def _sparse_p_value(
    counts: Integers, expected: Floats, statistic: float, seed: int, draws: int
) -> tuple[float, str, float]:
    """Return the p-value that needs no large counts, how it was found, and its simulation error."""
    if min(counts.shape) < 2 or (expected >= _SPARSE).all():
        return float("nan"), "", float("nan")
    if counts.shape == (2, 2):
        return float(stats.fisher_exact(counts)[1]), "Fisher's exact test", 0.0
    tables = stats.random_table(counts.sum(axis=1), counts.sum(axis=0), seed=np.random.default_rng(seed))
    hits, left = 0, draws
    while left:
        drawn = tables.rvs(size=min(left, _DRAWN_AT_ONCE))
        found = ((drawn - expected) ** 2 / expected).sum(axis=(1, 2))
        # Tables as extreme as ours up to rounding count as extreme.
        hits += int((found >= statistic * (1.0 - 1e-10)).sum())
        left -= len(drawn)
    # Our own table counts as one of the draws: the test keeps its level, and p is never zero.
    p = (hits + 1) / (draws + 1)
    return p, f"Monte Carlo, {draws:,} tables with the same margins", float(np.sqrt(p * (1.0 - p) / draws))
