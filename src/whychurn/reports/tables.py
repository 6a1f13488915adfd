"""The recorded findings as CSV, one file for each analysis, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any

from whychurn.findings import COLUMNS, NUMBERS
from whychurn.sources.rejects import neutralised


def tables_of(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the CSV text of every analysis by file name, ``causes.csv``.

    Columns that no row of the analysis fills are left out. Numbers are written with all their digits,
    whole numbers without a point.
    """
    grouped: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        grouped.setdefault(str(record.get("analysis", "")), []).append(record)
    return {f"{_file_name(analysis)}.csv": _csv(rows) for analysis, rows in sorted(grouped.items())}


def _file_name(analysis: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", analysis).strip("-") or "findings"


def _csv(rows: list[Mapping[str, Any]]) -> str:
    columns = ["id", *(name for name in COLUMNS if any(name in row for row in rows))]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(name, row.get(name, "")) for name in columns])
    return stream.getvalue()


def _cell(name: str, value: Any) -> str:
    if name in NUMBERS and value != "":
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    return neutralised(str(value))
