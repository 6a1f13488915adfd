"""What speaks for and against one cause: headline contrast, both halves of tenure, both readings of the file."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.analyses.adjustment import TOTAL, UNADJUSTED
from whychurn.analyses.contrasts import Contrast, Effect
from whychurn.analyses.effects import EffectBook
from whychurn.analyses.grades import Evidence
from whychurn.analyses.hazards import second_reading
from whychurn.analyses.once import once_per_panel
from whychurn.analyses.risk_rows import halves, risk_rows
from whychurn.findings import SECOND_READING
from whychurn.models import logrank_test
from whychurn.panel import Candidate, Panel
from whychurn.study import Study

GONE = f"Gone {SECOND_READING}."
TURNS = f"Turns round {SECOND_READING}."
APPEARS = "Shows only if none but recent leavers are in the file."

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Setting:
    """What all causes of a study are weighed with.

    Attributes
    ----------
    book : EffectBook
        Effects if every leaver is in the file.
    second : EffectBook or None
        Effects if only recent leavers are, where the study says that this may be so.
    half : float
        Tenure by which half of all leavers had left; NaN without leavers.
    halves : (DataFrame, labels) or None
        Rows marked by half of the events in calendar time; None where rows carry no dates.
    conf_level : float
    data_refused : bool
        Whether the data failed their own checks.
    """

    book: EffectBook
    second: EffectBook | None
    half: float
    conf_level: float
    data_refused: bool
    halves: tuple[pd.DataFrame, list[str]] | None = None

    @classmethod
    def of(cls, panel: Panel, study: Study) -> Setting:
        """Return the setting of a study."""
        rows = risk_rows(panel, study, categories=True)
        events = rows.loc[rows["event"] == 1, "stop"]
        recent = second_reading(rows, study)
        second = EffectBook(recent, panel.used) if recent is not None else None
        book = EffectBook(rows, panel.used)
        return cls(
            book,
            second,
            float(np.median(events)) if len(events) else math.nan,
            study.confidence_level,
            panel.verdict.grade == "refuse",
            halves(book.intervals),
        )


@once_per_panel
def setting_of(panel: Panel, study: Study) -> Setting:
    """Return the setting of a study; hazards, causes and the plan share its fits."""
    return Setting.of(panel, study)


@dataclass(frozen=True, slots=True)
class Headline:
    """The contrast that stands for a cause, the level of its interval, and how it was chosen."""

    contrast: Contrast
    conf_level: float
    note: str = ""


def headline_of(effect: Effect, conf_level: float) -> Headline | None:
    """Return the contrast that stands for a cause, or None if there is none.

    The declared comparison, whether or not it has a ratio. Otherwise the contrast with the largest z, its
    interval widened for having been chosen among several (Bonferroni).
    """
    declared = next((c for c in effect.contrasts if c.level == effect.candidate.compare and _says_something(c)), None)
    if declared is not None:
        return Headline(declared, conf_level)
    estimated = [contrast for contrast in effect.contrasts if contrast.std_error > 0]
    if len(estimated) == 1:
        return Headline(estimated[0], conf_level)
    if estimated:
        chosen = max(estimated, key=lambda c: abs(c.log_hr / c.std_error))
        note = f"Chosen as the clearest of {len(estimated)} contrasts; its interval is widened for that choice."
        return Headline(chosen, 1 - (1 - conf_level) / len(estimated), note)
    infinite = [contrast for contrast in effect.contrasts if contrast.limit]
    return Headline(max(infinite, key=lambda c: c.n_accounts), conf_level) if infinite else None


def _says_something(contrast: Contrast) -> bool:
    return contrast.std_error > 0 or contrast.limit != 0


def p_value_of(effect: Effect, conf_level: float) -> float:
    """Return the joint Wald p, or that of the log-rank test where a level without leavers leaves no ratio to test."""
    headline = headline_of(effect, conf_level)
    if headline is None or headline.contrast.std_error > 0 or effect.rows is None:
        return effect.p_value
    rows = effect.book_rows
    if rows is None:
        return effect.p_value
    frame = rows[["start", "stop", "event"]].assign(group=rows[effect.candidate.column].astype(str))
    start = "start" if (frame["start"] > 0).any() else None
    return float(logrank_test(frame, "stop", "event", "group", start=start).p_value)


def interval_for_grading(contrast: Contrast, conf_level: float, candidate: Candidate) -> Interval:
    """Return the interval of a contrast; for a number, of the step between its quartiles.

    A number's ratio is stated for whatever step the study declares; whether it is sizeable must not depend on
    that choice.
    """
    low, high = contrast.interval(conf_level)
    if candidate.kind == "category":
        return low, high
    steps = candidate.spread / candidate.per
    return low**steps, high**steps


def weigh(
    setting: Setting, total: Effect, headline: Headline, p_adjusted: float, changes_with_tenure: bool
) -> tuple[Evidence, str]:
    """Return the evidence on a cause and what the reader must know about its two readings."""
    candidate, contrast = total.candidate, headline.contrast
    before = setting.book.effect(candidate, UNADJUSTED).contrast(contrast.level)
    others = [c for c in total.contrasts if c.level != contrast.level and c.std_error > 0 and not c.entangled]
    intervals: tuple[Interval, ...] = ()
    if contrast.std_error > 0:
        intervals = (
            interval_for_grading(contrast, headline.conf_level, candidate),
            *[interval_for_grading(c, setting.conf_level, candidate) for c in others],
        )
    tested = _halves(setting, candidate, contrast.level)
    by_tenure = tested if setting.halves is None else []
    if setting.halves is not None and changes_with_tenure:
        by_tenure = _halves_of_tenure(setting, candidate, contrast.level)
    second = _second(setting, candidate, contrast.level)
    sign, note = _two_readings(contrast, intervals, second, setting.conf_level)
    second_interval = None
    if second is not None and second.std_error > 0:
        second_interval = interval_for_grading(second, setting.conf_level, candidate)
    evidence = Evidence(
        intervals=intervals,
        p_adjusted=p_adjusted,
        directions=tuple(half.direction if half else 0 for half in tested),
        sign_unadjusted=before.direction if before else 0,
        sign_adjusted=contrast.direction,
        separable=not (candidate.determined_by or contrast.entangled),
        second_reading=sign,
        data_refused=setting.data_refused,
        changes_with_tenure=changes_with_tenure,
        periods=tuple(
            interval_for_grading(half, setting.conf_level, candidate)
            for half in (*by_tenure, *(tested if setting.halves is not None else ()))
            if half and half.std_error > 0
        ),
        second_interval=second_interval,
        events_per_coefficient=total.fit.n_events / len(total.fit.params) if total.fit else math.inf,
        no_ratio=contrast.limit != 0,
        p_headline=contrast.p_value,
    )
    return evidence, note


def _halves(setting: Setting, candidate: Candidate, level: str) -> list[Contrast | None]:
    """Return the contrast in each half of the events: by calendar where rows carry dates, else by tenure."""
    if setting.halves is None:
        return _halves_of_tenure(setting, candidate, level)
    rows, labels = setting.halves
    return [effect.contrast(level) for _, effect in setting.book.by_part(candidate, rows, labels, TOTAL)]


def _halves_of_tenure(setting: Setting, candidate: Candidate, level: str) -> list[Contrast | None]:
    if math.isnan(setting.half):
        return []
    return [effect.contrast(level) for _, effect in setting.book.by_period(candidate, (setting.half,), TOTAL)]


def _second(setting: Setting, candidate: Candidate, level: str) -> Contrast | None:
    return setting.second.effect(candidate, TOTAL).contrast(level) if setting.second is not None else None


def _two_readings(
    contrast: Contrast, intervals: tuple[Interval, ...], second: Contrast | None, conf_level: float
) -> tuple[int | None, str]:
    """Compare the effect with what it is if only recent leavers are in the file; 0 means gone."""
    if second is None:
        return None, ""
    clear = contrast.limit != 0 or (bool(intervals) and (intervals[0][0] > 1 or intervals[0][1] < 1))
    if second.std_error > 0:
        low, high = second.interval(conf_level)
        other = second.direction if low > 1 or high < 1 else 0
    else:
        other = second.limit
    if not clear:
        return None, APPEARS if other else ""
    if other == contrast.direction:
        return other, ""
    return other, TURNS if other else GONE
