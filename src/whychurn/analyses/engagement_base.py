"""What the parts of the engagement analysis share: rows, outcomes, effects as findings."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.adjustment import UNADJUSTED
from whychurn.analyses.common import OUTCOME, ratio_row
from whychurn.analyses.contrasts import Effect
from whychurn.analyses.effects import EffectBook
from whychurn.analyses.engagement_pairs import Pairs, pairs
from whychurn.analyses.engagement_signals import Signal, Signals
from whychurn.analyses.grades import FEWEST_EVENTS_PER_COEFFICIENT
from whychurn.analyses.joined_rows import JoinedRows
from whychurn.analyses.risk_rows import CLUSTER, VOLUNTARY, of_cause
from whychurn.panel import Candidate, Panel
from whychurn.study import Study

#: Parts of the page, as ``group`` of their findings.
DECLINE, SILENCE, SUPPORT = "decline", "decline beside silence", "support"
CELLS, RATINGS, CONTACTS = "tickets and use", "rating and tickets", "contacts"
VOLUNTARY_CHURN = f"{VOLUNTARY} churn"
BASE: dict[str, Any] = {"analysis": "engagement", "outcome": OUTCOME, "declared": "in advance"}
METHOD = "Cox, Efron ties"
#: What is missing, in words.
_WORDS = {
    "trend": "Trend of use", "uses": "Level of use", "open_tickets": "Open tickets", "tickets": "Tickets",
    "rating": "Last rating of support", "contacts": "Contacts", "saves": "Attempts to save",
}  # fmt: skip

Where = NDArray[np.bool_] | None


@dataclass(frozen=True)
class Setting:
    """Rows at risk with the signs of engagement, and the outcomes to hold them against.

    Attributes
    ----------
    rows : pandas.DataFrame
        Every row at risk.
    panel : Panel
    study : Study
    signs : Signals
    pairs : Pairs
    outcomes : tuple of str
        What customers may do: leave of their own will (where that is known, and not all that happened), leave.
    """

    rows: pd.DataFrame
    panel: Panel
    study: Study
    signs: Signals
    pairs: Pairs
    outcomes: tuple[str, ...]
    _sources: dict[bytes, JoinedRows] = field(default_factory=dict)
    _joined: dict[tuple[Any, ...], pd.DataFrame] = field(default_factory=dict)
    _books: dict[tuple[Any, ...], EffectBook] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: pd.DataFrame, signs: Signals, panel: Panel, study: Study) -> Setting:
        """Return the setting of a study; its rows carry the signs, alone and in pairs."""
        left = rows.loc[rows["event"] == 1, "cause"]
        differ = 0 < int((left == VOLUNTARY).sum()) < len(left)
        two = pairs(signs, (rows["stop"] - rows["start"]).to_numpy())
        columns = {sign.column: sign.values for sign in signs} | two.columns
        outcomes = (VOLUNTARY_CHURN, OUTCOME) if differ else (OUTCOME,)
        return cls(rows.assign(**columns), panel, study, signs, two, outcomes)

    def others_of(self, own: Iterable[Signal]) -> tuple[Candidate, ...]:
        """Return the declared causes, without those that measure what the signs measure."""
        replaced = {sign.measure for sign in own}
        return tuple(candidate for candidate in self.panel.used if candidate.column not in replaced)

    def left(self, outcome: str) -> NDArray[np.bool_]:
        """Whether each row ends in leaving."""
        left = self.rows["event"].to_numpy() == 1
        return left & (self.rows["cause"].to_numpy() == VOLUNTARY) if outcome == VOLUNTARY_CHURN else left

    def book(self, candidates: Sequence[Candidate], outcome: str, where: Where = None) -> EffectBook:
        """Return the fits of some terms on the rows, or on those of them that `where` names."""
        columns = tuple(candidate.column for candidate in candidates)
        place = b"" if where is None else np.packbits(where).tobytes()
        key = (columns, outcome, place)
        if key not in self._books:
            rows = self._join(columns, place, where)
            if outcome == VOLUNTARY_CHURN:
                rows = of_cause(rows, VOLUNTARY)
            self._books[key] = EffectBook(rows, candidates)
        return self._books[key]

    def _join(self, columns: tuple[str, ...], place: bytes, where: Where) -> pd.DataFrame:
        if (columns, place) not in self._joined:
            if b"" not in self._sources:
                self._sources[b""] = JoinedRows(self.rows)
            if place not in self._sources and where is not None:
                self._sources[place] = self._sources[b""].among(where)
            self._joined[columns, place] = self._sources[place].on(columns, kept=("cause", CLUSTER))
        return self._joined[columns, place]

    def unadjusted(self, own: Iterable[Signal], outcome: str, group: str, where: Where = None) -> list[dict[str, Any]]:
        """Return the ratios of each sign alone, for the first outcome."""
        rows: list[dict[str, Any]] = []
        if outcome != self.outcomes[0]:
            return rows
        for sign in own:
            effect = self.book((sign.candidate,), outcome, where).effect(sign.candidate, UNADJUSTED)
            rows += self.effect_rows(
                effect, UNADJUSTED, outcome, group, "hazard ratio without adjustment", sign.definition
            )
        return rows

    def adjusted(
        self,
        own: Sequence[Signal],
        others: Sequence[Candidate],
        kind: str,
        outcome: str,
        group: str,
        definition: str,
        where: Where = None,
        beside: Sequence[Signal] = (),
        products: Sequence[Candidate] = (),
    ) -> list[dict[str, Any]]:
        """Return the ratios of signs beside other terms, each kind of adjustment fitted once.

        Parameters
        ----------
        own, beside : sequence of Signal
            Those to report, and others that stand in the model.
        others, products : sequence of Candidate
            Declared causes, and products of signs that are already columns of the rows.
        kind : {"total", "direct"}
            Which of the other terms each is adjusted for, by tiers and groups.
        outcome, group, definition : str
        where : ndarray of bool, optional
        """
        rows: list[dict[str, Any]] = []
        for sign in own:
            effect = self.effect(sign.candidate, [*own, *beside], others, kind, outcome, where, products)
            rows += self.effect_rows(effect, kind, outcome, group, definition, sign.definition)
        return rows

    def effect(
        self,
        candidate: Candidate,
        signs: Iterable[Signal],
        others: Sequence[Candidate],
        kind: str,
        outcome: str,
        where: Where = None,
        products: Sequence[Candidate] = (),
    ) -> Effect:
        """Return the effect of one term beside the others."""
        own = sorted((sign.candidate for sign in signs), key=lambda each: each.column)
        return self.book((*others, *own, *products), outcome, where).effect(candidate, kind)

    def effect_rows(
        self, effect: Effect, kind: str, outcome: str, group: str, definition: str, levels: str = ""
    ) -> list[dict[str, Any]]:
        """Return the findings of one effect: its contrasts and their joint test."""
        notes = [effect.note, few_events(effect)] if kind != UNADJUSTED else [effect.note]
        base = BASE | {
            "outcome": outcome,
            "method": METHOD if outcome == OUTCOME else f"{METHOD}, cause-specific",
            "term": effect.candidate.label,
            "group": group,
            "effect_kind": kind,
            "adjusted_for": ", ".join(effect.adjusted_for),
            "definition": definition,
            "note": " ".join(note for note in notes if note),
        }
        level = self.study.confidence_level
        rows = [ratio_row(contrast, level, **base) for contrast in effect.contrasts]
        test = base | {
            "estimand": "joint_test",
            "statistic": effect.statistic,
            "df": effect.df,
            "p_value": effect.p_value,
            "definition": levels,
        }
        return [*rows, test]


def few_events(effect: Effect) -> str:
    """Say that a model has few leavers per coefficient, where it has."""
    if effect.fit is None or not len(effect.fit.params):
        return ""
    per = effect.fit.n_events / len(effect.fit.params)
    return f"Only {per:.1f} leavers per coefficient of its model." if per < FEWEST_EVENTS_PER_COEFFICIENT else ""


def lacking_row(key: str, why: str) -> dict[str, Any]:
    """Return the finding that says what is not recorded."""
    return BASE | {
        "estimand": "hazard_ratio",
        "term": _WORDS[key],
        "group": "not recorded",
        "method": METHOD,
        "estimate": math.nan,
        "note": why,
    }
