"""The benchmark command: its data, its judgement of estimates, its tables. Times are never asserted."""

import importlib
import json
import os
import shutil
import sys
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner


@pytest.fixture(scope="module", autouse=True)
def checkout(root):
    """The benchmarks are no part of the package: they are found from the checkout."""
    sys.path.insert(0, str(root))
    yield
    sys.path.remove(str(root))


@pytest.fixture(scope="module")
def bench(checkout):
    names = ("agreement", "command", "data", "peers", "rounds", "runs", "store", "table", "tasks", "worker")
    return SimpleNamespace(**{name: importlib.import_module(f"benchmarks.{name}") for name in names})


@pytest.fixture(scope="module")
def tables(bench, tmp_path_factory):
    """Every data set at 2,000 rows, on disk."""
    home = tmp_path_factory.mktemp("tables")
    for name, make in bench.data.MAKERS.items():
        bench.store.write(make(2000), home / name)
    return home


def estimates(bench, folder, contender, work, answer, covariates=0):
    bench.worker.main([str(folder), contender, work, "0", str(covariates), "0", str(answer)])
    return json.loads(answer.read_text())


# --- data


@pytest.mark.parametrize("name", ["right-censored", "continuous", "start-stop", "categorical", "segments", "outcomes"])
def test_data_depend_on_the_number_of_rows_alone(bench, name):
    first, second = (bench.data.MAKERS[name](500) for _ in range(2))
    assert first.roles == second.roles
    for column, values in first.columns.items():
        np.testing.assert_array_equal(values, second.columns[column])


def test_days_are_whole_and_tied_unless_they_are_to_be_continuous(bench):
    tied, free = bench.data.right_censored(20_000), bench.data.continuous_times(20_000)
    days = tied.columns["time"]
    assert days.min() >= 1 and days.max() <= 1825 and (days == np.round(days)).all()
    assert np.unique(free.columns["time"]).size == 20_000
    assert tied.columns["event"].mean() == pytest.approx(0.25, abs=0.015)
    binary = [np.unique(tied.columns[name]).size == 2 for name in tied.names("covariate")]
    assert binary == [True] * 18 + [False] * 12


def test_start_stop_rows_follow_each_customer_from_entry_to_event(bench):
    table = bench.data.start_stop(30_000)
    start, stop, event = (table.columns[name] for name in ("start", "time", "event"))
    assert table.n == pytest.approx(30_000, rel=0.1)
    assert (stop > start).all() and start.min() == 0 and stop.max() <= 1825 and (stop - start).max() <= 30
    opens = np.flatnonzero(np.append(True, start[1:] != stop[:-1]))
    last = np.append(opens[1:], table.n) - 1
    # Two neighbours may happen to join up; a row after an event is a new customer in any case.
    assert np.isin(np.flatnonzero(event), last).mean() > 0.99
    assert event.sum() / opens.size == pytest.approx(0.25, abs=0.02)
    assert (start[opens] > 0).mean() == pytest.approx(0.5, abs=0.05)


def test_a_table_comes_back_from_disk_whole_or_in_part(bench, tables):
    whole = bench.store.read(tables / "right-censored")
    part = bench.store.read(tables / "right-censored", rows=10, covariates=2)
    assert whole.n == 2000 and len(whole.names("covariate")) == 30
    assert list(part.columns) == ["time", "event", "x01", "x02"] and part.n == 10
    np.testing.assert_array_equal(part.columns["x02"], whole.columns["x02"][:10])
    factors = bench.store.read(tables / "categorical")
    assert factors.matrix().shape == (2000, len(factors.matrix_names())) == (2000, 2 + 3 + 5 + 4)
    assert factors.frame()["plan"].cat.categories.tolist() == ["plan00", "plan01", "plan02"]


# --- contenders


@pytest.mark.parametrize(
    ("dataset", "work", "covariates", "contender"),
    [
        ("right-censored", "cox", 10, "lifelines"),
        ("start-stop", "cox", 0, "lifelines"),
        ("categorical", "cox", 0, "lifelines"),
        ("segments", "kaplan_meier", 0, "lifelines"),
        ("segments", "kaplan_meier", 0, "duckdb"),
        ("segments", "logrank", 0, "statsmodels"),
        ("segments", "logrank", 0, "lifelines"),
        ("segments", "concordance", 0, "lifelines"),
        ("outcomes", "logit", 0, "statsmodels"),
        ("outcomes", "logit", 0, "sklearn"),
    ],
)
def test_contenders_agree_on_small_data(bench, tables, tmp_path, dataset, work, covariates, contender):
    ours, peer = (
        estimates(bench, tables / dataset, name, work, tmp_path / "answer.json", covariates)
        for name in ("whychurn", contender)
    )
    found = bench.agreement.compare(ours["values"], ours["scale"], peer["values"], peer["scale"])
    assert found.agrees, found
    assert ours["cpu"] > 0 and ours["wall"] > 0 and ours["memory"] >= 0


