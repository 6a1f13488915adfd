"""Hazard ratios of every candidate: unadjusted, total, direct, and by period. Fits are shared and kept."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from whychurn.analyses.adjustment import adjustment_set
from whychurn.analyses.rows import ModelRows, model_rows
from whychurn.errors import FitError
from whychurn.models import fit_cox
from whychurn.models.cox import CoxFit
from whychurn.panel import Candidate


@dataclass(frozen=True, slots=True)
class Contrast:
    """One level against the reference (or one step of a number), on the log hazard scale.

    ``limit`` is +1 or -1 where the coefficient is infinite because nobody left on one side, else 0. ``entangled``
    says that a level duplicated by levels of other terms is involved: which of theirs it was merged into decides
    the number, so it is no effect of its own.
    """

    level: str
    reference: str
    log_hr: float
    std_error: float
    n_accounts: int
    n_events: int
    note: str = ""
    limit: int = 0
    entangled: bool = False

    @property
    def direction(self) -> int:
        """Sign of the effect: +1 leaves faster, -1 slower, 0 unknown."""
        if self.limit:
            return self.limit
        return 0 if math.isnan(self.log_hr) else int(np.sign(self.log_hr))

    def interval(self, conf_level: float) -> tuple[float, float]:
        """Wald interval of the hazard ratio."""
        z = norm.ppf(0.5 + conf_level / 2)
        return math.exp(self.log_hr - z * self.std_error), math.exp(self.log_hr + z * self.std_error)

    @property
    def p_value(self) -> float:
        """Two-sided Wald p."""
        return float(2 * norm.sf(abs(self.log_hr / self.std_error))) if self.std_error > 0 else math.nan


@dataclass(frozen=True, slots=True)
class Effect:
    """All contrasts of one candidate in one model, with the joint test and what the model held.

    ``rows`` are the coded rows of the fit, ``book_rows`` the panel's rows they were made from.
    """

    candidate: Candidate
    contrasts: tuple[Contrast, ...]
    statistic: float
    df: float
    p_value: float
    adjusted_for: tuple[str, ...]
    note: str = ""
    fit: CoxFit | None = None
    rows: ModelRows | None = None
    book_rows: pd.DataFrame | None = None

    def contrast(self, level: str) -> Contrast | None:
        """Return the contrast of this level, if the model has it."""
        return next((contrast for contrast in self.contrasts if contrast.level == level), None)


class EffectBook:
    """Every Cox fit an analysis asks for, fitted once.

    Parameters
    ----------
    intervals : pandas.DataFrame
        Rows at risk (see :class:`whychurn.panel.Panel`).
    candidates : sequence of Candidate
        Causes in use.
    """

    def __init__(self, intervals: pd.DataFrame, candidates: Sequence[Candidate]) -> None:
        self.intervals = intervals
        self.candidates = tuple(candidates)
        self._fits: dict[tuple[object, ...], tuple[ModelRows, CoxFit | None, str]] = {}

    def effect(self, candidate: Candidate, kind: str) -> Effect:
        """Return the effect of one candidate: unadjusted, total or direct."""
        terms = self._terms(candidate, kind)
        rows, fit, note = self._fit(terms, self.intervals, ("all", *sorted(t.column for t in terms)))
        return replace(self._read(candidate, terms, rows, fit, note), book_rows=self.intervals)

    def by_period(self, candidate: Candidate, cuts: Sequence[float], kind: str) -> list[tuple[str, Effect]]:
        """Return the effect of one candidate within each period of tenure, other terms held constant over time.

        Parameters
        ----------
        candidate : Candidate
            The cause whose effect may change.
        cuts : sequence of float
            Increasing cut points in the study's time unit; k cuts make k + 1 periods.
        kind : {"unadjusted", "total", "direct"}
            Which effect.
        """
        split, labels = split_at(self.intervals, cuts)
        others = [term for term in self._terms(candidate, kind) if term.column != candidate.column]
        merges = {m.level: m.into for m in candidate.merged if m.because_column in {o.column for o in others}}
        recorded = split[candidate.column]
        own = recorded.replace(merges) if merges else recorded
        parts = [replace(candidate, column=f"{candidate.column}@{index}", merged=()) for index in range(len(labels))]
        counts = [
            _counts(split[split["period"] == index].assign(**{candidate.column: own}), candidate)
            for index in range(len(labels))
        ]
        coded, without = _one_column_per_period(split, own, candidate, parts, counts)
        terms = (*parts, *others)
        rows, fit, note = self._fit(terms, coded, ("period", candidate.column, kind, *cuts))
        labelled = tuple(other.label for other in others)
        out = []
        for index, (label, part) in enumerate(zip(labels, parts, strict=True)):
            if index in without:
                effect = _no_reference_events(part, counts[index])
            else:
                effect = self._read(part, terms, rows, fit, note, counts[index])
            out.append((label, replace(effect, candidate=candidate, adjusted_for=labelled)))
        return out

    def _terms(self, candidate: Candidate, kind: str) -> tuple[Candidate, ...]:
        chosen = {candidate.column} | {other.column for other in adjustment_set(candidate, self.candidates, kind)}
        return tuple(other for other in self.candidates if other.column in chosen)

    def _fit(
        self, terms: tuple[Candidate, ...], intervals: pd.DataFrame, key: tuple[object, ...]
    ) -> tuple[ModelRows, CoxFit | None, str]:
        if key not in self._fits:
            rows = model_rows(intervals, terms)
            self._fits[key] = (rows, *_try_fit(rows))
        return self._fits[key]

    def _read(
        self,
        candidate: Candidate,
        terms: tuple[Candidate, ...],
        rows: ModelRows,
        fit: CoxFit | None,
        note: str,
        counts: dict[str, tuple[int, int]] | None = None,
    ) -> Effect:
        others = tuple(term.label for term in terms if term.column != candidate.column)
        notes = [note] if note else []
        if rows.n_incomplete:
            notes.append(f"{rows.n_incomplete:,} rows with a missing number are not in this model.")
        absent = [left for left in rows.left if left.column == candidate.column]
        own = [
            Contrast(
                left.level, candidate.reference, math.nan, math.nan, left.n_accounts, left.n_events, left.note, limit=-1
            )
            for left in absent
            if left.level
        ]
        notes += [left.note for left in absent if not left.level]
        name = rows.names.get(candidate.column)
        # Customers are counted at the level that was recorded, not at one it was merged into.
        counts = counts or _counts(self.intervals, candidate)
        if name is None and any(left.level == candidate.reference for left in absent):
            own = _infinitely_faster(candidate, counts, {left.level for left in absent})
        if fit is None or name is None:
            return Effect(candidate, tuple(own), math.nan, math.nan, math.nan, others, " ".join(notes), None, rows)
        reference = rows.references[candidate.column]
        if candidate.kind == "category" and reference != candidate.reference:
            notes.append(f"Nobody at {candidate.reference!r} left, so {reference!r} is the reference here.")
            own = [replace(contrast, reference=reference) for contrast in own]
        own += _disentangled(_contrasts(candidate, rows, fit, reference, counts), candidate, terms)
        joint = fit.wald_test(name)
        return Effect(
            candidate,
            tuple(own),
            float(joint.statistic),
            float(joint.df),
            float(joint.p_value),
            others,
            " ".join(notes),
            fit,
            rows,
        )


def _one_column_per_period(
    split: pd.DataFrame,
    own: pd.Series,
    candidate: Candidate,
    parts: Sequence[Candidate],
    counts: Sequence[dict[str, tuple[int, int]]],
) -> tuple[pd.DataFrame, set[int]]:
    """Give the candidate a column per period that is at its reference (or zero) outside that period.

    Where nobody at the reference left within a period, every other level is infinitely faster there. The
    limit of the fit leaves out the reference's rows of that period and lets another level stand in.

    Returns
    -------
    coded : pandas.DataFrame
        Rows with one column per part instead of the candidate's own.
    without : set of int
        Periods without events at the reference.
    """
    own = own.copy()
    keep = pd.Series(True, index=split.index)
    without: set[int] = set()
    neutral: object = 0.0
    if candidate.kind == "category":
        neutral = candidate.reference
        for index, per_level in enumerate(counts):
            if per_level.get(candidate.reference, (0, 0))[1] > 0:
                continue
            without.add(index)
            inside = split["period"] == index
            keep &= ~(inside & (own == candidate.reference))
            with_events = {level: n for level, (n, events) in per_level.items() if events}
            if with_events:
                stand_in = max(sorted(with_events), key=lambda level: with_events[level])
                own = own.where(~(inside & (own == stand_in)), candidate.reference)
    coded = split.drop(columns=[candidate.column])
    for index, part in enumerate(parts):
        coded[part.column] = own.where(split["period"] == index, neutral)
    return coded[keep].reset_index(drop=True), without


def _no_reference_events(part: Candidate, counts: dict[str, tuple[int, int]]) -> Effect:
    note = f"Nobody at {part.reference!r} left in this period, so there is no ratio to state."
    contrasts = tuple(
        Contrast(level, part.reference, math.nan, math.nan, *counts[level], note, 1 if counts[level][1] else 0)
        for level in part.levels
        if level != part.reference and level in counts
    )
    return Effect(part, contrasts, math.nan, math.nan, math.nan, ())


def _infinitely_faster(candidate: Candidate, counts: dict[str, tuple[int, int]], empty: set[str]) -> list[Contrast]:
    """Contrasts against a reference at which nobody left, where no other level could stand in for it."""
    note = f"Nobody at {candidate.reference!r} left, so there is no ratio to state (it has no upper limit)."
    return [
        Contrast(level, candidate.reference, math.nan, math.nan, *counts[level], note, limit=1)
        for level in candidate.levels
        if level not in empty and level in counts
    ]


def _disentangled(
    contrasts: Iterable[Contrast], candidate: Candidate, terms: Sequence[Candidate]
) -> Iterable[Contrast]:
    """Mark contrasts that rest on how other terms of the model count one of this candidate's levels."""
    into = {
        (merge.because_level, merge.into, term.label)
        for term in terms
        for merge in term.merged
        if merge.because_column == candidate.column
    }
    for contrast in contrasts:
        inside = sorted(
            (label, target) for level, target, label in into if level in (contrast.level, contrast.reference)
        )
        if inside:
            targets = ", ".join(f"{label} “{target}”" for label, target in inside)
            note = f"No effect of its own: it depends on counting these customers as {targets}."
            contrast = replace(contrast, entangled=True, note=note)
        yield contrast


