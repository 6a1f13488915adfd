"""How good are predictions: ranking, calibration, distance, and what they are worth to a limited team."""

from whychurn.models.accuracy.binary import AucResult, BrierResult, auc, brier_score
from whychurn.models.accuracy.calibration import CalibrationResult, calibration
from whychurn.models.accuracy.calibration_curve import (
    CalibrationCurve,
    SmoothCalibration,
    calibration_curve,
    smooth_calibration,
)
from whychurn.models.accuracy.capacity import CapacityResult, LiftTable, lift_table, precision_recall_at
from whychurn.models.accuracy.comparison import accuracy_difference
from whychurn.models.accuracy.folds import cross_fitted_folds
from whychurn.models.accuracy.inference import Estimate
from whychurn.models.accuracy.time_dependent import time_dependent_auc, time_dependent_brier
from whychurn.models.accuracy.time_results import IntegratedBrier, TimeDependentAuc, TimeDependentBrier
from whychurn.models.accuracy.uno import uno_concordance

__all__ = [
    "AucResult",
    "BrierResult",
    "CalibrationCurve",
    "CalibrationResult",
    "CapacityResult",
    "Estimate",
    "IntegratedBrier",
    "LiftTable",
    "SmoothCalibration",
    "TimeDependentAuc",
    "TimeDependentBrier",
    "accuracy_difference",
    "auc",
    "brier_score",
    "calibration",
    "calibration_curve",
    "cross_fitted_folds",
    "lift_table",
    "precision_recall_at",
    "smooth_calibration",
    "time_dependent_auc",
    "time_dependent_brier",
    "uno_concordance",
]
