"""Workbooks and Parquet files pass the same checks as text."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import openpyxl
import pytest
from conftest import MakeStudy
from flat_files import rows, text

from whychurn.errors import SourceError
from whychurn.sources import inspect_sources, open_sources
from whychurn.sources.excel import cell_text


def workbook(file: Path, body: list[list[object]], header: str = "id,tenure,churned,plan", sheet: str = "Data") -> None:
    book = openpyxl.Workbook()
    book.active.title = "Read me"
    page = book.create_sheet(sheet)
    page.append(header.split(","))
    for row in body:
        page.append(row)
    book.save(file)


def typed(body: list[list[str]]) -> list[list[object]]:
    return [[row[0], float(row[1]), row[2], row[3]] for row in body]


def test_a_workbook_reads_like_its_text(make_study: MakeStudy, tmp_path: Path) -> None:
    body = typed(rows())
    body.insert(3, [None, None, None, None])
    body[10][1] = "twelve"
    workbook(tmp_path / "data.xlsx", body)
    study = make_study(None, file="data.xlsx", source='sheet = "Data"')
    with open_sources(study) as sources:
        frame, rejects = sources.frame("accounts"), sources.rejects
        assert sources.fingerprints[0].rows == 60
    assert frame["tenure"][0] == 2
    assert rejects[["record", "line", "value"]].to_numpy().tolist() == [[10, 12, "twelve"]]


def test_a_missing_sheet_lists_those_there(make_study: MakeStudy, tmp_path: Path) -> None:
    workbook(tmp_path / "data.xlsx", typed(rows()))
    with pytest.raises(SourceError, match="Did you mean “Data”") as caught:
        open_sources(make_study(None, file="data.xlsx", source='sheet = "Dta"'))
    assert "“Read me”, “Data”" in str(caught.value)
    with pytest.raises(SourceError, match="is empty"):
        open_sources(make_study(None, file="data.xlsx"))


def test_formulas_without_stored_results_are_counted(make_study: MakeStudy, tmp_path: Path) -> None:
    body = typed(rows())
    body[4][3] = '=CONCATENATE("a","b")'
    workbook(tmp_path / "data.xlsx", body)
    with inspect_sources(make_study(None, file="data.xlsx", source='sheet = "Data"')) as sources:
        (found,) = [found for found in sources.integrity if found.code == "formulas-without-result"]
        assert sources.frame("accounts")["plan"].isna().sum() == 1
    assert found.count == 1
    assert "D6" in found.problem


def test_more_cells_than_the_header_are_ragged(make_study: MakeStudy, tmp_path: Path) -> None:
    body = typed(rows(100, 40))
    body[2].append("surplus")
    workbook(tmp_path / "data.xlsx", body)
    with open_sources(make_study(None, file="data.xlsx", source='sheet = "Data"')) as sources:
        assert sources.rejects["record"].tolist() == [3]


def test_what_is_not_a_workbook(make_study: MakeStudy) -> None:
    with pytest.raises(SourceError, match="cannot be read as an Excel workbook"):
        open_sources(make_study(b"PK not really", file="data.xlsx"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (True, "true"),
        (3.0, "3"),
        (3.25, "3.25"),
        (1e300, "1e+300"),
        (7, "7"),
        (dt.datetime(2024, 1, 31), "2024-01-31"),
        (dt.datetime(2024, 1, 31, 8, 30), "2024-01-31T08:30:00"),
        (dt.date(2024, 1, 31), "2024-01-31"),
        ("#N/A", "#N/A"),
    ],
)
def test_cells_as_text(value: object, expected: str) -> None:
    assert cell_text(value) == expected


def parquet(file: Path, select: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{file}' (FORMAT parquet)")


def test_parquet_reads_like_its_text(make_study: MakeStudy, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(text(rows()))
    select = (
        f'SELECT id, tenure::DOUBLE AS tenure, churned, plan, i AS "a""b" FROM (SELECT *, row_number() OVER () AS i '
        f"FROM read_csv('{tmp_path / 'data.csv'}', all_varchar = true))"
    )
    parquet(tmp_path / "data.parquet", select)
    with open_sources(make_study(None, file="data.parquet")) as sources:
        frame = sources.frame("accounts")
        assert sources.fingerprints[0].rows == 60
    with open_sources(make_study(None, file="data.csv")) as sources:
        expected = sources.frame("accounts")
    assert frame['a"b'].tolist() == list(range(1, 61))
    assert frame[expected.columns].equals(expected)


def test_parquet_with_booleans_nulls_and_nan(make_study: MakeStudy, tmp_path: Path) -> None:
    select = (
        "SELECT 'c' || i AS id, CASE WHEN i = 3 THEN 'nan'::DOUBLE ELSE i % 20 + 1 END AS tenure, "
        "CASE WHEN i % 3 = 0 THEN 'yes' ELSE 'no' END AS churned, i % 2 = 0 AS plan FROM range(60) AS t(i)"
    )
    parquet(tmp_path / "data.parquet", select)
    with open_sources(make_study(None, file="data.parquet")) as sources:
        assert set(sources.frame("accounts")["plan"]) == {"true", "false"}
        assert sources.rejects["reason"].tolist() == ["tenure has no value"]


def test_nested_parquet_is_refused(make_study: MakeStudy, tmp_path: Path) -> None:
    parquet(tmp_path / "data.parquet", "SELECT 'a' AS id, 1 AS tenure, 'yes' AS churned, [1, 2] AS plan")
    with pytest.raises(SourceError, match="not one value per row"):
        open_sources(make_study(None, file="data.parquet"))


def test_what_is_not_parquet(make_study: MakeStudy) -> None:
    with pytest.raises(SourceError, match="cannot be read as Parquet"):
        open_sources(make_study(b"PAR1 not really", file="data.parquet"))
