"""The page that ``whychurn check`` prints: for a terminal of 80 columns, worth reading."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from whychurn.sources.check import CheckResult
from whychurn.sources.check_page_tables import (
    tables_columns,
    tables_files,
    tables_head,
    tables_read,
    tables_rows,
    tables_unlocks,
)
from whychurn.sources.check_parts import COLOURS, plain, section_title, size_of, values_of
from whychurn.sources.contract import ColumnProfile, IntegrityFinding
from whychurn.sources.names import counted

WIDEST = 100
MARKS = {"refuse": ("✗", "red"), "caveat": ("▲", "yellow"), "note": ("·", "cyan")}
TITLES = {
    "refuse": ("reason to refuse", "reasons to refuse"), "caveat": ("caveat", "caveats"), "note": ("note", "notes"),
}  # fmt: skip
ROLES = {"account_id": "id", "tenure": "tenure", "churned": "churn", "amount": "amount", "cause": "cause"}


def print_check(result: CheckResult, console: Console) -> None:
    """Print a check's result.

    Parameters
    ----------
    result : CheckResult
    console : rich.console.Console
        At most 100 columns of it are used.
    """
    width = min(console.width, WIDEST)
    for part in _parts(result):
        console.print(part, width=width)


def _parts(result: CheckResult) -> list[RenderableType]:
    if result.error:
        return _error_page(result)
    if result.kind == "tables":
        return _tables_page(result)
    return [
        _head(result),
        *_files(result),
        *_rows(result),
        *_findings(result.integrity),
        section_title("Columns"),
        _columns(result.columns),
        _last_line(result),
    ]


def _tables_page(result: CheckResult) -> list[RenderableType]:
    """A study of tables. What further tables would unlock stands in a list of its own, not among the notes."""
    told = tuple(finding for finding in result.integrity if finding.code != "table-missing")
    return [
        tables_head(result),
        section_title("Tables"),
        tables_read(result),
        section_title("Files"),
        tables_files(result),
        section_title("Rows not used, and why"),
        tables_rows(result),
        *_findings(told),
        section_title("Columns"),
        tables_columns(result),
        *tables_unlocks(result),
        _last_line(result),
    ]


def _findings(integrity: tuple[IntegrityFinding, ...]) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for severity in ("refuse", "caveat", "note"):
        found = [finding for finding in integrity if finding.severity == severity]
        if found:
            one, many = TITLES[severity]
            parts.append(section_title(f"{len(found)} {one if len(found) == 1 else many}"))
            parts += [_finding(finding) for finding in found]
    return parts


def _head(result: CheckResult) -> RenderableType:
    grade = result.verdict.grade if result.verdict else "refuse"
    colour = COLOURS[grade]
    share = result.n_left / result.n_customers
    low, high = result.tenure
    facts = Text.assemble(
        (f"{result.n_customers:,}", "bold"), f" customer{'' if result.n_customers == 1 else 's'}, ", (f"{result.n_left:,}", "bold"), f" left ({share:.1%}); "
        f"tenure {low:g} to {high:g} {result.time_unit}",
    )  # fmt: skip
    verdict = Text.assemble(("Data: ", ""), (grade, f"bold {colour}"))
    return Panel(
        Group(facts, verdict), title=Text(plain(result.study_name), style="bold"), title_align="left",
        border_style=colour, padding=(0, 1),
    )  # fmt: skip


def _files(result: CheckResult) -> list[RenderableType]:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    table.add_column(justify="right")
    table.add_column(style="dim")
    for mark in result.fingerprints:
        name = Text(plain(mark.file), style="bold", overflow="ellipsis", no_wrap=True)
        table.add_row(name, counted(mark.rows, "row"), size_of(mark.bytes), f"sha256 {mark.sha256[:16]}…")
    return [section_title("Read"), Padding(table, (0, 0, 0, 2))]


def _rows(result: CheckResult) -> list[RenderableType]:
    """What became of the rows; steps that touched none are told in one line."""
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="bold")
    table.add_column()
    touched = [step for step in result.ledger if step.n_affected]
    idle = [step.step for step in result.ledger if not step.n_affected]
    for step in touched:
        kept = "" if step.n_before != step.n_after else " (kept)"
        detail = Text.assemble((step.step + kept, "bold"), ": ", plain(step.note or step.rule))
        table.add_row(f"{step.n_affected:,}", detail)
    if idle:
        table.add_row("0", Text(", ".join(idle), style="dim"))
    after = result.ledger[-1].n_after if result.ledger else result.n_customers
    last = Text.assemble((f"{after:,}", "bold"), " row is used" if after == 1 else " rows are used")
    if result.rejects_file:
        last.append(f"; those that are not are listed in {result.rejects_file}")
    return [section_title("Rows not used, and why"), Padding(table, (0, 0, 0, 2)), Padding(last, (0, 0, 0, 2))]


def _finding(finding: IntegrityFinding) -> RenderableType:
    mark, colour = MARKS[finding.severity]
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column()
    body = Text(plain(finding.problem), style="bold" if finding.severity != "note" else "")
    if finding.consequence:
        body.append(f" {plain(finding.consequence)}", style="not bold")
    if finding.action:
        body.append(f"\n→ {plain(finding.action)}", style="not bold dim")
    table.add_row(Text(mark, style=colour), body)
    return Padding(table, (0, 0, 0, 1))


def _columns(columns: tuple[ColumnProfile, ...]) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="dim", expand=True)
    table.add_column("column", ratio=4, no_wrap=True, overflow="ellipsis")
    table.add_column("part", width=6)
    table.add_column("missing", justify="right", width=7)
    table.add_column("values", ratio=7, no_wrap=True, overflow="ellipsis")
    for column in columns:
        missing = f"{column.n_missing:,}" if column.n_missing else ""
        style = "dim" if column.role == "not used" else ""
        table.add_row(
            Text(plain(column.name)), ROLES.get(column.role, "–"), missing, Text(values_of(column)), style=style
        )
    return Padding(table, (0, 0, 0, 1))


def _last_line(result: CheckResult) -> RenderableType:
    path = plain(result.path)
    if result.exit_code:
        text = Text(f"Correct the data and check again, or state why the risk is taken:\nwhychurn report {path} ")
        text.append("--accept-risk REASON")
    else:
        text = Text.assemble("Next: ", (f"whychurn report {path}", "bold"))
    return Padding(text, (1, 0, 0, 0))


def _error_page(result: CheckResult) -> list[RenderableType]:
    """A study that cannot be read: the problems, and nothing else."""
    name = plain(result.study_name or result.path)
    if not result.integrity:
        body: RenderableType = Text("\n".join(plain(line) for line in result.error.splitlines()))
        return [Panel(body, title=Text(name, style="bold"), title_align="left", border_style="red", padding=(0, 1))]
    first = Text(plain(result.error.splitlines()[0]))
    head = Panel(first, title=Text(name, style="bold"), title_align="left", border_style="red", padding=(0, 1))
    return [head, *(_finding(finding) for finding in result.integrity)]
