"""The one way in which loops are compiled here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(loop: Loop) -> Loop:
    """Compile a loop over arrays to machine code at its first call, cached on disk.

    Sums keep the order in which they are written (no fast-math): results do not depend on the processor.
    """
    return numba.njit(cache=True, nogil=True, error_model="numpy")(loop)
