"""What sources hand to everything after them: tables, fingerprints, findings, ledger, verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import duckdb
import pandas as pd

from whychurn.errors import SourceError
from whychurn.sources.names import quoted, suggestion

Severity = Literal["note", "caveat", "refuse"]
Grade = Literal["sound", "usable with caveats", "refuse"]


@dataclass(frozen=True, slots=True)
class IntegrityFinding:
    """One thing that is wrong with, or worth knowing about, the data.

    Attributes
    ----------
    code : str
        Stable short name of the check, such as ``missing-values``.
    severity : {"note", "caveat", "refuse"}
        A caveat is printed on the first page; a refusal stops the study unless the risk is accepted.
    table, column : str
        Where; the column is "" where the finding is about the whole table.
    count : int
        How many rows, cells or levels are concerned.
    rows : tuple of str
        Up to three record numbers (header excluded, from 1) or account ids, as text.
    problem, consequence, action : str
        What is so, what follows for the study, what to do: sentences for a reader who knows no statistics.
    day : str
        The day that the finding is about, as 2024-03-01: the first from which departures are recorded
        (``no-churn-before``), or from which they are not (``no-churn-after``). "" where it is about no day.
    """

    code: str
    severity: Severity
    table: str
    problem: str
    consequence: str = ""
    action: str = ""
    column: str = ""
    count: int = 0
    rows: tuple[str, ...] = ()
    day: str = ""

    @property
    def text(self) -> str:
        """Problem, consequence and action as one paragraph."""
        return " ".join(part for part in (self.problem, self.consequence, self.action) if part)

    def record(self) -> dict[str, Any]:
        """Return the finding as a JSON-ready mapping."""
        return {**asdict(self), "rows": list(self.rows)}


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A data file as it was read: its name, SHA-256, number of records (header excluded) and size in bytes."""

    file: str
    sha256: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class LedgerStep:
    """What one step did to the rows of a table, and by which rule."""

    step: str
    table: str
    rule: str
    n_before: int
    n_after: int
    n_affected: int
    examples: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What one column holds, after rows were set aside.

    Attributes
    ----------
    name : str
        As in the file.
    role : {"account_id", "tenure", "churned", "amount", "cause", "not used"}
        The part that the study gives it.
    kind : {"category", "number"}
        How it was read.
    n_missing, n_distinct : int
        Rows without a value; different values.
    top : tuple of (str, int)
        The most common values with their counts, ties by name; empty for a number.
    low, mean, high : float
        NaN for a category.
    """

    name: str
    role: str
    kind: str
    n_missing: int
    n_distinct: int
    top: tuple[tuple[str, int], ...] = ()
    low: float = float("nan")
    mean: float = float("nan")
    high: float = float("nan")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The grade of the data, the reasons for it, and the reason to go on against a refusal ("" if none)."""

    grade: Grade
    reasons: tuple[str, ...] = ()
    accepted_risk: str = ""


@dataclass(frozen=True, slots=True)
class Accumulating:
    """A number that grows with tenure: log mean against log tenure has this slope (1 = in proportion)."""

    column: str
    slope: float
    r_squared: float
    rank_correlation: float


@dataclass(frozen=True, slots=True)
class Determined:
    """A number that other columns fix almost exactly, the smallest set that does it, and their R-squared."""

    column: str
    by: tuple[str, ...]
    r_squared: float


@dataclass(frozen=True, slots=True)
class AliasedLevel:
    """`level` of `column` holds for exactly the rows where `because_column` is `because_level`.

    ``into`` is the level of `column` it can be merged with at no loss.
    """

    column: str
    level: str
    into: str
    because_column: str
    because_level: str
    count: int


@dataclass(frozen=True, slots=True)
class KnownAfter:
    """A column that is known only once a customer has left, and what gives it away: its values, or its name alone."""

    column: str
    why: str
    by_value: bool = False


