"""What is measured, on how many rows it is known, and why it is not known on the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.data_quality_base import BASE, entry_rows
from whychurn.panel import Panel
from whychurn.panel.candidates import MISSING_LEVEL
from whychurn.study import TableStudy

#: Read so many columns of the rows at risk at once: they may be many millions.
COLUMNS_AT_ONCE = 12


def measure_rows(panel: Panel, study: TableStudy, tracked: Mapping[str, date]) -> list[dict[str, Any]]:
    """Return the dictionary of measures and, for each, the share of rows on which it is known and why not.

    Parameters
    ----------
    panel : Panel
        Of a study of tables.
    study : TableStudy
    tracked : mapping of str to date
        First day each log was recorded.
    """
    named = [*panel.measures]
    if not named:
        return []
    base = panel.rows.read(["start", "start_on", "cut_off", "under_notice"])
    cut_off = pd.to_datetime(base["cut_off"]).to_numpy().astype("datetime64[D]")
    began = pd.to_datetime(base["start_on"]).to_numpy().astype("datetime64[D]") - base["start"].to_numpy(dtype=int)
    under_notice = base["under_notice"].to_numpy(dtype=bool)
    shown = _shown(under_notice, entry_rows(base))
    untracked = _Untracked(cut_off, began, study, tracked)
    candidates = {candidate.column: candidate.missing_level for candidate in panel.candidates}
    rows: list[dict[str, Any]] = [
        BASE | {"estimand": "rows_at_risk", "term": "Rows at risk", "unit": "rows", "estimate": len(base),
                "definition": f"each covers up to {study.interval_days} days of one spell"},
        BASE | {"estimand": "rows_under_notice", "term": "Rows at risk", "unit": "share",
                "estimate": float(under_notice.mean()) if len(base) else np.nan,
                "numerator": int(under_notice.sum()), "denominator": len(base),
                "definition": "rows whose cut-off falls after notice was given; they keep what was known before it"},
    ]  # fmt: skip
    for some in _in_parts(named):
        frame = panel.rows.read([measure.name for measure in some])
        for measure in some:
            missing = _missing(frame[measure.name], candidates.get(measure.name, MISSING_LEVEL))
            never = untracked(measure.needs, measure.window)
            # A row under notice shows the value of an earlier row, so it is that row's days which were recorded or not.
            if measure.lagged:
                never, no_row = (shown >= 0) & never[shown], shown < 0
            else:
                no_row = np.zeros(len(missing), dtype=bool)
            rows += _of(measure, missing, never, no_row, measure.name in candidates)
    return rows


def attribute_rows(panel: Panel) -> list[dict[str, Any]]:
    """Return the share of customers without a value, for every attribute that accounts carry."""
    measured = {measure.name for measure in panel.measures}
    labels = {candidate.column: candidate for candidate in panel.candidates}
    accounts = panel.accounts.drop_duplicates("account_id", keep="last")
    out = []
    for column in [name for name in accounts.columns if name not in SPELL_COLUMNS and name not in measured]:
        candidate = labels.get(str(column))
        level = candidate.missing_level if candidate is not None else MISSING_LEVEL
        missing = int(_missing(accounts[column], level).sum())
        out.append(
            BASE
            | {
                "estimand": "missing_share",
                "term": candidate.label if candidate else str(column),
                "level": str(column),
                "group": "attribute",
                "unit": "share",
                "estimate": missing / len(accounts),
                "numerator": missing,
                "denominator": len(accounts),
                "declared": "candidate" if candidate else "",
                "note": (candidate.note or candidate.reason) if candidate else "",
                "definition": "customers without a value, as last recorded",
            }
        )
    return out


#: What every row of accounts has besides attributes and measures.
SPELL_COLUMNS = (
    "account_id", "spell", "spell_id", "started_on", "entered_on", "ended_on", "followed_to", "duration", "entry", "event",
    "cause", "reason", "controllable", "amount",
)  # fmt: skip


class _Untracked:
    """On which rows a measure reaches into days on which its tables were not recorded.

    A trailing window reaches back its days. What holds as of a day ("never used it", "days since the last login")
    reaches back to the day the customer came.
    """

    def __init__(self, cut_off: np.ndarray, began: np.ndarray, study: TableStudy, tracked: Mapping[str, date]) -> None:
        self._cut_off, self._began, self._study, self._tracked = cut_off, began, study, tracked
        self._known: dict[tuple[tuple[str, ...], int], np.ndarray] = {}

    def __call__(self, needs: Sequence[str], window: int) -> np.ndarray:
        key = (tuple(needs), window)
        if key not in self._known:
            self._known[key] = self._find(*key)
        return self._known[key]

    def _find(self, needs: tuple[str, ...], window: int) -> np.ndarray:
        begin = self._cut_off - np.timedelta64(max(window, 1), "D")
        out = np.zeros(len(self._cut_off), dtype=bool)
        first_needed = begin if window else np.minimum(begin, self._began)
        for name in needs:
            if name in self._tracked:
                out |= first_needed < np.datetime64(self._tracked[name], "D")
            table = self._study.tables.get(name)
            for first, after in table.not_tracked if table else ():
                out |= (first_needed < np.datetime64(after, "D")) & (self._cut_off > np.datetime64(first, "D"))
        return out


def _shown(under_notice: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Return the row whose values each row shows where measures stand still: its own, or the last before notice.

    -1 where notice had been given before the spell's first row, so that there is none.
    """
    place = np.arange(len(first))
    last_free = np.maximum.accumulate(np.where(under_notice, -1, place)) if len(first) else place
    begin = np.maximum.accumulate(np.where(first, place, 0)) if len(first) else place
    return np.where(last_free >= begin, last_free, -1)


def _missing(values: pd.Series, level: str) -> np.ndarray:
    """Which values are missing; a candidate carries them as a level of its own."""
    missing = values.isna().to_numpy()
    return missing if values.dtype != object else missing | (values == level).to_numpy()


def _in_parts(measures: Sequence[Any]) -> Iterator[list[Any]]:
    """Measures in order, a few at a time, those of one group together."""
    for _, group in groupby(measures, key=lambda measure: measure.group):
        listed = list(group)
        for start in range(0, len(listed), COLUMNS_AT_ONCE):
            yield listed[start : start + COLUMNS_AT_ONCE]


def _of(
    measure: Any, missing: np.ndarray, never: np.ndarray, no_row: np.ndarray, candidate: bool
) -> Iterator[dict[str, Any]]:
    n = len(missing)
    base = BASE | {"term": measure.label, "level": measure.name, "group": measure.group}
    yield base | {
        "estimand": "measure",
        "unit": measure.unit,
        "definition": measure.description,
        "declared": "candidate" if candidate else "",
        "note": ", ".join(measure.needs),
    }
    parts = {
        "known_share": ~missing,
        "not_tracked_share": missing & never,
        "notice_share": missing & ~never & no_row,
        "nothing_share": missing & ~never & ~no_row,
    }
    for estimand, chosen in parts.items():
        count = int(chosen.sum())
        yield base | {
            "estimand": estimand,
            "unit": "share",
            "estimate": count / n if n else np.nan,
            "numerator": count,
            "denominator": n,
            "definition": SPLIT[estimand],
        }


SPLIT = {
    "known_share": "rows with a value",
    "not_tracked_share": "rows without one that would need days on which its table was not recorded",
    "notice_share": "rows without one because notice was given before the spell had a row to keep it from",
    "nothing_share": "rows without one although recorded: there was nothing to measure, or too little time as a customer",
}
