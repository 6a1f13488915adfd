"""Does the score foretell leaving? Leaving after an answer, beside the score as it was known, and what it adds to foresight."""

from whychurn.analyses.nps_churn.page import run

__all__ = ["run"]