def _contrasts(
    candidate: Candidate, rows: ModelRows, fit: CoxFit, reference: str, counts: dict[str, tuple[int, int]]
) -> Iterable[Contrast]:
    columns = list(fit.term_slices[rows.names[candidate.column]])
    levels = rows.levels(candidate.column)[1:] if candidate.kind == "category" else [step_name(candidate)]
    for level, column in zip(levels, columns, strict=True):
        n, events = counts.get(level, (len(rows.frame), int(rows.frame["event"].sum())))
        yield Contrast(level, reference, float(fit.params[column]), float(fit.std_errors[column]), n, events)


def step_name(candidate: Candidate) -> str:
    """Return what stands in the place of a level for a number: the step its ratio is stated for."""
    return f"per {candidate.per:,.6g} more"


def _try_fit(rows: ModelRows) -> tuple[CoxFit | None, str]:
    """Fit, or say why not. A model that cannot be fitted is a finding, not a crash."""
    if not rows.terms:
        return None, "No term is left to fit."
    start = "start" if (rows.frame["start"] > 0).any() else None
    try:
        return fit_cox(rows.frame, rows.terms, time="stop", event="event", start=start), ""
    except FitError as problem:
        text = str(problem)
        # Longest neutral names first, so that v12 is not read as v1 followed by a 2.
        for column, name in sorted(rows.names.items(), key=lambda item: -len(item[1])):
            text = text.replace(name, column.partition("@")[0])
        return None, f"Not estimated: {text}"


