"""The one error tree.

A message states the problem, the count with at most three examples, and the fix. The command line prints
the message alone; a traceback is shown only with ``--debug``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class WhychurnError(Exception):
    """Base of every error a user can cause or meet."""


class SourceError(WhychurnError):
    """The data cannot be used as they are. Carries every problem found, not just the first."""

    def __init__(self, message: str, problems: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class StudyError(WhychurnError):
    """The study file is missing, malformed, or asks for something impossible."""


class PanelError(WhychurnError):
    """The panel cannot be built from these sources."""


class FitError(WhychurnError):
    """A model cannot be fitted to these rows."""


class SeparationError(FitError):
    """A coefficient is infinite: some level or covariate separates events from non-events. ``columns`` are those."""

    def __init__(self, message: str, columns: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.columns = tuple(columns)


class UninformativeError(FitError):
    """The rows say next to nothing about some columns beside the others. ``columns`` are those."""

    def __init__(self, message: str, columns: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.columns = tuple(columns)


class NoEventsError(FitError):
    """There is no event, so nothing can be estimated."""


class SingularDesignError(FitError):
    """A column of the design is a linear combination of others; the message names it, and so does ``column``."""

    def __init__(self, message: str, column: str = "") -> None:
        super().__init__(message)
        self.column = column


class ConvergenceError(FitError):
    """The optimiser stopped before the gradient vanished."""


class FindingsError(WhychurnError):
    """A findings table breaks its own rules (an analysis is at fault, not the user)."""


class NotebookError(WhychurnError):
    """A notebook failed, lacks its parameters cell, or was given an unknown parameter."""


class VerifyError(WhychurnError):
    """A report folder cannot be verified at all (it is not one, or is incomplete)."""


def some(items: Iterable[object], most: int = 3) -> str:
    """Return at most `most` examples as text, with how many were left out.

    Examples
    --------
    >>> some(["a", "b", "c", "d"])
    'a, b, c and 1 more'
    """
    seen = [str(item) for item in items]
    shown = ", ".join(seen[:most])
    return shown if len(seen) <= most else f"{shown} and {len(seen) - most:,} more"
