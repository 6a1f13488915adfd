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
from typing import Any

KERNEL = "whychurn"


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Execute one notebook and return ``{"done": ...}`` or ``{"failed": {...}}``.

    Parameters
    ----------
    job : dict
        source, target (paths), parameters, cwd.
    """
    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError

    try:
        source = nbformat.read(job["source"], as_version=4)
        executed = papermill.execute_notebook(
            source,
            None,
            parameters=job["parameters"],
            kernel_name=KERNEL,
            language="python",
            progress_bar=False,
            start_timeout=180,
            cwd=job["cwd"],
        )
    except PapermillExecutionError as error:
        return {"failed": _failure(error)}
    except Exception as error:
        reason = str(error).strip() or type(error).__name__
        return {"failed": {"cell": 0, "name": type(error).__name__, "message": reason, "traceback": ""}}
    nbformat.write(executed, job["target"])
    return {"done": job["target"]}


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
