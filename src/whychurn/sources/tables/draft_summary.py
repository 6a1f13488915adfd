"""What ``whychurn new`` says on the command line of the study that it proposes for several tables."""

from __future__ import annotations

from collections.abc import Iterator

from whychurn.errors import some
from whychurn.sources.canon import TABLES
from whychurn.sources.names import counted, shown
from whychurn.sources.tables.propose_details import Proposal, ProposedTable
from whychurn.sources.toml_text import comment

#: So many notes, and so many names in a row, are read.
MOST_NOTES, MOST_NAMES = 12, 6


def summary(p: Proposal) -> Iterator[str]:
    """Yield the lines: files, columns left over, assumptions, files that were not used and why."""
    width = max(len(name) for name in p.tables)
    for name, table in p.tables.items():
        rows = counted(table.candidate.n_rows, "row")
        yield comment(f"  {name.ljust(width)}  {table.candidate.label} ({rows})")
        left = _left_over(p, table)
        if left:
            yield comment(f"  {' ' * width}  columns not used: {some((shown(one, 40) for one in left), MOST_NAMES)}")
    missing = [name for name in TABLES if name not in p.tables]
    if missing:
        yield f"Not found: {', '.join(missing)}."
    window = p.window
    yield f"Observed from {window.begin} ({window.begin_note}) to {window.end} ({window.end_note})."
    checks = list(_checks(p))
    yield "To check (marked CHECK in the file):"
    for note in checks[:MOST_NOTES]:
        yield comment(f"  - {note}")
    if len(checks) > MOST_NOTES:
        yield f"  - and {len(checks) - MOST_NOTES} more."
    if not checks:
        yield "  - window, lag and tiers."
    if p.unused:
        yield "Not used:"
        for label, reason in p.unused[:MOST_NOTES]:
            yield comment(f"  - {shown(label, 80)}: {reason}")
        if len(p.unused) > MOST_NOTES:
            yield f"  - and {len(p.unused) - MOST_NOTES} more; the end of the file lists them."


def no_action(usage: ProposedTable) -> str:
    """Say that a log has no column of actions, and how to name one."""
    text = "no column was recognised that says what was done, so "
    text += f"{'every row' if usage.candidate.n_rows != 1 else 'the one row'} ({usage.candidate.n_rows:,}) counts as a "
    text += "use of the product, logins and errors too."
    if usage.unused:
        names = some((shown(one, 40) for one in usage.unused), MOST_NAMES)
        text += f" If a column says it (not used: {names}), name it with --column usage.action=COLUMN."
    return text


def _left_over(p: Proposal, table: ProposedTable) -> list[str]:
    """Columns that play no part in any table; further columns of accounts are kept as attributes."""
    if TABLES[table.fit.table].keeps_further_columns:
        return []
    elsewhere = p.tables["accounts"].candidate == table.candidate
    return [] if elsewhere else list(table.unused)


def _checks(p: Proposal) -> Iterator[str]:
    if p.window.check:
        yield p.window.check
    usage = p.tables.get("usage")
    if usage is not None and "action" not in usage.fit.columns:
        yield f"usage: {no_action(usage)}"
    elif p.actions is not None and p.actions.values and not p.actions.as_they_are:
        counts = ", ".join(f"{name} {n:,}" for name, n in p.actions.counts.items())
        yield f"what actions of usage mean was told by their words: {counts} rows."
    for name, table in p.tables.items():
        for note in table.notes:
            yield f"{name}: {note}"
    if p.zone_doubt:
        yield "times without an offset are taken to be in UTC."
    if p.reasons:
        yield f"{counted(len(p.reasons), 'reason')} for leaving: the causes were proposed by the words."
