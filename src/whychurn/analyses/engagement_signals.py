"""Signs of engagement, cut into levels: how use has changed and how much there is, tickets, ratings, contacts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.risk_rows import as_floats, recorded
from whychurn.panel import Candidate, Panel

Floats = NDArray[np.float64]
#: Use of four weeks against the account's own usual: at most half of it, at most four fifths, five fourths and more.
HALVED, DOWN, UP = 0.5, 0.8, 1.25
TREND_LEVELS = ("steady", "halved or worse", "down", "up")
MISSING = "not recorded"
#: Scales of ratings; the smallest that holds every rating is taken.
_SCALES = (5, 7, 10, 100)
#: Up to this part of the scale a rating is low; from the other on it is high. Of five: 1 and 2, 4 and 5.
_LOW, _HIGH = 0.5, 0.7


@dataclass(frozen=True)
class Signal:
    """One sign of engagement as a model sees it.

    Attributes
    ----------
    measure : str
        What it is made of.
    candidate : Candidate
        Its levels, the reference first.
    values : ndarray of object, shape (n,)
        A level per row at risk; None where it is not recorded.
    definition : str
        What the levels mean.
    """

    measure: str
    candidate: Candidate
    values: NDArray[Any]
    definition: str

    @property
    def column(self) -> str:
        """Its name among the columns of a model's rows."""
        return self.candidate.column


@dataclass(frozen=True)
class Signals:
    """The signs that the study records; None for one that it does not, and ``lacking`` says so.

    Attributes
    ----------
    trend, level, low_use : Signal or None
        Change of use against the account's own usual; uses in bands; uses below the median of the rows.
    open_tickets, tickets, any_tickets, rating : Signal or None
    contacts, saves : Signal or None
    lacking : dict of str to str
        What is not recorded, and why nothing can be said about it.
    """

    trend: Signal | None = None
    level: Signal | None = None
    low_use: Signal | None = None
    open_tickets: Signal | None = None
    tickets: Signal | None = None
    any_tickets: Signal | None = None
    rating: Signal | None = None
    contacts: Signal | None = None
    saves: Signal | None = None
    lacking: dict[str, str] = field(default_factory=dict)

    def __iter__(self) -> Any:
        every = (self.trend, self.level, self.low_use, self.open_tickets, self.tickets, self.any_tickets, self.rating)
        return (signal for signal in (*every, self.contacts, self.saves) if signal is not None)


def signals(panel: Panel) -> Signals:
    """Read what the study records of engagement."""
    names = {
        "trend": "use_trend" if _has(panel, "use_trend") else "",
        "uses": _shortest(panel, "uses_"),
        "open_tickets": "open_tickets" if _has(panel, "open_tickets") else "",
        "tickets": _shortest(panel, "tickets_"),
        "rating": "last_csat" if _has(panel, "last_csat") else "",
        "contacts": _shortest(panel, "interactions_"),
        "saves": _shortest(panel, "interventions_"),
    }
    found = {key: name for key, name in names.items() if name}
    frame = recorded(panel, list(found.values())) if found else pd.DataFrame()
    numbers = {key: as_floats(frame[name]) for key, name in found.items()}
    made: dict[str, Signal] = {}
    if "trend" in numbers:
        made["trend"] = _trend(panel, found["trend"], numbers["trend"])
    if "uses" in numbers:
        made["level"], made["low_use"] = _use(panel, found["uses"], numbers["uses"])
    if "open_tickets" in numbers:
        made["open_tickets"] = _counted(panel, found["open_tickets"], numbers["open_tickets"], (1, 2))
    if "tickets" in numbers:
        made["tickets"] = _counted(panel, found["tickets"], numbers["tickets"], (1, 2, 4))
        made["any_tickets"] = _counted(panel, found["tickets"], numbers["tickets"], (1,), "_any", ("none", "some"))
    if "rating" in numbers:
        made["rating"] = _rating(panel, found["rating"], numbers["rating"])
    if "contacts" in numbers:
        made["contacts"] = _counted(panel, found["contacts"], numbers["contacts"], (1, 3))
    if "saves" in numbers:
        made["saves"] = _counted(panel, found["saves"], numbers["saves"], (1,), labels=("none", "one or more"))
    lacking = {key: "The study does not record what this needs." for key, name in names.items() if not name}
    return Signals(**made, lacking=lacking)


def _trend(panel: Panel, name: str, logs: Floats) -> Signal:
    labels = np.array(["halved or worse", "down", "steady", "up", None], dtype=object)
    # The first cuts belong to what lies below them: exactly half is halved.
    place = np.searchsorted([math.log(HALVED), math.log(DOWN)], logs, side="left")
    place = np.where(logs >= math.log(UP), 3, place)
    place[np.isnan(logs)] = 4
    definition = (
        f"{_description(panel, name)} Halved or worse: at most {HALVED:g} times the usual; down: up to {DOWN:g} times; "
        f"up: {UP:g} times and more."
    )
    return Signal(name, _candidate(panel, name, TREND_LEVELS, compare="halved or worse"), labels[place], definition)


