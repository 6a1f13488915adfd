"""The Cox proportional hazards model: exact partial likelihood, checked against R's survival."""

from whychurn.models.cox.attributable import AttributableFraction, attributable_fraction
from whychurn.models.cox.fitting import fit_cox
from whychurn.models.cox.result import CoxFit
from whychurn.models.cox.standardised import StandardisedSurvival, standardised_survival

__all__ = [
    "AttributableFraction",
    "CoxFit",
    "StandardisedSurvival",
    "attributable_fraction",
    "fit_cox",
    "standardised_survival",
]
