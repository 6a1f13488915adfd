"""Invitations that count, why others do not, and whether each was answered in the usual time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.analyses.answers import AFTER_CHURN, BEFORE_START, BEFORE_WINDOW, NOT_AT_RISK, kept_by, valid_answers
from whychurn.analyses.risk_rows import owned
from whychurn.panel import Panel
from whychurn.study import TableStudy

NO_DAY = "day of the invitation not known"
TOO_LATE = "too late to be answered within the window"
BACKWARDS = "answered before it was sent"
SAME_DAY = "another invitation of the same person on the same day"
#: The usual time to answer: so many of the answers had come by then. In whole weeks, no fewer and no more than these.
SHARE_IN_TIME, FEWEST_WEEKS, MOST_WEEKS, WEEKS_UNKNOWN = 0.99, 1, 8, 2
_KEPT = (
    "account_id", "cluster", "spell", "day", "days_since_start", "answered", "late", "score", "ends_on", "event",
)  # fmt: skip


@dataclass(frozen=True)
class Invitations:
    """Invitations that count.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row each, in the order of account and day: ``account_id``, ``cluster`` (the parent account where there is one),
        ``spell``, ``day``, ``days_since_start``, ``answered`` (0 or 1: within the usual time), ``late`` (answered after
        it), ``score`` (of an answer in time that counts, else NaN), ``ends_on`` (last day of follow-up of the spell) and
        ``event`` (whether the customer left on it).
    excluded : tuple of (str, int)
        Why others do not count, and how many.
    n_sent : int
        Rows of surveys.
    days_to_answer : int
        The usual time to answer.
    """

    frame: pd.DataFrame
    excluded: tuple[tuple[str, int], ...]
    n_sent: int
    days_to_answer: int


def valid_invitations(panel: Panel, study: TableStudy) -> Invitations:
    """Return the invitations to customers of the window who had the usual time to answer before it ended."""
    sent = panel.tables["answers"]
    invited, answered = (pd.to_datetime(sent[name]).dt.normalize() for name in ("invited_at", "answered_at"))
    delay = (answered - invited).dt.days
    in_time = days_to_answer(delay)
    begin, end = pd.Timestamp(study.observed_from), pd.Timestamp(study.observed_to)
    placed = _placed(panel, sent["account_id"], invited)
    tests = (
        (NO_DAY, invited.isna()),
        (BEFORE_WINDOW, invited < begin),
        (TOO_LATE, invited + pd.Timedelta(days=in_time) >= end),
        (BEFORE_START, placed["spell"].isna()),
        (AFTER_CHURN, invited >= placed["ended_on"]),
        (NOT_AT_RISK, ~((placed["entered_on"] <= invited) & (invited < placed["followed_to"]))),
        (BACKWARDS, delay < 0),
    )
    counts, excluded = kept_by(tests, len(sent))
    usable = sent["response_id"].isin(valid_answers(panel, study).frame["response_id"])
    gave = delay.le(in_time)
    frame = placed.assign(
        account_id=sent["account_id"],
        user=sent["user_id"].astype(object).where(sent["user_id"].notna(), ""),
        day=invited,
        days_since_start=(invited - placed["started_on"]).dt.days,
        answered=gave.astype(int),
        late=delay.gt(in_time).astype(int),
        score=sent["score"].astype(float).where(gave & usable),
        ends_on=placed["followed_to"],
    )[counts]
    # Of two on one day the answered one stays.
    frame = frame.sort_values(["account_id", "day", "answered"], kind="stable")
    repeated = frame.duplicated(["account_id", "user", "day"], keep="last")
    excluded.append((SAME_DAY, int(repeated.sum())))
    frame = frame.loc[~repeated].reset_index(drop=True)
    frame["cluster"] = owned(panel, frame["account_id"])
    frame[["spell", "days_since_start"]] = frame[["spell", "days_since_start"]].astype(np.int64)
    return Invitations(frame[list(_KEPT)], tuple(excluded), len(sent), in_time)


def days_to_answer(delay: pd.Series) -> int:
    """Return the time within which nearly all answers came, in whole weeks given as days.

    Parameters
    ----------
    delay : pandas.Series
        Days from invitation to answer; NaN where there is none.
    """
    known = delay[delay >= 0]
    if known.empty:
        return 7 * WEEKS_UNKNOWN
    days = float(known.quantile(SHARE_IN_TIME, interpolation="higher"))
    return 7 * min(max(math.ceil(days / 7), FEWEST_WEEKS), MOST_WEEKS)


def _placed(panel: Panel, account_id: pd.Series, day: pd.Series) -> pd.DataFrame:
    """Return the spell that began last by each day, in the order given; nothing where there is none."""
    dates = ["started_on", "entered_on", "ended_on", "followed_to"]
    spells = panel.accounts[["account_id", "spell", "event", *dates]].copy()
    spells[dates] = spells[dates].astype("datetime64[ns]")
    asked = pd.DataFrame({"account_id": account_id, "day": day.astype("datetime64[ns]"), "place": range(len(day))})
    known = asked[asked["day"].notna()].sort_values("day", kind="stable")
    found = pd.merge_asof(
        known, spells.sort_values("started_on", kind="stable"), left_on="day", right_on="started_on", by="account_id"
    )
    return found.set_index("place").reindex(range(len(day)))[["spell", "event", *dates]].set_axis(account_id.index)
