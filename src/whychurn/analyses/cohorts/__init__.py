"""Do newer customers stay longer? Cohorts by sign-up: customers and revenue, curves, ratios, and age against calendar."""

from __future__ import annotations

from whychurn.analyses.cohorts.answer import run

__all__ = ["run"]
