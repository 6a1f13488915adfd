"""The Panel: rows at risk, the accounts behind them, and every row that was left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import pandas as pd

from whychurn.panel.candidates import Candidate
from whychurn.panel.measure import Measure
from whychurn.sources import IntegrityFinding, LedgerStep, Verdict


class Rows(Protocol):
    """Rows at risk, wherever they are kept."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in order."""
        ...

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the rows, in the order of account, spell and time: all columns, or those named."""
        ...


@dataclass(frozen=True, slots=True)
class FrameRows:
    """Rows at risk held in memory."""

    frame: pd.DataFrame

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, in order."""
        return tuple(self.frame.columns)

    def read(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the frame, or some columns of it."""
        return self.frame if columns is None else self.frame[list(columns)]


@dataclass(frozen=True)
class Panel:
    """What every analysis reads.

    Attributes
    ----------
    accounts : pandas.DataFrame
        One row per spell: ``account_id``, ``spell``, ``duration``, ``event``, ``amount`` (NaN where the study
        declares none) and each candidate cause as last recorded, text levels as strings. Of a study of tables also
        ``started_on``, ``entered_on``, ``ended_on``, ``followed_to``, ``entry`` (days before the window), ``cause``,
        ``reason``, ``controllable`` and the attributes of the account.
    rows : Rows
        Rows at risk over ``(start, stop]`` in the study's time unit: ``account_id``, ``spell``, ``start``,
        ``stop``, ``event``, ``cause``, ``amount``, the candidates, and every measure. ``rows.read(columns)`` reads a
        few columns; ``intervals`` is all of them.
    candidates : tuple of Candidate
        Every declared cause, with its levels and whether and why it is left out.
    ledger : tuple of LedgerStep
        What each step did to the rows, in order.
    integrity : tuple of IntegrityFinding
        What is wrong or noteworthy about the data.
    verdict : Verdict
        Sound, usable with caveats, or refuse.
    landmarks : pandas.DataFrame or None
        Snapshots at fixed dates, made when first asked for; None where the data carry no dates.
    tables : Mapping of str to pandas.DataFrame
        Named frames for analyses that need more than intervals (every column of the file, for one). Of a study of
        tables they are made when first asked for: see :mod:`whychurn.panel.tables_of`.
    recorded : Rows or None
        The rows of a study of tables with every column as recorded: numbers that ``rows`` has in bands are numbers here.
    measures : tuple of Measure
        What the rows carry besides attributes, each with ``name``, ``label``, ``unit``, ``description``, ``group``,
        ``needs`` and ``kind``; empty for a flat study, whose columns are whatever the file has.
    provenance : Mapping
        Study, counts, fingerprints, seed and versions; stamped on all findings.
    """

    accounts: pd.DataFrame
    rows: Rows
    candidates: tuple[Candidate, ...]
    ledger: tuple[LedgerStep, ...]
    integrity: tuple[IntegrityFinding, ...]
    verdict: Verdict
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    recorded: Rows | None = None
    measures: tuple[Measure, ...] = ()
    #: What makes the landmarks; None where there can be none.
    make_landmarks: Callable[[], pd.DataFrame] | None = field(default=None, repr=False, compare=False)

    @cached_property
    def intervals(self) -> pd.DataFrame:
        """All rows at risk with all columns, read when first asked for."""
        return self.rows.read()

    @cached_property
    def landmarks(self) -> pd.DataFrame | None:
        """Snapshots of the customers at risk at fixed dates, with what followed."""
        return None if self.make_landmarks is None else self.make_landmarks()

    def with_intervals(self, intervals: pd.DataFrame) -> Panel:
        """Return a panel with other rows at risk."""
        return replace(self, rows=FrameRows(intervals))

    @property
    def used(self) -> tuple[Candidate, ...]:
        """The candidates that enter models, in the order of the study."""
        return tuple(candidate for candidate in self.candidates if candidate.used)

    @property
    def ranked(self) -> tuple[Candidate, ...]:
        """The candidates in use that are ranked as causes, not only held constant."""
        return tuple(candidate for candidate in self.used if candidate.role == "cause")

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
