"""Say what is happening: a live line on a terminal, plain lines elsewhere, always on the error stream."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Progress:
    """Progress of a build.

    Parameters
    ----------
    shown : bool
        False says nothing at all.
    """

    def __init__(self, shown: bool = True) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, quiet=not shown, highlight=False)
        self._running: dict[str, float] = {}
        self._status: Any = None
        self._total = 0
        self._done = 0

    @contextmanager
    def notebooks(self, total: int) -> Iterator[None]:
        """Show the notebooks that run, for as long as the body takes."""
        self._total, self._done = total, 0
        if not self._console.is_terminal:
            yield
            return
        with self._console.status(f"running {total} notebooks") as self._status:
            try:
                yield
            finally:
                self._status = None

    def watch(self, event: str, name: str) -> None:
        """Take note of a notebook that started or finished."""
        if event == "started":
            self._running[name] = time.monotonic()
        elif event == "finished":
            self._done += 1
            seconds = time.monotonic() - self._running.pop(name, time.monotonic())
            self.say(f"  {name}", f"{seconds:.1f} s")
        if self._status is not None:
            names = ", ".join(self._running) or "finishing"
            self._status.update(f"running {names} [dim]({self._done} of {self._total} done)[/dim]")

    def say(self, text: str, detail: str = "") -> None:
        """Print one line."""
        from rich.markup import escape

        self._console.print(escape(text) + (f" [dim]{escape(detail)}[/dim]" if detail else ""), soft_wrap=True)
