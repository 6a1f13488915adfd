"""One measured call in a process of its own: ``python -m benchmarks.worker FOLDER CONTENDER WORK ROWS COVARIATES TWICE ANSWER``.

ROWS and COVARIATES are 0 for all; with TWICE 1 the call is made and measured once more. The file ANSWER.started appears when the clock starts; ANSWER holds the result.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from pathlib import Path

import numpy as np

from benchmarks.measure import measured
from benchmarks.store import read
from benchmarks.work import Work


def main(arguments: list[str]) -> None:
    """Load, prepare, make the call, write the answer."""
    folder, contender, work, rows, covariates, twice, answer = arguments
    # A peer's advice about its own future is not for the reader of a table.
    warnings.simplefilter("ignore")
    module = importlib.import_module(f"benchmarks.contenders.{contender}")
    job: Work = getattr(module, work)(read(Path(folder), int(rows) or None, int(covariates) or None))
    Path(f"{answer}.started").touch()
    result, cost = measured(job.call)
    found = job.read(result)
    again = measured(job.call)[1].cpu if int(twice) else None
    record = {
        "cpu": cost.cpu,
        "wall": cost.wall,
        "memory": cost.memory,
        "again": again,
        "values": numbers(found.values),
        "scale": None if found.scale is None else numbers(found.scale),
    }
    Path(answer).write_text(json.dumps(record), encoding="utf-8")


def numbers(values: np.ndarray) -> list[float | None]:
    """Return a list that JSON can hold: what is not finite becomes null."""
    flat = np.asarray(values, dtype=float).ravel()
    return [float(value) if np.isfinite(value) else None for value in flat]


if __name__ == "__main__":
    main(sys.argv[1:])
