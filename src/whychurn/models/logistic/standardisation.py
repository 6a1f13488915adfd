"""Average risks and risk differences from a logistic fit, with delta-method errors.

Source: Lane & Nelder (1982), Biometrics 38:613-621 (standardisation); Robins (1986) (g-computation).
Factors are moved as a whole: setting one dummy of a factor while its siblings stay would describe rows that
cannot exist.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from whychurn.errors import FitError, some
from whychurn.models.columns import Floats
from whychurn.models.design import Design, Factor, apply_design
from whychurn.models.wald import normal_quantile


def standardised_risks(
    design: Design,
    params: pd.Series,
    covariance: pd.DataFrame,
    rows: pd.DataFrame,
    mass: Floats,
    term: str,
    conf_level: float,
) -> pd.DataFrame:
    """Return the table of `LogisticFit.standardised_risk`."""
    z = normal_quantile(conf_level)
    factor = contrast_of(design, rows, term)
    table = []
    for level in factor.levels:
        risk, gradient = average_risk(design, params, rows, mass, factor.column, level)
        error = _error(gradient, covariance)
        with np.errstate(divide="ignore", invalid="ignore"):
            width = z * error / (risk * (1.0 - risk))
        low, high = (float(special.expit(special.logit(risk) + side * width)) for side in (-1.0, 1.0))
        table.append((term, str(level), risk, error, low, high, level == factor.reference))
    names = ["term", "level", "estimate", "std_error", "conf_low", "conf_high", "is_reference"]
    return pd.DataFrame(table, columns=names)


def marginal_effects(
    design: Design,
    params: pd.Series,
    covariance: pd.DataFrame,
    rows: pd.DataFrame,
    mass: Floats,
    term: str,
    conf_level: float,
) -> pd.DataFrame:
    """Return the table of `LogisticFit.average_marginal_effects`."""
    z = normal_quantile(conf_level)
    found: list[tuple[str, str, float, Floats]] = []
    if is_contrast(design, rows, term):
        factor = contrast_of(design, rows, term)
        base, base_gradient = average_risk(design, params, rows, mass, factor.column, factor.reference)
        for level in factor.levels:
            if level != factor.reference:
                risk, gradient = average_risk(design, params, rows, mass, factor.column, level)
                found.append((str(level), str(factor.reference), risk - base, gradient - base_gradient))
    else:
        slope, gradient = _average_slope(design, params, rows, mass, term)
        found.append(("", "", slope, gradient))
    table = []
    for level, reference, estimate, gradient in found:
        error = _error(gradient, covariance)
        statistic = estimate / error if error > 0 else float("nan")
        p_value = float(2.0 * stats.norm.sf(abs(statistic)))
        table.append(
            (term, level, reference, estimate, error, estimate - z * error, estimate + z * error, statistic, p_value)
        )
    names = ["term", "level", "reference", "estimate", "std_error", "conf_low", "conf_high", "statistic", "p_value"]
    return pd.DataFrame(table, columns=names)


def average_risk(
    design: Design, params: pd.Series, rows: pd.DataFrame, mass: Floats, column: str, level: Any
) -> tuple[float, Floats]:
    """Return the average risk with `column` set to `level` in every row, and its gradient, shape (p,)."""
    x = _with_constant(apply_design(design, rows.assign(**{column: level})))
    p = special.expit(x @ params.to_numpy())
    share = mass / mass.sum()
    return float(share @ p), (share * p * (1.0 - p)) @ x


def is_contrast(design: Design, rows: pd.DataFrame, term: str) -> bool:
    """Tell whether a term is a factor or a zero-one column (against a quantity)."""
    if term not in design.term_slices:
        raise FitError(f"No term {term!r}. Terms fitted: {some(design.term_slices, most=30)}.")
    if term in design.factors:
        return True
    return term in rows.columns and bool(rows[term].isin([0, 1]).all())


def contrast_of(design: Design, rows: pd.DataFrame, term: str) -> Factor:
    """Return the levels and reference of a factor or zero-one column.

    Raises
    ------
    FitError
        The term is a quantity, or an interaction.
    """
    if not is_contrast(design, rows, term):
        raise FitError(f"Term {term!r} is not a factor: it has no levels to compare.")
    if term in design.factors:
        return design.factors[term]
    return Factor(term, (False, True), False) if rows[term].dtype == bool else Factor(term, (0, 1), 0)


def _average_slope(
    design: Design, params: pd.Series, rows: pd.DataFrame, mass: Floats, term: str
) -> tuple[float, Floats]:
    """Return the average derivative of the risk by a numeric column, and its gradient, shape (p,)."""
    if term not in rows.columns:
        raise FitError(f"Term {term!r} is not a column: ask for the effect of a factor or of a numeric column.")
    values = rows[term].to_numpy(dtype=float)
    # Central differences: exact for linear terms, and correct for splines, powers and interactions too.
    step = 1e-4 * max(float(np.std(values)), 1e-8)
    up, down = (
        _with_constant(apply_design(design, rows.assign(**{term: values + side * step}))) for side in (1.0, -1.0)
    )
    x, slopes = _with_constant(apply_design(design, rows)), (up - down) / (2.0 * step)
    beta = params.to_numpy()
    p = special.expit(x @ beta)
    share, spread, tilt = mass / mass.sum(), p * (1.0 - p), slopes @ beta
    gradient = (share * spread) @ slopes + (share * spread * (1.0 - 2.0 * p) * tilt) @ x
    return float(share @ (spread * tilt)), gradient


def _with_constant(x: Floats) -> Floats:
    return np.column_stack([np.ones(x.shape[0]), x])


def _error(gradient: Floats, covariance: pd.DataFrame) -> float:
    return float(np.sqrt(max(gradient @ covariance.to_numpy() @ gradient, 0.0)))
