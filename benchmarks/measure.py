"""What one call costs: processor seconds, wall seconds, and the peak of memory above the state before it."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Cost:
    """Cost of one call.

    Attributes
    ----------
    cpu, wall
        Seconds. Processor seconds are user plus system, over all threads and finished child processes.
    memory
        Peak of resident memory during the call less resident memory just before it, in bytes.
    """

    cpu: float
    wall: float
    memory: float


def measured(call: Callable[[], Any]) -> tuple[Any, Cost]:
    """Make a call once and return its result and its cost."""
    gc.collect()
    before = _forget_peak()
    cpu, wall = _cpu_seconds(), time.perf_counter()
    result = call()
    wall, cpu = time.perf_counter() - wall, _cpu_seconds() - cpu
    return result, Cost(cpu, wall, max(_peak() - before, 0.0))


def _cpu_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _forget_peak() -> float:
    """Start the kernel's record of peak memory afresh where it lets us, and return where it starts from.

    Without that (not Linux, or not allowed) the record still holds the peak of loading the data, and the
    difference is a lower bound.
    """
    try:
        _CLEAR.write_text("5", encoding="ascii")
        return _field("VmRSS")
    except OSError:
        return _peak()


def _peak() -> float:
    try:
        return _field("VmHWM")
    except OSError:
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * 1024.0


def _field(name: str) -> float:
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(name + ":"):
            return float(line.split()[1]) * 1024.0
    raise OSError(f"no {name} in {_STATUS}")
