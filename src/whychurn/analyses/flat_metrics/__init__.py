"""What do churn rates mean in a file without dates? Rates, probabilities and lifetime revenue side by side."""

from whychurn.analyses.flat_metrics.run import run

__all__ = ["run"]
