"""Tests and tables that depend on coefficients and their covariance alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from whychurn.errors import FitError, some

if TYPE_CHECKING:
    from whychurn.models.design import Design


@dataclass(frozen=True, slots=True)
class WaldTest:
    """A chi-square statistic with its degrees of freedom and p-value."""

    statistic: float
    df: int
    p_value: float


def normal_quantile(conf_level: float) -> float:
    """Return z with `conf_level` of a standard normal between -z and z.

    Raises
    ------
    FitError
        The level is not between 0 and 1.
    """
    if not isinstance(conf_level, Real) or not 0.0 < conf_level < 1.0:
        raise FitError(f"conf_level is a share between 0 and 1 such as 0.95, not {conf_level!r}.")
    return float(stats.norm.ppf(0.5 + conf_level / 2.0))


def wald_test(
    params: pd.Series,
    covariance: pd.DataFrame,
    term_slices: Mapping[str, tuple[str, ...]],
    term: str | Sequence[str],
) -> WaldTest:
    """Return the joint Wald test that all coefficients of one term, or of several, are zero."""
    terms = [term] if isinstance(term, str) else list(term)
    unknown = [name for name in terms if name not in term_slices]
    if unknown:
        raise FitError(f"No term {some(map(repr, unknown))}. Terms fitted: {some(term_slices, most=30)}.")
    columns = [column for name in terms for column in term_slices[name]]
    beta = params[columns].to_numpy()
    block = covariance.loc[columns, columns].to_numpy()
    # With fewer clusters than coefficients the sandwich is singular: its rank is then what can be tested.
    scale = np.sqrt(np.diag(block))
    solution, _, rank, _ = np.linalg.lstsq(block / np.outer(scale, scale), beta / scale, rcond=1e-10)
    statistic = float(beta / scale @ solution)
    return WaldTest(statistic, int(rank), float(stats.chi2.sf(statistic, int(rank))))


def ratio_table(
    params: pd.Series, covariance: pd.DataFrame, design: Design, conf_level: float, ratio: str
) -> pd.DataFrame:
    """Return the table of log ratios, their exponentials and intervals, one row per coefficient.

    Parameters
    ----------
    ratio
        Name of the column with the exponential: "hazard_ratio" or "odds_ratio".
    """
    z = normal_quantile(conf_level)
    error = np.sqrt(np.diag(covariance.to_numpy()))
    estimate = params.to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        statistic = estimate / error
        columns = {
            ratio: np.exp(estimate),
            "conf_low": np.exp(estimate - z * error),
            "conf_high": np.exp(estimate + z * error),
        }
    names = list(params.index)
    owner = {column: term for term, members in design.term_slices.items() for column in members}
    terms = [owner.get(name, name) for name in names]
    references = [str(design.factors[term].reference) if term in design.factors else "" for term in terms]
    return pd.DataFrame(
        {
            "term": terms,
            "level": [design.column_levels.get(name, "") for name in names],
            "reference": references,
            "column": names,
            "estimate": estimate,
            "std_error": error,
            **columns,
            "statistic": statistic,
            "p_value": 2.0 * stats.norm.sf(np.abs(statistic)),
        }
    )
