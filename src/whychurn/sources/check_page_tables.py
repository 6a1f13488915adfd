"""What the page of ``whychurn check`` says of a study of tables only."""

from __future__ import annotations

from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from whychurn.sources.check import CheckResult, ReadTable
from whychurn.sources.check_parts import COLOURS, plain, section_title, size_of, values_of
from whychurn.sources.names import counted

#: A log can lie in a file a day.
MOST_FILES = 12


def tables_head(result: CheckResult) -> RenderableType:
    """Return the box at the top: who, when, and the grade."""
    grade = result.verdict.grade if result.verdict else "refuse"
    colour = COLOURS[grade]
    share = f" ({result.n_left / result.n_customers:.1%})" if result.n_customers else ""
    who = Text.assemble(
        (f"{result.n_customers:,}", "bold"), f" account{'' if result.n_customers == 1 else 's'} with ",
        (f"{result.n_subscriptions:,}", "bold"), f" subscription{'' if result.n_subscriptions == 1 else 's'}, ",
        (f"{result.n_left:,}", "bold"), f" had left by the end of the window{share}",
    )  # fmt: skip
    when = Text(
        f"{result.window[0]} to {result.window[1]} in steps of {counted(result.interval_days, 'day')}, "
        f"measures {counted(result.lag_days, 'day')} before each",
        style="dim",
    )
    verdict = Text.assemble("Data: ", (grade, f"bold {colour}"))
    return Panel(
        Group(who, when, verdict), title=Text(plain(result.study_name), style="bold"), title_align="left",
        border_style=colour, padding=(0, 1),
    )  # fmt: skip


def tables_read(result: CheckResult) -> RenderableType:
    """Return the tables with their rows, the time they cover and since when they were recorded."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("table", style="bold", no_wrap=True)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("period", min_width=13)
    table.add_column("recorded from", min_width=10)
    for read in result.tables:
        table.add_row(read.name, f"{read.rows:,}", _period(read), _recorded(read))
    return Padding(table, (0, 0, 0, 2))


def _period(read: ReadTable) -> Text:
    if not read.first:
        return Text("no dates" if read.rows else "empty", style="dim")
    return Text(read.first if read.first == read.last else f"{read.first} to {read.last}")


def _recorded(read: ReadTable) -> Text:
    if not read.tracked_from:
        return Text("throughout", style="dim")
    return Text.assemble(read.tracked_from, ("" if read.tracked_from_declared else " (found)", "dim"))


def tables_files(result: CheckResult) -> RenderableType:
    """Return the files with the beginning of their fingerprints."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("file", style="bold", no_wrap=True, overflow="ellipsis")
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("sha256", style="dim", no_wrap=True)
    for mark in result.fingerprints[:MOST_FILES]:
        table.add_row(Text(plain(mark.file)), f"{mark.rows:,}", size_of(mark.bytes), f"{mark.sha256[:12]}…")
    parts: list[RenderableType] = [table]
    if (more := len(result.fingerprints) - MOST_FILES) > 0:
        parts.append(Text(f"and {counted(more, 'further file')}; --json lists all", style="dim"))
    return Padding(Group(*parts), (0, 0, 0, 2))


def tables_rows(result: CheckResult) -> RenderableType:
    """Return what became of the rows, table by table; tables of which all are used are told in one line."""
    parts: list[RenderableType] = []
    whole = []
    for read in result.tables:
        touched = [step for step in result.ledger if step.table == read.name and step.n_affected]
        if not touched and not read.rejects_file:
            whole.append(read.name)
            continue
        lost = sum(step.n_before - step.n_after for step in touched)
        line = Text.assemble((read.name, "bold"), f": {read.rows:,} of {counted(read.rows + lost, 'row')} used")
        if read.rejects_file:
            line.append(f"; {'the others are' if lost else 'values not used are'} listed in {read.rejects_file}")
        steps = Table.grid(padding=(0, 2))
        steps.add_column(justify="right", style="bold")
        steps.add_column()
        for step in touched:
            kept = " (kept)" if step.n_before == step.n_after else ""
            steps.add_row(
                f"{step.n_affected:,}", Text.assemble((step.step + kept, "bold"), ": ", plain(step.note or step.rule))
            )
        parts += [line, Padding(steps, (0, 0, 0, 2))]
    if whole:
        parts.append(Text(f"All rows are used of {', '.join(whole)}.", style="dim"))
    return Padding(Group(*parts), (0, 0, 0, 2))


def tables_columns(result: CheckResult) -> RenderableType:
    """Return one small table per table of the company: its columns, what is missing, what they hold."""
    rows = {read.name: read.rows for read in result.tables}
    parts: list[RenderableType] = []
    for name, columns in groupby(result.columns, key=lambda column: column.role):
        table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim", expand=True)
        table.add_column(Text(plain(name), style="bold not dim"), ratio=4, no_wrap=True, overflow="ellipsis")
        table.add_column("missing", justify="right", width=10)
        table.add_column("values", ratio=8, no_wrap=True, overflow="ellipsis")
        for column in columns:
            empty = column.n_missing and column.n_missing == rows.get(name)
            table.add_row(
                Text(plain(column.name)),
                "all" if empty else f"{column.n_missing:,}" if column.n_missing else "",
                Text("" if empty else values_of(column)),
                style="dim" if empty else "",
            )
        parts.append(Padding(table, (1 if parts else 0, 0, 0, 1)))
    return Group(*parts)


def tables_unlocks(result: CheckResult) -> list[RenderableType]:
    """Return what further tables would tell; nothing where all are there."""
    if not result.unlocks:
        return []
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, unlocked in result.unlocks:
        table.add_row(name, Text(unlocked))
    return [section_title("What further tables would unlock"), Padding(table, (0, 0, 0, 2))]
