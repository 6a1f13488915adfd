"""Tables in: read, checked, fingerprinted and graded; nothing is dropped in silence."""

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

__all__ = [
    "Accumulating",
    "AliasedLevel",
    "ColumnProfile",
    "Detections",
    "Determined",
    "Fingerprint",
    "IntegrityFinding",
    "KnownAfter",
    "LedgerStep",
    "Sources",
    "Verdict",
    "inspect_sources",
    "open_sources",
]
