"""What analyses of usage start from: the product's modules, rows at risk with what was used, and what is held equal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from whychurn.analyses.adjusted import USAGE_GROUPS, adjusters_of
from whychurn.analyses.risk_rows import VOLUNTARY, risk_rows
from whychurn.panel import Candidate, Panel
from whychurn.panel.candidates import MISSING_LEVEL
from whychurn.study import Study

#: Groups of measures that say what is done with the product, rather than whether anything is.
MODULE_GROUPS = ("modules", "seats", "friction")
#: Held equal where the study declares nothing about silence, so that being active is not taken for a module's doing.
SILENCE = "login_recency"
_BASE = ("account_id", "spell", "start", "stop", "event", "cause", "amount", "start_on", "cluster")


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the product and the columns that say how it is used; "" for those that there are not.

    Attributes
    ----------
    name : str
        As recorded.
    uses : str
        Uses in the trailing window.
    adopted : str
        Whether it was ever used.
    days_since : str
        Days since the last use.
    window : int
        Length of the window in days.
    """

    name: str
    uses: str
    adopted: str
    days_since: str
    window: int


@dataclass(frozen=True)
class FeatureRows:
    """Rows at risk with what was used.

    Attributes
    ----------
    rows : pandas.DataFrame
        All rows: base columns, the adjusters as models see them, and measures as recorded (:func:`raw_name`).
    known : numpy.ndarray of bool, shape (rows,)
        On which of them usage was recorded throughout the window.
    adjusters : tuple of Candidate
        What is held equal besides.
    note : str
        What the reader must know about them; "" if nothing.
    """

    rows: pd.DataFrame
    known: np.ndarray
    adjusters: tuple[Candidate, ...]
    note: str

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The rows on which usage is known."""
        return self.rows[self.known].reset_index(drop=True)

    @cached_property
    def last(self) -> pd.DataFrame:
        """The last row of each spell, in the order of the panel's accounts."""
        return self.rows[~self.rows.duplicated(["account_id", "spell"], keep="last").to_numpy()].reset_index(drop=True)


def modules_of(panel: Panel) -> tuple[Module, ...]:
    """Return the modules that the panel measures, in the order of its measures."""
    of_modules = {measure.name: measure for measure in panel.measures if measure.group == "modules"}
    found = []
    for name, measure in of_modules.items():
        uses = re.fullmatch(r"uses_\d+_(.+)", name)
        if not uses or measure.window == 0:
            continue
        adopted = of_modules.get(f"adopted_{uses[1]}")
        since = f"days_since_use_{uses[1]}"
        found.append(
            Module(
                name=adopted.label.removeprefix("Has used ") if adopted else uses[1],
                uses=name,
                adopted=adopted.name if adopted else "",
                days_since=since if since in of_modules else "",
                window=measure.window,
            )
        )
    return tuple(found)


def measured(panel: Panel, group: str, pattern: str) -> str:
    """Return the first measure of a group whose name fits a pattern, "" if there is none."""
    names = (measure.name for measure in panel.measures if measure.group == group)
    return next((name for name in names if re.fullmatch(pattern, name)), "")


def usage_adjusters(panel: Panel) -> tuple[tuple[Candidate, ...], str]:
    """Return what modules are adjusted for besides each other: earlier tiers, their own tier, and silence.

    Measures of how much is done stay out: they are what the modules add up to. A study that declares nothing about
    silence gets the time since the last login, and a note.
    """
    measures = {measure.name: measure for measure in panel.measures}

    def group(candidate: Candidate) -> str:
        return measures[candidate.column].group if candidate.column in measures else ""

    def amount(candidate: Candidate) -> bool:
        of_use = group(candidate) == "use" and measures[candidate.column].window > 0
        return group(candidate) in MODULE_GROUPS or of_use

    own = [c for c in panel.used if group(c) in MODULE_GROUPS] or [c for c in panel.used if group(c) in USAGE_GROUPS]
    silent = [c for c in panel.used if group(c) in ("login", "use") and not amount(c)]
    if own:
        tier = min(c.tier for c in own)
        before = [c for c in panel.used if c.tier <= tier and not amount(c) and not c.determined_by]
    else:
        before = list(adjusters_of(panel))
    chosen = [c for c in panel.used if c in before or c in silent]
    if silent or SILENCE not in measures:
        return tuple(chosen), ""
    levels = panel.rows.read([SILENCE])[SILENCE].astype(object).fillna(MISSING_LEVEL).unique()
    added = Candidate(
        SILENCE, measures[SILENCE].label, "category", tier=0, group=SILENCE, levels=tuple(sorted(map(str, levels)))
    )
    if len(added.levels) < 2:
        return tuple(chosen), ""
    note = f"The study declares no cause about silence, so {added.label.lower()} is held equal besides."
    return (*chosen, replace(added, reference=added.levels[0])), note


def feature_rows(panel: Panel, study: Study, columns: Sequence[str], known: Sequence[str]) -> FeatureRows:
    """Return rows at risk with columns as recorded, and on which of them usage is known.

    Parameters
    ----------
    panel : Panel
    study : Study
    columns : sequence of str
        Measures wanted as recorded, under ``raw`` and their name.
    known : sequence of str
        Those of them without which usage is not known.
    """
    adjusters, note = usage_adjusters(panel)
    rows = base_rows(panel, study, adjusters)
    assert panel.recorded is not None  # studies of tables have it
    raw = panel.recorded.read(list(dict.fromkeys(columns)))
    for name in dict.fromkeys(columns):
        rows[raw_name(name)] = raw[name].to_numpy()
    complete = raw[list(known)].notna().all(axis=1).to_numpy()
    return FeatureRows(rows, complete, adjusters, note)


def base_rows(panel: Panel, study: Study, adjusters: Sequence[Candidate]) -> pd.DataFrame:
    """Return all rows at risk with their base columns and the adjusters, nothing else."""
    rows = risk_rows(replace(panel, candidates=tuple(adjusters)), study)
    for candidate in adjusters:
        if candidate.kind == "category" and candidate.tier == 0:  # not declared, so the panel has not named its gaps
            rows[candidate.column] = rows[candidate.column].astype(object).fillna(MISSING_LEVEL).map(str)
    return rows[[name for name in (*_BASE, *(c.column for c in adjusters)) if name in rows]].copy()


def raw_name(column: str) -> str:
    """Return the name of a measure as recorded, beside the same measure as models see it."""
    return f"raw {column}"


def headline_cause(frame: pd.DataFrame) -> str:
    """Return the cause of leaving that verdicts go by: the customer's own decision, "" where no reason says so."""
    return VOLUNTARY if ((frame["event"] == 1) & (frame["cause"] == VOLUNTARY)).any() else ""
