"""Run the contenders of a task in rounds: ours, first peer, second peer, ..., ours again, and so on.

Whatever else the machine does then falls on all of them alike, and the k-th run of a peer can be set against the
k-th of ours.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.agreement import Agreement, compare
from benchmarks.peers import OURS, PEERS, Presence
from benchmarks.runs import Failure, Job, Run, run
from benchmarks.tasks import Entry, Task

# A call that takes longer than this is made once.
SLOW = 15.0

Runner = Callable[[Job, Path, float, Path | None], Run | Failure]
Say = Callable[[str], None]


@dataclass
class Line:
    """What is known of one contender of a task so far.

    Attributes
    ----------
    label, entry
        Name in the table; the entry of a peer, None for us.
    times
        What costs are multiplied by because fewer rows were given (1.0: all rows).
    runs, failure, agreement
        Completed calls in order; why the last one did not complete; how the estimates compare with ours.
    """

    label: str
    entry: Entry | None = None
    times: float = 1.0
    runs: list[Run] = field(default_factory=list)
    failure: Failure | None = None
    agreement: Agreement | None = None

    @property
    def finished(self) -> bool:
        """No further run is wanted."""
        return self.failure is not None or any(run.wall > SLOW for run in self.runs)


@dataclass
class Result:
    """A task and what was measured of it, complete or not.

    Attributes
    ----------
    task, rows
        The task, and the rows of its data in this run.
    ours, peers
        Our line and those of the peers that are here.
    first
        Our very first call, with nothing compiled yet, and a second one in that process.
    absent
        Labels of the peers that are not here.
    """

    task: Task
    rows: int
    ours: Line
    peers: list[Line]
    first: Run | Failure | None = None
    absent: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Nothing failed on our side, and no peer disagrees without a known reason."""
        judged = [line for line in self.peers if line.agreement is not None and line.entry and not line.entry.known]
        return not self.ours.failure and all(line.agreement.agrees for line in judged if line.agreement)


def open_result(task: Task, rows: int, scale: float, present: Mapping[str, Presence]) -> Result:
    """Return the result of a task before anything is measured."""
    peers = []
    for entry in task.entries:
        if entry.peer in present and present[entry.peer].version:
            limit = None if entry.limit is None else min(max(int(entry.limit * scale), 1), rows)
            label = PEERS[entry.peer].label + entry.variant
            peers.append(Line(label, replace(entry, limit=limit), 1.0 if limit is None else rows / limit))
    absent = dict.fromkeys(
        PEERS[e.peer].label for e in task.entries if e.peer in present and not present[e.peer].version
    )
    return Result(task, rows, Line(OURS), peers, absent=tuple(absent))


def measure(result: Result, folder: Path, repeats: int, timeout: float, say: Say, runner: Runner = run) -> None:
    """Fill in a result, run by run, so that an interrupted one holds what was done.

    Parameters
    ----------
    folder
        The data of the task.
    repeats
        Rounds.
    timeout
        Wall seconds per call.
    say
        Told in words what is about to run, and what it took.
    """
    task = result.task
    with tempfile.TemporaryDirectory(prefix="whychurn-compiled-") as compiled, tempfile.TemporaryDirectory() as answers:
        cache, scratch = Path(compiled), Path(answers)
        ours = Job(folder, OURS, task.work, None, task.covariates)

        def told(text: str, job: Job) -> Run | Failure:
            say(text)
            outcome = runner(job, scratch, timeout, cache)
            say(words(outcome))
            return outcome

        result.first = told(f"{OURS}, first call ever", replace(ours, twice=True))
        on_fewer_rows: dict[int | None, Run | Failure] = {}
        for turn in range(repeats):
            for line in (result.ours, *result.peers):
                if line.finished:
                    continue
                outcome = told(f"{line.label}, {turn + 1} of {repeats}", _job(line, ours))
                if isinstance(outcome, Failure):
                    line.failure = outcome
                    continue
                line.runs.append(outcome)
                if line.entry is None or line.agreement is not None or not result.ours.runs:
                    continue
                reference: Run | Failure = result.ours.runs[0]
                if line.times != 1.0:
                    limit = line.entry.limit
                    if limit not in on_fewer_rows:
                        text = f"{OURS} on {limit:,} rows, for comparison"
                        on_fewer_rows[limit] = told(text, replace(ours, rows=limit))
                    reference = on_fewer_rows[limit]
                line.agreement = _judge(reference, outcome)


def words(outcome: Run | Failure) -> str:
    """Say in a few words how a run went."""
    if isinstance(outcome, Failure):
        return outcome.reason
    return f"{outcome.cpu:.2f} s CPU, {outcome.wall:.2f} s wall"


def _job(line: Line, ours: Job) -> Job:
    entry = line.entry
    if entry is None:
        return ours
    return replace(
        ours, contender=PEERS[entry.peer].contender, work=entry.work or ours.work, rows=entry.limit or ours.rows
    )


def _judge(reference: Run | Failure, peer: Run) -> Agreement | None:
    if isinstance(reference, Failure) or reference.scale is None:
        return None
    return compare(reference.values, reference.scale, peer.values, peer.scale)
