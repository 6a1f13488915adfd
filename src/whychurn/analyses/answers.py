"""Answers to "would you recommend us" that count, why others do not, and what was known before each was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.risk_rows import owned
from whychurn.panel import Panel
from whychurn.panel.levels import as_objects, read_categories
from whychurn.study import Study, TableStudy

DETRACTOR, PASSIVE, PROMOTER = "detractor", "passive", "promoter"
BANDS = (DETRACTOR, PASSIVE, PROMOTER)

NO_SCORE = "no score that can be used"
NOT_WHOLE = "score is no whole number from 0 to 10"
NO_DAY = "day of the answer not known"
BEFORE_WINDOW = "before the window"
AFTER_WINDOW = "after the window"
BEFORE_START = "before the customer signed up"
AFTER_CHURN = "after the customer had left"
NOT_AT_RISK = "on a day on which nobody was a customer there"
SAME_DAY = "a later answer of the same person on the same day"

#: Why there is nothing to say of a study with one row per customer, whatever columns it has.
ONE_ROW = (
    "The study has one row per customer and no dated answers: a score in such a row may be older than everything else in it, or "
    "have been given on the way out, so nothing is said of it here."
)

_COLUMNS = (
    "account_id", "cluster", "spell", "person", "response_id", "invited_at", "answered_at", "day", "score", "band",
    "comment", "days_since_start",
)  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """Answers that count, and a tally of those that do not.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per answer, in the order of account and time: ``account_id``, ``cluster`` (the parent account where
        there is one, else the account), ``spell``, ``person`` (account and user; the account alone where no user is
        recorded), ``response_id``, ``invited_at``, ``answered_at``, ``day`` (the day of the answer), ``score`` (0 to
        10), ``band`` (detractor, passive, promoter), ``comment`` (None where there is none), ``days_since_start``
        (from the first day of the spell to that of the answer).
    excluded : tuple of (str, int)
        Why answers do not count, and how many; an answer is counted under the first reason that holds. Reasons that
        hold for none are listed too, with 0.
    n_invited : int
        Rows of surveys, answered or not.
    n_answered : int
        Rows with a score or a day of the answer: those that count and those excluded.
    """

    frame: pd.DataFrame
    excluded: tuple[tuple[str, int], ...]
    n_invited: int
    n_answered: int

    @property
    def n_excluded(self) -> int:
        """How many answers do not count."""
        return sum(count for _, count in self.excluded)

    def latest(self, by: Sequence[str] = ("person",)) -> pd.DataFrame:
        """Return the last answer of each person, or of each combination of columns such as account, or person and month."""
        return latest(self.frame, by)


def valid_answers(panel: Panel, study: Study) -> Answers:
    """Return the answers that count.

    An answer counts if its score is a whole number from 0 to 10, its day is known and lies in the window, and the
    account was a customer on that day. Of several answers by one person on one day the last counts. Answers of one
    person on different days all count here; how often a person counts is for the analysis to say (:meth:`Answers.latest`).

    Parameters
    ----------
    panel : Panel
    study : Study

    Returns
    -------
    Answers
        Empty where the study has no surveys.
    """
    if not isinstance(study, TableStudy) or "answers" not in panel.tables:
        return Answers(pd.DataFrame(columns=list(_COLUMNS)), (), 0, 0)
    sent = panel.tables["answers"]
    given = sent[sent["answered_at"].notna() | sent["score"].notna()]
    day = given["answered_at"].dt.normalize()
    score = given["score"]
    begin, end = pd.Timestamp(study.observed_from), pd.Timestamp(study.observed_to)
    tests = (
        (NO_SCORE, score.isna()),
        (NOT_WHOLE, ~score.between(0, 10) | (score != np.floor(score))),
        (NO_DAY, day.isna()),
        (BEFORE_WINDOW, day < begin),
        (AFTER_WINDOW, day >= end),
        (BEFORE_START, given["spell"].isna()),
        (AFTER_CHURN, given["after_churn"].astype(bool)),
        (NOT_AT_RISK, ~given["at_risk"].astype(bool)),
    )
    counts, excluded = kept_by(tests, len(given))
    kept = given.loc[counts].assign(day=day[counts], person=_persons(given.loc[counts]))
    kept = kept.sort_values(["account_id", "answered_at", "row_number"], kind="stable")
    repeated = kept.duplicated(["person", "day"], keep="last")
    excluded.append((SAME_DAY, int(repeated.sum())))
    kept = kept.loc[~repeated].reset_index(drop=True)
    kept["cluster"] = owned(panel, kept["account_id"])
    kept["band"] = bands_of(kept["score"])
    kept["comment"] = kept["comment"].where(kept["comment"].notna(), None)
    kept[["spell", "score", "days_since_start"]] = kept[["spell", "score", "days_since_start"]].astype(np.int64)
    return Answers(kept[list(_COLUMNS)], tuple(excluded), len(sent), len(given))


def kept_by(tests: Sequence[tuple[str, pd.Series]], n: int) -> tuple[NDArray[np.bool_], list[tuple[str, int]]]:
    """Return which of `n` records no reason excludes, and how many each does; a record falls to the first that holds."""
    counts = np.ones(n, dtype=bool)
    excluded = []
    for reason, holds in tests:
        found = counts & holds.to_numpy(dtype=bool)
        excluded.append((reason, int(found.sum())))
        counts &= ~found
    return counts, excluded


def bands_of(score: pd.Series) -> pd.Series:
    """Return detractor (0 to 6), passive (7 or 8) or promoter (9 or 10)."""
    names = np.array(BANDS, dtype=object)
    return pd.Series(names[np.digitize(score.to_numpy(dtype=float), [7, 9])], score.index, dtype=object)


def latest(frame: pd.DataFrame, by: Sequence[str] = ("person",)) -> pd.DataFrame:
    """Return the last answer of each person, or of each combination of columns, of answers in the order of time."""
    return frame.loc[~frame.duplicated(list(by), keep="last")].reset_index(drop=True)


def known_before(
    panel: Panel, study: Study, frame: pd.DataFrame, columns: Sequence[str], recorded: bool = False
) -> pd.DataFrame:
    """Put beside records of customers what was known before, from the row at risk that holds the day of each.

    That row covers ``(start, stop]`` and knows what was known ``lag_days`` before it began, so nothing of the day
    itself, or after it, enters; it can be up to one interval older than the lag asks for.

    Parameters
    ----------
    panel : Panel
        Of a study of tables.
    study : Study
    frame : pandas.DataFrame
        With ``account_id``, ``spell`` and ``days_since_start``, such as ``Answers.frame``.
    columns : sequence of str
        Of the rows at risk.
    recorded : bool
        Whether values are wanted as recorded (numbers as numbers) instead of as models see them (levels, bands).

    Returns
    -------
    pandas.DataFrame
        The same rows in the same order, with the columns added: no value where no row at risk holds the day.
    """
    out = frame.drop(columns=[name for name in columns if name in frame])
    return pd.concat([out, taken_at(panel, places_of(panel, frame), frame.index, columns, recorded)], axis=1)


def taken_at(
    panel: Panel, place: NDArray[np.int64], index: pd.Index, columns: Sequence[str], recorded: bool = False
) -> pd.DataFrame:
    """Return columns of rows at risk by their number, under an index of records; no value where the number is -1."""
    if not len(columns) or not len(index):
        return pd.DataFrame({name: [None] * len(index) for name in columns}, index=index)
    rows = panel.recorded if recorded and panel.recorded is not None else panel.rows
    read = read_categories(rows, list(dict.fromkeys(columns)))
    made = {}
    for name in read.columns:
        values = read[name].take(np.maximum(place, 0))
        values = as_objects(values) if isinstance(values.dtype, pd.CategoricalDtype) else values
        values = values.set_axis(index).where(place >= 0)
        made[name] = values.where(values.notna(), None) if values.dtype == object else values
    return pd.DataFrame(made, index=index)


def places_of(panel: Panel, frame: pd.DataFrame) -> NDArray[np.int64]:
    """Return the number of the row at risk that holds each record's day, -1 where none does.

    Parameters
    ----------
    panel : Panel
        Of a study of tables.
    frame : pandas.DataFrame
        With ``account_id``, ``spell`` and ``days_since_start``.
    """
    rows = panel.rows.read(["account_id", "spell", "start", "stop"])
    start, stop = rows["start"].to_numpy(dtype=np.int64), rows["stop"].to_numpy(dtype=np.int64)
    if not len(rows) or not len(frame):
        return np.full(len(frame), -1, dtype=np.int64)
    account, spell = rows["account_id"].to_numpy(), rows["spell"].to_numpy()
    begins = np.ones(len(rows), dtype=bool)
    begins[1:] = (account[1:] != account[:-1]) | (spell[1:] != spell[:-1])
    number = np.cumsum(begins) - 1
    firsts = pd.DataFrame({"account_id": account[begins], "spell": spell[begins], "number": np.arange(begins.sum())})
    asked = frame[["account_id", "spell"]].merge(firsts, on=["account_id", "spell"], how="left", validate="m:1")
    wanted = asked["number"].fillna(-1).to_numpy(dtype=np.int64)
    days = frame["days_since_start"].to_numpy(dtype=np.int64)
    # One number that rises from row to row: spells one after another, days within each.
    wide = int(max(stop.max(), days.max())) + 1
    place = np.searchsorted(number * wide + start, wanted * wide + days, side="right") - 1
    held = (wanted >= 0) & (place >= 0) & (days >= 0)
    at = np.maximum(place, 0)
    return np.where(held & (number[at] == wanted) & (days < stop[at]), place, -1)


def _persons(given: pd.DataFrame) -> pd.Series:
    """Name who answered; the same name at two accounts is two persons."""
    user = given["user_id"].astype(object).where(given["user_id"].notna(), "").astype(str)
    account = given["account_id"].astype(str)
    return (account + "\x1f" + user).where(user != "", account)
