"""Hazard ratios of what customers said: alone, among customers alike, and with everything else held constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from whychurn.analyses.adjusted import adjusters_of
from whychurn.analyses.adjustment import DIRECT, KINDS, TOTAL, UNADJUSTED
from whychurn.analyses.common import OUTCOME, ratio_row
from whychurn.analyses.contrasts import Effect
from whychurn.analyses.effects import EffectBook
from whychurn.analyses.grades import FEWEST_EVENTS_PER_COEFFICIENT
from whychurn.analyses.joined_rows import JoinedRows
from whychurn.analyses.nps_churn.base import ALIKE, BASE, METHOD, VOLUNTARY_CHURN
from whychurn.analyses.nps_churn.signs import Sign
from whychurn.analyses.risk_rows import CLUSTER, VOLUNTARY, of_cause
from whychurn.panel import Candidate, Panel

DEFINITIONS = {
    UNADJUSTED: "hazard ratio without adjustment",
    TOTAL: "hazard ratio adjusted for earlier tiers, and for other causes of its own",
    DIRECT: "hazard ratio with every other declared cause held constant",
    ALIKE: "hazard ratio adjusted for who customers are and what they bought, not for how they use it",
}


@dataclass(frozen=True)
class Models:
    """Cox models of what customers said, each fitted once.

    Attributes
    ----------
    rows : pandas.DataFrame
        Rows at risk with every sign as a column.
    panel : Panel
    conf_level : float
    """

    rows: pd.DataFrame
    panel: Panel
    conf_level: float
    _sources: list[JoinedRows] = field(default_factory=list)
    _books: dict[tuple[Any, ...], EffectBook] = field(default_factory=dict)

    def others_of(self, sign: Sign, score: Sign | None = None) -> tuple[Candidate, ...]:
        """Return what may stand beside a sign: the declared causes, the score in the place of the declared one."""
        replaced = {*sign.measures} if not sign.declared else set()
        own = [] if score is None or score is sign or "nps_band" in sign.measures else [score.candidate]
        replaced |= set(score.measures) if own and score is not None else set()
        return (*(cause for cause in self.panel.used if cause.column not in replaced), *own)

    def effect(self, sign: Sign, others: Sequence[Candidate], kind: str, outcome: str) -> Effect:
        """Return the effect of a sign beside others."""
        return self.book(sign, others if kind != UNADJUSTED else (), outcome).effect(sign.candidate, kind)

    def book(self, sign: Sign, others: Sequence[Candidate], outcome: str) -> EffectBook:
        """Return the fits of a sign beside others."""
        terms = {cause.column: cause for cause in (*others, sign.candidate)}
        # In one order, so that score and rating share the model in which both stand, whichever is asked for.
        place = {cause.column: number for number, cause in enumerate(self.panel.used)}
        candidates = tuple(
            sorted(terms.values(), key=lambda cause: (place.get(cause.column, len(place)), cause.column))
        )
        key = (outcome, *(cause.column for cause in candidates))
        if key not in self._books:
            if not self._sources:
                self._sources.append(JoinedRows(self.rows))
            rows = self._sources[0].on([cause.column for cause in candidates], kept=("cause", CLUSTER))
            self._books[key] = EffectBook(of_cause(rows, VOLUNTARY) if outcome == VOLUNTARY_CHURN else rows, candidates)
        return self._books[key]

    def sign_rows(self, sign: Sign, term: str, outcome: str, score: Sign | None, alike: bool) -> list[dict[str, Any]]:
        """Return the ratios of a sign: unadjusted, total and direct, and among customers alike."""
        others = self.others_of(sign, score)
        out = []
        for kind in KINDS:
            out += self._rows(self.effect(sign, others, kind, outcome), sign, term, outcome, kind, "")
        if alike:
            earlier = tuple(
                cause
                for cause in adjusters_of(self.panel)
                if cause.column not in {sign.candidate.column, *sign.measures}
            )
            out += self._rows(self.effect(sign, earlier, DIRECT, outcome), sign, term, outcome, TOTAL, ALIKE)
        return out

    def _rows(self, effect: Effect, sign: Sign, term: str, outcome: str, kind: str, group: str) -> list[dict[str, Any]]:
        notes = [effect.note, few_events(effect) if kind != UNADJUSTED else ""]
        base = BASE | {
            "outcome": outcome, "method": METHOD if outcome == OUTCOME else f"{METHOD}, cause-specific", "term": term,
            "group": group, "effect_kind": kind, "adjusted_for": ", ".join(effect.adjusted_for),
            "definition": f"{DEFINITIONS[group or kind]}; {sign.definition}",
            "note": " ".join(note for note in notes if note),
        }  # fmt: skip
        out = [ratio_row(contrast, self.conf_level, **base) for contrast in effect.contrasts]
        known = {row["level"] for row in out}
        if sign.candidate.compare not in known:
            note = base["note"] or "Nobody was ever in this state, or all were."
            reference = sign.candidate.reference
            out.append(
                base
                | {"estimand": "hazard_ratio", "level": sign.candidate.compare, "reference": reference, "note": note}
            )
        test = {"estimand": "joint_test", "statistic": effect.statistic, "df": effect.df, "p_value": effect.p_value}
        return [*out, base | test]


def few_events(effect: Effect) -> str:
    """Say that a model has few leavers per coefficient, where it has."""
    if effect.fit is None or not len(effect.fit.params):
        return ""
    per = effect.fit.n_events / len(effect.fit.params)
    return f"Only {per:.1f} leavers per coefficient of its model." if per < FEWEST_EVENTS_PER_COEFFICIENT else ""
