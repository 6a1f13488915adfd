"""The models behind segments: fits on rows joined where nothing that they read changes, each made once."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whychurn.analyses.adjustment import DIRECT, adjustment_set
from whychurn.analyses.common import OUTCOME
from whychurn.analyses.contrasts import Contrast, Effect, counts_by_level
from whychurn.analyses.effects import EffectBook
from whychurn.analyses.industry_rows import RiskPieces, Segment, pooled_rows
from whychurn.analyses.risk_rows import VOLUNTARY, of_cause
from whychurn.panel import Candidate


class SegmentModels:
    """Effects of segments on leaving by any cause and on voluntary leaving.

    Parameters
    ----------
    pieces : RiskPieces
    segments : sequence of Segment
    used : sequence of Candidate
        All declared causes in models.
    """

    def __init__(self, pieces: RiskPieces, segments: Sequence[Segment], used: Sequence[Candidate]) -> None:
        reduced = {segment.candidate.column: segment.candidate for segment in segments}
        self.used = tuple(reduced.get(candidate.column, candidate) for candidate in used)
        self._pieces = pieces
        self._segments = segments
        self._books: dict[tuple[str, frozenset[str]], EffectBook] = {}
        self._effects: dict[tuple[str, str, str], Effect] = {}

    def effect(self, candidate: Candidate, kind: str, outcome: str) -> Effect:
        """Return the effect of one segment: unadjusted, total or direct, on `outcome`."""
        key = (candidate.column, kind, outcome)
        if key not in self._effects:
            self._effects[key] = self._among(self.used, candidate, kind, outcome)
        return self._effects[key]

    def up_to_tier(self, candidate: Candidate, tier: int, outcome: str) -> Effect:
        """Return the effect of one segment beside every cause of the tiers up to this one."""
        return self._among([other for other in self.used if other.tier <= tier], candidate, DIRECT, outcome)

    def levels(self, effect: Effect, outcome: str) -> LevelEffects | None:
        """Return all levels of an effect with their covariance, None where there are not two."""
        spells = pooled_rows(self._pieces.stays, self._segments)
        spells = spells if outcome == OUTCOME else of_cause(spells, VOLUNTARY)
        return level_effects(effect, counts_by_level(spells, effect.candidate))

    def tiers(self, candidate: Candidate) -> list[int]:
        """Return the later tiers that hold a cause to adjust for."""
        beside = adjustment_set(candidate, self.used, DIRECT)
        return sorted({other.tier for other in beside if other.tier > candidate.tier})

    def shares_the_direct_model(self, candidate: Candidate) -> bool:
        """Say whether the direct effect is read from the model that holds every cause there is."""
        whole = [other for other in self.used if not other.determined_by]
        return len(adjustment_set(candidate, self.used, DIRECT)) == len(whole) - 1 and not candidate.determined_by

    def _among(self, candidates: Sequence[Candidate], candidate: Candidate, kind: str, outcome: str) -> Effect:
        beside = {other.column for other in adjustment_set(candidate, candidates, kind)}
        held = tuple(other for other in candidates if other.column in beside or other.column == candidate.column)
        key = (outcome, frozenset(other.column for other in held))
        if key not in self._books:
            rows = pooled_rows(self._pieces.joined([other.column for other in held]), self._segments)
            self._books[key] = EffectBook(rows if outcome == OUTCOME else of_cause(rows, VOLUNTARY), held)
        return self._books[key].effect(candidate, kind)


@dataclass(frozen=True, slots=True)
class LevelEffects:
    """All levels of one category in one model, on the log hazard scale, the reference among them at zero.

    Attributes
    ----------
    levels : tuple of str
    log_hr : numpy.ndarray, shape (k,)
    covariance : numpy.ndarray, shape (k, k)
    counts : Mapping of str to (int, int)
        Customers and departures by level.
    """

    levels: tuple[str, ...]
    log_hr: NDArray[np.float64]
    covariance: NDArray[np.float64]
    counts: dict[str, tuple[int, int]]

    def contrast(self, level: str, reference: str) -> Contrast:
        """Return one level against another; customers and departures are those of both."""
        i, j = self.levels.index(level), self.levels.index(reference)
        variance = self.covariance[i, i] + self.covariance[j, j] - 2 * self.covariance[i, j]
        n, events = (self.counts[level][place] + self.counts[reference][place] for place in (0, 1))
        return Contrast(
            level, reference, float(self.log_hr[i] - self.log_hr[j]), float(np.sqrt(max(variance, 0.0))), n, events
        )

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All pairs, the level that leaves faster in front, widest first."""
        fastest = np.argsort(-self.log_hr, kind="stable")
        found = [(int(i), int(j)) for i, j in itertools.combinations(fastest, 2)]
        found.sort(key=lambda pair: self.log_hr[pair[1]] - self.log_hr[pair[0]])
        return [(self.levels[i], self.levels[j]) for i, j in found]


def level_effects(effect: Effect, counts: Mapping[str, tuple[int, int]]) -> LevelEffects | None:
    """Read all estimated levels of a category from its model, None where there are not two.

    Levels that stand for those of other causes, and levels at which nobody left, are not among them.

    Parameters
    ----------
    effect : Effect
    counts : mapping
        Customers and departures by level.
    """
    candidate, fit, rows = effect.candidate, effect.fit, effect.rows
    if fit is None or rows is None or candidate.kind != "category" or candidate.column not in rows.names:
        return None
    columns = list(fit.term_slices[rows.names[candidate.column]])
    modelled = rows.levels(candidate.column)
    known = {contrast.level for contrast in effect.contrasts if contrast.std_error > 0 and not contrast.entangled}
    kept = [(level, column) for level, column in zip(modelled[1:], columns, strict=True) if level in known]
    if not kept:
        return None
    names = [column for _, column in kept]
    k = len(kept) + 1
    covariance = np.zeros((k, k))
    covariance[1:, 1:] = fit.covariance.loc[names, names].to_numpy()
    levels = (modelled[0], *(level for level, _ in kept))
    return LevelEffects(levels, np.concatenate(([0.0], fit.params[names].to_numpy())), covariance, dict(counts))
