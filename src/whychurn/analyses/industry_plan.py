"""Where curves by segment begin and end: late entry leaves few at risk at both, and few can say anything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.analyses.industry_rows import FEWEST_CUSTOMERS, Segment
from whychurn.analyses.rates import YEAR
from whychurn.models import fit_kaplan_meier
from whychurn.study import TableStudy

#: The one level of all customers together.
ALL = "all customers"
#: A curve begins and ends where so many are at risk.
FEWEST_AT_RISK = 10
#: A group whose curve could begin only later than this is left out rather than have all others begin there.
LATEST_BEGINNING = YEAR / 2
#: Without whole years, horizons are multiples of this many days.
MONTH = 30.0


@dataclass(frozen=True, slots=True)
class CurvePlan:
    """What the curves of one segment can carry.

    Attributes
    ----------
    levels : tuple of str
        Levels with a curve.
    since : float
        Day of the stay at which all of them begin: curves are those of customers still there then.
    ends : Mapping of str to float
        Last day with enough at risk, by level.
    horizons : tuple of float
        Days at which levels are compared: one year, and the longest that all support; see :func:`plan_curves`.
    left_out : Mapping of str to str
        Levels without a curve, and why.
    """

    levels: tuple[str, ...]
    since: float
    ends: dict[str, float]
    horizons: tuple[float, ...]
    left_out: dict[str, str]

    @property
    def last(self) -> float:
        """Day at which the figure ends: as far as half of the curves go."""
        return max(float(np.median(list(self.ends.values()))), *self.horizons, self.since + 1)

    def supported(self, horizon: float) -> list[str]:
        """Return the levels with enough at risk at `horizon`."""
        return [level for level in self.levels if self.ends[level] >= horizon]


def plan_curves(
    spells: pd.DataFrame, segments: Sequence[Segment], study: TableStudy
) -> tuple[CurvePlan, list[CurvePlan]]:
    """Decide where curves begin, how far they go, and at which horizons levels are compared.

    All curves of the page begin together. The first horizon is one year, or the most months that the reference
    supports. The second is the most whole years that all levels supporting the first one support, within the length
    of the window: beyond that a curve joins customers of different times. A year is rounded up to whole days, so
    that an anniversary always lies within.

    Parameters
    ----------
    spells : pandas.DataFrame
        One row per stay.
    segments : sequence of Segment
    study : TableStudy

    Returns
    -------
    everyone : CurvePlan
        Of all customers together, whose level is :data:`ALL`.
    plans : list of CurvePlan
        Of each segment.
    """
    spans = [_spans(spells, segment) for segment in segments]
    whole = _span(spells)
    begins = [begin for found, _ in spans for begin, _ in found.values()]
    since = max(begins, default=whole[0] if whole else 0.0)
    plans = []
    for segment, (found, left_out) in zip(segments, spans, strict=True):
        ends = {level: end for level, (_, end) in found.items() if end > since}
        why = f"No curve: fewer than {FEWEST_AT_RISK} at risk from day {since:g}, where the others begin."
        reasons = left_out | {level: why for level in found if level not in ends}
        levels = tuple(level for level in segment.order if level in ends)
        horizons = _horizons(ends, since, segment.candidate.reference, study)
        plans.append(CurvePlan(levels, since, ends, horizons, reasons))
    own = {ALL: whole[1]} if whole and whole[1] > since else {}
    horizons = next((plan.horizons for plan in plans if plan.horizons), _horizons(own, since, ALL, study))
    return CurvePlan(tuple(own), since, own, horizons, {}), plans


def _spans(spells: pd.DataFrame, segment: Segment) -> tuple[dict[str, tuple[float, float]], dict[str, str]]:
    """Return between which days of a stay each level has enough at risk; and the levels that have not, with why."""
    found: dict[str, tuple[float, float]] = {}
    left_out: dict[str, str] = {}
    for level in segment.order:
        mine = spells[(segment.groups == level).to_numpy()]
        if mine["account_id"].nunique() < FEWEST_CUSTOMERS:
            left_out[level] = f"No curve: fewer than {FEWEST_CUSTOMERS} customers."
            continue
        span = _span(mine)
        if span is None or span[0] > LATEST_BEGINNING:
            left_out[level] = f"No curve: never {FEWEST_AT_RISK} at risk within the first half year of a stay."
        else:
            found[level] = span
    return found, left_out


def _span(mine: pd.DataFrame) -> tuple[float, float] | None:
    """Return from which day to which day of a stay enough are at risk; None where they never are."""
    start, stop = (np.sort(mine[name].to_numpy(dtype=float)) for name in ("start", "stop"))
    if len(start) < FEWEST_AT_RISK:
        return None
    at_risk = np.searchsorted(start, stop, side="left") - np.searchsorted(stop, stop, side="left")
    enough = np.flatnonzero(at_risk >= FEWEST_AT_RISK)
    if not enough.size:
        return None
    fit = fit_kaplan_meier(mine, "stop", "event", start="start", min_at_risk=FEWEST_AT_RISK)
    # Before the tenth has entered nothing is known, whether or not anybody left.
    begin = max(float(fit.skipped["begins"].iloc[0]), float(start[FEWEST_AT_RISK - 1]))
    return begin, float(stop[enough[-1]])


def _horizons(ends: dict[str, float], since: float, reference: str, study: TableStudy) -> tuple[float, ...]:
    if not ends:
        return ()
    limit = ends.get(reference, max(ends.values()))
    year = year_end(1)
    first = year if since < year <= limit else MONTH * math.floor(min(limit, year) / MONTH)
    if first <= since:
        return ()
    longest = min(min(end for end in ends.values() if end >= first), float(study.window_days))
    years = math.floor(longest / YEAR)
    while years and year_end(years) > longest:
        years -= 1
    return (first,) if year_end(years) <= first else (first, year_end(years))


def year_end(years: int) -> float:
    """Return the last day on which an anniversary can fall, in days of a stay."""
    return float(math.ceil(years * YEAR))
