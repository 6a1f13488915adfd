"""One measured run: a process of its own, watched by the clock."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import ROOT


@dataclass(frozen=True)
class Run:
    """Cost of a call that came back, and its estimates. Seconds and bytes; `again` is the CPU of a second call."""

    cpu: float
    wall: float
    memory: float
    values: list[float | None]
    scale: list[float | None] | None
    again: float | None = None


@dataclass(frozen=True)
class Failure:
    """A call that did not come back: `seconds` is the time limit it met, None if it ended by itself."""

    reason: str
    seconds: float | None = None


@dataclass(frozen=True)
class Job:
    """What a process is to do: `rows` and `covariates` None for all of the table in `folder`; `twice` calls again."""

    folder: Path
    contender: str
    work: str
    rows: int | None = None
    covariates: int | None = None
    twice: bool = False


# Data that takes longer than this many time limits to read, or a fit before a test, is no longer waited for.
_PATIENCE_BEFORE_START = 3.0


def run(job: Job, scratch: Path, timeout: float, cache: Path | None = None) -> Run | Failure:
    """Run a job and return what it cost.

    Parameters
    ----------
    scratch
        Folder for the answer.
    timeout
        Wall seconds that the measured call may take.
    cache
        Folder of compiled code (NUMBA_CACHE_DIR); None leaves the user's.
    """
    answer = scratch / "answer.json"
    started = scratch / "answer.json.started"
    for leftover in (answer, started):
        leftover.unlink(missing_ok=True)
    environment = dict(os.environ) | ({"NUMBA_CACHE_DIR": str(cache)} if cache else {})
    with (scratch / "errors.txt").open("wb") as errors:
        process = subprocess.Popen(
            [*_command(job), str(answer)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        try:
            in_time = _wait(process, started, timeout)
        finally:
            _end(process)
    if not in_time:
        return Failure(f"> {timeout:g} s", timeout)
    if process.returncode or not answer.exists():
        return Failure(_last_words(scratch / "errors.txt", process.returncode))
    return Run(**json.loads(answer.read_text(encoding="utf-8")))


def _command(job: Job) -> list[str]:
    details = [str(job.folder), job.work, str(job.rows or 0), str(job.covariates or 0)]
    if job.contender.endswith(".R"):
        script = ROOT / "benchmarks" / "contenders" / job.contender
        return [shutil.which("Rscript") or "Rscript", str(script), *details]
    return [sys.executable, "-m", "benchmarks.worker", details[0], job.contender, *details[1:], str(int(job.twice))]


def _wait(process: subprocess.Popen[bytes], started: Path, timeout: float) -> bool:
    """Wait for the process; say whether it ended within the limit, which counts from the start of its call."""
    begin = time.monotonic()
    calling = None
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            return True
        now = time.monotonic()
        if calling is None and started.exists():
            calling = now
        if calling is not None and now - calling > timeout:
            return False
        if calling is None and now - begin > _PATIENCE_BEFORE_START * max(timeout, 60.0):
            return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End our own process and its children if they still run (time limit, Ctrl-C)."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _last_words(errors: Path, code: int | None) -> str:
    lines = errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if code is not None and code < 0:
        return f"ended by {signal.Signals(-code).name}" + (" (out of memory?)" if code == -signal.SIGKILL else "")
    return lines[-1][:200] if lines else f"ended with code {code} and no answer"
