"""What was read once is not read again, and nothing half-written is ever trusted."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from tables_folder import Folder

from whychurn.errors import SourceError
from whychurn.sources.tables import cache, matching, opening, rejected

USAGE = "account_id,at\na1,2024-05-01\na2,2024-05-02\nzz,2024-05-02\n"


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    made.write("usage", USAGE)
    made.open().close()
    return made


@pytest.fixture
def read(monkeypatch):
    """Names of the tables that are read from here on."""
    names = []
    build = opening.build_table

    def watched(connection, name, *rest):
        names.append(name)
        return build(connection, name, *rest)

    monkeypatch.setattr(opening, "build_table", watched)
    return names


def kept(folder, end):
    return sorted((folder.path / ".whychurn" / "tables").glob(f"*{end}"))


def same(one, other):
    return (
        dict(one.tables) == dict(other.tables) and one.integrity == other.integrity and one.ledger == other.ledger
        and repr(one.columns) == repr(other.columns) and one.fingerprints == other.fingerprints
        and one.tracked_from == other.tracked_from and one.rejects.equals(other.rejects)
        and all(one.frame(name).equals(other.frame(name)) for name in one.tables)
    )  # fmt: skip


def test_a_second_open_reads_nothing_and_says_the_same(folder, read, monkeypatch):
    (folder.path / ".whychurn" / "tables").rename(folder.path / "before")
    with folder.open() as first:
        assert read == ["accounts", "subscriptions", "usage"]
        read.clear()
        monkeypatch.setattr(matching, "read_header", lambda *given: pytest.fail("a header was read"))
        with folder.open() as second:
            assert read == []
            assert same(first, second)


def test_a_changed_byte_reads_that_table_again(folder, read):
    folder.write("usage", USAGE.replace("05-01", "05-03"))
    with folder.open() as sources:
        assert read == ["usage"]
        assert str(sources.frame("usage")["at"][0].date()) == "2024-05-03"
    assert len(kept(folder, ".json")) == 3


def test_changed_accounts_read_every_table_again(folder, read):
    folder.write("accounts", "account_id\na1\na2\nzz\n")
    with folder.open() as sources:
        assert read == ["accounts", "subscriptions", "usage"]
        assert sources.tables["usage"] == 3


@pytest.mark.parametrize("settings", ['time_zone = "Europe/Berlin"', 'date_format = "%Y-%m-%d"', 'null_values = ["-"]'])
def test_a_changed_setting_reads_that_table_again(folder, read, settings):
    folder.write("usage", USAGE, settings)
    folder.open().close()
    assert read == ["usage"]


def test_a_setting_that_changes_no_row_reads_nothing_again(folder, read):
    folder.write("usage", USAGE, "tracked_from = 2024-01-01")
    folder.open().close()
    assert read == []


def test_another_time_zone_of_the_study_reads_all_again(folder, read):
    folder.zone = "Europe/Berlin"
    folder.open().close()
    assert read == ["accounts", "subscriptions", "usage"]


@pytest.mark.parametrize("end", [".parquet", ".rejects.parquet", ".json"])
@pytest.mark.parametrize("harm", ["cut", "emptied", "gone"])
def test_harmed_files_are_not_trusted(folder, read, end, harm):
    file = next(
        one for one in kept(folder, end) if one.name.startswith("usage") and one.name.count(".") == end.count(".")
    )
    if harm == "gone":
        file.unlink()
    else:
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2] if harm == "cut" else b"")
    with folder.open() as sources:
        assert read == ["usage"]
        assert sources.tables["usage"] == 2
        assert len(sources.rejects) == 1


def test_rows_of_the_same_size_written_by_someone_else_are_not_trusted(folder, read):
    file = next(one for one in kept(folder, ".parquet") if one.name.startswith("usage") and one.name.count(".") == 1)
    content = bytearray(file.read_bytes())
    content[50] ^= 1
    file.write_bytes(content)
    folder.open().close()
    assert read == ["usage"]


def test_a_description_of_another_form_is_not_trusted(folder, read):
    file = next(one for one in kept(folder, ".json") if one.name.startswith("usage"))
    record = json.loads(file.read_text())
    del record["table"]["profiles"]
    file.write_text(json.dumps(record))
    folder.open().close()
    assert read == ["usage"]


@pytest.mark.parametrize("at", ["rows", "description"])
def test_a_run_that_was_killed_leaves_nothing_that_is_trusted(folder, read, monkeypatch, at):
    folder.write("usage", USAGE.replace("05-01", "05-04"))

    class Killed(BaseException):
        pass

    def killed(*given, **more):
        raise Killed

    with monkeypatch.context() as broken:
        if at == "rows":
            broken.setattr(cache.TableCache, "keep", killed)
        else:
            broken.setattr(cache.json, "dumps", killed)
            # The keys and the fingerprints are made with the same function, so they are made before.
            broken.setattr(opening, "table_key", lambda *given: f"{given[0]:x<64}")
            broken.setattr(opening.FingerprintBook, "save", lambda book: None)
        with pytest.raises(Killed):
            folder.open()
    read.clear()
    with folder.open() as sources:
        assert "usage" in read
        assert str(sources.frame("usage")["at"][0].date()) == "2024-05-04"
    assert not [file for file in kept(folder, "") if file.name.startswith(".")]


def test_leftovers_of_killed_runs_are_removed_after_a_while(folder):
    left = folder.path / ".whychurn" / "tables" / ".usage-1-abc.parquet"
    left.write_bytes(b"x")
    folder.open().close()
    assert left.exists()
    os.utime(left, (1, 1))
    folder.open().close()
    assert not left.exists()


def test_a_file_that_looks_untouched_is_not_hashed_again(folder, monkeypatch):
    for file in folder.path.glob("*.csv"):
        os.utime(file, (1_700_000_000, 1_700_000_000))
    folder.open().close()
    monkeypatch.setattr("whychurn.sources.tables.fingerprints.fingerprint", lambda *given: pytest.fail("hashed again"))
    folder.open().close()


def test_a_file_that_changed_just_now_is_hashed_every_time(folder, monkeypatch):
    hashed = []
    plain = opening.FingerprintBook.sha256.__globals__["fingerprint"]

    def watched(path, progress):
        hashed.append(path.name)
        return plain(path, progress)

    monkeypatch.setattr("whychurn.sources.tables.fingerprints.fingerprint", watched)
    folder.write("usage", USAGE)
    folder.open().close()
    folder.open().close()
    assert hashed.count("usage.csv") == 2


def test_the_file_of_rejects_comes_back_and_goes_with_its_cause(folder):
    file = folder.path / ".whychurn" / "rejects-usage.csv"
    text = file.read_text()
    file.unlink()
    folder.open().close()
    assert file.read_text() == text
    folder.write("usage", USAGE.replace("zz", "a3"))
    folder.open().close()
    assert not file.exists()


def test_more_rejects_than_fit_a_frame_are_all_in_the_file(folder, monkeypatch):
    monkeypatch.setattr(opening, "MOST_IN_FRAME", 5)
    folder.write("usage", "account_id,at\n" + "a1,2024-05-01\n" * 200 + "zz,2024-05-01\n" * 9)
    with folder.open() as sources:
        assert len(sources.rejects) == 5
    assert len((folder.path / ".whychurn" / "rejects-usage.csv").read_text().splitlines()) == 10


def test_formulas_in_rejects_are_neutralised(folder):
    folder.write("usage", "account_id,at\n" + "=1+1,2024-05-01\n" + "-5,2024-05-01\n")
    with folder.open() as sources:
        assert sources.rejects["value"].tolist() == ["=1+1", "-5"]
    lines = (folder.path / ".whychurn" / "rejects-usage.csv").read_text().splitlines()
    assert "'=1+1" in lines[1]
    assert ",-5," in lines[2]
    assert rejected.MOST_IN_FRAME == 100_000


def test_a_file_that_changes_while_it_is_read_is_refused(folder, monkeypatch):
    folder.write("usage", USAGE.replace("05-01", "05-05"))
    build = opening.build_table

    def slow(connection, name, *rest):
        built = build(connection, name, *rest)
        if name == "usage":
            os.utime(folder.path / "usage.csv", (1, 1))
        return built

    monkeypatch.setattr(opening, "build_table", slow)
    with pytest.raises(SourceError, match="changed while it was read"):
        folder.open()


def test_tables_that_someone_reads_outlive_a_change_of_settings(folder):
    with folder.open() as reader:
        before = {file.name for file in kept(folder, ".parquet")}
        folder.zone = "Asia/Tokyo"
        folder.open().close()
        assert before < {file.name for file in kept(folder, ".parquet")}
        assert len(reader.frame("usage")) == 2
    del reader
    gc.collect()
    folder.zone = "UTC"
    folder.open().close()
    assert {file.name for file in kept(folder, ".parquet")} == before


def test_a_file_that_goes_while_leftovers_are_removed_is_no_error(folder, monkeypatch):
    tables = folder.path / ".whychurn" / "tables"
    monkeypatch.setattr(Path, "iterdir", lambda self: iter([tables / ".usage-1-abc.parquet", tables / "usage-0.json"]))
    cache.TableCache(tables.parent).tidy()


def test_what_another_version_of_whychurn_read_is_not_used():
    assert cache.LAYOUT.endswith(f"of whychurn {version('whychurn')}")  # the panel's key has it from there


@pytest.mark.parametrize(("where", "value"), [("LAYOUT", 99), ("duckdb.__version__", "another")])
def test_another_layout_or_engine_reads_all_again(folder, read, monkeypatch, where, value):
    monkeypatch.setattr(f"whychurn.sources.tables.cache.{where}", value)
    folder.open().close()
    assert read == ["accounts", "subscriptions", "usage"]


def test_a_file_whose_time_was_set_back_is_hashed_again(folder):
    file = folder.path / "usage.csv"
    os.utime(file, (1_700_000_000, 1_700_000_000))
    folder.open().close()
    file.write_text(USAGE.replace("05-01", "05-03"))
    os.utime(file, (1_700_000_000, 1_700_000_000))
    with folder.open() as sources:
        assert str(sources.frame("usage")["at"][0].date()) == "2024-05-03"


def test_what_a_killed_run_has_spilled_is_removed_after_a_while(folder):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead, alive = (folder.path / ".whychurn" / f"spill-{pid}-0123abcd" for pid in (gone.pid, os.getpid()))
    for spill in (dead, alive):
        spill.mkdir()
        (spill / "duckdb_temp_storage-0.tmp").write_bytes(b"x")
    folder.open().close()
    assert dead.exists()
    for spill in (dead, alive):
        for path in (*spill.iterdir(), spill):
            os.utime(path, (1, 1))
    folder.open().close()
    assert (dead.exists(), alive.exists()) == (False, True)