@pytest.mark.parametrize(
    ("dataset", "work", "covariates", "contender"),
    [("start-stop", "cox", 0, "statsmodels"), ("right-censored", "ph_test", 10, "lifelines")],
)
def test_what_is_declared_wrong_is_wrong(bench, tables, tmp_path, dataset, work, covariates, contender):
    ours, peer = (
        estimates(bench, tables / dataset, name, work, tmp_path / "answer.json", covariates)
        for name in ("whychurn", contender)
    )
    assert not bench.agreement.compare(ours["values"], ours["scale"], peer["values"], peer["scale"]).agrees


@pytest.mark.r
def test_r_reads_the_same_data_and_agrees(bench, tables, tmp_path):
    if shutil.which("Rscript") is None:
        reason = "needs R with survival (apt-get install r-base-core r-cran-survival)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    for dataset, work in (("start-stop", "cox"), ("segments", "kaplan_meier")):
        ours = estimates(bench, tables / dataset, "whychurn", work, tmp_path / "answer.json")
        found = bench.runs.run(bench.runs.Job(tables / dataset, "survival.R", work), tmp_path, 60)
        assert isinstance(found, bench.runs.Run), found
        assert bench.agreement.compare(ours["values"], ours["scale"], found.values, found.scale).agrees


def test_every_task_names_data_and_work_that_exist(bench, root):
    folder = root / "benchmarks" / "contenders"
    for task in bench.tasks.TASKS:
        assert task.dataset in bench.data.MAKERS
        assert bool(task.entries) != bool(task.alone)
        for entry in task.entries:
            peer, work = bench.peers.PEERS[entry.peer], entry.work or task.work
            file = folder / (peer.contender if peer.module == "R" else f"{peer.contender}.py")
            assert (f"  {work} = function()" if peer.module == "R" else f"def {work}(") in file.read_text(), (
                task,
                entry,
            )


# --- agreement


def test_a_wrong_estimate_is_caught(bench):
    compare = bench.agreement.compare
    ours, scale = [1.0, -2.0, None], [0.1, 0.5, None]
    assert compare(ours, scale, [1.0 + 0.9e-4, -2.0, None], scale).agrees
    caught = compare(ours, scale, [1.0 + 1.2e-4, -2.0, None], scale)
    assert not caught.agrees and caught.difference == pytest.approx(1.2e-3)
    assert not compare(ours, scale, ours, [0.1 * 1.0002, 0.5, None]).agrees
    assert compare(ours, scale, ours, None).agrees
    assert not compare(ours, scale, [1.0, None, None], scale).agrees
    assert not compare(ours, scale, [1.0, -2.0], scale).agrees
    assert not compare([1.0], [0.0], [1.0 + 1e-12], None).agrees


# --- processes


def _process(bench, monkeypatch, script):
    monkeypatch.setattr(bench.runs, "_command", lambda job: [sys.executable, "-c", script])


def test_a_call_over_the_limit_is_ended_and_said(bench, monkeypatch, tmp_path):
    _process(bench, monkeypatch, "import sys, time; open(sys.argv[1] + '.started', 'w'); time.sleep(60)")
    found = bench.runs.run(bench.runs.Job(tmp_path, "x", "y"), tmp_path, 0.2)
    assert found == bench.runs.Failure("> 0.2 s", 0.2)


