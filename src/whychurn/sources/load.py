"""From a file to a table of text: every value as written, every record accounted for."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from whychurn.errors import SourceError
from whychurn.sources.connection import first_row
from whychurn.sources.contract import IntegrityFinding, refuse_all
from whychurn.sources.header import header_problems, parse_header
from whychurn.sources.records import Records, plain_copy, scan_records
from whychurn.sources.rejects import rejects_frame
from whychurn.study import Source

LONGEST_RECORD = 16_000_000
#: No file holds this text, so that the engine itself turns nothing into a null.
NO_NULL = "\x1fno null\x1f"


@dataclass(frozen=True)
class RawTable:
    """A file as text, in the engine as ``raw``: column ``record``, then ``c0``, ``c1``, … in the file's order.

    Attributes
    ----------
    names : list of str
        The file's column names.
    n_records : int
        Records in the file, header excluded, whether accepted or not.
    n_accepted : int
        Rows of ``raw``.
    rejects : pandas.DataFrame
        Records that could not be split into the header's columns.
    findings : tuple of IntegrityFinding
        What else was seen while reading.
    lines : ndarray or None
        Line of each record, for text files.
    """

    names: list[str]
    n_records: int
    n_accepted: int
    rejects: pd.DataFrame
    findings: tuple[IntegrityFinding, ...] = ()
    lines: np.ndarray | None = field(default=None, repr=False)

    def line(self, records: pd.Series) -> pd.Series:
        """Return the line on which each record begins, 0 where the file has no lines."""
        if self.lines is None:
            return pd.Series(0, index=records.index)
        return pd.Series(self.lines[records.to_numpy(dtype=np.int64) - 1], index=records.index)


def load_csv(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    source: Source,
    table: str,
    needed: Mapping[str, str],
    work: Path,
    delimiter: str | None = None,
) -> RawTable:
    """Load a UTF-8 text file into the engine as text.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    file : Path
        UTF-8 without byte order mark, inside the folders the connection may read.
    source : Source
        How the file is declared.
    table : str
        Name of the table, for messages.
    needed : Mapping of str to str
        Columns that must be there, and where the study names them.
    work : Path
        For a passing copy with Unix line ends and no blank lines, where the file has others: the strict reader
        takes one kind of line end only and misplaces what it refuses after a blank line; the lenient one swallows
        surplus values.
    delimiter : str, optional
        Default: as the study declares.

    Raises
    ------
    SourceError
        If the file is empty, its quotes or line ends are unsound, its header does not serve, or the count of
        accepted and rejected records is not that of the file.
    """
    delimiter = delimiter or source.separator
    records = scan_records(file, delimiter)
    _require_sound(records, source, table)
    header = _text(file, records, 0)
    names = parse_header(header, delimiter)
    # A header that is a single column is most likely split at the wrong delimiter, unless it is all that is needed.
    complete = bool(needed) and set(needed) <= set(names)
    problems = header_problems(names, needed, table, header, "" if complete else delimiter)
    if problems:
        raise refuse_all(f"{source.file} cannot be used:", problems)
    if len(records) == 1:
        raise refuse_all(f"{source.file} cannot be used:", [_empty(table, "has a header but no rows")])
    copy = work / f"lines-{os.getpid()}-{secrets.token_hex(4)}.csv"
    try:
        if len(records.surplus):
            plain_copy(file, records, copy)
            file, records = copy, replace(scan_records(copy, delimiter), lines=records.lines)
        _read_all_as_text(connection, file, delimiter, len(names), parallel=not records.quoted_line_ends)
        rejects = _rejected(connection, file, records, table, source.file, len(names))
    finally:
        copy.unlink(missing_ok=True)
    n_records, n_read = len(records) - 1, first_row(connection, "SELECT count(*) FROM raw_text")[0] - 1
    if n_read + len(rejects) != n_records:
        raise SourceError(
            f"{source.file}: the reader took {n_read:,} records and refused {len(rejects):,}, but the file "
            f"holds {n_records:,}. Nothing was used. Check the quotes in the file, or save it again as CSV."
        )
    _number_records(connection, n_records, rejects)
    return RawTable(names, n_records, n_read, rejects, (), records.lines[1:])


def _require_sound(records: Records, source: Source, table: str) -> None:
    problems = []
    if not len(records):
        problems.append(_empty(table, "is empty"))
    if records.stray_quotes or records.unclosed:
        lines = records.stray_quotes or (records.unclosed,)
        shown = ", ".join(f"{line:,}" for line in lines[:3])
        first = f"line {shown}" if len(lines) == 1 else f"lines {shown}" + (" …" if len(lines) > 3 else "")
        kind = "a quote that is never closed, or one" if records.unclosed else "a quote"
        problems.append(
            IntegrityFinding(
                code="unsound-quotes", severity="refuse", table=table, count=len(lines), rows=_examples(lines),
                problem=f"There is {kind} in the middle of a value (look at {first} and the line before).",
                consequence="Where a value ends is then a guess, and rows would be swallowed.",
                action='Put quotes around the whole value and double those inside it ("5"" pipe"), or remove them.',
            )
        )  # fmt: skip
    if records.bare_returns:
        lines = records.bare_returns
        problems.append(
            IntegrityFinding(
                code="bare-carriage-returns", severity="refuse", table=table, count=len(lines), rows=_examples(lines),
                problem=f"Lines end with a carriage return alone (first on line {lines[0]:,}).",
                action="Save the file with the line ends of Windows or Unix.",
            )
        )  # fmt: skip
    if problems:
        raise refuse_all(f"{source.file} cannot be used:", problems)


def _examples(lines: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(f"line {line}" for line in lines[:3])


def _empty(table: str, what: str) -> IntegrityFinding:
    return IntegrityFinding(
        code="no-rows", severity="refuse", table=table, problem=f"The file {what}.",
        action="Export it again, with a header and its rows.",
    )  # fmt: skip


def _text(file: Path, records: Records, index: int, most: int = 1 << 20) -> str:
    start, end = int(records.starts[index]), int(records.ends[index])
    with file.open("rb") as stream:
        stream.seek(start)
        return stream.read(min(end - start, most)).decode("utf-8", "replace")


def _read_all_as_text(
    connection: duckdb.DuckDBPyConnection, file: Path, delimiter: str, width: int, parallel: bool
) -> None:
    """Load into ``raw_text``, the header as its first row; what the reader refuses goes to ``raw_refused``."""
    columns = "{" + ", ".join(f"'c{index}': 'VARCHAR'" for index in range(width)) + "}"
    connection.execute(
        f"""
        CREATE TEMP TABLE raw_text AS
        SELECT * FROM read_csv(
            $file, auto_detect = false, header = false, delim = $delimiter, quote = '"', escape = '"', new_line = '\\n',
            columns = {columns}, nullstr = [$no_null], strict_mode = true, null_padding = false,
            max_line_size = {LONGEST_RECORD}, parallel = {"true" if parallel else "false"},
            store_rejects = true, rejects_table = 'raw_refused', rejects_scan = 'raw_scan', rejects_limit = 0
        )""",
        {"file": str(file), "delimiter": delimiter, "no_null": NO_NULL},
    )


def _rejected(
    connection: duckdb.DuckDBPyConnection, file: Path, records: Records, table: str, name: str, width: int
) -> pd.DataFrame:
    """One row per refused record, found by its place in the file rather than by the reader's own line count."""
    refused = connection.execute(
        "SELECT line_byte_position - 1 AS at, max(column_idx) AS width, min(error_type)::VARCHAR AS error "
        "FROM raw_refused GROUP BY line_byte_position ORDER BY line_byte_position"
    ).df()
    connection.execute("DROP TABLE raw_refused")
    connection.execute("DROP TABLE raw_scan")
    if not len(refused):
        return rejects_frame()
    index = np.searchsorted(records.starts, refused["at"].to_numpy(dtype=np.int64), side="right") - 1
    unique = np.unique(index)
    by_index = dict(zip(index, zip(refused["width"], refused["error"], strict=True), strict=False))
    reasons = [_reason(by_index[position][1], width) for position in unique]
    return rejects_frame(
        [
            pd.DataFrame(
                {
                    "table": table, "file": name, "record": unique, "line": records.lines[unique], "scope": "row",
                    "column": "", "value": [_text(file, records, int(i), 400) for i in unique], "reason": reasons,
                }
            )
        ]
    )  # fmt: skip


