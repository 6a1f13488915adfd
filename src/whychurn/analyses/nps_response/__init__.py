"""Who answers? Response first: how many, who, whether they stay longer, and what the score would be if all answered."""

from whychurn.analyses.nps_response.findings import run

__all__ = ["run"]
