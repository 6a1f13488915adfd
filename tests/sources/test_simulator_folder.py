"""The folder of the simulated company: complete or not there, and never in place of somebody's own."""

from __future__ import annotations

import json
from dataclasses import replace

import duckdb
import pytest

from whychurn.errors import SourceError
from whychurn.sources.canon import TABLES
from whychurn.sources.simulator import CompanySettings, simulate_company, write_company
from whychurn.study import TableStudy, read_study

pytestmark = pytest.mark.xdist_group("simulated folder")

SMALL = CompanySettings(n_accounts=300, events=40_000, seed=7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_company(tmp_path_factory.mktemp("company") / "demo", SMALL)


@pytest.fixture
def own(tmp_path):
    """A demo folder that a test may spoil."""
    return write_company(tmp_path / "demo", replace(SMALL, n_accounts=40, events=2_000))


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_the_folder_holds_every_table_and_nothing_left_over(folder):
    tables = {f"{name}.csv" for name in TABLES} - {"usage.csv"}
    assert set(contents(folder)) == tables | {"usage.parquet", "study.toml", "truth.json"}


def test_every_run_writes_the_same_bytes(folder, tmp_path):
    assert contents(write_company(tmp_path / "again", SMALL)) == contents(folder)


def test_the_study_is_readable_and_points_at_the_tables(folder):
    study = read_study(folder)
    assert isinstance(study, TableStudy)
    assert set(study.tables) == set(TABLES)
    assert all((folder / name).is_file() for table in study.tables.values() for name in table.file)
    assert not any(table.sha256 for table in study.tables.values())
    assert (study.observed_from, study.observed_to) == (SMALL.start, SMALL.end)
    assert study.lag_days == 14 and study.interval_days == 7 and study.horizon == 90
    assert len(study.definitions) == 4


def test_the_study_declares_what_is_planted_and_what_is_not(folder):
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    declared = {cause.column for cause in read_study(folder).causes}
    assert {effect["measure"] for effect in truth["effects"]} <= declared
    assert set(truth["null_candidates"]) - {"csm"} <= declared


def test_usage_on_disk_is_usage_in_memory(folder):
    frame = simulate_company(SMALL).frames["usage"]
    read = duckdb.sql(f"SELECT * FROM '{folder / 'usage.parquet'}'").df()
    assert list(read.columns) == list(frame.columns)
    assert len(read) == len(frame)
    assert (read["at"].to_numpy() == frame["at"].to_numpy()).all()
    for name in ("account_id", "user_id", "action", "count"):
        assert (read[name].to_numpy() == frame[name].to_numpy()).all()
    assert (read["module"].fillna("").to_numpy() == frame["module"].fillna("").to_numpy()).all()
    assert read["value"].sum() == pytest.approx(frame["value"].sum())


def test_progress_is_told(tmp_path):
    told = []
    write_company(tmp_path / "demo", SMALL, progress=lambda done, of: told.append((done, of)))
    assert told == [(250, 300), (300, 300)]


def test_a_complete_folder_is_left_alone(own):
    settings = replace(SMALL, n_accounts=40, events=2_000)
    (own / "study.toml").write_text((own / "study.toml").read_text() + "\n# mine\n", encoding="utf-8")
    before = {file: file.stat().st_mtime_ns for file in own.iterdir()}
    write_company(own, settings)
    assert {file: file.stat().st_mtime_ns for file in own.iterdir()} == before


def test_a_missing_or_cut_file_is_made_again(own):
    settings = replace(SMALL, n_accounts=40, events=2_000)
    before = contents(own)
    (own / "usage.parquet").unlink()
    (own / "tickets.csv").write_text("cut", encoding="utf-8")
    write_company(own, settings)
    assert contents(own) == before


def test_other_settings_replace_a_demo(own):
    write_company(own, replace(SMALL, n_accounts=50, events=2_000))
    assert json.loads((own / "truth.json").read_text())["settings"]["n_accounts"] == 50


def test_an_edited_study_is_not_replaced_by_another_company(own):
    (own / "study.toml").write_text("# mine\n", encoding="utf-8")
    with pytest.raises(SourceError, match="edited"):
        write_company(own, replace(SMALL, n_accounts=50, events=2_000))
    assert (own / "study.toml").read_text() == "# mine\n"


@pytest.mark.parametrize("name", ["study.toml", "accounts.csv", "truth.json"])
def test_somebodys_own_folder_is_refused(tmp_path, name):
    (tmp_path / name).write_text("{}", encoding="utf-8")
    with pytest.raises(SourceError, match=f"holds {name}"):
        write_company(tmp_path, SMALL)
    assert contents(tmp_path) == {name: b"{}"}


def test_a_place_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SourceError, match="Cannot write"):
        write_company(tmp_path / "file" / "demo", SMALL)


def test_a_failure_leaves_nothing_behind(tmp_path):
    def interrupted(done, of):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_company(tmp_path / "demo", SMALL, progress=interrupted)
    assert contents(tmp_path / "demo") == {}