def _use(panel: Panel, name: str, uses: Floats) -> tuple[Signal, Signal]:
    """Return uses in bands (none, and thirds of the rest), and whether they lie below the median of the rows."""
    known = uses[~np.isnan(uses)]
    some = known[known > 0]
    cuts = sorted({int(cut) for cut in np.quantile(some, [1 / 3, 2 / 3]) if cut >= 1} if len(some) else set())
    edges = [1, *[cut + 1 for cut in cuts]]
    labels = _names(edges, "uses", most_first=True)
    bands = _levels(uses, edges, labels)
    order = tuple(reversed(labels))
    level = Signal(
        name, _candidate(panel, name, order, compare=labels[0], suffix="_bands"), bands, _description(panel, name)
    )
    median = max(float(np.median(known)), 1.0) if len(known) else 1.0
    names = ("below the median", "at or above it")
    lows = np.where(uses < median, names[0], names[1]).astype(object)
    lows[np.isnan(uses)] = None
    definition = f"Low use: fewer than {median:g} uses, the median of the rows at risk. {_description(panel, name)}"
    low = Signal(name, _candidate(panel, name, (names[1], names[0]), compare=names[0], suffix="_low"), lows, definition)
    return level, low


def _rating(panel: Panel, name: str, scores: Floats) -> Signal:
    known = scores[~np.isnan(scores)]
    top = next((scale for scale in _SCALES if not len(known) or known.max() <= scale), int(np.ceil(known.max())))
    labels = (
        ("1 or 2 of 5", "3 of 5", "4 or 5 of 5")
        if top == _SCALES[0]
        else (
            f"below {_LOW * top:g} of {top}",
            f"{_LOW * top:g} to {_HIGH * top:g}",
            f"{_HIGH * top:g} of {top} or more",
        )
    )
    none = "none yet"
    bands = np.array([*labels, none], dtype=object)
    place = np.searchsorted([_LOW * top, _HIGH * top], scores, side="right")
    place[np.isnan(scores)] = 3
    candidate = _candidate(panel, name, (labels[2], labels[1], labels[0], none), compare=labels[0], suffix="_bands")
    return Signal(name, candidate, bands[place], _description(panel, name))


def _counted(
    panel: Panel, name: str, counts: Floats, edges: Sequence[int], suffix: str = "_bands", labels: Sequence[str] = ()
) -> Signal:
    names = list(labels) or _names(list(edges), "")
    candidate = _candidate(panel, name, tuple(names), compare=names[-1], suffix=suffix)
    return Signal(name, candidate, _levels(counts, edges, names), _description(panel, name))


def _levels(counts: Floats, edges: Sequence[int], names: Sequence[str]) -> NDArray[Any]:
    place = np.searchsorted(edges, counts, side="right")
    place[np.isnan(counts)] = len(names)
    return np.array([*names, None], dtype=object)[place]


def _names(edges: Sequence[int], what: str, most_first: bool = False) -> list[str]:
    """Name the bands of a count, lowest first: none, 1 to 5, 6 or more."""
    unit = f" {what}" if what and most_first else ""
    names = [f"no {what}" if what else "none"]
    for low, high in pairwise(edges):
        names.append((f"{low}" if high == low + 1 else f"{low} to {high - 1}") + unit)
    return [*names, f"{edges[-1]} or more{unit}"]


def _candidate(panel: Panel, name: str, levels: tuple[str, ...], compare: str, suffix: str = "_bands") -> Candidate:
    """Return the sign as a term of a model: in the tier and group of the measure, if the study declares it."""
    declared = next((candidate for candidate in panel.used if candidate.column == name), None)
    measure = next(measure for measure in panel.measures if measure.name == name)
    return Candidate(
        column=f"{name}{suffix}",
        label=declared.label if declared is not None and suffix == "_bands" else measure.label,
        kind="category",
        tier=declared.tier if declared is not None else _tier_of(panel, measure.group),
        group=declared.group if declared is not None else name,
        levels=levels,
        reference=levels[0],
        compare=compare,
        compare_declared=True,
    )


def _tier_of(panel: Panel, group: str) -> int:
    """Return the tier of the causes that are measured alike, else the last one."""
    alike = {measure.name for measure in panel.measures if measure.group == group}
    tiers = [candidate.tier for candidate in panel.used if candidate.column in alike]
    return min(tiers) if tiers else max((candidate.tier for candidate in panel.used), default=1)


def _has(panel: Panel, name: str) -> bool:
    return any(measure.name == name for measure in panel.measures)


def _shortest(panel: Panel, beginning: str) -> str:
    """Return the measure of this name with the shortest window, "" where there is none."""
    found = [
        measure
        for measure in panel.measures
        if measure.name.startswith(beginning) and measure.name.removeprefix(beginning).isdigit()
    ]
    return min(found, key=lambda measure: measure.window).name if found else ""


def _description(panel: Panel, name: str) -> str:
    measure = next(measure for measure in panel.measures if measure.name == name)
    return f"{measure.label}: {measure.description}"
