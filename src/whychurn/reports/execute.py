"""Run notebooks in a few worker processes, on the running interpreter and in a settled environment."""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from whychurn import errors
from whychurn.errors import NotebookError
from whychurn.reports import forked
from whychurn.reports.notebooks import Notebook
from whychurn.reports.worker import KERNEL

Watcher = Callable[[str, str], None]

_OURS = {name for name, kind in vars(errors).items() if isinstance(kind, type)}
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def execute_notebooks(
    notebooks: Sequence[Notebook],
    parameters: dict[str, Any],
    folder: Path,
    workers: int = 2,
    watch: Watcher = lambda event, name: None,
) -> dict[str, Path]:
    """Execute every notebook into `folder` and return the executed files by notebook name.

    Parameters
    ----------
    notebooks : sequence of Notebook
        Started in order; up to `workers` run at the same time.
    parameters : dict
        Given to each of them.
    folder : Path
        Where the executed notebooks are written. Every kernel runs in the caller's working directory.
    watch : callable
        Called with ("started" or "finished", name) from this thread.

    Raises
    ------
    NotebookError
        If a cell fails. A WhychurnError of the kernel is passed on as its message alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    waiting: queue.SimpleQueue[Notebook] = queue.SimpleQueue()
    for notebook in notebooks:
        waiting.put(notebook)
    events: queue.SimpleQueue[tuple[str, str, Any]] = queue.SimpleQueue()
    done: dict[str, Path] = {}
    workers = min(workers, len(notebooks))
    # Importing once for all pays from the second notebook of a worker on.
    fork = forked.available() and len(notebooks) > workers
    with (
        _settled_environment(fork) as environment,
        _started(workers, environment) as processes,
    ):
        for process, log in processes:
            given = (process, log, waiting, events, parameters, folder, fork)
            threading.Thread(target=_feed, args=given, daemon=True).start()
        while len(done) < len(notebooks):
            event, name, answer = events.get()
            if event == "failed":
                raise _explained(name, answer)
            if event == "finished":
                done[name] = Path(answer)
            watch(event, name)
    return done


def _feed(
    process: subprocess.Popen[str],
    log: IO[str],
    waiting: queue.SimpleQueue[Notebook],
    events: queue.SimpleQueue[tuple[str, str, Any]],
    parameters: dict[str, Any],
    folder: Path,
    fork: bool,
) -> None:
    """Give one worker its next notebook until none is left."""
    assert process.stdin is not None and process.stdout is not None
    while True:
        try:
            notebook = waiting.get_nowait()
        except queue.Empty:
            return
        events.put(("started", notebook.name, None))
        job = {
            "source": str(notebook.path),
            "target": str(folder / f"{notebook.name}.ipynb"),
            "parameters": parameters,
            "cwd": str(Path.cwd()),
            "fork": fork,
        }
        try:
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except (OSError, ValueError):
            line = ""
        answer = json.loads(line) if line else {"failed": _died(log)}
        if "failed" in answer:
            events.put(("failed", notebook.name, answer["failed"]))
            return
        events.put(("finished", notebook.name, answer["done"]))


def _died(log: IO[str]) -> dict[str, Any]:
    log.seek(0)
    lines = log.read().strip().splitlines()
    last = lines[-1] if lines else "the worker process ended without a word, which often means too little memory"
    return {"cell": 0, "name": "", "message": last, "traceback": "\n".join(lines)}


def _explained(name: str, failure: dict[str, Any]) -> NotebookError:
    message = _ANSI.sub("", str(failure["message"])).strip()
    if failure["name"] in _OURS:
        error = NotebookError(message)
    else:
        last = message.splitlines()[-1] if message else ""
        kind = failure["name"]
        where = f"Notebook {name}, cell {failure['cell']}" if failure["cell"] else f"Notebook {name}"
        error = NotebookError(f"{where}: {kind}: {last}" if kind and last else f"{where}: {kind or last}")
    if failure["traceback"]:
        error.add_note(_ANSI.sub("", failure["traceback"]))
    return error


@contextmanager
def _started(count: int, environment: dict[str, str]) -> Iterator[list[tuple[subprocess.Popen[str], IO[str]]]]:
    started: list[tuple[subprocess.Popen[str], IO[str]]] = []
    try:
        for _ in range(count):
            log: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115 - closed below
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "whychurn.reports.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                encoding="utf-8",
            )
            started.append((process, log))
        yield started
    finally:
        for process, _ in started:
            process.terminate()
        for process, log in started:
            _ended(process)
            log.close()


def _ended(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _settled_environment(fork: bool) -> Iterator[dict[str, str]]:
    """Yield an environment in which only this interpreter can be the kernel, and nothing personal is read.

    A kernel called python3 in the user's own Jupyter folder, an IPython profile with start-up files, or a
    number of threads that changes the order of additions would all make a rerun differ from the report.
    """
    with tempfile.TemporaryDirectory(prefix="whychurn-kernel-") as home:
        spec = Path(home, "data", "kernels", KERNEL)
        spec.mkdir(parents=True)
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        content: dict[str, Any] = {"argv": argv, "display_name": KERNEL, "language": "python"}
        if fork:
            content["metadata"] = {"kernel_provisioner": {"provisioner_name": forked.PROVISIONER}}
        (spec / "kernel.json").write_text(json.dumps(content), encoding="utf-8")
        environment = {
            name: value for name, value in os.environ.items() if name not in ("PYTHONSTARTUP", "PYTHONWARNINGS")
        }
        environment.update(
            JUPYTER_PATH=str(spec.parents[1]),
            JUPYTER_PREFER_ENV_PATH="1",
            JUPYTER_RUNTIME_DIR=str(Path(home, "runtime")),
            JUPYTER_CONFIG_DIR=str(Path(home, "config")),
            IPYTHONDIR=str(Path(home, "ipython")),
            MPLBACKEND="agg",
            PYTHONHASHSEED="0",
            PYTHONIOENCODING="utf-8",
            TZ="UTC",
            OMP_NUM_THREADS="1",
            OPENBLAS_NUM_THREADS="1",
            MKL_NUM_THREADS="1",
        )
        yield environment
