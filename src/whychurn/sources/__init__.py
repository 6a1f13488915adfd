"""Tables in: read, checked, fingerprinted and graded; nothing is dropped in silence."""

from whychurn.sources.check import CheckResult, check_study
from whychurn.sources.check_page import print_check
from whychurn.sources.contract import (
    Accumulating,
    AliasedLevel,
    ColumnProfile,
    Detections,
    Determined,
    Fingerprint,
    IntegrityFinding,
    KnownAfter,
    LedgerStep,
    Sources,
    Verdict,
)
from whychurn.sources.opening import inspect_sources, open_sources
from whychurn.sources.propose import propose_study

__all__ = [
    "Accumulating",
    "AliasedLevel",
    "CheckResult",
    "ColumnProfile",
    "Detections",
    "Determined",
    "Fingerprint",
    "IntegrityFinding",
    "KnownAfter",
    "LedgerStep",
    "Sources",
    "Verdict",
    "check_study",
    "inspect_sources",
    "open_sources",
    "print_check",
    "propose_study",
]
