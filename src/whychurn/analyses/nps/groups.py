"""Groups of customers by which answers are compared, each value as it was known before the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from whychurn.analyses.answers import known_before
from whychurn.analyses.feature_rows import modules_of
from whychurn.panel import Panel
from whychurn.study import TableStudy

NOT_RECORDED = "not recorded"
#: Who customers are and what they bought: causes of the first tiers are the segments.
LAST_SEGMENT_TIER = 2
#: Compared where they are recorded, declared as causes or not.
ALWAYS = {"industry": "Industry", "plan": "Plan"}
SILENCE = {"login_recency": "Time since the last login", "use_recency": "Time since the last use"}
SILENCE_LEVELS = ("0-6 days", "7-13 days", "14-29 days", "30+ days", "never yet", "too new", NOT_RECORDED)
#: Days as a customer at which a band of tenure ends.
TENURE_ENDS = (90, 365, 730, 1095)
TENURE_LEVELS = ("under 90 days", "90 days to 1 year", "1 to 2 years", "2 to 3 years", "3 years and more")
NO_MODULE, SEVERAL = "no module", "several equally"
#: So many levels of a group have rows of their own; rarer ones are together.
MOST_LEVELS = 20
OTHERS = "all rarer ones"


@dataclass(frozen=True, slots=True)
class Grouping:
    """One way to divide answers.

    Attributes
    ----------
    column : str
        Of the frame of answers.
    label : str
    levels : tuple of str
        In the order of the page; only those that occur.
    segment : bool
        Whether it says who customers are and what they bought, rather than what they did.
    """

    column: str
    label: str
    levels: tuple[str, ...]
    segment: bool


def grouped(panel: Panel, study: TableStudy, frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Grouping, ...]]:
    """Put beside records of customers the groups they were in before.

    Parameters
    ----------
    panel : Panel
    study : TableStudy
    frame : pandas.DataFrame
        With ``account_id``, ``spell`` and ``days_since_start``.

    Returns
    -------
    frame : pandas.DataFrame
        The same rows with a column of texts per grouping.
    groupings : tuple of Grouping
        Declared categories of the first two tiers, industry and plan, time as a customer; then the module used most
        and the time since the last login and use, where they are recorded.
    """
    makers = [*_segments(panel), *_silences(panel), *_main_module(panel)]
    as_modelled = [name for _, names, recorded, _ in makers if not recorded for name in names]
    as_recorded = [name for _, names, recorded, _ in makers if recorded for name in names]
    known = known_before(panel, study, frame, as_modelled)[as_modelled]
    raw = known_before(panel, study, frame, as_recorded, recorded=True)[as_recorded]
    made: dict[str, pd.Series] = {}
    found: list[Grouping] = []
    for grouping, names, recorded, make in makers:
        values = make((raw if recorded else known)[names])
        found.append(_pooled(grouping, values, made))
    place = sum(grouping.segment for grouping in found)
    found.insert(
        place, _pooled(Grouping("tenure_band", "Time as a customer", TENURE_LEVELS, True), tenure(frame), made)
    )
    columns = pd.DataFrame({f"by_{name}": values for name, values in made.items()}, index=frame.index)
    kept = tuple(replace(one, column=f"by_{one.column}") for one in found)
    return pd.concat([frame, columns], axis=1), kept


def held(groupings: Sequence[Grouping], frame: pd.DataFrame) -> tuple[Grouping, ...]:
    """Return groupings with the levels that some of the rows have."""
    return tuple(
        replace(one, levels=tuple(level for level in one.levels if (frame[one.column] == level).any()))
        for one in groupings
    )


def tenure(frame: pd.DataFrame) -> pd.Series:
    """Return the band of days since the spell began, on the day of the answer."""
    names = np.array(TENURE_LEVELS, dtype=object)
    return pd.Series(names[np.digitize(frame["days_since_start"], TENURE_ENDS)], frame.index, dtype=object)


Maker = tuple[Grouping, list[str], bool, Callable[[pd.DataFrame], pd.Series]]


def _segments(panel: Panel) -> list[Maker]:
    declared = [
        cause for cause in panel.ranked if cause.kind == "category" and cause.tier <= LAST_SEGMENT_TIER
    ]  # fmt: skip
    found: list[Maker] = [
        (Grouping(cause.column, cause.label, cause.levels, True), [cause.column], False, _texts) for cause in declared
    ]
    known = {candidate.column for candidate in panel.candidates}
    rows = panel.recorded.columns if panel.recorded is not None else ()
    found += [
        (Grouping(name, label, (), True), [name], True, _texts)
        for name, label in ALWAYS.items()
        if name in rows and name not in known
    ]
    return found


def _silences(panel: Panel) -> list[Maker]:
    rows = panel.recorded.columns if panel.recorded is not None else ()
    return [
        (Grouping(name, label, SILENCE_LEVELS, False), [name], True, _texts)
        for name, label in SILENCE.items()
        if name in rows
    ]


def _main_module(panel: Panel) -> list[Maker]:
    modules = modules_of(panel)
    if not modules:
        return []
    names = [module.name for module in modules]
    weeks = modules[0].window // 7
    label = f"Module used most in {weeks:,} weeks" if weeks else f"Module used most in {modules[0].window:,} days"
    grouping = Grouping("main_module", label, (*names, SEVERAL, NO_MODULE, NOT_RECORDED), False)
    return [(grouping, [module.uses for module in modules], True, lambda uses: main_module(uses, names))]


def main_module(uses: pd.DataFrame, names: Sequence[str]) -> pd.Series:
    """Return the module with the most uses.

    Parameters
    ----------
    uses : pandas.DataFrame
        A column of uses per module, NaN where usage was not recorded.
    names : sequence of str
        Of the modules, in the order of the columns.
    """
    counts = uses.to_numpy(dtype=float)
    known = ~np.isnan(counts).all(axis=1)
    filled = np.where(np.isnan(counts), -1.0, counts)
    most = filled.max(axis=1, initial=-1.0)
    first = np.array([*names], dtype=object)[filled.argmax(axis=1)]
    tied = (filled == most[:, None]).sum(axis=1) > 1
    values = np.where(~known, NOT_RECORDED, np.where(most <= 0, NO_MODULE, np.where(tied, SEVERAL, first)))
    return pd.Series(values, uses.index, dtype=object)


def _texts(values: pd.DataFrame) -> pd.Series:
    column = values.iloc[:, 0]
    return column.where(column.notna(), NOT_RECORDED).astype(str)


def _pooled(grouping: Grouping, values: pd.Series, made: dict[str, pd.Series]) -> Grouping:
    """Keep the values with rare levels together, and return the grouping with the levels that occur."""
    counts = values.value_counts()
    if len(counts) > MOST_LEVELS:
        often = sorted(counts.index, key=lambda level: (-counts[level], level))[: MOST_LEVELS - 1]
        values = values.where(values.isin(often), OTHERS)
    made[grouping.column] = values
    held = set(values.unique())
    named = [level for level in grouping.levels if level in held]
    return replace(grouping, levels=(*named, *sorted(held - set(named) - {OTHERS}), *sorted(held & {OTHERS})))
