"""Compute what several analyses of one panel share only once: the last panel's answers are kept."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from whychurn.panel import Panel
from whychurn.study import Study

Answer = TypeVar("Answer")


def once_per_panel(compute: Callable[[Panel, Study], Answer]) -> Callable[[Panel, Study], Answer]:
    """Keep the answer for the panel and study asked about last; it goes when the panel goes."""
    kept: list[tuple[weakref.ref[Panel], str, Answer]] = []

    @wraps(compute)
    def asked(panel: Panel, study: Study) -> Answer:
        for of, digest, answer in kept:
            if of() is panel and digest == study.digest:
                return answer
        answer = compute(panel, study)
        kept[:] = [(weakref.ref(panel, lambda _: kept.clear()), study.digest, answer)]
        return answer

    return asked
