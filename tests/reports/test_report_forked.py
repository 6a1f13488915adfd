"""Kernels forked from a server: each as it would be on its own, and none left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from whychurn.errors import NotebookError
from whychurn.reports import execute

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")

MARKS = """
import json, os, sys
json.marked = True
os.environ["MARKED"] = "1"
os.chdir("/")
"""
LOOKS = """
import json, os, sys, threading
told = {
    "marked": hasattr(json, "marked") or "MARKED" in os.environ,
    "folder": os.getcwd(),
    "hash seed": os.environ["PYTHONHASHSEED"],
    "threads of the server": len(os.listdir(f"/proc/{os.getppid()}/task")),
    "ready": "scipy.stats" in sys.modules,
    "main": sys.modules["__main__"].told if "told" in vars(sys.modules["__main__"]) else "of its own",
    "input": __name__,
}
print(json.dumps(told))
"""


def notebook(folder: Path, name: str, code: str) -> SimpleNamespace:
    content = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell('study = ""', metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(code),
        ]
    )
    path = folder / f"{name}.ipynb"
    nbformat.write(content, path)
    return SimpleNamespace(name=name, path=path)


def printed(path: Path) -> str:
    return "".join(
        output.get("text", "")
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )


def test_a_notebook_sees_nothing_of_the_one_before_it_and_finds_its_imports_done(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = notebook(tmp_path, "01_marks", MARKS), notebook(tmp_path, "02_looks", LOOKS)
    done = execute.execute_notebooks([first, second], {"study": "x"}, tmp_path / "done", workers=1)
    assert json.loads(printed(done["02_looks"])) == {
        "marked": False,
        "folder": str(tmp_path),
        "hash seed": "0",
        # A fork copies the thread that forks and no other: a server with more could hand on a lock for good.
        "threads of the server": 1,
        "ready": True,
        "main": "of its own",
        "input": "__main__",
    }


def test_where_there_can_be_no_server_kernels_do_without(tmp_path, monkeypatch):
    deep = tmp_path / ("a" * 60) / ("b" * 60)  # too long for the address of a socket
    deep.mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(deep))
    books = [notebook(tmp_path, f"0{n}_counts", "print(6 * 7)") for n in (1, 2)]
    done = execute.execute_notebooks(books, {}, tmp_path / "done", workers=1)
    assert [printed(path).strip() for path in done.values()] == ["42", "42"]


def test_a_kernel_that_dies_is_told_with_its_notebook(tmp_path):
    books = [notebook(tmp_path, f"0{n}_dies", "import os; os._exit(3)") for n in (1, 2)]
    with pytest.raises(NotebookError, match=r"01_dies.*Kernel died"):
        execute.execute_notebooks(books, {}, tmp_path / "done", workers=1)


def test_no_kernel_outlives_a_worker_that_is_killed(tmp_path):
    told = tmp_path / "pid"
    endless = notebook(
        tmp_path, "01_endless", f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    )
    job = {"source": str(endless.path), "target": "", "parameters": {}, "cwd": str(tmp_path), "fork": True}
    with execute._settled_environment(fork=True) as environment:
        worker = subprocess.Popen(
            [sys.executable, "-P", "-m", "whychurn.reports.worker"], stdin=subprocess.PIPE, env=environment, text=True
        )
        try:
            worker.stdin.write(json.dumps(job) + "\n")
            worker.stdin.flush()
            assert soon(lambda: told.exists() and told.read_text() != "", 60)
            kernel = int(told.read_text())
            server = parent_of(kernel)
            assert server != worker.pid
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        assert soon(lambda: not runs(kernel) and not runs(server), 20)


def soon(happened, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (OSError, ValueError):
        return False
