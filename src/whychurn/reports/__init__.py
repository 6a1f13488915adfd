"""Run notebooks, render HTML, verify a rerun. Nothing here imports an analysis or a model.

The names below are loaded when they are first used: every notebook kernel imports :func:`record`, and none
of them needs the builder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whychurn.reports.build import build_report
    from whychurn.reports.recording import record
    from whychurn.reports.verify import verify_report

__all__ = ["build_report", "record", "verify_report"]

_HOMES = {"build_report": "build", "record": "recording", "verify_report": "verify"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
