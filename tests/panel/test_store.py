"""The rows at risk are kept in files that survive anything: killed builds, second builders, other panels."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest
from worlds import OBSERVED_FROM, random_world, sources_of

from whychurn.errors import PanelError
from whychurn.panel import store
from whychurn.panel.measure_records import Engine
from whychurn.panel.notice import make_notice
from whychurn.panel.spells import make_spells
from whychurn.panel.store import build_rows
from whychurn.sources.connection import locked_connection
from whychurn.sources.tables import cache

pytestmark = pytest.mark.xdist_group("store")
SEED, BUCKETS = 5, 3
#: What a process of its own does before it builds.
CHILD = """
    import os, signal, sys, time
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    import test_store
    from whychurn.panel import store
    store._n_buckets = lambda job: {buckets}
    sources, study = test_store.opened(Path(sys.argv[1]))
"""


def opened(folder, **settings):
    """Sources of a company, with spells and notice."""
    sources, study = sources_of(random_world(SEED, **{"interval_days": 7, "lag_days": 14, **settings}), folder)
    make_spells(sources.connection, study, study.definition)
    make_notice(sources.connection, study)
    return sources, study


def child(folder, code):
    """Start a process that opens the same company in a folder and runs `code`."""
    script = textwrap.dedent(CHILD.format(tests=str(Path(__file__).parent), buckets=BUCKETS)) + textwrap.dedent(code)
    return subprocess.Popen([sys.executable, "-c", script, str(folder)], stderr=subprocess.PIPE, text=True)


def panels(folder):
    return [path for path in (folder / ".whychurn" / "panel").iterdir() if path.is_dir()]


def stamps(folder):
    """When each bucket of the only panel was written, and where."""
    (panel,) = panels(folder)
    return {file.name: (file.stat().st_mtime_ns, file.stat().st_ino) for file in sorted(panel.glob("bucket-*.parquet"))}


@pytest.fixture(autouse=True)
def _few_accounts_a_bucket(monkeypatch):
    monkeypatch.setattr(store, "_n_buckets", lambda job: BUCKETS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The rows of the company, built at one go and in one bucket."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "_n_buckets", lambda job: 1)
        sources, study = opened(tmp_path_factory.mktemp("whole"))
        with sources:
            rows = build_rows(sources, study)
            assert len(rows.files) == 1
            return rows.read()


def built(folder, **settings):
    sources, study = opened(folder, **settings)
    with sources:
        return build_rows(sources, study)


def test_many_buckets_hold_the_same_rows_as_one(tmp_path, whole):
    rows = built(tmp_path)

    assert len(rows.files) == BUCKETS
    pd.testing.assert_frame_equal(rows.read(), whole, check_exact=True)
    assert rows.n_rows == len(whole)


def test_rows_come_in_the_order_of_account_spell_and_start(whole):
    keys = list(zip(whole["account_id"], whole["spell"], whole["start"], strict=True))

    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


def test_some_columns_are_read_in_the_order_asked_for(tmp_path, whole):
    rows = built(tmp_path)

    some = rows.read(["login_recency", "account_id", "logins_28", "event"])

    pd.testing.assert_frame_equal(some, whole[["login_recency", "account_id", "logins_28", "event"]])
    pd.testing.assert_frame_equal(rows.read(["account_id"]), whole[["account_id"]])
    with pytest.raises(PanelError, match=r"no column 'login_28'\. Did you mean “logins_28”"):
        rows.read(["login_28"])


def test_texts_without_a_value_are_none_and_numbers_are_floats(whole):
    missing = whole["plan"][whole["plan"].isna()]

    assert len(missing)
    assert all(value is None for value in missing)
    assert whole["logins_28"].dtype == "float64"
    assert whole["event"].dtype.kind == "i"


def test_a_build_that_fails_goes_on_where_it_stopped(tmp_path, whole):
    sources, study = opened(tmp_path)

    def give_up(done, of):
        if done == 2:
            raise RuntimeError("out of luck")

    with sources:
        with pytest.raises(RuntimeError, match="out of luck"):
            build_rows(sources, study, progress=give_up)
        before = stamps(tmp_path)
        assert list(before) == ["bucket-00.parquet", "bucket-01.parquet"]
        tables = sources.connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        assert not [name for (name,) in tables if name.startswith("panel_")], "nothing staged is left"

        rows = build_rows(sources, study)

    after = stamps(tmp_path)
    assert {name: after[name] for name in before} == before, "a finished bucket is not built again"
    pd.testing.assert_frame_equal(rows.read(), whole, check_exact=True)


@pytest.mark.parametrize("bucket", [1])
def test_a_killed_build_goes_on_where_it_stopped(tmp_path, whole, bucket):
    process = child(
        tmp_path,
        f"""
        rename = Path.rename
        def die(self, target):
            if "bucket-{bucket:02d}" in self.name:
                os.kill(os.getpid(), signal.SIGKILL)  # written, and not yet under its name
            return rename(self, target)
        Path.rename = die
        store.build_rows(sources, study)
        """,
    )
    assert process.wait(60) == -signal.SIGKILL, process.stderr.read()
    process.stderr.close()
    before = stamps(tmp_path)
    assert len(before) == bucket
    assert list(panels(tmp_path)[0].glob("*.tmp")), "what the dead process was writing"

    rows = built(tmp_path)

    after = stamps(tmp_path)
    assert {name: after[name] for name in before} == before
    assert not list(panels(tmp_path)[0].glob("*.tmp"))
    pd.testing.assert_frame_equal(rows.read(), whole, check_exact=True)


def test_a_build_cut_short_keeps_its_buckets_when_given_more_memory(tmp_path, whole, monkeypatch):
    sources, study = opened(tmp_path)

    def give_up(done, of):
        raise RuntimeError

    with sources:
        with pytest.raises(RuntimeError):
            build_rows(sources, study, progress=give_up)
        monkeypatch.setattr(store, "_n_buckets", lambda job: 2)
        rows = build_rows(sources, study)

    assert len(rows.files) == BUCKETS
    pd.testing.assert_frame_equal(rows.read(), whole, check_exact=True)


def test_a_second_builder_waits_and_reads_what_the_first_has_built(tmp_path, whole):
    first = child(
        tmp_path,
        """
        def slowly(done, of):
            Path(sys.argv[1], "begun").touch()
            while not Path(sys.argv[1], "go on").exists():
                time.sleep(0.01)
        store.build_rows(sources, study, progress=slowly)
        """,
    )
    wait_for(tmp_path / "begun", first)
    steps, found = [], []
    sources, study = opened(tmp_path)
    second = threading.Thread(
        target=lambda: found.append(build_rows(sources, study, progress=lambda done, of: steps.append(done)))
    )
    second.start()
    second.join(0.3)
    assert second.is_alive(), "it waits"

    (tmp_path / "go on").touch()
    second.join(60)
    assert first.wait(60) == 0, first.stderr.read()
    first.stderr.close()
    sources.close()

    assert steps == [], "it built nothing itself"
    pd.testing.assert_frame_equal(found[0].read(), whole, check_exact=True)


def test_a_second_builder_goes_on_when_the_first_dies(tmp_path, whole):
    first = child(
        tmp_path,
        """
        def hang(done, of):
            Path(sys.argv[1], "begun").touch()
            time.sleep(60)
        store.build_rows(sources, study, progress=hang)
        """,
    )
    wait_for(tmp_path / "begun", first)
    found = []
    sources, study = opened(tmp_path)
    second = threading.Thread(target=lambda: found.append(build_rows(sources, study)))
    second.start()
    second.join(0.3)
    assert second.is_alive()
    before = stamps(tmp_path)

    first.kill()
    first.wait(60)
    first.stderr.close()
    second.join(60)
    sources.close()

    assert len(before) == 1
    assert stamps(tmp_path)["bucket-00.parquet"] == before["bucket-00.parquet"]
    pd.testing.assert_frame_equal(found[0].read(), whole, check_exact=True)


def wait_for(file, process):
    for _ in range(3000):
        if file.exists():
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    pytest.fail("the other process did not begin")


def test_a_panel_that_is_built_is_not_built_again(tmp_path, whole):
    built(tmp_path)
    before = stamps(tmp_path)
    sources, study = opened(tmp_path)
    steps = []
    with sources:
        rows = build_rows(sources, study, progress=lambda done, of: steps.append(done))

    assert (stamps(tmp_path), steps) == (before, [])
    pd.testing.assert_frame_equal(rows.read(), whole, check_exact=True)


def test_leftovers_of_other_panels_go_unless_someone_reads_them(tmp_path):
    read = built(tmp_path, lag_days=3)
    frame = read.read()
    (old,) = panels(tmp_path)
    leftover = tmp_path / ".whychurn" / "panel" / "0123"
    leftover.mkdir()
    (leftover / "bucket-00.parquet").touch()

    built(tmp_path, lag_days=4)

    assert not leftover.exists()
    assert old.exists(), "its rows are still in use"
    pd.testing.assert_frame_equal(read.read(), frame)

    del read
    built(tmp_path, lag_days=5)

    assert not old.exists()
    assert len(panels(tmp_path)) == 1


def test_rows_whose_files_were_removed_say_so(tmp_path):
    rows = built(tmp_path)
    Path(rows.files[1]).unlink()

    with pytest.raises(PanelError, match="Build the panel again"):
        rows.read()


def test_a_bucket_that_was_removed_is_built_again(tmp_path, whole):
    rows = built(tmp_path)
    Path(rows.files[1]).unlink()

    pd.testing.assert_frame_equal(built(tmp_path).read(), whole, check_exact=True)


@pytest.mark.parametrize("left", [0, 100])
def test_a_bucket_that_was_cut_short_is_built_again(tmp_path, whole, left):
    rows = built(tmp_path)
    file = Path(rows.files[1])
    file.write_bytes(file.read_bytes()[:left])

    pd.testing.assert_frame_equal(built(tmp_path).read(), whole, check_exact=True)


def key_of(folder, change=lambda study: study, before=lambda connection: None, **settings):
    """The name of the folder that a study's rows are kept in."""
    sources, study = opened(folder, **settings)
    with sources:
        before(sources.connection)
        rows = build_rows(sources, change(study), only=("logins_28",))
        return Path(rows.files[0]).parent.name


