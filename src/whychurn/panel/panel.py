"""The Panel: rows at risk, the accounts behind them, and every row that was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from whychurn.panel.candidates import Candidate
from whychurn.sources import IntegrityFinding, LedgerStep, Verdict


@dataclass(frozen=True, slots=True)
class Panel:
    """What every analysis reads.

    Attributes
    ----------
    accounts : pandas.DataFrame
        One row per spell: ``account_id``, ``spell``, ``duration``, ``event``, ``amount`` (NaN where the study
        declares none) and each candidate cause as last recorded, text levels as strings.
    intervals : pandas.DataFrame
        Rows at risk over ``(start, stop]`` in the study's time unit: ``account_id``, ``spell``, ``start``,
        ``stop``, ``event``, ``cause``, ``amount`` and the candidates.
    candidates : tuple of Candidate
        Every declared cause, with its levels and whether and why it is left out.
    ledger : tuple of LedgerStep
        What each step did to the rows, in order.
    integrity : tuple of IntegrityFinding
        What is wrong or noteworthy about the data.
    verdict : Verdict
        Sound, usable with caveats, or refuse.
    landmarks : pandas.DataFrame or None
        Snapshots at fixed dates; None where the data carry no dates.
    tables : Mapping of str to pandas.DataFrame
        Named frames for analyses that need more than intervals (every column of the file, for one).
    provenance : Mapping
        Study, counts, fingerprints, seed and versions; stamped on all findings.
    """

    accounts: pd.DataFrame
    intervals: pd.DataFrame
    candidates: tuple[Candidate, ...]
    ledger: tuple[LedgerStep, ...]
    integrity: tuple[IntegrityFinding, ...]
    verdict: Verdict
    landmarks: pd.DataFrame | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def used(self) -> tuple[Candidate, ...]:
        """The candidates that enter models, in the order of the study."""
        return tuple(candidate for candidate in self.candidates if candidate.used)

    def candidate(self, column: str) -> Candidate:
        """Return the candidate of this column.

        Raises
        ------
        KeyError
            If no candidate has it.
        """
        for candidate in self.candidates:
            if candidate.column == column:
                return candidate
        raise KeyError(column)
