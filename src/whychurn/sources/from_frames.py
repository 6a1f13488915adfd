"""Sources out of frames that are already clean: for people who hold frames, and for tests of what comes after."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from whychurn.errors import SourceError
from whychurn.sources.canon import REQUIRED, SQL_TYPES, TABLES, TableContract
from whychurn.sources.connection import locked_connection
from whychurn.sources.contract import Detections, Fingerprint, Sources, Verdict
from whychurn.sources.names import quoted, suggestion
from whychurn.sources.rejects import rejects_frame
from whychurn.study import TableStudy


def sources_from_frames(study: TableStudy, frames: Mapping[str, pd.DataFrame], work: Path) -> Sources:
    """Make sources out of frames with the contract's column names.

    Nothing is checked or graded: values are cast to the contract's types, times are taken to be in the study's time
    zone, and columns outside the contract are kept for accounts only.

    Parameters
    ----------
    study : TableStudy
    frames : Mapping of str to pandas.DataFrame
        Table -> rows; accounts and subscriptions at least. ``usage.action`` is one of "login", "use", "failed", None.
    work : Path
        A folder for working files.

    Raises
    ------
    SourceError
        If a table is unknown or missing, or a value does not fit its type.
    """
    for name in frames:
        if name not in TABLES:
            raise SourceError(f"There is no table {name!r} in the contract.{suggestion(name, TABLES)}")
    for name in REQUIRED:
        if name not in frames:
            raise SourceError(f"The table {name!r} is missing; it is required.")
    connection = locked_connection([work], memory_limit=study.engine.memory_limit, threads=study.engine.threads)
    for name, contract in TABLES.items():
        frame = frames.get(name, pd.DataFrame())
        connection.register(
            "given_frame", _as_text_where_mixed(frame) if len(frame.columns) else pd.DataFrame({"": []})
        )
        try:
            connection.execute(f"CREATE TABLE {quoted(name)} AS SELECT {_selected(contract, frame)} FROM given_frame")
        except Exception as error:
            connection.close()
            raise SourceError(f"{name}: {str(error).splitlines()[0]}") from None
        connection.unregister("given_frame")
    return Sources(
        study_name=study.name,
        connection=connection,
        tables={name: len(frames[name]) for name in TABLES if name in frames},
        fingerprints=tuple(_fingerprint(name, frames[name]) for name in TABLES if name in frames),
        integrity=(),
        ledger=(),
        columns=(),
        rejects=rejects_frame(),
        detections=Detections(),
        verdict=Verdict("usable with caveats", ("Frames were given: nothing was checked.",)),
        work=work,
        tracked_from=_tracked_from(connection, study, frames),
    )


def _selected(contract: TableContract, frame: pd.DataFrame) -> str:
    parts = []
    for column in contract.columns:
        kind = SQL_TYPES[column.type]
        value = f"CAST({quoted(column.name)} AS {kind})" if column.name in frame else f"CAST(NULL AS {kind})"
        if column.type == "count":
            value = f"coalesce({value}, 1)"
        parts.append(f"{value} AS {quoted(column.name)}")
    if contract.keeps_further_columns:
        known = {column.name for column in contract.columns}
        parts += [quoted(name) for name in frame.columns if name not in known]
    return ", ".join([*parts, "row_number() OVER () AS row_number"])


def _as_text_where_mixed(frame: pd.DataFrame) -> pd.DataFrame:
    """Dates as objects are handed over as text: the engine guesses the type of an object column from its first rows."""
    out = frame.copy()
    for name in out.columns:
        if out[name].dtype == object:
            values = out[name].where(out[name].notna(), None)
            out[name] = pd.array([None if value is None else str(value) for value in values], dtype="string")
    return out


def _tracked_from(connection: duckdb.DuckDBPyConnection, study: TableStudy, names: Iterable[str]) -> dict[str, date]:
    """The first day each log was recorded: as declared, else that of its first record."""
    found: dict[str, date] = {}
    for name in names:
        contract, declared = TABLES[name], study.tables[name].tracked_from if name in study.tables else None
        if contract.tracked_throughout:
            continue
        sql = f"SELECT CAST(min({quoted(contract.at)}) AS DATE) FROM {quoted(name)}"
        first = declared or connection.execute(sql).fetchall()[0][0]
        if first is not None:
            found[name] = first
    return found


def _fingerprint(name: str, frame: pd.DataFrame) -> Fingerprint:
    content = frame.to_csv(index=False).encode()
    return Fingerprint(name, hashlib.sha256(content).hexdigest(), len(frame), len(content))
