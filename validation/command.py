"""The command: measure what is missing, sum up, write."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

# Companies are small: more threads would only get into each other's way. Before NumPy is loaded.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from validation import store  # noqa: E402
from validation.arms import ARMS, FIRST_SEED  # noqa: E402
from validation.run import run  # noqa: E402
from validation.work import PARTS  # noqa: E402


def main(arguments: list[str] | None = None) -> None:
    """Run ``python -m validation``."""
    chosen = parser().parse_args(arguments)
    for part in chosen.part:
        for arm in chosen.arm:
            seeds = range(chosen.seed_from, chosen.seed_from + chosen.companies)
            run(part, arm, seeds, chosen.jobs, chosen.cache, chosen.again)


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    options = argparse.ArgumentParser(prog="python -m validation", description=__doc__)
    options.add_argument("--part", nargs="*", choices=PARTS, default=list(PARTS))
    options.add_argument("--arm", nargs="*", choices=ARMS, default=["default"])
    options.add_argument("--companies", type=int, default=1000)
    options.add_argument("--seed-from", type=int, default=FIRST_SEED)
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--cache", type=Path, default=store.CACHE)
    options.add_argument("--again", action="store_true", help="Measure again what other code has measured.")
    return options
