"""The engine sees the study folder and nothing else."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from whychurn.errors import SourceError
from whychurn.sources import connection as connections
from whychurn.sources.connection import engine_words, locked_connection, room_to_spill, within_limits


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    study, outside = tmp_path / "study", tmp_path / "outside"
    study.mkdir()
    outside.mkdir()
    (outside / "secret.csv").write_text("a\n1\n")
    (study / "own.csv").write_text("a\n1\n")
    (study / "link.csv").symlink_to(outside / "secret.csv")
    return study, outside


def test_its_own_folder_is_open(places: tuple[Path, Path]) -> None:
    study, _ = places
    with locked_connection([study]) as connection:
        assert connection.execute("SELECT a FROM read_csv(?)", [str(study / "own.csv")]).fetchall() == [(1,)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('{outside}/secret.csv')",
        "SELECT * FROM read_text('{study}/../outside/secret.csv')",
        "SELECT * FROM read_text('{study}/link.csv')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('https://example.org/x.csv')",
        "ATTACH '{outside}/x.duckdb'",
        "COPY (SELECT 1) TO '{outside}/x.csv'",
        "EXPORT DATABASE '{outside}/x'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "RESET lock_configuration",
        "SELECT * FROM frame_of_the_test",
    ],
)
def test_everything_else_is_shut(places: tuple[Path, Path], sql: str) -> None:
    study, outside = places
    frame_of_the_test = pd.DataFrame({"a": [1]})
    with locked_connection([study]) as connection, pytest.raises(duckdb.Error):
        connection.execute(sql.format(study=study, outside=outside)).fetchall()
    assert len(frame_of_the_test) == 1
    assert sorted(file.name for file in outside.iterdir()) == ["secret.csv"]


def test_a_folder_with_quotes_in_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "it's; a 'folder'"
    folder.mkdir()
    (folder / "own.csv").write_text("a\n1\n")
    with locked_connection([folder]) as connection:
        assert connection.execute("SELECT a FROM read_csv(?)", [str(folder / "own.csv")]).fetchall() == [(1,)]


def test_what_it_spills_is_bounded_by_half_of_the_free_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections.shutil, "disk_usage", lambda _: type("Disk", (), {"free": 40_000_000_000})())
    assert room_to_spill(tmp_path) == 20_000_000_000
    monkeypatch.setattr(connections.shutil, "disk_usage", lambda _: type("Disk", (), {"free": 10**15})())
    assert room_to_spill(tmp_path) == 50_000_000_000


def test_an_endless_query_stops_at_the_bound_and_says_which_setting_to_raise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_SPILLED", 30_000_000)
    sql = "CREATE TABLE a AS SELECT i, hash(i) AS h FROM range(10_000_000_000) AS t(i)"
    with (
        locked_connection([tmp_path], memory_limit="60MB", threads=1) as connection,
        pytest.raises(SourceError, match=r"^The table usage does not fit .* Raise memory_limit under \[engine\]"),
        within_limits("The table usage"),
    ):
        connection.execute(sql)


def test_what_the_engine_says_is_one_short_line_without_control_characters() -> None:
    words = engine_words(duckdb.Error("\x1b[31mbad\n" + "x" * 1000))
    assert words == " [31mbad"
    assert len(engine_words(duckdb.Error("x" * 1000))) == 200
