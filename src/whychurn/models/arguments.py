"""What a number given as an argument must be: text, None and NaN meet a sentence, not a traceback."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from whychurn.errors import FitError
from whychurn.models.columns import Floats


def is_number(value: Any) -> bool:
    """Tell whether `value` is a finite number (True and False are none)."""
    return isinstance(value, Real) and not isinstance(value, (bool, np.bool_)) and bool(np.isfinite(float(value)))


def is_whole(value: Any) -> bool:
    """Tell whether `value` is a whole number, in whatever type."""
    return is_number(value) and float(value).is_integer()


def read_list(values: float | Sequence[float] | Floats, name: str) -> Floats:
    """Return an argument that lists numbers as an array, shape (m,), possibly empty.

    Raises
    ------
    FitError
        Something that is no number.
    """
    try:
        # Text that looks like a number is a slip of the caller's: NumPy would convert it in silence.
        if np.asarray(values).dtype.kind in "US":
            raise TypeError("text")
        return np.asarray(values, dtype=np.float64).ravel()
    except (TypeError, ValueError) as problem:
        raise FitError(f"{name} are numbers, not {values!r}.") from problem
