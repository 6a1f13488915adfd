"""Who are our best promoters? Recommendation by use of each module before the answer, and who could be asked to speak up."""

from whychurn.analyses.promoters.findings import run

__all__ = ["run"]
