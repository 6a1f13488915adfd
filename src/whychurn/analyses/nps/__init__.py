"""What do customers say? Recommendation, satisfaction with support, and what comments are about."""

from whychurn.analyses.nps.page import run

__all__ = ["run"]
