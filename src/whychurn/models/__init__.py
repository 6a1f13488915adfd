"""Pure statistics on arrays and frames; knows nothing of churn, tables or pictures."""

from whychurn.errors import FitError
from whychurn.models.accuracy import (
    AucResult,
    BrierResult,
    CalibrationCurve,
    CalibrationResult,
    CapacityResult,
    IntegratedBrier,
    LiftTable,
    SmoothCalibration,
    TimeDependentAuc,
    TimeDependentBrier,
    accuracy_difference,
    auc,
    brier_score,
    calibration,
    calibration_curve,
    cross_fitted_folds,
    lift_table,
    precision_recall_at,
    smooth_calibration,
    time_dependent_auc,
    time_dependent_brier,
    uno_concordance,
)
from whychurn.models.censoring import censoring_weights
from whychurn.models.competing_risks import (
    AalenJohansenFit,
    CauseSpecificFit,
    FineGrayFit,
    GrayResult,
    TimeLost,
    fit_aalen_johansen,
    fit_cause_specific,
    fit_fine_gray,
    gray_test,
)
from whychurn.models.concordance import ConcordanceResult, concordance
from whychurn.models.cox import (
    AttributableFraction,
    CoxFit,
    StandardisedSurvival,
    attributable_fraction,
    fit_cox,
    standardised_survival,
)
from whychurn.models.crosstab import CrosstabResult, crosstab
from whychurn.models.follow_up import last_well_known
from whychurn.models.hazard_rates import HazardRates, hazard_by_time
from whychurn.models.lifetime import DiscountedLifetime, discounted_lifetime
from whychurn.models.logistic import (
    FirthFit,
    LogisticFit,
    fit_discrete_hazard,
    fit_firth,
    fit_logistic,
    person_periods,
)
from whychurn.models.logrank import LogRankResult, PairwiseLogRank, TrendTest, logrank_test, pairwise_logrank
from whychurn.models.multiplicity import adjust_p_values
from whychurn.models.nelson_aalen import NelsonAalenFit, fit_nelson_aalen
from whychurn.models.nps import NetPromoterResult, net_promoter_interval, net_promoter_score, nps_coverage
from whychurn.models.ordinal import OrderedLogitFit, ParallelTest, fit_ordered_logit
from whychurn.models.product_limit import KaplanMeierFit, fit_kaplan_meier
from whychurn.models.recurrent import (
    MeanCumulativeFit,
    MeanCumulativeTest,
    gap_times,
    mean_cumulative_function,
    mean_cumulative_test,
)
from whychurn.models.response_weights import (
    ResponseWeights,
    WeightedMean,
    fit_response_weights,
)
from whychurn.models.restricted_mean import RestrictedMeanResult, restricted_mean
from whychurn.models.sensitivity import EValue, e_value, smallest_detectable_hazard_ratio
from whychurn.models.smoothed_hazard import SmoothedHazard, smooth_hazard
from whychurn.models.wald import WaldTest

__all__ = [
    "AalenJohansenFit",
    "AttributableFraction",
    "AucResult",
    "BrierResult",
    "CalibrationCurve",
    "CalibrationResult",
    "CapacityResult",
    "CauseSpecificFit",
    "ConcordanceResult",
    "CoxFit",
    "CrosstabResult",
    "DiscountedLifetime",
    "EValue",
    "FineGrayFit",
    "FirthFit",
    "FitError",
    "GrayResult",
    "HazardRates",
    "IntegratedBrier",
    "KaplanMeierFit",
    "LiftTable",
    "LogRankResult",
    "LogisticFit",
    "MeanCumulativeFit",
    "MeanCumulativeTest",
    "NelsonAalenFit",
    "NetPromoterResult",
    "OrderedLogitFit",
    "PairwiseLogRank",
    "ParallelTest",
    "ResponseWeights",
    "RestrictedMeanResult",
    "SmoothCalibration",
    "SmoothedHazard",
    "StandardisedSurvival",
    "TimeDependentAuc",
    "TimeDependentBrier",
    "TimeLost",
    "TrendTest",
    "WaldTest",
    "WeightedMean",
    "accuracy_difference",
    "adjust_p_values",
    "attributable_fraction",
    "auc",
    "brier_score",
    "calibration",
    "calibration_curve",
    "censoring_weights",
    "concordance",
    "cross_fitted_folds",
    "crosstab",
    "discounted_lifetime",
    "e_value",
    "fit_aalen_johansen",
    "fit_cause_specific",
    "fit_cox",
    "fit_discrete_hazard",
    "fit_fine_gray",
    "fit_firth",
    "fit_kaplan_meier",
    "fit_logistic",
    "fit_nelson_aalen",
    "fit_ordered_logit",
    "fit_response_weights",
    "gap_times",
    "gray_test",
    "hazard_by_time",
    "last_well_known",
    "lift_table",
    "logrank_test",
    "mean_cumulative_function",
    "mean_cumulative_test",
    "net_promoter_interval",
    "net_promoter_score",
    "nps_coverage",
    "pairwise_logrank",
    "person_periods",
    "precision_recall_at",
    "restricted_mean",
    "smallest_detectable_hazard_ratio",
    "smooth_calibration",
    "smooth_hazard",
    "standardised_survival",
    "time_dependent_auc",
    "time_dependent_brier",
    "uno_concordance",
]
