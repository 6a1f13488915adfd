"""Events that come again: customers who leave, return and leave once more."""

from whychurn.models.recurrent.clocks import gap_times
from whychurn.models.recurrent.mean_cumulative import MeanCumulativeFit, mean_cumulative_function
from whychurn.models.recurrent.rate_test import MeanCumulativeTest, mean_cumulative_test

__all__ = [
    "MeanCumulativeFit",
    "MeanCumulativeTest",
    "gap_times",
    "mean_cumulative_function",
    "mean_cumulative_test",
]
