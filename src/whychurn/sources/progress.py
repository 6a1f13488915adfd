"""A progress bar while a file is read: on a terminal only, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Progress = Callable[[int], object]
#: Smaller files are read before a bar could be seen.
WORTH_SHOWING = 8_000_000


@contextmanager
def reading(file: Path) -> Iterator[Progress]:
    """Yield a function that takes the number of bytes just read; it draws a bar where someone can see it."""
    size = file.stat().st_size
    if size < WORTH_SHOWING or not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("reading {task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(file.name, total=size)
        yield lambda done: bar.advance(task, done)
