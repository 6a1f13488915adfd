"""Logistic regression: odds ratios, and average risks standardised over the rows."""

from whychurn.models.logistic.fitting import fit_logistic
from whychurn.models.logistic.result import LogisticFit

__all__ = ["LogisticFit", "fit_logistic"]
