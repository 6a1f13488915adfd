"""Several ways to leave, of which only the first to happen is seen."""

from whychurn.models.competing_risks.aalen_johansen import AalenJohansenFit, fit_aalen_johansen
from whychurn.models.competing_risks.cause_specific import CauseSpecificFit, fit_cause_specific
from whychurn.models.competing_risks.fine_gray import fit_fine_gray
from whychurn.models.competing_risks.fine_gray_fit import FineGrayFit
from whychurn.models.competing_risks.gray import GrayResult, gray_test
from whychurn.models.competing_risks.lost_time import TimeLost

__all__ = [
    "AalenJohansenFit",
    "CauseSpecificFit",
    "FineGrayFit",
    "GrayResult",
    "TimeLost",
    "fit_aalen_johansen",
    "fit_cause_specific",
    "fit_fine_gray",
    "gray_test",
]
