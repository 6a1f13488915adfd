"""Average risks and marginal effects of a binary regression, with delta-method errors.

Source: Lane & Nelder (1982), Biometrics 38:613-621 (standardisation); Robins (1986) (g-computation).
A variable is moved as a whole and the design built anew from the frame, so that its interactions, powers and
splines move with it. Setting one dummy of a factor while its siblings stay would describe rows that cannot exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special, stats

from whychurn.errors import FitError, some
from whychurn.models.columns import Floats, read_numbers
from whychurn.models.design import Design, Factor, apply_design
from whychurn.models.formula import variables_of
from whychurn.models.logistic.links import Link
from whychurn.models.wald import normal_quantile

# Derivative of f at 0 from f at 0, h, ..., 4 h: error of order h^4.
_ONE_SIDED = np.array([-25.0 / 12.0, 4.0, -3.0, 4.0 / 3.0, -0.25])
_STEP = 1e-3


@dataclass(frozen=True, slots=True)
class RiskModel:
    """What risks are computed from: design, p coefficients with the intercept first, their covariance, the link.

    Attributes
    ----------
    fitted
        The rows of the fit: they decide whether a column of zeros and ones is a contrast.
    offset
        Name of the offset column, if any.
    """

    design: Design
    params: Floats
    covariance: Floats
    link: Link
    fitted: pd.DataFrame
    offset: str | None

    def matrix(self, rows: pd.DataFrame) -> Floats:
        """Return the design of `rows` with its constant, shape (m, p)."""
        if not len(rows):
            raise FitError("There are no rows to average over.")
        x = apply_design(self.design, rows)
        full = np.empty((x.shape[0], x.shape[1] + 1))
        full[:, 0], full[:, 1:] = 1.0, x
        return full

    def predictor(self, rows: pd.DataFrame, matrix: Floats) -> Floats:
        """Return the linear predictor, shape (m,)."""
        eta = matrix @ self.params
        return eta if self.offset is None else eta + read_numbers(rows, self.offset)

    def average_risk(self, rows: pd.DataFrame, share: Floats, column: str, level: Any) -> tuple[float, Floats]:
        """Return the average risk with `column` set to `level` in every row, and its gradient, shape (p,)."""
        moved = rows.assign(**{column: level})
        x = self.matrix(moved)
        eta = self.predictor(moved, x)
        return float(share @ self.link.mean(eta)), (share * self.link.slope(eta)) @ x

    def average_slope(self, rows: pd.DataFrame, share: Floats, column: str) -> tuple[float, Floats]:
        """Return the average derivative of the risk by a numeric column, and its gradient, shape (p,)."""
        x, slopes = self.matrix(rows), self._design_slopes(rows, column)
        eta = self.predictor(rows, x)
        slope, tilt = share * self.link.slope(eta), slopes @ self.params
        gradient = slope @ slopes + (share * self.link.curvature(eta) * tilt) @ x
        return float(slope @ tilt), gradient

    def _design_slopes(self, rows: pd.DataFrame, column: str) -> Floats:
        """Return the derivative of every design column by `column`, shape (m, p)."""
        values = read_numbers(rows, column)
        spread = float(np.std(values)) or max(float(np.abs(values).max()), 1.0)
        if self._is_plain(column):
            # The design is linear in it: a difference over any distance is exact, so a long one.
            step = max(spread, float(np.abs(values).max()))
            up, down = (self.matrix(rows.assign(**{column: values + side * step})) for side in (0.5, -0.5))
            return (up - down) / step
        # The other points lie on the side of the middle, where splines and logarithms exist.
        inward = np.where(values < (values.min() + values.max()) / 2.0, _STEP, -_STEP) * spread
        slopes = sum(
            weight * self.matrix(rows.assign(**{column: values + place * inward}))
            for place, weight in enumerate(_ONE_SIDED)
        )
        return np.asarray(slopes / inward[:, None], dtype=np.float64)

    def _is_plain(self, column: str) -> bool:
        """Tell whether every term takes the column as it is."""
        factors = {factor for part in self.design.spec.terms for factor in part.factors}
        reading = [factor for factor in factors if column in variables_of(factor)]
        return all(factor.eval_method.value == "lookup" for factor in reading)

    def contrast(self, term: str) -> Factor | None:
        """Return levels and reference of a factor or zero-one column; None for a quantity.

        Raises
        ------
        FitError
            Neither a term nor a column of this model.
        """
        if term in self.design.factors and "*" not in term:
            return self.design.factors[term]
        if term not in self.design.variables:
            if term in self.design.term_slices:
                return None
            raise FitError(f"No term {term!r}. Terms fitted: {some(self.design.term_slices, most=30)}.")
        for factor, state in self.design.spec.factor_contrasts.items():
            if variables_of(factor) == (term,):
                levels = tuple(state.levels)
                base = getattr(state.contrasts, "base", None)
                return Factor(term, levels, base if base in levels else levels[0])
        values = self.fitted[term]
        if not values.isin([0, 1]).all():
            return None
        return Factor(term, (False, True), False) if values.dtype == bool else Factor(term, (0, 1), 0)


def standardised_risks(
    model: RiskModel, rows: pd.DataFrame, mass: Floats, term: str, conf_level: float
) -> pd.DataFrame:
    """Return the table of `LogisticFit.standardised_risk`."""
    z = normal_quantile(conf_level)
    factor = model.contrast(term)
    if factor is None:
        raise FitError(f"Term {term!r} is not a factor: it has no levels to compare.")
    share = mass / mass.sum()
    table = []
    for level in factor.levels:
        risk, gradient = model.average_risk(rows, share, factor.column, level)
        error = _error(gradient, model.covariance)
        with np.errstate(divide="ignore", invalid="ignore"):
            width = z * error / (risk * (1.0 - risk))
        low, high = (float(special.expit(special.logit(risk) + side * width)) for side in (-1.0, 1.0))
        table.append((term, str(level), risk, error, low, high, level == factor.reference))
    names = ["term", "level", "estimate", "std_error", "conf_low", "conf_high", "is_reference"]
    return pd.DataFrame(table, columns=names)


def marginal_effects(model: RiskModel, rows: pd.DataFrame, mass: Floats, term: str, conf_level: float) -> pd.DataFrame:
    """Return the table of `LogisticFit.average_marginal_effects`."""
    z = normal_quantile(conf_level)
    share = mass / mass.sum()
    factor = model.contrast(term)
    found: list[tuple[str, str, float, Floats]] = []
    if factor is not None:
        base, base_gradient = model.average_risk(rows, share, factor.column, factor.reference)
        for level in factor.levels:
            if level != factor.reference:
                risk, gradient = model.average_risk(rows, share, factor.column, level)
                found.append((str(level), str(factor.reference), risk - base, gradient - base_gradient))
    elif term in rows.columns:
        slope, gradient = model.average_slope(rows, share, term)
        found.append(("", "", slope, gradient))
    else:
        raise FitError(f"Term {term!r} is not a column: ask for the effect of a factor or of a numeric column.")
    table = []
    for level, reference, estimate, gradient in found:
        error = _error(gradient, model.covariance)
        statistic = estimate / error if error > 0 else float("nan")
        p_value = float(2.0 * stats.norm.sf(abs(statistic)))
        table.append(
            (term, level, reference, estimate, error, estimate - z * error, estimate + z * error, statistic, p_value)
        )
    names = ["term", "level", "reference", "estimate", "std_error", "conf_low", "conf_high", "statistic", "p_value"]
    return pd.DataFrame(table, columns=names)


def _error(gradient: Floats, covariance: Floats) -> float:
    return float(np.sqrt(max(float(gradient @ covariance @ gradient), 0.0)))
