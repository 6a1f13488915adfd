"""docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from benchmarks.context import HOW_TO_READ, Context
from benchmarks.rounds import Line, Result
from benchmarks.table import HEADINGS, notes_of, number, ratio, ratio_text, rows_of


def page(context: Context, results: Sequence[Result]) -> str:
    """Return the page: conditions, summary, how to read it, a table per task, what is missing."""
    parts = [
        "# Benchmarks",
        "Written by the command below, never by hand. It measures whychurn's estimators and those of other libraries on "
        "the same data in the same run, and compares their estimates.",
        _table(("", ""), [(f"**{head}**", text) for head, text in context.facts.items()]),
        "## In short",
        _summary(results),
        "## How to read this",
        *HOW_TO_READ,
    ]
    for result in results:
        parts += [f"## {result.task.title}", _sentence(result)]
        parts.append(_table(HEADINGS, [_marked(row.cells, row.kind) for row in rows_of(result)]))
        if notes := notes_of(result):
            parts.append("\n".join(f"- {note}" for note in notes))
    if context.absent:
        parts += ["## Not measured", _table(("library", "why"), list(context.absent.items()))]
    return "\n\n".join(parts) + "\n"


def _summary(results: Sequence[Result]) -> str:
    lines = []
    for result in results:
        ours = result.ours
        own = f"{number(median(run.cpu for run in ours.runs))} s" if ours.runs else "–"
        complete = [line for line in result.peers if line.entry and not line.entry.bare]
        found = [(known[0], line) for line in complete if (known := ratio(line, ours))]
        best = min(found, key=lambda pair: pair[0], default=None)
        fastest = f"{best[1].label}: {number(best[0])}×" if best else "–"
        lines.append((result.task.title, own, fastest, _of("R", result), _of("lifelines", result)))
    heads = ("CPU seconds of a peer over ours", "whychurn", "fastest peer with the same results", "R", "lifelines")
    return _table(heads, lines)


def _of(peer: str, result: Result) -> str:
    line: Line | None = next((line for line in result.peers if line.entry and line.entry.peer == peer), None)
    if line is None:
        return "–"
    if line.agreement is not None and not line.agreement.agrees:
        return "wrong" if line.entry and line.entry.known else "disagrees"
    return ratio_text(line, result.ours).split(" (")[0]


def _sentence(result: Result) -> str:
    parts = [result.task.sentence, result.task.alone]
    if result.absent:
        parts.append(f"Not installed: {', '.join(result.absent)}.")
    return " ".join(part for part in parts if part)


def _marked(cells: tuple[str, ...], kind: str) -> tuple[str, ...]:
    return (f"**{cells[0]}**", *cells[1:]) if kind == "ours" else cells


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
