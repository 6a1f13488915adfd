"""The Cox proportional hazards model: exact partial likelihood on NumPy, checked against R's survival."""

from whychurn.models.cox.attributable import AttributableFraction, attributable_fraction
from whychurn.models.cox.fitting import fit_cox
from whychurn.models.cox.result import CoxFit

__all__ = ["AttributableFraction", "CoxFit", "attributable_fraction", "fit_cox"]
