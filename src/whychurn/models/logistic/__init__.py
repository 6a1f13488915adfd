"""Binary regression: odds ratios, grouped hazards, average risks standardised over the rows."""

from whychurn.models.logistic.firth import FirthFit, fit_firth
from whychurn.models.logistic.fitting import fit_logistic
from whychurn.models.logistic.periods import fit_discrete_hazard, person_periods
from whychurn.models.logistic.result import LogisticFit

__all__ = ["FirthFit", "LogisticFit", "fit_discrete_hazard", "fit_firth", "fit_logistic", "person_periods"]
