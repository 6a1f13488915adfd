"""Regression of an ordered outcome: cumulative odds ratios, and whether one ratio does for all cut points."""

from whychurn.models.ordinal.fitting import fit_ordered_logit
from whychurn.models.ordinal.parallel import ParallelTest
from whychurn.models.ordinal.result import OrderedLogitFit

__all__ = ["OrderedLogitFit", "ParallelTest", "fit_ordered_logit"]
