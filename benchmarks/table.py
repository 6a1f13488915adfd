"""The rows of the tables, as text; terminal and Markdown show the same."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from benchmarks.rounds import Line, Result
from benchmarks.runs import Failure, Run
from benchmarks.tasks import ERROR_BOUND

HEADINGS = ("", "CPU", "wall", "memory", "CPU, times ours", "estimates")


@dataclass(frozen=True)
class Row:
    """One row: its cells in the order of `HEADINGS`, and whether it is ours, in order, or a problem."""

    cells: tuple[str, ...]
    kind: str = "peer"


def rows_of(result: Result) -> list[Row]:
    """Return the rows of one task: ours, our first call ever and the one after it, the peers from fast to slow, those without a time."""
    rows = [_row(result.ours, result.ours, "ours")]
    if isinstance(result.first, Run):
        first = result.first
        rows.append(Row(("… first call ever", _seconds(first.cpu), _seconds(first.wall), "", "", ""), "ours"))
        if first.again is not None:
            rows.append(Row(("… again in one process", _seconds(first.again), "", "", "", ""), "ours"))
    elif isinstance(result.first, Failure):
        rows.append(Row(("… first call ever", "failed", "", "", "", ""), "problem"))
    return rows + [_row(line, result.ours, _kind(line)) for line in sorted(result.peers, key=_by_cost)]


def notes_of(result: Result) -> list[str]:
    """Return what stands below a table: why a row is wrong, why a call failed, remarks."""
    found = []
    for line in (result.ours, *result.peers):
        if line.failure and not line.failure.seconds:
            found.append(f"{line.label} failed: {line.failure.reason}.")
        if line.entry and line.agreement and not line.agreement.agrees and line.entry.known:
            found.append(f"{line.label} is wrong here: {line.entry.known}.")
        if line.entry and line.agreement and line.agreement.agrees and line.entry.known:
            found.append(f"{line.label} was expected to differ ({line.entry.known}), and does not here.")
        if line.entry and line.entry.bare:
            found.append(f"{line.label} gives no standard errors: a reference for speed only.")
    if isinstance(result.first, Failure):
        found.append(f"The first call failed: {result.first.reason}.")
    return found


def ratio(line: Line, ours: Line) -> tuple[float, float, float] | None:
    """Return a peer's CPU over ours: of medians, and the smallest and largest of pairs of runs.

    None where there is nothing to compare: no run, or estimates that are not the same.
    """
    if not line.runs or not ours.runs or line.agreement is None or not line.agreement.agrees:
        return None
    pairs = [
        line.times * peer.cpu / _positive(own.cpu) for peer, own in zip(line.runs, ours.runs, strict=False)
    ]  # either may have been stopped earlier
    middle = line.times * median(run.cpu for run in line.runs) / _positive(median(run.cpu for run in ours.runs))
    return middle, min(pairs), max(pairs)


def ratio_text(line: Line, ours: Line) -> str:
    """Return the ratio in print: "18× (17–19)", "> 150× wall" after a time limit, or a dash."""
    if line.failure and line.failure.seconds and ours.runs:
        wall = median(run.wall for run in ours.runs)
        return f"> {number(line.times * line.failure.seconds / _positive(wall))}× (wall)"
    found = ratio(line, ours)
    if found is None:
        return "–"
    spread = f" ({number(found[1])}–{number(found[2])})" if len(line.runs) > 1 else ""
    return f"{number(found[0])}×{spread}"


def number(value: float) -> str:
    """Print three digits that count, two below ten."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2g}" if value < 10 else f"{value:.3g}"


def _row(line: Line, ours: Line, kind: str) -> Row:
    label = line.label
    if line.entry and line.times != 1.0:
        label += f", from {line.entry.limit:,} rows"
    if not line.runs:
        word = "not measured"
        if line.failure:
            word = line.failure.reason if line.failure.seconds else "failed"
        return Row((label, word, "", "", ratio_text(line, ours) if line.entry and line.failure else "", ""), kind)
    cpu, wall = ([line.times * getattr(run, name) for run in line.runs] for name in ("cpu", "wall"))
    memory = line.times * median(run.memory for run in line.runs)
    against = ratio_text(line, ours) if line.entry else ""
    return Row((label, _spread(cpu), _seconds(median(wall)), _memory(memory), against, _estimates(line)), kind)


def _estimates(line: Line) -> str:
    entry, agreement = line.entry, line.agreement
    if entry is None:
        return ""
    if agreement is None:
        return "not compared"
    size = f"{agreement.difference:.0e} SE" if agreement.difference < 0.001 else f"{number(agreement.difference)} SE"
    if not agreement.agrees:
        word = "wrong" if entry.known else "DISAGREE"
        error = agreement.error_difference
        beside = f", standard errors by {error:.2%}" if error is not None and error > ERROR_BOUND else ""
        return f"{word} by {size}{beside}"
    return "agree exactly" if agreement.difference == 0.0 else f"agree ({size})"


def _kind(line: Line) -> str:
    if line.failure or (line.agreement is not None and not line.agreement.agrees):
        return "problem"
    return "peer"


def _by_cost(line: Line) -> float:
    return line.times * median(run.cpu for run in line.runs) if line.runs else float("inf")


def _spread(values: list[float]) -> str:
    if len(values) == 1:
        return f"{_seconds(values[0])} (once)"
    return f"{_seconds(median(values))} ({_digits(min(values))}–{_digits(max(values))})"


def _seconds(value: float) -> str:
    return f"{_digits(value)} s"


def _digits(value: float) -> str:
    if value < 0.1:
        return f"{value:.3f}"
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _memory(value: float) -> str:
    return f"{value / 1e9:.1f} GB" if value >= 1e9 else f"{value / 1e6:.0f} MB"


def _positive(seconds: float) -> float:
    """Guard against a clock that saw nothing."""
    return max(seconds, 1e-4)
