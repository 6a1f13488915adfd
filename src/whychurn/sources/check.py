"""``whychurn check``: look at a study's data and say everything that was found, good or bad."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from whychurn.errors import SourceError, StudyError
from whychurn.sources.canon import TABLES
from whychurn.sources.connection import WORK_FOLDER
from whychurn.sources.contract import ColumnProfile, Fingerprint, IntegrityFinding, LedgerStep, Sources, Verdict
from whychurn.sources.flat_opening import REJECTS_FILE
from whychurn.sources.names import quoted
from whychurn.sources.opening import inspect_sources
from whychurn.sources.tables.checks import count_population
from whychurn.study import Study, Table, TableStudy, read_study


@dataclass(frozen=True)
class ReadTable:
    """One table of a study of tables as it was read.

    Attributes
    ----------
    name : str
    rows : int
        That are used.
    first, last : str
        Earliest and latest day of its records, the ends of subscriptions included; "" where it has no dates.
    tracked_from : str
        First day it was recorded; "" for a register, complete from the first customer on.
    tracked_from_declared : bool
        Whether the study says so, or the first record does.
    files : tuple of str
        Among the fingerprints.
    rejects_file : str
        Where rows and values that could not be used are listed; "" if there are none.
    """

    name: str
    rows: int
    first: str
    last: str
    tracked_from: str
    tracked_from_declared: bool
    files: tuple[str, ...]
    rejects_file: str


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes
    ----------
    path : str
        As asked for.
    study_name : str
        "" if ``study.toml`` cannot be read.
    error : str
        Why the study or its data cannot be read at all; "" if they can.
    verdict : Verdict or None
        None where there is an error.
    integrity : tuple of IntegrityFinding
        Also the problems behind an error.
    kind : {"flat", "tables"}
    n_customers, n_left : int
        Of a study of tables: accounts with a subscription in the window, and those whose last one ended in it.
    tenure : tuple of float
        Shortest and longest, in a flat study.
    time_unit : str
    rejects_file : str
        Where the rows set aside are listed, in a flat study; "" if there are none.
    window : tuple of str
        Of a study of tables: the first and the last day observed.
    interval_days, lag_days, n_subscriptions : int
        Of a study of tables.
    tables : tuple of ReadTable
    unlocks : tuple of (str, str)
        Tables that are not there, with what each would unlock.
    """

    path: str
    study_name: str = ""
    error: str = ""
    verdict: Verdict | None = None
    fingerprints: tuple[Fingerprint, ...] = ()
    ledger: tuple[LedgerStep, ...] = ()
    integrity: tuple[IntegrityFinding, ...] = ()
    columns: tuple[ColumnProfile, ...] = ()
    n_customers: int = 0
    n_left: int = 0
    tenure: tuple[float, float] = (math.nan, math.nan)
    time_unit: str = ""
    rejects_file: str = ""
    kind: str = "flat"
    window: tuple[str, str] = ("", "")
    interval_days: int = 0
    lag_days: int = 0
    n_subscriptions: int = 0
    tables: tuple[ReadTable, ...] = ()
    unlocks: tuple[tuple[str, str], ...] = ()

    @property
    def exit_code(self) -> int:
        """0 for data graded sound or usable, 1 for an error or a refusal."""
        return 1 if self.error or self.verdict is None or self.verdict.grade == "refuse" else 0

    def as_json(self) -> str:
        """Return everything as JSON text; numbers that do not exist are null."""
        content = {**asdict(self), "exit_code": self.exit_code}
        return json.dumps(_without_nan(content), ensure_ascii=False, indent=2)


def check_study(path: str | Path) -> CheckResult:
    """Check a study folder or its ``study.toml``: nothing is raised for what is wrong with it, all is told.

    Parameters
    ----------
    path : str or Path
    """
    try:
        study = read_study(path)
    except StudyError as error:
        return CheckResult(str(path), error=str(error))
    try:
        return _checked(str(path), study)
    except SourceError as error:
        problems = tuple(problem for problem in error.problems if isinstance(problem, IntegrityFinding))
        return CheckResult(str(path), study.name, error=str(error), integrity=problems)


def _checked(path: str, study: Study) -> CheckResult:
    with inspect_sources(study) as sources:
        return describe_tables(path, study, sources) if isinstance(study, TableStudy) else _flat(path, study, sources)


def _alike(path: str, study: Study, sources: Sources) -> CheckResult:
    """What is told of every kind of study."""
    return CheckResult(
        path=path,
        study_name=study.name,
        verdict=sources.verdict,
        fingerprints=sources.fingerprints,
        ledger=sources.ledger,
        integrity=sources.integrity,
        columns=sources.columns,
        time_unit=study.time_unit,
    )


def _flat(path: str, study: Study, sources: Sources) -> CheckResult:
    frame = sources.frame("accounts")
    return replace(
        _alike(path, study, sources),
        n_customers=len(frame),
        n_left=int(frame["churned"].sum()),
        tenure=(float(frame["tenure"].min()), float(frame["tenure"].max())),
        rejects_file=f"{WORK_FOLDER}/{REJECTS_FILE}" if len(sources.rejects) else "",
    )


def describe_tables(path: str, study: TableStudy, sources: Sources) -> CheckResult:
    """Return what there is to say about the sources of a study of tables.

    Parameters
    ----------
    path : str
        As asked for.
    study : TableStudy
    sources : Sources
        Open.
    """
    population = count_population(sources.connection, study)
    return replace(
        _alike(path, study, sources),
        n_customers=population.accounts,
        n_left=population.leavers,
        kind=study.kind,
        window=(study.observed_from.isoformat(), (study.observed_to - timedelta(days=1)).isoformat()),
        interval_days=study.interval_days,
        lag_days=study.lag_days,
        n_subscriptions=population.subscriptions,
        tables=tuple(_read_table(name, study, sources) for name in sources.tables),
        unlocks=tuple((name, contract.unlocks) for name, contract in TABLES.items() if not sources.tables.get(name)),
    )


def _read_table(name: str, study: TableStudy, sources: Sources) -> ReadTable:
    at = quoted(TABLES[name].at)
    # What is known of a subscription reaches to its end; an end in 9999 stands for none.
    ends = ", max(ended_on) FILTER (WHERE ended_on < DATE '2100-01-01')" if name == "subscriptions" else ""
    first, last = sources.connection.execute(
        f"SELECT CAST(min({at}) AS DATE), CAST(greatest(max({at}){ends}) AS DATE) FROM {quoted(name)}"
    ).fetchall()[0]
    declared = study.tables.get(name)
    tracked_from = sources.tracked_from.get(name)
    rejects = f"rejects-{name}.csv"
    return ReadTable(
        name=name,
        rows=sources.tables[name],
        first=first.isoformat() if first else "",
        last=last.isoformat() if last else "",
        tracked_from=tracked_from.isoformat() if tracked_from else "",
        tracked_from_declared=bool(declared and declared.tracked_from),
        files=tuple(mark.file for mark in sources.fingerprints if _is_of(mark.file, name, declared)),
        rejects_file=f"{WORK_FOLDER}/{rejects}" if sources.work and (sources.work / rejects).is_file() else "",
    )


def _is_of(file: str, name: str, table: Table | None) -> bool:
    """Whether a fingerprint belongs to a table: by its name, its pattern, or, in a database, that of the table in it."""
    if table is None or file == name:
        return file == name
    if table.table:
        return file.endswith((f"({table.table})", f".{table.table})"))
    return any(file == pattern or fnmatch(file, pattern) for pattern in table.file)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
