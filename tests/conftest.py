"""Shared by all tests: the telco study, panel and findings, built once per worker."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import whychurn as wc
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.study import Study

ROOT = Path(__file__).parents[1]
#: Two workers share two cores: waiting threads of BLAS would only spin, as in the report's kernels.
ONE_THREAD = threadpool_limits(1, user_api="blas")
sys.path.insert(0, str(Path(__file__).parent / "browser"))
sys.path.insert(0, str(Path(__file__).parent / "reports"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let the tests of one group share a worker."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from shared_workers import SharedWorkers

    config.option.loadscopereorder = False  # by number of tests; the workers have sorted them by time
    return SharedWorkers(config, log)


def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):
        from shared_workers import long_groups_first

        items.sort(key=long_groups_first)


@cache
def _telco() -> tuple[Study, Panel]:
    study = wc.read_study(ROOT / "data" / "telco")
    return study, wc.build_panel(wc.open_sources(study), study)


@cache
def _telco_findings(name: str) -> Findings:
    study, panel = _telco()
    return wc.analyse(name, panel, study)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def telco_study() -> Study:
    return _telco()[0]


@pytest.fixture(scope="session")
def telco_panel() -> Panel:
    return _telco()[1]


@pytest.fixture(scope="session")
def telco_findings():
    """Return the findings of one analysis of the telco study, by name."""
    return _telco_findings


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's chromium, one for the whole session: playwright allows no second one beside it."""
    from checks import chromium

    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def built(tmp_path_factory) -> Path:
    """A working directory with a study, its notebooks and a report that really ran; never change it."""
    from synthetic_rooms import build_synthetic

    return build_synthetic(tmp_path_factory.mktemp("built"))


@cache
def _r_packages() -> frozenset[str]:
    program = shutil.which("Rscript")
    if program is None:
        return frozenset()
    call = [program, "-e", "cat(rownames(installed.packages()))"]
    return frozenset(subprocess.run(call, capture_output=True, text=True, check=False, timeout=60).stdout.split())


@pytest.fixture(scope="session")
def run_r(tmp_path_factory):
    """Run an R script over frames and return what it says: ``run_r(script, {"data": frame}, ["survival"])``.

    Every frame is written beside the script as ``name.csv``. The script has ``say(name, values)``; the answer
    maps each name to its numbers (sixteen digits). Without R or a package the test is skipped, and fails in CI.
    """

    def run(script, frames, packages=("survival",)):
        missing = [name for name in packages if name not in _r_packages()]
        if missing:
            debian = " ".join(["r-base-core", *(f"r-cran-{name.lower()}" for name in packages)])
            reason = f"needs R with {', '.join(packages)} (apt-get install {debian})"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        folder = tmp_path_factory.mktemp("r")
        for name, frame in frames.items():
            frame.to_csv(folder / f"{name}.csv", index=False)
        opening = "".join(f"suppressMessages(library({name}))\n" for name in packages)
        say = 'say <- function(name, values) cat(name, sprintf("%.16g", as.numeric(values)), "\\n")\n'
        (folder / "case.R").write_text(opening + say + script, encoding="utf-8")
        call = [shutil.which("Rscript"), "case.R"]
        done = subprocess.run(call, cwd=folder, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        said = (line.split() for line in done.stdout.splitlines() if line.strip())
        return {name: np.array([float("nan") if v == "NA" else float(v) for v in values]) for name, *values in said}

    return run
