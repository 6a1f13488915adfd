"""How long customers have been silent at each row at risk, by two clocks, beside what is held constant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.common import OUTCOME
from whychurn.analyses.risk_rows import CLUSTER, VOLUNTARY, as_floats, of_cause, recorded, risk_rows
from whychurn.analyses.rows import ModelRows, model_rows
from whychurn.analyses.stretches import in_a_risk_set, stretches_of
from whychurn.panel import Candidate, Panel
from whychurn.study import TableStudy

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BANDS = ("0-6 days", "7-13 days", "14-29 days", "30+ days")
BAND_STARTS = (0, 7, 14, 30)
#: No number of days: nothing was ever recorded, could have been, or was being recorded.
UNSEEN = ("too new", "never yet", "not recorded")
LEVELS = (*BANDS, *UNSEEN)
TOO_NEW, NEVER, UNRECORDED = (LEVELS.index(level) for level in UNSEEN)
VOLUNTARY_OUTCOME = f"{VOLUNTARY} {OUTCOME}"
#: The column of the levels in a model.
SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Clock:
    """What counts as a sign of life, and the measures that time it."""

    name: str
    term: str
    days: str
    recency: str


LOGIN = Clock("login", "Time since the last login", "days_since_login", "login_recency")
USE = Clock("use", "Time since the last use", "days_since_use", "use_recency")
CLOCKS = (LOGIN, USE)


@dataclass(frozen=True, slots=True)
class Silence:
    """One clock on the rows at risk, as of each row's cut-off.

    Attributes
    ----------
    clock : Clock
    days : array, shape (n,)
        Full days since the last sign of life; NaN where that is no number.
    level : array of int, shape (n,)
        Places in :data:`LEVELS`.
    """

    clock: Clock
    days: Floats
    level: Ints

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Whether silence is a number of days."""
        return np.asarray(self.level < len(BANDS))


@dataclass(frozen=True, slots=True)
class AtRisk:
    """Rows at risk of one kind of leaving, with what is held constant coded once for all models.

    Attributes
    ----------
    frame : pandas.DataFrame
        ``account_id``, ``spell``, ``start``, ``stop``, ``event``, ``cause``, ``start_on``, ``cluster`` and the adjusters;
        n rows.
    outcome : str
    spell, account : arrays of int, shape (n,)
        Codes of the spell and of the customer.
    adjusters : tuple of Candidate
    stretch : array of int, shape (n,)
        The stretch of each row over which no adjuster changes.
    coded : ModelRows
        The stretches, coded for models.
    place : array of int, shape (stretches,)
        Where a stretch is among ``coded``; -1 where it had to leave.
    """

    frame: pd.DataFrame
    outcome: str
    spell: Ints
    account: Ints
    adjusters: tuple[Candidate, ...]
    stretch: Ints
    coded: ModelRows
    place: Ints

    def array(self, name: str) -> NDArray[Any]:
        """Return a column as an array, shape (n,)."""
        return np.asarray(self.frame[name].to_numpy())

    @property
    def length(self) -> Floats:
        """Days that each row covers, shape (n,)."""
        return np.asarray(self.array("stop") - self.array("start"), dtype=float)

    @property
    def left(self) -> NDArray[np.bool_]:
        """Whether a row ends in leaving, shape (n,)."""
        return np.asarray(self.array("event") == 1)

    def model_rows(self, own: dict[str, NDArray[Any]], kept: NDArray[np.bool_] | None = None) -> ModelRows:
        """Return rows for a model of own columns, shape (n,) each, beside the adjusters: as few as say the same.

        Rows that are at risk when nobody leaves are left out too; they enter no likelihood.
        """
        start, stop, event = (self.array(name) for name in ("start", "stop", "event"))
        first, last = stretches_of(self.spell, start, stop, event, [self.stretch, *own.values()])
        place = self.place[self.stretch[first]]
        keep = place >= 0
        if kept is not None:
            keep &= kept[first]
        keep[keep] = in_a_risk_set(start[first][keep], stop[last][keep], event[last][keep])
        first, last = first[keep], last[keep]
        frame = self.coded.frame.take(place[keep]).reset_index(drop=True)
        frame["start"], frame["stop"], frame["event"] = start[first], stop[last], event[last]
        for name, values in own.items():
            frame[name] = values[first]
        return replace(self.coded, frame=frame)


