"""Excel workbooks: cells written out as text, then read like any text file."""

from __future__ import annotations

import csv
import os
import secrets
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, time
from itertools import zip_longest
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import openpyxl

from whychurn.sources.contract import IntegrityFinding, refuse_all
from whychurn.sources.load import RawTable, load_csv
from whychurn.sources.names import counted, shown, suggestion
from whychurn.study import Source

#: A workbook that unpacks to more than this is not opened.
MOST_UNPACKED = 1_500_000_000


def load_excel(
    connection: duckdb.DuckDBPyConnection, file: Path, source: Source, table: str, needed: Mapping[str, str], work: Path
) -> RawTable:
    """Load one sheet into the engine as ``raw``; parameters as for :func:`whychurn.sources.load.load_csv`.

    Dates are written in ISO form, whole numbers without a decimal mark. A formula counts with the result that
    Excel stored; formulas without one are counted and read as missing.

    Raises
    ------
    SourceError
        If it is not a workbook, is too large, or the sheet is not there.
    """
    title = f"{source.file} cannot be used:"
    workbook = _open(file, table, title)
    try:
        sheet = _sheet_name(workbook.sheetnames, source, table, title)
        copy = work / f"sheet-{os.getpid()}-{secrets.token_hex(4)}.csv"
        try:
            rows, empty = _write_text(workbook[sheet], copy, source.decimal)
            formulas = _formulas_without_result(file, sheet, empty) if empty else []
            raw = load_csv(connection, copy, source, table, needed, work, delimiter=",")
        finally:
            copy.unlink(missing_ok=True)
    finally:
        workbook.close()
    findings = _formula_findings(formulas, table)
    return replace(raw, lines=np.array(rows[1:], dtype=np.int64), findings=findings)


def read_excel_header(file: Path, source: Source, table: str) -> list[str]:
    """Return the first row with values of the declared sheet, as text; empty if there is none.

    Raises
    ------
    SourceError
        If it is not a workbook, is too large, or the sheet is not there.
    """
    title = f"{source.file} cannot be used:"
    workbook = _open(file, table, title)
    try:
        sheet = workbook[_sheet_name(workbook.sheetnames, source, table, title)]
        for cells in sheet.iter_rows(values_only=True):
            values = [cell_text(cell, source.decimal) for cell in cells]
            if any(values):
                return values[: max(index for index, value in enumerate(values, start=1) if value)]
    finally:
        workbook.close()
    return []


def _open(file: Path, table: str, title: str) -> Any:
    try:
        with zipfile.ZipFile(file) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
        if size > MOST_UNPACKED:
            text = f"It unpacks to {size:,} bytes, more than the {MOST_UNPACKED:,} that are read from a workbook."
            finding = IntegrityFinding("too-large", "refuse", table, text, action="Save the sheet as CSV.")
            raise refuse_all(title, [finding])
        return openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        text = f"It cannot be read as an Excel workbook ({error})."
        action = "Save it again as .xlsx, or as CSV."
        raise refuse_all(title, [IntegrityFinding("unreadable-file", "refuse", table, text, action=action)]) from None


def _sheet_name(names: list[str], source: Source, table: str, title: str) -> str:
    wanted = source.sheet or names[0]
    if wanted in names:
        return wanted
    text = f"There is no sheet {shown(wanted)}.{suggestion(wanted, names)}"
    action = f"The workbook's sheets are {', '.join(map(shown, names[:20]))}."
    raise refuse_all(title, [IntegrityFinding("missing-sheet", "refuse", table, text, action=action)])


def _write_text(sheet: Any, copy: Path, decimal: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Write the sheet as CSV; return the sheet's row of each record, and the places of empty cells in it."""
    numbers: list[int] = []
    empty: list[tuple[int, int]] = []
    width = 0
    with copy.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for position, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            values = [cell_text(cell, decimal) for cell in cells]
            if not any(values):
                continue
            if not numbers:
                width = max(index for index, value in enumerate(values, start=1) if value)
            used = max((index for index, value in enumerate(values, start=1) if value), default=0)
            values = (values + [""] * width)[: max(width, used)]
            writer.writerow(values)
            if numbers:
                empty += [(position, column) for column, value in enumerate(values, start=1) if not value]
            numbers.append(position)
    return numbers, empty


def cell_text(value: object, decimal: str = ".") -> str:
    """Return a cell as a text file would hold it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
        return text.replace(".", decimal)
    if isinstance(value, datetime) and value.time() == time(0):
        return value.date().isoformat()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value).replace("\x00", "")


def _formulas_without_result(file: Path, sheet: str, empty: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of the empty cells, those that hold a formula whose result was never stored."""
    wanted = set(empty)
    workbook = openpyxl.load_workbook(file, read_only=True, data_only=False)
    try:
        return [place for place, value in _cells(workbook[sheet]) if place in wanted and _is_formula(value)]
    finally:
        workbook.close()


def _cells(sheet: Any) -> Iterator[tuple[tuple[int, int], object]]:
    for row, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        for column, value in zip_longest(range(1, len(cells) + 1), cells):
            yield (row, column), value


def _is_formula(value: object) -> bool:
    return (isinstance(value, str) and value.startswith("=")) or type(value).__name__ in (
        "ArrayFormula",
        "DataTableFormula",
    )


def _formula_findings(places: list[tuple[int, int]], table: str) -> tuple[IntegrityFinding, ...]:
    if not places:
        return ()
    cells = [f"{openpyxl.utils.get_column_letter(column)}{row}" for row, column in places[:3]]
    return (
        IntegrityFinding(
            code="formulas-without-result", severity="caveat", table=table, count=len(places), rows=tuple(cells),
            problem=f"{counted(len(places), 'cell holds a formula whose result is', 'cells hold formulas whose results are')} not stored in the file ({', '.join(cells)}"
            f"{' …' if len(places) > 3 else ''}).",
            consequence="They are read as missing.",
            action="Open the workbook in Excel and save it, so that results are stored.",
        ),
    )  # fmt: skip