def _counts(frame: pd.DataFrame, candidate: Candidate) -> dict[str, tuple[int, int]]:
    """Customers and events per level."""
    if candidate.kind == "number":
        return {}
    grouped = frame.groupby(frame[candidate.column].astype(str), observed=True)
    table = grouped.agg(n=("account_id", "nunique"), events=("event", "sum"))
    return {str(level): (int(row.n), int(row.events)) for level, row in table.iterrows()}


def split_at(intervals: pd.DataFrame, cuts: Sequence[float]) -> tuple[pd.DataFrame, list[str]]:
    """Split rows at risk at the cut points; the number of the period is in column ``period``.

    Splitting changes no estimate of a model without periods; it only lets an effect differ between them.
    """
    edges = [0.0, *[float(cut) for cut in cuts], math.inf]
    pieces = []
    for index, (low, high) in enumerate(itertools.pairwise(edges)):
        inside = intervals[(intervals["start"] < high) & (intervals["stop"] > low)].copy()
        inside["event"] = inside["event"].where(inside["stop"] <= high, 0)
        inside["start"] = inside["start"].clip(lower=low)
        inside["stop"] = inside["stop"].clip(upper=high)
        inside["period"] = index
        pieces.append(inside)
    labels = [
        f"up to {edges[1]:g}",
        *[f"{low:g} to {high:g}" for low, high in itertools.pairwise(edges[1:-1])],
        f"over {edges[-2]:g}",
    ]
    return pd.concat(pieces, ignore_index=True), labels


def period_cuts(intervals: pd.DataFrame, declared: Sequence[float]) -> tuple[float, ...]:
    """Return the declared cut points that lie within the data, else the tertiles of the times of churn."""
    times = intervals.loc[intervals["event"] == 1, "stop"].to_numpy(dtype=float)
    last = float(times.max()) if len(times) else 0.0
    inside = tuple(float(cut) for cut in declared if 0 < cut < last)
    if inside:
        return inside
    thirds = np.unique(np.quantile(times, [1 / 3, 2 / 3])) if len(times) else np.array([])
    return tuple(float(cut) for cut in thirds if 0 < cut < last)
