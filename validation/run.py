"""Measure companies, one after another or in several processes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from validation import store
from validation.work import PARTS


def run(part: str, arm: str, seeds: Sequence[int], jobs: int, cache: Path = store.CACHE, again: bool = False) -> None:
    """Measure the companies that are not measured yet.

    Parameters
    ----------
    part, arm : str
    seeds : sequence of int
    jobs : int
        Processes.
    cache : Path
    again : bool
        Whether companies measured by other code are measured again.
    """
    code = store.code_digest()
    done = {record["seed"] for record in store.read(part, arm, cache) if not again or record["code"] == code}
    wanted = [seed for seed in seeds if seed not in done]
    began = time.monotonic()
    for number, record in enumerate(_measured(part, arm, wanted, jobs), start=1):
        store.append(part, arm, [{**record, "code": code}], cache)
        if sys.stderr.isatty() or number % 25 == 0 or number == len(wanted):
            spent = time.monotonic() - began
            left = spent / number * (len(wanted) - number)
            print(
                f"{part} {arm}: {number} of {len(wanted)}, {left / 60:.0f} minutes to go", file=sys.stderr, flush=True
            )


def _measured(part: str, arm: str, seeds: Sequence[int], jobs: int) -> Iterator[dict[str, Any]]:
    measure = partial(PARTS[part], arm)
    if jobs == 1:
        yield from map(measure, seeds)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(measure, seeds)