def _reason(error: str, width: int) -> str:
    if "COLUMNS" in error:
        return f"the record has {'fewer' if 'MISSING' in error else 'more'} values than the header's {width} columns"
    if "LINE" in error and "SIZE" in error:
        return f"the record is longer than {LONGEST_RECORD:,} bytes"
    return error.lower()


def _number_records(connection: duckdb.DuckDBPyConnection, n_records: int, rejects: pd.DataFrame) -> None:
    """Make ``raw``: the accepted rows under the number that their record has in the file."""
    if not len(rejects):
        connection.execute("CREATE TEMP VIEW raw AS SELECT rowid AS record, * FROM raw_text WHERE rowid > 0")
        return
    accepted = np.setdiff1d(np.arange(1, n_records + 1), rejects["record"].to_numpy())
    numbers = pd.DataFrame({"position": np.arange(1, len(accepted) + 1), "record": accepted})
    connection.register("numbers_frame", numbers)
    connection.execute("CREATE TEMP TABLE numbers AS SELECT * FROM numbers_frame")
    connection.unregister("numbers_frame")
    connection.execute(
        "CREATE TEMP VIEW raw AS SELECT numbers.record, raw_text.* FROM raw_text "
        "JOIN numbers ON numbers.position = raw_text.rowid"
    )