def test_the_folder_is_named_by_all_that_matters(tmp_path):
    begin, end = OBSERVED_FROM, OBSERVED_FROM + timedelta(days=9)
    keys = [key_of(tmp_path / "0")]
    keys.append(key_of(tmp_path / "1", interval_days=14))
    keys.append(key_of(tmp_path / "2", lag_days=15))
    keys.append(key_of(tmp_path / "3", not_tracked={"usage": [(begin, end)]}))
    keys.append(key_of(tmp_path / "4", tracked_from={"usage": end}))
    keys.append(
        key_of(
            tmp_path / "5",
            before=lambda connection: connection.execute("UPDATE spells SET cause = 'bankruptcy' WHERE event = 1"),
        )
    )

    for number, (module, name, value) in enumerate(
        ((store, "LAYOUT", 99), (cache, "LAYOUT", 99), (store.duckdb, "__version__", "another"))
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, name, value)
            keys.append(key_of(tmp_path / f"changed {number}"))

    assert len(set(keys)) == len(keys)


def test_what_does_not_matter_leaves_the_folder_its_name(tmp_path):
    def other(study):
        engine = study.engine.model_copy(update={"memory_limit": "1GB", "threads": 1})
        return replace(study, engine=engine, seed=study.seed + 1, digest="another", horizon=30.0, causes=())

    assert key_of(tmp_path / "0") == key_of(tmp_path / "1", change=other)


