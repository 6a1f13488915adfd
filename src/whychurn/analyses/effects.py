"""Hazard ratios of every candidate: unadjusted, total, direct, and by period. Fits are shared and kept."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.adjustment import adjustment_set
from whychurn.analyses.coded import Coded
from whychurn.analyses.contrasts import Contrast, Effect, counts_by_level, step_name
from whychurn.analyses.fits import fit_rows
from whychurn.analyses.information import uninformative_levels
from whychurn.analyses.periods import no_reference_events, one_column_per_period, split_at
from whychurn.analyses.rows import BASE, ModelRows, model_rows, with_categories
from whychurn.models.cox import CoxFit
from whychurn.panel import Candidate


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
        self.candidates = tuple(candidates)
        self.intervals = with_categories(intervals, self.candidates)
        self._pooled = uninformative_levels(self.intervals, self.candidates)
        self._counts: dict[str, dict[str, tuple[int, int]]] = {}
        self._accounts: list[tuple[pd.DataFrame, NDArray[np.int64]]] = []
        self._fits: dict[tuple[object, ...], tuple[ModelRows, CoxFit | None, str]] = {}

    def effect(self, candidate: Candidate, kind: str) -> Effect:
        """Return the effect of one candidate: unadjusted, total or direct."""
        terms = self._terms(candidate, kind)
        rows, fit, note = self._fit(terms, self.intervals, ("all", *sorted(t.column for t in terms)))
        return replace(self._read(candidate, terms, rows, fit, note), book_rows=self.intervals)

    def joint(self) -> Effect:
        """Return the model of all causes together, as the effect of the first of them."""
        terms = tuple(candidate for candidate in self.candidates if not candidate.determined_by)
        rows, fit, note = self._fit(terms, self.intervals, ("all", *sorted(term.column for term in terms)))
        labels = tuple(term.label for term in terms)
        return Effect(terms[0], (), math.nan, math.nan, math.nan, labels, note, fit, rows, self.intervals)

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
        return self.by_part(candidate, split, labels, kind)

    def by_part(
        self, candidate: Candidate, split: pd.DataFrame, labels: Sequence[str], kind: str
    ) -> list[tuple[str, Effect]]:
        """Return the effect of one candidate within each part of the rows, other terms held constant over the parts.

        Parameters
        ----------
        candidate : Candidate
        split : pandas.DataFrame
            Rows at risk with the number of their part in column ``period``.
        labels : sequence of str
            Of the parts.
        kind : {"unadjusted", "total", "direct"}
        """
        others = [term for term in self._terms(candidate, kind) if term.column != candidate.column]
        accounts = self._accounts_of(split)
        needed = [*BASE, "period", candidate.column, *(other.column for other in others)]
        split = split[[name for name in needed if name in split]]
        merges = {m.level: m.into for m in candidate.merged if m.because_column in {o.column for o in others}}
        recorded = split[candidate.column]
        own = pd.Series(Coded.of(recorded).merged(merges).values(), split.index) if merges else recorded
        parts = [replace(candidate, column=f"{candidate.column}@{index}", merged=()) for index in range(len(labels))]
        people = pd.DataFrame({"event": split["event"], candidate.column: own})
        period = split["period"].to_numpy()
        counts = [
            counts_by_level(people[period == index], candidate, accounts[period == index])
            for index in range(len(labels))
        ]
        coded, without = one_column_per_period(split, own, candidate, parts, counts)
        terms = (*parts, *others)
        rows, fit, note = self._fit(terms, coded, ("part", candidate.column, kind, *labels))
        labelled = tuple(other.label for other in others)
        out = []
        for index, (label, part) in enumerate(zip(labels, parts, strict=True)):
            if index in without:
                effect = no_reference_events(part, counts[index])
            else:
                effect = self._read(part, terms, rows, fit, note, counts[index])
            out.append((label, replace(effect, candidate=candidate, adjusted_for=labelled)))
        return out

    def _counted(self, candidate: Candidate) -> dict[str, tuple[int, int]]:
        if candidate.column not in self._counts:
            accounts = self._accounts_of(self.intervals)
            self._counts[candidate.column] = counts_by_level(self.intervals, candidate, accounts)
        return self._counts[candidate.column]

    def _accounts_of(self, rows: pd.DataFrame) -> NDArray[np.int64]:
        """Return the accounts of rows as codes, found once for rows that are asked for again and again."""
        if not any(known is rows for known, _ in self._accounts):
            self._accounts = [*self._accounts[-1:], (rows, pd.factorize(rows["account_id"])[0])]
        return next(codes for known, codes in self._accounts if known is rows)

    def _terms(self, candidate: Candidate, kind: str) -> tuple[Candidate, ...]:
        chosen = {candidate.column} | {other.column for other in adjustment_set(candidate, self.candidates, kind)}
        return tuple(other for other in self.candidates if other.column in chosen)

    def _pooled_of(self, intervals: pd.DataFrame, terms: tuple[Candidate, ...]) -> dict[str, tuple[str, ...]]:
        """Of terms that only these rows have, such as those of a part, information is asked of these rows."""
        own = {candidate.column for candidate in self.candidates}
        kept = {term.column: self._pooled[term.column] for term in terms if term.column in self._pooled}
        return kept | uninformative_levels(intervals, [term for term in terms if term.column not in own])

    def _fit(
        self, terms: tuple[Candidate, ...], intervals: pd.DataFrame, key: tuple[object, ...]
    ) -> tuple[ModelRows, CoxFit | None, str]:
        if key not in self._fits:
            pooled = self._pooled if intervals is self.intervals else self._pooled_of(intervals, terms)
            fit, note, rows = fit_rows(model_rows(intervals, terms, pooled=pooled))
            self._fits[key] = (rows, fit, note)
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
                left.level,
                candidate.reference,
                math.nan,
                math.nan,
                left.n_accounts,
                left.n_events,
                left.note,
                limit=0 if left.n_events else -1,
            )
            for left in absent
            if left.level
        ]
        notes += [left.note for left in absent if not left.level]
        name = rows.names.get(candidate.column)
        # Customers are counted at the level that was recorded, not at one it was merged into.
        counts = counts or self._counted(candidate)
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
    errors = fit.std_errors if fit.robust_std_errors is None else fit.robust_std_errors
    for level, column in zip(levels, columns, strict=True):
        n, events = counts[level] if level in counts else _all_of(rows)
        yield Contrast(level, reference, float(fit.params[column]), float(errors[column]), n, events)


def _all_of(rows: ModelRows) -> tuple[int, int]:
    """Customers and events of a model, where a contrast has none of its own: a number's."""
    return int(rows.frame["account_id"].nunique()), int(rows.frame["event"].sum())
