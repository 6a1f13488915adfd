"""What the checks of tables against one another found, kept until a table, a setting or a check changes.

Every notebook of a report opens the same sources; the checks read all tables and find the same each time.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from datetime import date
from pathlib import Path

import duckdb
from pydantic_core import to_json

from whychurn.sources.contract import IntegrityFinding
from whychurn.study import TableStudy

FILE = "checks.json"

Findings = tuple[IntegrityFinding, ...]


def kept_findings(
    work: Path,
    study: TableStudy,
    keys: Mapping[str, str],
    tracked_from: Mapping[str, date],
    check: Callable[[], Findings],
) -> Findings:
    """Return what the checks found before under the same circumstances, else check and keep what is found.

    Parameters
    ----------
    work : Path
        The study's work folder.
    study : TableStudy
        Any change of a setting counts.
    keys : Mapping of str to str
        Table -> key, which names the content of its files and how they were read.
    tracked_from : Mapping of str to datetime.date
    check : callable
        Runs the checks.
    """
    file, key = work / FILE, _key(study, keys, tracked_from)
    known = _read(file, key)
    if known is not None:
        return known
    found = check()
    _write(file, key, found)
    return found


def _key(study: TableStudy, keys: Mapping[str, str], tracked_from: Mapping[str, date]) -> str:
    content = {
        "code": _code(),
        "engine": duckdb.__version__,
        "study": to_json({each.name: getattr(study, each.name) for each in fields(study)}, fallback=repr).decode(),
        "tables": dict(sorted(keys.items())),
        "tracked": {name: day.isoformat() for name, day in sorted(tracked_from.items())},
    }
    return hashlib.sha256(json.dumps(content).encode("utf-8")).hexdigest()


@functools.cache
def _code() -> str:
    """Return the SHA-256 of the code that reads studies and checks tables: another version finds other things."""
    digest = hashlib.sha256()
    home = Path(__file__).parents[2]
    for file in sorted(file for part in ("sources", "study") for file in (home / part).rglob("*.py")):
        digest.update(file.relative_to(home).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _read(file: Path, key: str) -> Findings | None:
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        return _findings(record["findings"]) if record["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(file: Path, key: str, found: Findings) -> None:
    text = json.dumps({"key": key, "findings": [asdict(one) for one in found]}, indent=1)
    # Kept only if it says the same when it is read again.
    if _findings(json.loads(text)["findings"]) != found:
        return
    part = file.with_name(f".{file.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _findings(records: list[dict[str, object]]) -> Findings:
    return tuple(IntegrityFinding(**{**one, "rows": tuple(one["rows"])}) for one in records)  # type: ignore[arg-type]
