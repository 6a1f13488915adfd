"""How many leave, and what goes with them? Churn and revenue retention by period, segment and reason."""

from whychurn.analyses.metrics.run import run

__all__ = ["run"]
