"""Typed tables kept beside the study, so that a file is read once and not again until it, or its settings, change.

A table is ``<name>-<key>.parquet`` with ``<name>-<key>.json`` beside it. The description is written last, in one
move, and holds size and time of the rows' file: rows without it, or of another size or time, are never trusted.
Whoever reads a table holds a shared lock on its rows, which ends with the process; such a table is never removed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb

from whychurn.sources.contract import ColumnProfile, Fingerprint, IntegrityFinding, LedgerStep
from whychurn.sources.tables.build import BuiltTable
from whychurn.study import Table

#: The number is raised when the same files and settings would be written in another way. Another version of whychurn
#: may read them differently, so that its tables, and the panels made of them, are its own.
LAYOUT = f"1 of whychurn {version('whychurn')}"
FOLDER = "tables"
KEY_LENGTH = 16
#: Unfinished files of a run that was killed are removed after this many seconds.
ABANDONED = 3600.0
#: Settings of a table that say nothing about how its rows are read.
NOT_READING = {"tracked_from", "not_tracked", "allow_outside", "file"}


class InUse:
    """A shared lock on a file, held until this object is gone."""

    def __init__(self, file: Path) -> None:
        self._held = os.open(file, os.O_RDONLY)
        fcntl.flock(self._held, fcntl.LOCK_SH)

    def __del__(self) -> None:
        if hasattr(self, "_held"):
            os.close(self._held)


class TableCache:
    """The typed tables of one study. Those found or kept stay as long as `in_use` does.

    Parameters
    ----------
    work : Path
        The study's work folder.
    """

    def __init__(self, work: Path) -> None:
        self.folder = work / FOLDER
        self.folder.mkdir(exist_ok=True)
        self._current: set[str] = set()
        self.in_use: dict[str, InUse] = {}

    def files(self, name: str, key: str) -> tuple[Path, Path, Path]:
        """Return the files of rows, of rejects, and of the description."""
        stem = f"{name}-{key[:KEY_LENGTH]}"
        return tuple(self.folder / f"{stem}{end}" for end in (".parquet", ".rejects.parquet", ".json"))  # type: ignore[return-value]

    def find(self, name: str, key: str) -> BuiltTable | None:
        """Return a table that was read before under this key, None if there is none that can be trusted."""
        rows, rejects, description = self.files(name, key)
        self._current.add(rows.stem)
        try:
            # Held before it is looked at: what is there then stays.
            self.in_use[name] = InUse(rows)
            record = json.loads(description.read_text(encoding="utf-8"))
            if record["key"] != key or record["rows_file"] != _look(rows):
                return None
            if record["table"]["n_rejects"] and record["rejects_file"] != _look(rejects):
                return None
            return _table(record["table"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def unfinished(self, name: str) -> tuple[Path, Path]:
        """Return temporary names for rows and rejects."""
        stem = f".{name}-{os.getpid()}-{secrets.token_hex(4)}"
        return self.folder / f"{stem}.parquet", self.folder / f"{stem}.rejects.parquet"

    def keep(self, name: str, key: str, table: BuiltTable, unfinished: tuple[Path, Path]) -> None:
        """Give finished files their names, then describe them."""
        rows, rejects, description = self.files(name, key)
        description.unlink(missing_ok=True)
        self.in_use[name] = InUse(unfinished[0])
        unfinished[0].replace(rows)
        if table.n_rejects:
            unfinished[1].replace(rejects)
        record = {
            "key": key,
            "rows_file": _look(rows),
            "rejects_file": _look(rejects) if table.n_rejects else None,
            "table": asdict(table),
        }
        part = description.with_name(f".{description.name}-{os.getpid()}-{secrets.token_hex(4)}")
        try:
            part.write_text(json.dumps(record, default=_plain, indent=1), encoding="utf-8")
            part.replace(description)
        finally:
            part.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove tables of other keys that nobody reads, and what runs that were killed left behind."""
        now = time.time()
        for file in self.folder.iterdir():
            # Another process may rename or remove files at the same time.
            with suppress(FileNotFoundError):
                if file.name.startswith("."):
                    if now - file.stat().st_mtime > ABANDONED:
                        file.unlink()
                elif (stem := file.name.split(".")[0]) not in self._current and not _read_by_someone(
                    self.folder / f"{stem}.parquet"
                ):
                    file.unlink()


def _read_by_someone(rows: Path) -> bool:
    """Whether someone holds these rows; they may be gone already."""
    try:
        held = os.open(rows, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(held)
    return False


def table_key(
    name: str, table: Table, files: Sequence[tuple[str, str]], zone: str, accounts_key: str, declared: Mapping[str, str]
) -> str:
    """Return the SHA-256 of all that decides what a table's rows are.

    Parameters
    ----------
    name : str
    table : Table
    files : sequence of (str, str)
        Name and SHA-256 of each file.
    zone : str
        Of the study.
    accounts_key : str
        Key of the accounts, by which rows without an owner are found; "" for the accounts themselves.
    declared : Mapping of str to str
        Kinds of attributes that the study declares.
    """
    settings = {key: value for key, value in table.model_dump(mode="json").items() if key not in NOT_READING}
    content = {
        "layout": LAYOUT, "engine": duckdb.__version__, "name": name, "settings": settings, "files": [list(file) for file in files], "zone": zone,
        "accounts": accounts_key, "declared": dict(sorted(declared.items())),
    }  # fmt: skip
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode("utf-8")).hexdigest()


def _look(file: Path) -> list[int]:
    seen = file.stat()
    return [seen.st_size, seen.st_mtime_ns]


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"cannot be written as JSON: {type(value).__name__}")


def _table(record: Mapping[str, Any]) -> BuiltTable:
    return BuiltTable(
        rows=int(record["rows"]),
        columns=tuple((str(name), str(kind)) for name, kind in record["columns"]),
        present=tuple(map(str, record["present"])),
        fingerprints=tuple(Fingerprint(**one) for one in record["fingerprints"]),
        findings=tuple(IntegrityFinding(**{**one, "rows": tuple(one["rows"])}) for one in record["findings"]),
        ledger=tuple(LedgerStep(**{**one, "examples": tuple(one["examples"])}) for one in record["ledger"]),
        profiles=tuple(
            ColumnProfile(**{**one, "top": tuple((str(level), int(n)) for level, n in one["top"])})
            for one in record["profiles"]
        ),
        n_rejects=int(record["n_rejects"]),
        first_day=date.fromisoformat(record["first_day"]) if record["first_day"] else None,
    )
