"""Execute notebooks in a process of its own: jobs come in as lines of JSON, answers go out the same way.

Started by :mod:`whychurn.reports.execute` as ``python -m whychurn.reports.worker``. The imports of papermill
are paid once for each worker instead of once for each notebook.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from whychurn.reports.forked import start_server

KERNEL = "whychurn"
#: Seconds a kernel has to answer at its first, second and last start. Two kernels that start at one moment can be
#: given one port, and such a kernel never answers; nothing of the notebook has run then, so it is started again.
START_TIMEOUTS = (60, 120, 240)
_NO_START = ("Kernel didn't respond", "Kernel died before replying")


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Execute one notebook and return ``{"done": ...}`` or ``{"failed": {...}}``.

    Parameters
    ----------
    job : dict
        source, target (paths), parameters, cwd, fork (whether kernels are forked from a server).
    """
    if job["fork"]:
        with suppress(OSError):  # where there can be no server the kernels do without it
            start_server()
    import nbformat
    from papermill.exceptions import PapermillExecutionError

    try:
        executed = _executed(job)
    except PapermillExecutionError as error:
        return {"failed": _failure(error)}
    except Exception as error:
        reason = str(error).strip() or type(error).__name__
        return {"failed": {"cell": 0, "name": type(error).__name__, "message": reason, "traceback": ""}}
    nbformat.write(executed, job["target"])
    return {"done": job["target"]}


def _executed(job: dict[str, Any]) -> Any:
    import nbformat
    import papermill

    for start_timeout in START_TIMEOUTS:
        try:
            return papermill.execute_notebook(
                nbformat.read(job["source"], as_version=4),
                None,
                parameters=job["parameters"],
                kernel_name=KERNEL,
                language="python",
                progress_bar=False,
                start_timeout=start_timeout,
                cwd=job["cwd"],
            )
        except RuntimeError as error:
            if start_timeout == START_TIMEOUTS[-1] or not str(error).startswith(_NO_START):
                raise
    raise AssertionError("the last start returns or raises")


def _failure(error: Any) -> dict[str, Any]:
    return {
        "cell": error.cell_index,  # the cell of injected parameters stands before it, so counting from 1 is right
        "name": error.ename,
        "message": error.evalue,
        "traceback": "\n".join(error.traceback),
    }


def _leave_with_parent() -> None:
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Answer jobs until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints must not mix with the answers
    _leave_with_parent()
    for line in sys.stdin:
        answers.write(json.dumps(run(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
