"""Pure statistics on arrays and frames; knows nothing of churn, tables or pictures."""

from whychurn.models.censoring import censoring_weights
from whychurn.models.concordance import ConcordanceResult, concordance
from whychurn.models.cox import AttributableFraction, CoxFit, attributable_fraction, fit_cox
from whychurn.models.crosstab import CrosstabResult, crosstab
from whychurn.models.logistic import LogisticFit, fit_logistic
from whychurn.models.logrank import LogRankResult, logrank_test
from whychurn.models.multiplicity import adjust_p_values
from whychurn.models.product_limit import KaplanMeierFit, fit_kaplan_meier
from whychurn.models.restricted_mean import RestrictedMeanResult, restricted_mean
from whychurn.models.sensitivity import EValue, e_value, smallest_detectable_hazard_ratio
from whychurn.models.wald import WaldTest

__all__ = [
    "AttributableFraction",
    "ConcordanceResult",
    "CoxFit",
    "CrosstabResult",
    "EValue",
    "KaplanMeierFit",
    "LogRankResult",
    "LogisticFit",
    "RestrictedMeanResult",
    "WaldTest",
    "adjust_p_values",
    "attributable_fraction",
    "censoring_weights",
    "concordance",
    "crosstab",
    "e_value",
    "fit_cox",
    "fit_kaplan_meier",
    "fit_logistic",
    "logrank_test",
    "restricted_mean",
    "smallest_detectable_hazard_ratio",
]