def read_at_risk(panel: Panel, study: TableStudy, adjusters: tuple[Candidate, ...]) -> AtRisk:
    """Return the rows at risk of leaving for any reason."""
    frame = risk_rows(replace(panel, candidates=adjusters), study)
    account = pd.factorize(frame["account_id"])[0].astype(np.int64)
    number = frame["spell"].to_numpy(dtype=np.int64)
    spell = np.cumsum(np.concatenate(([True], (account[1:] != account[:-1]) | (number[1:] != number[:-1]))))
    return _coded(frame, OUTCOME, spell.astype(np.int64) - 1, account, adjusters)


def of_voluntary(rows: AtRisk) -> AtRisk | None:
    """Return rows whose events are voluntary departures only; None where that is all of them, or none."""
    frame = of_cause(rows.frame, VOLUNTARY)
    if not 0 < frame["event"].sum() < rows.left.sum():
        return None
    return _coded(frame, VOLUNTARY_OUTCOME, rows.spell, rows.account, rows.adjusters)


def unadjusted(rows: AtRisk) -> AtRisk:
    """Return the same rows with nothing held constant."""
    return _coded(rows.frame, rows.outcome, rows.spell, rows.account, ())


def _coded(frame: pd.DataFrame, outcome: str, spell: Ints, account: Ints, adjusters: tuple[Candidate, ...]) -> AtRisk:
    start, stop, event = (frame[name].to_numpy() for name in ("start", "stop", "event"))
    keys = [_comparable(frame[candidate.column]) for candidate in adjusters]
    first, last = stretches_of(spell, start, stop, event, keys)
    stretches = frame.iloc[first].assign(stop=stop[last], event=event[last], cause=frame["cause"].to_numpy()[last])
    coded = model_rows(stretches, adjusters)
    # What every fit copies is kept short: names of accounts are text, their codes are not.
    slim = [name for name in ("start", "stop", "event", CLUSTER, *coded.terms) if name in coded.frame]
    row = coded.frame["row"].to_numpy()
    coded = replace(coded, frame=coded.frame[slim].assign(account_id=account[first][row]))
    place = np.full(len(first), -1, dtype=np.int64)
    place[row] = np.arange(len(row))
    stretch = np.repeat(np.arange(len(first)), last - first + 1)
    return AtRisk(frame, outcome, spell, account, adjusters, stretch, coded, place)


def _comparable(values: pd.Series) -> NDArray[Any]:
    """Missing values are equal to each other here."""
    return values.to_numpy() if not values.isna().any() else pd.factorize(values)[0]


def read_silence(panel: Panel, clock: Clock) -> Silence | None:
    """Return one clock; None where the study does not record it."""
    rows = panel.recorded if panel.recorded is not None else panel.rows
    if not {clock.days, clock.recency} <= set(rows.columns):
        return None
    frame = recorded(panel, [clock.days, clock.recency])
    days = as_floats(frame[clock.days])
    level = np.full(len(days), UNRECORDED, dtype=np.int64)
    seen = ~np.isnan(days)
    level[seen] = np.digitize(days[seen], BAND_STARTS) - 1
    words = frame[clock.recency].to_numpy()
    level[~seen & (words == UNSEEN[0])] = TOO_NEW
    level[~seen & (words == UNSEEN[1])] = NEVER
    return Silence(clock, days, level)


def customers_by(codes: Ints, n_levels: int, account: Ints) -> Ints:
    """Count the distinct customers at each of so many levels, shape (n_levels,)."""
    pairs = np.unique(codes * (int(account.max(initial=0)) + 1) + account)
    return np.bincount(pairs // (int(account.max(initial=0)) + 1), minlength=n_levels)


def clusters_of(rows: AtRisk) -> Ints:
    """Return whose rows belong together, shape (n,): the customer, or the parent of several."""
    return rows.array(CLUSTER).astype(np.int64) if CLUSTER in rows.frame else rows.account
