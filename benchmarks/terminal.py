"""Tables for a person at a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from benchmarks.context import HOW_TO_READ, Context
from benchmarks.rounds import Result
from benchmarks.table import HEADINGS, notes_of, rows_of

_STYLES = {"ours": "bold green", "peer": "", "problem": "yellow"}


def print_context(console: Console, context: Context) -> None:
    """Print machine, versions, options, and what is missing and why."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column()
    for head, text in context.facts.items():
        grid.add_row(head, escape(text.replace("`", "")))
    for label, reason in context.absent.items():
        grid.add_row("Absent", escape(f"{label}: {reason}"))
    console.print(Padding(grid, (1, 0)))


def print_result(console: Console, result: Result) -> None:
    """Print the table of one task."""
    caption = " ".join(part for part in (result.task.sentence, result.task.alone) if part)
    title = f"{result.task.title} [dim]({result.rows:,} rows here)[/dim]"
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title_justify="left", title_style="bold")
    for place, head in enumerate(HEADINGS):
        table.add_column(head, justify="right" if 0 < place < 5 else "left", no_wrap=place != 5)
    for row in rows_of(result):
        table.add_row(*(escape(cell) for cell in row.cells), style=_STYLES[row.kind])
    console.print()
    console.print(table)
    for text in (caption, *notes_of(result)):
        console.print(Padding(escape(text), (0, 2)), style="dim", highlight=False)
    console.print()


def print_reading(console: Console) -> None:
    """Print how to read the tables."""
    console.print("[bold]How to read this[/bold]")
    for paragraph in HOW_TO_READ:
        console.print(escape(paragraph) + "\n")
