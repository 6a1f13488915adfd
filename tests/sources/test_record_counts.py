"""Accepted and rejected records add up to the records in the file, and values are those that are written there."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whychurn.errors import SourceError
from whychurn.sources.connection import locked_connection
from whychurn.sources.load import load_csv
from whychurn.sources.records import scan_records
from whychurn.study import Source

CELL = st.text(alphabet=st.sampled_from(list('ab01.,;" \n\r\té€=')), max_size=6)
ROW = st.lists(CELL, min_size=1, max_size=5)


def write(rows: list[list[str]], ends: list[str], quote_all: bool) -> str:
    lines = []
    for row, end in zip(rows, ends, strict=True):
        out = io.StringIO()
        csv.writer(out, quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL).writerow(row)
        lines.append(out.getvalue().removesuffix("\r\n") + end)
    return "".join(lines)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(ROW, min_size=1, max_size=15),
    data=st.data(),
    quote_all=st.booleans(),
    blank=st.sampled_from(["", "\n", "\r\n\n"]),
)
def test_messy_files_lose_no_record(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], data: st.DataObject, quote_all: bool, blank: str
) -> None:
    folder = tmp_path_factory.mktemp("messy")
    ends = data.draw(st.lists(st.sampled_from(["\n", "\r\n"]), min_size=len(rows), max_size=len(rows)))
    file = folder / "data.csv"
    content = "x,y,z\n" + write(rows, ends, quote_all) + blank
    file.write_bytes(content.encode())
    # Python's own reader is the oracle; a line with nothing on it holds no record.
    expected = list(csv.reader(io.StringIO(content, newline="")))[1:]
    expected = [row for row in expected if row]
    with locked_connection([folder]) as connection:
        if not expected:
            with pytest.raises(SourceError, match="no rows"):
                load_csv(connection, file, Source(file="data.csv"), "accounts", {}, folder)
            return
        raw = load_csv(connection, file, Source(file="data.csv"), "accounts", {}, folder)
        read = connection.execute("SELECT record, c0, c1, c2 FROM raw ORDER BY record").fetchall()
    assert raw.n_records == len(expected)
    assert raw.n_accepted + len(raw.rejects) == raw.n_records
    whole = {number: row for number, row in enumerate(expected, start=1) if len(row) == 3}
    assert {number: [value or "" for value in values] for number, *values in read} == whole
    assert set(raw.rejects["record"]) == set(range(1, len(expected) + 1)) - set(whole)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.text(alphabet=st.sampled_from(list('a,"\n\r')), max_size=40))
def test_any_bytes_are_either_judged_unsound_or_read_as_python_reads_them(
    tmp_path_factory: pytest.TempPathFactory, content: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    file = folder / "data.csv"
    file.write_bytes(("x,y\n" + content).encode())
    try:
        with locked_connection([folder]) as connection:
            raw = load_csv(connection, file, Source(file="data.csv"), "accounts", {}, folder)
            read = connection.execute("SELECT c0, c1 FROM raw ORDER BY record").fetchall()
    except SourceError as error:
        assert "cannot be used" in str(error)
        return
    expected = [row for row in csv.reader(io.StringIO(content, newline=""), strict=True) if row]
    assert raw.n_records == len(expected)
    assert [[value or "" for value in row] for row in read] == [row for row in expected if len(row) == 2]


@pytest.mark.parametrize("window", [7, 64, 1 << 20])
def test_records_are_found_whatever_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    monkeypatch.setattr("whychurn.sources.records.WINDOW", window)
    file = tmp_path / "data.csv"
    file.write_bytes(b'a,b\r\n\r\n"1\n2",3\n"x""y","\r\n"\n4,5')
    records = scan_records(file, ",")
    content = file.read_bytes()
    found = [content[start:end] for start, end in zip(records.starts, records.ends, strict=True)]
    assert found == [b"a,b", b'"1\n2",3', b'"x""y","\r\n"', b"4,5"]
    assert records.lines.tolist() == [1, 3, 5, 7]
    assert records.quoted_line_ends
    assert not records.stray_quotes
    assert not records.unclosed


def test_record_numbers_hold_in_a_file_that_is_read_in_parallel(tmp_path: Path) -> None:
    n = 300_000
    lines = [f"{i},{'x' * (i % 40)},z" for i in range(1, n + 1)]
    broken = list(range(5, n, 1777))
    for i in broken:
        lines[i - 1] = f"{i},y"
    file = tmp_path / "data.csv"
    file.write_text("x,y,z\n" + "\n".join(lines) + "\n")
    with locked_connection([tmp_path]) as connection:
        raw = load_csv(connection, file, Source(file="data.csv"), "accounts", {}, tmp_path)
        wrong = connection.execute("SELECT count(*) FROM raw WHERE record::VARCHAR <> c0").fetchall()
    assert wrong == [(0,)]
    assert raw.rejects["record"].tolist() == broken
    assert raw.n_accepted == n - len(broken)
    assert np.array_equal(raw.rejects["line"], np.array(broken) + 1)
