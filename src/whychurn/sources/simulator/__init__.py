"""A simulated company whose reasons for leaving are known: to try the tool on, and to hold its answers against."""

from whychurn.sources.simulator.company import Company, simulate_company
from whychurn.sources.simulator.settings import CompanySettings, Effects
from whychurn.sources.simulator.writing import write_company

__all__ = ["Company", "CompanySettings", "Effects", "simulate_company", "write_company"]
