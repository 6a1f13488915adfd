"""Words for what could not be used while a table was read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from whychurn.errors import some
from whychurn.sources.canon import TABLES
from whychurn.sources.contract import IntegrityFinding, Severity
from whychurn.sources.grammar import what_to_do
from whychurn.sources.names import counted, shown
from whychurn.sources.tables.parts import Part
from whychurn.study import Table

#: Above this share of rows set aside, or of values that cannot be read, the table is not usable.
TOO_MANY = 0.05
#: Up to this share it is a note: no number that a report prints would move visibly.
FEW = 0.005
#: Above this share, exact copies of rows are likely a fault of the export rather than two events alike.
MANY_REPEATS = 0.01
#: Days were exported as midnights in UTC if so many instants are, and this share of them.
FEWEST_MIDNIGHTS, MOST_MIDNIGHTS = 20, 0.95
#: What a missing day means to everything after it.
MEANING = {
    ("subscriptions", "ended_on"): "The subscriptions concerned then count as still active.",
    ("subscriptions", "cancelled_on"): "The customers concerned then count as never having given notice.",
    ("payments", "paid_on"): "The payments concerned then count as never paid.",
    ("tickets", "closed_at"): "The tickets concerned then count as still open.",
    ("surveys", "answered_at"): "The answers concerned then count as never given.",
    ("usage", "count"): "The rows concerned then count once.",
}  # fmt: skip


def set_aside(
    table: str, n_records: int, reasons: Sequence[tuple[str, int]], rows: Sequence[str]
) -> list[IntegrityFinding]:
    """Say how many rows were set aside and why; more than one in twenty refuses the table.

    Parameters
    ----------
    table : str
    n_records : int
    reasons : sequence of (str, int)
        Clauses with counts.
    rows : sequence of str
        Examples.
    """
    n = sum(count for _, count in reasons)
    if not n:
        return []
    share = n / n_records
    why = "; ".join(f"{reason}: {count:,}" for reason, count in reasons if count)
    return [
        IntegrityFinding(
            code="rows-set-aside", severity=_weight(share), table=table, count=n,
            rows=tuple(rows[:3]),
            problem=f"{n:,} of {n_records:,} rows of {table} ({_percent(share)}) cannot be used and "
            f"{'was' if n == 1 else 'were'} set aside ({why}).",
            consequence="What they say is missing from every number, and it may be missing for some customers only.",
            action=f"Look at .whychurn/rejects-{table}.csv: each is listed there with its line and the reason.",
        )
    ]  # fmt: skip


def unreadable_values(name: str, table: Table, parts: Sequence[Part]) -> list[IntegrityFinding]:
    """One finding for each optional column with values that cannot be read."""
    findings = []
    for column in dict.fromkeys(column for part in parts for column in part.unreadable):
        told = [part.unreadable[column] for part in parts if column in part.unreadable]
        required = any(one.name == column and one.required for one in TABLES[name].columns)
        n, present = sum(one[0] for one in told), sum(one[1] for one in told)
        examples, reason = list(dict.fromkeys(text for one in told for text in one[2]))[:3], told[0][3]
        share = n / max(present, 1)
        fix = "Correct the values in the file."
        if "number" in reason:
            fix = what_to_do(examples, table.decimal)
        elif " date " in reason or " time " in reason:
            fix = _format_hint(name, column, examples[0])
        fate = "Their rows were set aside." if required else "They are read as missing."
        findings.append(
            IntegrityFinding(
                code="unreadable-values", severity=_weight(share), table=name,
                column=column, count=n,
                problem=f"{counted(n, 'value')} of {name}.{column} ({_percent(share)} of those present) cannot be read "
                f"({some(map(shown, examples))}): the first {reason}.",
                consequence=f"{fate} {MEANING.get((name, column), '')}".strip(),
                action=fix,
            )
        )  # fmt: skip
    return findings


def _weight(share: float) -> Severity:
    return "refuse" if share > TOO_MANY else "caveat" if share > FEW else "note"


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "<0.1%"


def _format_hint(name: str, column: str, example: str) -> str:
    """Say how to declare what a value looks like; what it means is for the user to say."""
    where = f"under [tables.{name}], say"
    found = re.match(r"\s*\d{1,2}([./-])\d{1,2}[./-](\d{4}|\d{2})\b", example)
    if found:
        mark, year = found.group(1), "%Y" if len(found.group(2)) == 4 else "%y"
        first, second = f"%d{mark}%m{mark}{year}", f"%m{mark}%d{mark}{year}"
        return (
            f'If the day comes first, write {where} formats = {{ {column} = "{first}" }}; if the month does, '
            f'"{second}"; with a time, add such as " %H:%M".'
        )
    for pattern, written in ((r"\d{10}", "unix seconds"), (r"\d{13}", "unix milliseconds"), (r"\d{8}", "%Y%m%d")):
        if re.fullmatch(pattern, example.strip()):
            return f'If that is what they are, write {where} formats = {{ {column} = "{written}" }}.'
    return f'Correct the values, or declare their format {where} formats = {{ {column} = "%d.%m.%Y %H:%M" }}.'


def mixed_offsets(name: str, zone: str, parts: Sequence[Part]) -> list[IntegrityFinding]:
    """Say where some times of a column have an offset and others have none, and where an offset moves days."""
    findings = _midnights(name, parts)
    for column in dict.fromkeys(column for part in parts for column in part.mixed):
        counts = [part.mixed[column] for part in parts if column in part.mixed]
        n_with, n_without = sum(pair[0] for pair in counts), sum(pair[1] for pair in counts)
        findings.append(
            IntegrityFinding(
                code="mixed-offsets", severity="caveat", table=name, column=column, count=n_without,
                problem=f"{name}.{column} holds {counted(n_with, 'time')} with an offset from UTC and {n_without:,} without.",
                consequence=f"Those without are taken as local times of {zone}; if that is wrong, they are hours off.",
                action=f'Export all times with an offset, or write time_zone = "…" under [tables.{name}].',
            )
        )  # fmt: skip
    return findings


def _midnights(name: str, parts: Sequence[Part]) -> list[IntegrityFinding]:
    """Say where days seem to have been exported as midnights in UTC, which here belong to the day before."""
    findings = []
    for column in dict.fromkeys(column for part in parts for column in part.midnights):
        counts = [part.midnights[column] for part in parts if column in part.midnights]
        n, moved = sum(pair[0] for pair in counts), sum(pair[1] for pair in counts)
        if moved < max(FEWEST_MIDNIGHTS, MOST_MIDNIGHTS * n):
            continue
        findings.append(
            IntegrityFinding(
                code="midnight-instants", severity="caveat", table=name, column=column, count=moved,
                problem=f"{moved:,} of {n:,} times with an offset in {name}.{column} ({_percent(moved / n)}) are midnight in UTC.",
                consequence="They probably stand for that calendar day; in the study's time zone they fall on the day before.",
                action='Export days without times, or write time_zone = "UTC" under [study].',
            )
        )  # fmt: skip
    return findings


def exact_repeats(name: str, n_repeats: int, n_rows: int, about: bool) -> list[IntegrityFinding]:
    """Say how many rows of a log are exact copies of another; they are kept, for two events can be alike."""
    if not n_repeats:
        return []
    share = n_repeats / n_rows
    return [
        IntegrityFinding(
            code="exact-repeats", severity="caveat" if share > MANY_REPEATS else "note", table=name, count=n_repeats,
            problem=f"{'About ' if about else ''}{counted(n_repeats, 'row')} of {name} ({share:.1%}) "
            f"{'repeats' if n_repeats == 1 else 'repeat'} another in every column that is read.",
            consequence="They are kept, as two events can look alike; if the export doubled them, counts are too high.",
            action="Check one of them in the system the file comes from.",
        )
    ]  # fmt: skip
