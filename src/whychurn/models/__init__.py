"""Pure statistics on arrays and frames; knows nothing of churn, tables or pictures."""

from whychurn.models.concordance import ConcordanceResult, concordance
from whychurn.models.cox import CoxFit, fit_cox

__all__ = ["ConcordanceResult", "CoxFit", "concordance", "fit_cox"]