@dataclass(frozen=True, slots=True)
class Detections:
    """What the detectors found, for the panel to act on. ``duplicates`` are pairs (later column, earlier column)."""

    accumulating: tuple[Accumulating, ...] = ()
    determined: tuple[Determined, ...] = ()
    aliased: tuple[AliasedLevel, ...] = ()
    duplicates: tuple[tuple[str, str], ...] = ()
    known_after: tuple[KnownAfter, ...] = ()
    identifiers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sources:
    """Validated tables behind one engine connection, with everything found on the way in.

    Of a study of tables every table of :data:`whychurn.sources.canon.TABLES` is there, with every column of the
    contract in its type: what the company does not have is empty. ``tables`` lists those it has.

    Attributes
    ----------
    study_name : str
    connection : duckdb.DuckDBPyConnection
        Locked down: no file outside the study, no network, no extension.
    tables : Mapping of str to int
        Table name -> rows.
    fingerprints : tuple of Fingerprint
    integrity : tuple of IntegrityFinding
        Refusals first, then caveats, then notes.
    ledger : tuple of LedgerStep
        Every row dropped or set aside on the way in.
    columns : tuple of ColumnProfile
        Every column of the file, in its order.
    rejects : pandas.DataFrame
        Records and values that could not be used: columns as in :data:`whychurn.sources.rejects.COLUMNS`.
    detections : Detections
    verdict : Verdict
    """

    study_name: str
    connection: duckdb.DuckDBPyConnection
    tables: Mapping[str, int]
    fingerprints: tuple[Fingerprint, ...]
    integrity: tuple[IntegrityFinding, ...]
    ledger: tuple[LedgerStep, ...]
    columns: tuple[ColumnProfile, ...]
    rejects: pd.DataFrame
    detections: Detections
    verdict: Verdict
    #: Table -> (column of the frame, column of the table) that the engine cannot hold beside one another.
    copies: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    #: The study's work folder, where the panel is built; None where the study needs none.
    work: Path | None = None
    #: Of a study of tables: table -> first day it was recorded, as declared or found.
    tracked_from: Mapping[str, date] = field(default_factory=dict)

    def frame(self, name: str) -> pd.DataFrame:
        """Return a table as a new frame, in the order of the file.

        Parameters
        ----------
        name : str
            For a flat study ``"accounts"``: ``account_id`` (text), ``tenure`` (float), ``churned`` (bool),
            ``amount`` (float, where declared), then the other columns of the file: text with None where
            there is no value, numbers as floats; last ``row_number``, the record's number in the file
            (from 1, header excluded).

        Raises
        ------
        SourceError
            If there is no table of that name.
        """
        if name not in self.tables:
            known = ", ".join(self.tables)
            raise SourceError(f"There is no table {name!r}.{suggestion(name, self.tables)} Tables: {known}.")
        return fetch_frame(self.connection, name, self.copies.get(name))

    def close(self) -> None:
        """Release the engine connection."""
        self.connection.close()

    def __enter__(self) -> Sources:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def fetch_frame(connection: duckdb.DuckDBPyConnection, table: str, copy: tuple[str, str] | None = None) -> pd.DataFrame:
    """Fetch a table ordered by ``row_number``; text columns hold None, never NaN, where there is no value."""
    frame = connection.cursor().execute(f"SELECT * FROM {quoted(table)} ORDER BY row_number").df()
    for column in frame.columns:
        if frame[column].dtype == object and frame[column].hasnans:
            frame[column] = frame[column].where(frame[column].notna(), None)
    if copy is not None:
        frame.insert(len(frame.columns) - 1, copy[0], frame[copy[1]])
    return frame


def refuse_all(title: str, problems: Iterable[IntegrityFinding]) -> SourceError:
    """Return one error that lists every problem."""
    found = tuple(problems)
    lines = [f"- {problem.text}" for problem in found]
    return SourceError("\n".join([title, *lines]), found)
