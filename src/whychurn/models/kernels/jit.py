"""The two ways in which loops are compiled here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(loop: Loop) -> Loop:
    """Compile a loop over arrays to machine code at its first call, cached on disk.

    Sums keep the order in which they are written (no fast-math).
    """
    return _compile(loop)


def compiled_sums(loop: Loop) -> Loop:
    """Compile a loop whose sums may be taken several terms at a time, as BLAS and NumPy take theirs.

    The last bits may then depend on the width of the processor's registers. Never for compensated sums.
    """
    return _compile(loop, fastmath={"reassoc"})


def _compile(loop: Loop, **options: Any) -> Loop:
    try:
        found = numba.njit(cache=True, nogil=True, error_model="numpy", **options)(loop)
    except RuntimeError:
        # Neither the package's folder nor the user's cache can be written: compile afresh in every process.
        found = numba.njit(nogil=True, error_model="numpy", **options)(loop)
    return cast(Loop, found)
