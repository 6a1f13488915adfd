from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
import synthetic_report as synthetic
from synthetic_report import PARAMETERS, write_notebook

from whychurn.reports import build
from whychurn.reports.place import in_place_of, recover

pytestmark = pytest.mark.xdist_group("synthetic report")

SCRIPT = """
import sys
sys.path.insert(0, {here!r})
import synthetic_report
from whychurn.reports import build
build.inspect_study = synthetic_report.inspect_study
build.build_report("data/demo", notebooks="slow")
"""


def test_an_interrupted_run_leaves_the_old_report(home, monkeypatch):
    before = (home / "reports/demo/index.html").read_bytes()

    def interrupt(*arguments, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(build, "execute_notebooks", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build.build_report("data/demo", progress=False)
    assert (home / "reports/demo/index.html").read_bytes() == before
    assert [path.name for path in (home / "reports").iterdir()] == ["demo"]


def test_a_killed_run_leaves_the_old_report_and_no_process(home):
    slow = ("code", "import time\ntime.sleep(120)")
    write_notebook(home / "slow/01_slow.ipynb", ("markdown", "# S"), ("code", PARAMETERS, ("parameters",)), slow)
    before = (home / "reports/demo/index.html").read_bytes()
    script = SCRIPT.format(here=str(synthetic.HERE))
    log = home / "log.txt"
    with log.open("w") as stream:
        process = subprocess.Popen([sys.executable, "-c", script], cwd=home, stderr=stream)
    below: list[psutil.Process] = []
    deadline = time.monotonic() + 60
    while len(below) < 2 and time.monotonic() < deadline and process.poll() is None:  # the worker and its kernel
        time.sleep(0.2)
        below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(below) == 2, log.read_text()
    assert (home / "reports/demo/index.html").read_bytes() == before
    assert len(list((home / "reports").glob(".demo.building-*"))) == 1
    _, alive = psutil.wait_procs(below, timeout=15)
    assert alive == []
    recover(home / "reports/demo")
    assert [path.name for path in (home / "reports").iterdir()] == ["demo"]


def test_a_run_killed_while_moving_is_undone_by_the_next(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    previous = tmp_path / f".demo.previous-{dead.pid}"
    previous.mkdir()
    (previous / "index.html").write_text("old")
    recover(tmp_path / "demo")
    assert (tmp_path / "demo" / "index.html").read_text() == "old"


def test_what_a_living_run_builds_is_left_alone(tmp_path):
    (tmp_path / f".demo.building-{os.getppid()}").mkdir()
    recover(tmp_path / "demo")
    assert (tmp_path / f".demo.building-{os.getppid()}").is_dir()


def test_the_new_folder_takes_the_place_of_the_old_one_whole(tmp_path):
    target = tmp_path / "deep" / "demo"
    for word in ("first", "second"):
        with in_place_of(target) as building:
            assert building.parent == target.parent
            (building / "results.json").write_text(word)
            (building / word).write_text("")
    assert sorted(path.name for path in target.iterdir()) == ["results.json", "second"]
    assert [path.name for path in target.parent.iterdir()] == ["demo"]