def test_a_call_that_fails_says_why(bench, monkeypatch, tmp_path):
    _process(bench, monkeypatch, "raise MemoryError('no room')")
    assert bench.runs.run(bench.runs.Job(tmp_path, "x", "y"), tmp_path, 9).reason == "MemoryError: no room"
    _process(bench, monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert "SIGKILL" in bench.runs.run(bench.runs.Job(tmp_path, "x", "y"), tmp_path, 9).reason


def test_a_missing_peer_is_listed_with_the_reason(bench):
    peers = {
        "gone": bench.peers.Peer("gone", "no_such_module_here", "gone", "gone"),
        "numpy": bench.peers.Peer("numpy", "numpy", "numpy", "numpy"),
    }
    found = bench.peers.find_peers(peers)
    assert found["gone"].version is None and "No module named 'no_such_module_here'" in found["gone"].reason
    assert found["numpy"].version == np.__version__


# --- the command


def invoke(bench, monkeypatch, outcomes, *options, present=("statsmodels", "lifelines")):
    """Run the command on the log-rank task; `outcomes` says, by contender, what each call in turn gives."""
    presence = bench.peers.Presence
    found = {key: presence("1.0") if key in present else presence(None, "no such library") for key in bench.peers.PEERS}
    calls = {name: iter(turns) for name, turns in outcomes.items()}

    def runner(job, scratch, timeout, cache):
        outcome = next(calls[job.contender])
        if isinstance(outcome, type):
            raise outcome
        return outcome

    monkeypatch.setattr(bench.command, "find_peers", lambda peers: found)
    monkeypatch.setattr(bench.command, "measure", partial(bench.rounds.measure, runner=runner))
    options = ("--tasks", "log-rank", "--scale", "0.002", "--repeats", "2", *options)
    return CliRunner().invoke(bench.command.main, [str(option) for option in options])


def run_of(bench, cpu, value=10.0, scale=4.0):
    return bench.runs.Run(cpu=cpu, wall=cpu, memory=5e6, values=[value], scale=[scale])


def test_the_command_prints_and_writes_ratios(bench, monkeypatch, tmp_path):
    outcomes = {
        "whychurn": [replace(run_of(bench, 9.0), again=0.5), run_of(bench, 1.0), run_of(bench, 2.0)],
        "statsmodels": [run_of(bench, 3.0), run_of(bench, 8.0)],
        "lifelines": [bench.runs.Failure("> 120 s", 120.0)],
    }
    page = tmp_path / "benchmarks.md"
    done = invoke(bench, monkeypatch, outcomes, "--write", page)
    assert done.exit_code == 0, done.output
    text = page.read_text(encoding="utf-8")
    for place in (text, done.output):
        assert "3.7× (3–4)" in place  # medians 5.5 / 1.5; pairs 3 / 1 and 8 / 2
        assert "> 120 s" in place and "> 80× (wall)" in place
        assert "coxdev" in place and "no such library" in place
    assert "| **whychurn** | 1.50 s (1.00–2.00) |" in text
    assert "| **… first call ever** | 9.00 s |" in text
    assert "| **… again in one process** | 0.50 s |" in text
    assert "Not installed: scikit-survival, survival (Rust), R." in text
    rows = [line for line in text.splitlines() if line.startswith("| ") and "agree exactly" in line]
    assert len(rows) == 1 and rows[0].count("|") == len(bench.table.HEADINGS) + 1


def test_a_planted_wrong_estimate_fails_the_command(bench, monkeypatch):
    outcomes = {
        "whychurn": [run_of(bench, 1.0)] * 3,
        "statsmodels": [run_of(bench, 3.0, value=10.02)] * 2,
        "lifelines": [run_of(bench, 3.0)] * 2,
    }
    done = invoke(bench, monkeypatch, outcomes)
    assert done.exit_code == 1
    assert "DISAGREE by 0.005 SE" in done.output and "Estimates disagree, or ours failed: log-rank" in done.output


def test_a_failure_of_ours_fails_the_command(bench, monkeypatch):
    broken = bench.runs.Failure("FitError: no")
    outcomes = {"whychurn": [broken] * 2, "statsmodels": [run_of(bench, 3.0)] * 2, "lifelines": [broken]}
    done = invoke(bench, monkeypatch, outcomes)
    assert done.exit_code == 1 and "whychurn failed: FitError: no." in done.output


def test_a_known_wrong_peer_is_shown_as_wrong_not_as_beaten(bench):
    task = next(task for task in bench.tasks.TASKS if task.key == "cox-start-stop")
    result = bench.rounds.open_result(task, 100, 1.0, {"statsmodels": bench.peers.Presence("1")})
    outcomes = {"whychurn": run_of(bench, 1.0), "statsmodels": run_of(bench, 20.0, value=10.5)}
    bench.rounds.measure(
        result, None, 1, 9.0, lambda text: None, lambda job, scratch, timeout, cache: outcomes[job.contender]
    )
    assert result.sound
    row = bench.table.rows_of(result)[-1]
    assert row.cells[4:] == ("–", "wrong by 0.12 SE") and row.kind == "problem"
    assert "statsmodels is wrong here" in bench.table.notes_of(result)[0]


def test_limited_rows_are_said_scaled_and_compared_on_the_same_rows(bench):
    task = next(task for task in bench.tasks.TASKS if task.key == "cox-categorical")
    result = bench.rounds.open_result(task, 10_000, 0.001, {"lifelines": bench.peers.Presence("1")})

    def runner(job, scratch, timeout, cache):
        return run_of(bench, 1.0, value=10.0 if job.rows is None else float(job.rows))

    bench.rounds.measure(result, None, 1, 9.0, lambda text: None, runner)
    row = bench.table.rows_of(result)[-1]
    assert row.cells[0] == "lifelines, from 1,000 rows" and row.cells[1] == "10.0 s (once)"
    assert row.cells[4:] == ("10×", "agree exactly")


def test_an_interrupted_run_prints_what_is_done_and_writes_nothing(bench, monkeypatch, tmp_path):
    page = tmp_path / "benchmarks.md"
    page.write_text("before", encoding="utf-8")
    outcomes = {
        "whychurn": [run_of(bench, 1.0)] * 3,
        "statsmodels": [run_of(bench, 3.0)] * 2,
        "lifelines": [KeyboardInterrupt],
    }
    done = invoke(bench, monkeypatch, outcomes, "--write", page)
    assert done.exit_code == 130
    assert "What is done" in done.output and "3× " in done.output
    assert page.read_text(encoding="utf-8") == "before"


def test_an_unknown_task_is_refused_by_name(bench):
    done = CliRunner().invoke(bench.command.main, ["--tasks", "cox-31"])
    assert done.exit_code == 2 and "unknown: cox-31" in done.output
