"""Who was at risk, when, with which measures: the panel and its ledger of exclusions."""

from whychurn.panel.build import build_panel
from whychurn.panel.candidates import Candidate, MergedLevel
from whychurn.panel.panel import Panel

__all__ = ["Candidate", "MergedLevel", "Panel", "build_panel"]
