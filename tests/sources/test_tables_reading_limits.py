"""Views that fail or never end, huge values, thousands of columns: told in words, within bounds."""

from __future__ import annotations

import time

import duckdb
import pandas as pd
import pytest
from tables_folder import ACCOUNTS, Folder, codes

from whychurn.errors import SourceError, StudyError
from whychurn.sources import connection as connections
from whychurn.sources.check_parts import LONGEST_CELL, plain
from whychurn.sources.tables import opening
from whychurn.sources.tables.times import format_problem

DATABASE = '[database]\nfile = "company.duckdb"\n'
CAUSE = '[[causes]]\ncolumn = "c7"\ntype = "category"\n[[focus]]\nname = "Few"\nwhere = {{ {column} = ["x"] }}\n'


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def with_view(folder, select):
    with duckdb.connect(str(folder.path / "company.duckdb")) as connection:
        connection.execute(f"CREATE VIEW usage AS {select}")
        connection.execute("CHECKPOINT")
    folder.declare("usage", 'table = "usage"\n')
    folder.more = DATABASE


def wide(n):
    """Accounts with n columns outside the contract."""
    header, *rows = ACCOUNTS.splitlines()
    names = ",".join(f"c{i}" for i in range(n))
    values = ",x" * n
    return f"{header},{names}\n" + "".join(f"{row}{values}\n" for row in rows)


def test_a_view_that_fails_while_it_is_read_is_told_in_one_short_line(folder):
    with_view(folder, "SELECT 'a1' AS account_id, error(chr(27) || 'no' || chr(10) || repeat('x', 999)) AS at")
    with pytest.raises(SourceError) as caught:
        folder.open()
    message = str(caught.value)
    assert "The table “main.usage” of company.duckdb cannot be read (" in message
    assert "\x1b" not in message
    assert all(len(line) < 500 for line in message.splitlines())


def test_a_view_without_end_stops_and_names_the_table_and_the_setting(folder, monkeypatch):
    monkeypatch.setattr(connections, "MOST_SPILLED", 20_000_000)
    with_view(folder, "SELECT 'a' || i AS account_id, TIMESTAMP '2024-05-01' AS at FROM range(10000000000) AS t(i)")
    folder.more += '[engine]\nmemory_limit = "60MB"\nthreads = 1\n'
    with pytest.raises(SourceError, match=r"The table usage does not fit .*Raise memory_limit under \[engine\]"):
        folder.open()
    assert not list((folder.path / ".whychurn" / "tables").glob("*usage*"))


def test_too_little_memory_is_told_wherever_it_runs_out(folder, monkeypatch):
    def starved(*_):
        raise duckdb.OutOfMemoryException("Out of Memory Error: could not allocate\nmore")

    monkeypatch.setattr(opening, "check_tables", starved)
    with pytest.raises(
        SourceError, match=r"The data of Test does not fit .*\(Out of Memory Error: could not allocate\)"
    ):
        folder.open()


@pytest.mark.parametrize("size", ["20MB", "0.01 GB", "47MiB"])
def test_too_little_memory_is_refused_by_the_study(folder, size):
    folder.more = f'[engine]\nmemory_limit = "{size}"\n'
    with pytest.raises(StudyError, match="is too little: give it at least 50MB, as a number with MB, GB, MiB or GiB"):
        _ = folder.study


@pytest.mark.parametrize("pattern", ["usage/**.csv", "**usage/a.csv"])
def test_two_stars_must_be_a_whole_part_of_a_path(folder, pattern):
    folder.declare("usage", f'file = "{pattern}"\n')
    with pytest.raises(SourceError, match=r"\*\* must be a whole part of the path.*Write “?\"usage/\*\.csv\""):
        folder.open()


def test_a_name_that_no_file_can_have_is_missing(folder):
    folder.declare("usage", f'file = "{"x" * 300}.csv"\n')
    with pytest.raises(SourceError, match="no file is called"):
        folder.open()


def test_of_thousands_of_columns_those_that_the_study_names_are_kept(folder):
    folder.write("accounts", wide(3000), 'columns = { nick = "c9" }\n')
    folder.more = CAUSE.format(column="c8")
    before = time.process_time()
    with folder.open() as sources:
        assert {"c7", "c8", "nick"} <= set(sources.frame("accounts").columns)
        assert "c10" not in sources.frame("accounts").columns
        assert codes(sources)["columns-not-carried"] == "note"
        (note,) = (found for found in sources.integrity if found.code == "columns-not-carried")
        assert "3,001 further columns, more than 500" in note.problem
        assert note.count == 3001 - 3
    assert time.process_time() - before < 20
    folder.more = CAUSE.format(column="c11")
    with folder.open() as sources:
        assert "c11" in sources.frame("accounts").columns


def test_a_few_hundred_columns_are_all_kept(folder, monkeypatch):
    monkeypatch.setattr(opening, "MOST_FURTHER", 21)
    folder.write("accounts", wide(20))
    with folder.open() as sources:
        assert "c19" in sources.frame("accounts").columns
        assert "columns-not-carried" not in codes(sources)


def test_a_huge_value_reaches_no_message_whole(folder):
    huge = "x" * 2_000_000
    accounts = pd.DataFrame({"account_id": ["a1", huge, huge], "started_on": ["2023-01-01", "never", huge]})
    accounts["segment"] = ["s", huge, None]
    with duckdb.connect() as connection:
        connection.register("frame", accounts)
        connection.execute(f"COPY (FROM frame) TO '{folder.path / 'accounts.parquet'}' (FORMAT parquet)")
    folder.declare("accounts", 'file = "accounts.parquet"\n')
    folder.write("usage", f"account_id,at,action\na1,2024-05-01,login\na1,2024-05-01,{huge}\n{huge}y,2024-05-01,use\n")
    with folder.open() as sources:
        assert max(len(str(found)) for found in sources.integrity) < 5_000
        assert max(len(step.note) for step in sources.ledger) < 5_000
        assert max(len(level) for column in sources.columns for level, _ in column.top) <= 200
    kept = list((folder.path / ".whychurn").rglob("*rejects*"))
    assert kept
    assert max(file.stat().st_size for file in kept) < 20_000
    assert sum(file.stat().st_size for file in kept if file.suffix == ".json") < 100_000


def test_a_cell_is_cut_before_its_letters_are_looked_at():
    assert plain("a\x1bb") == "a b"
    assert len(plain("x\n" * 50_000_000)) == LONGEST_CELL


@pytest.mark.parametrize(("written", "lacks"), [("%Y", "no month (%m)"), ("%m", "no year (%Y)")])
def test_a_format_of_dates_says_which_part_it_lacks(written, lacks):
    with duckdb.connect() as connection:
        assert format_problem(connection, written) == f"has {lacks}"
