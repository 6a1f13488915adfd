"""What all parts share: names of terms and outcomes, and the columns that every finding has."""

from __future__ import annotations

from typing import Any

from whychurn.analyses.common import OUTCOME
from whychurn.analyses.risk_rows import VOLUNTARY

ANALYSIS = "nps_churn"
VOLUNTARY_CHURN = f"{VOLUNTARY} churn"
#: Terms of findings.
SCORE, CHANGE, RATING = "Score", "Change of score", "Rating of support"
FIRST, EVERY = "First answer", "Every answer until the next"
ANSWERS, LEAVERS, FORESIGHT = "Answers", "Customers who left", "Foresight"
#: The group of findings that hold only who the customers are and what they bought constant.
ALIKE = "who they are and what they bought"
BASE: dict[str, Any] = {"analysis": ANALYSIS, "outcome": OUTCOME, "declared": "in advance"}
METHOD = "Cox, Efron ties"
#: A band followed by fewer than this many answers is not told apart from chance.
FEWEST_AT_RISK = 10
