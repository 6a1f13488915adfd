"""Under which conditions a run took place, and how to read its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.peers import PEERS, Presence, machine, own_versions
from benchmarks.rounds import SLOW

BUSY = 0.5


@dataclass(frozen=True)
class Context:
    """What is printed above the tables.

    Attributes
    ----------
    machine, load
        The machine, and its load average before the first run.
    versions, peers
        Of ours, and of the peers asked for.
    day
        Date of the run, as text.
    command
        What was typed.
    scale, repeats, timeout
        The options.
    """

    machine: str
    load: float
    versions: dict[str, str]
    peers: Mapping[str, Presence]
    day: str
    command: str
    scale: float
    repeats: int
    timeout: float

    @property
    def facts(self) -> dict[str, str]:
        """Conditions as heading and text, in order."""
        here = [f"{PEERS[key].label} {peer.version}" for key, peer in self.peers.items() if peer.version]
        found = {
            "Command": f"`{self.command}`, {self.day}",
            "Machine": self.machine + self._busy(),
            "Ours": ", ".join(f"{name} {version}" for name, version in self.versions.items()),
            "Peers": ", ".join(here) or "none",
            "Runs": f"{self.repeats} each, in turn; once where a call takes over {SLOW:g} s; at most {self.timeout:g} s a call",
        }
        if self.scale != 1.0:
            found["Scale"] = f"{self.scale:g} of the rows that the headings name: a quick look, not the benchmark"
        return found

    @property
    def absent(self) -> dict[str, str]:
        """Why each missing peer is missing, by label."""
        return {PEERS[key].label: peer.reason for key, peer in self.peers.items() if not peer.version}

    def _busy(self) -> str:
        if self.load > BUSY:
            return f"; it was busy before the run (load {self.load:.1f}), so absolute times are too high"
        return f"; load {self.load:.1f} before the run"


def describe(
    load: float, peers: Mapping[str, Presence], day: str, command: str, scale: float, repeats: int, timeout: float
) -> Context:
    """Look at the machine and the installed versions."""
    return Context(machine(), load, own_versions(), peers, day, command, scale, repeats, timeout)


HOW_TO_READ = (
    "Every call is the first of a process of its own. The data lie in memory in the form the library wants, the library "
    "is imported, then the clock starts: sorting, validation, the design matrix, the standard errors and whatever a "
    "library still loads at its first call count, reading the data does not. CPU is processor time over all threads, so a library does not look faster for using two cores; "
    "wall is what you wait for. Memory is the peak during the call above what the data took before it.",
    "The contenders of a task take turns (ours, first peer, second peer, ours again, ...). Seconds are medians, with "
    "the range beside them. They belong to this machine, which may be shared and noisy; what carries over are the "
    "ratios within a run: the peer's median CPU over ours, with the range over pairs of neighbouring runs beside it.",
    "whychurn compiles its inner loops at their first use and keeps the machine code on disk. The first row is a call "
    "in a new process with that code on disk (reading it counts); the second row is the very first call after an "
    "installation, with everything still to be compiled; the third row is a further call in that process, as in a "
    "notebook. Ratios take the first row.",
    "Estimates are compared with ours: the largest difference over all of them, in standard errors (for a chi-square: "
    "in standard deviations of its distribution). Up to a thousandth counts as agreement; standard errors may differ "
    "by a ten-thousandth of themselves. A peer that is known to answer another question, or to answer wrongly, is shown "
    "as wrong and not as beaten. Any other disagreement makes the command fail.",
    "“From 1,000,000 rows” means that the peer was given only so many, because more would take it too long, and that "
    "its seconds and memory were multiplied up in proportion; its estimates were compared with ours on the same rows.",
    "The peers do different amounts beside the estimates (R's coxph adds a concordance, lifelines a baseline hazard, "
    "whychurn checks every column); each is measured as its users call it. Python peers are handed ready matrices.",
)