def test_only_some_measures_can_be_built(tmp_path, whole):
    sources, study = opened(tmp_path)
    with sources:
        rows = build_rows(sources, study, only=("active_users_28", "plan"))
        with pytest.raises(PanelError, match=r"no measure 'logins_29'\. Did you mean “logins_28”"):
            build_rows(sources, study, only=("logins_29",))

    assert [measure.name for measure in rows.measures] == ["active_users_28", "plan"]
    pd.testing.assert_frame_equal(rows.read(), whole[[*whole.columns[:10], "active_users_28", "plan"]])


def test_nobody_at_risk_is_said(tmp_path):
    sources, study = opened(tmp_path)
    with sources:
        sources.connection.execute("DELETE FROM spells")
        with pytest.raises(PanelError, match="No customer is at risk"):
            build_rows(sources, study)


def test_the_manifest_says_what_a_complete_build_is(tmp_path):
    rows = built(tmp_path)
    manifest = json.loads((panels(tmp_path)[0] / "manifest.json").read_text())

    assert manifest["complete"] is True
    assert manifest["rows"] == rows.n_rows
    assert manifest["measures"] == [measure.name for measure in rows.measures]
    assert len(manifest["bounds"]) == BUCKETS + 1


@pytest.fixture
def ctrl_c():
    """Ctrl-C as at a prompt: a run started in the background of a script inherits that it is to be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_stops_a_query_at_once_and_leaves_the_connection_usable(tmp_path, ctrl_c):
    sources, _ = opened(tmp_path)
    with sources:
        engine = Engine(sources.connection)
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        began = time.monotonic()
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            engine.run("SELECT count(*) FROM range(500000) a, range(500000) b WHERE a.range % 7 = b.range % 5")
        assert time.monotonic() - began < 20
        assert sources.connection.execute("SELECT 1").fetchall() == [(1,)]


def test_too_little_memory_is_said_with_the_setting(tmp_path):
    connection = locked_connection([tmp_path], memory_limit="20MB", threads=1)
    with pytest.raises(PanelError, match=r"Raise memory_limit in \[engine\]"):
        Engine(connection).run("SELECT len(list(range)) FROM range(100000000)")
    connection.close()


def test_a_link_in_the_place_of_the_folder_is_refused(tmp_path):
    sources, study = opened(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".whychurn" / "panel").symlink_to(tmp_path / "elsewhere")
    with sources, pytest.raises(PanelError, match="is a symbolic link"):
        build_rows(sources, study)
