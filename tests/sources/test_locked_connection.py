"""The engine sees the study folder and nothing else."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from whychurn.sources.connection import locked_connection


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
