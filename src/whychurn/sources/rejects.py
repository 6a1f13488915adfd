"""Records and values that could not be used: kept in a frame and in a file, never dropped in silence."""

from __future__ import annotations

import csv
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from whychurn.sources.grammar import NUMBER_POINT

#: ``scope`` is "row" where the whole record was set aside, "value" where one value was read as missing.
COLUMNS = ("table", "file", "record", "line", "account_id", "scope", "column", "value", "reason")
LONGEST_VALUE = 200
_RISKY = re.compile(r"^[\s]*[=+\-@\t\r]")


def rejects_frame(parts: Iterable[pd.DataFrame] = ()) -> pd.DataFrame:
    """Stack parts into one frame with :data:`COLUMNS`, ordered by record; missing columns are empty."""
    filled = [part.reindex(columns=list(COLUMNS)) for part in parts if len(part)]
    if not filled:
        return pd.DataFrame(
            {name: pd.Series(dtype="int64" if name in ("record", "line") else object) for name in COLUMNS}
        )
    frame = pd.concat(filled, ignore_index=True)
    for name in ("record", "line"):
        frame[name] = frame[name].fillna(0).astype("int64")
    for name in set(COLUMNS) - {"record", "line"}:
        frame[name] = frame[name].astype(object).where(frame[name].notna(), "").map(str).str.slice(0, LONGEST_VALUE)
    return frame.sort_values(["record", "scope", "column"], kind="stable", ignore_index=True)


def neutralised(text: str) -> str:
    """Return `text` so that a spreadsheet does not run it: a leading apostrophe where it could be a formula."""
    risky = _RISKY.match(text) and not re.fullmatch(NUMBER_POINT, text)
    return "'" + text if risky else text


def write_rejects(frame: pd.DataFrame, file: Path) -> None:
    """Write the frame as CSV, in one move; without rejects an older file is removed."""
    if not len(frame):
        file.unlink(missing_ok=True)
        return
    part = file.with_name(f".{file.name}-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with part.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(COLUMNS)
            for row in frame[list(COLUMNS)].itertuples(index=False):
                writer.writerow([value if isinstance(value, int) else neutralised(str(value)) for value in row])
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
