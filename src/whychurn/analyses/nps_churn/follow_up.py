"""Answers followed to the end: how long until the customer left, or until nothing more is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from whychurn.panel import Panel

_SPELL = ["account_id", "spell"]


def first_answers(answers: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Return the first answer of every spell, followed to the end of the spell or of the window.

    The first, because it is known on the day from which time is counted. The last answer of a spell is not: which one
    was the last depends on how long the customer stayed.

    Parameters
    ----------
    answers : pandas.DataFrame
        As in ``Answers.frame``, in the order of account and time.
    panel : Panel

    Returns
    -------
    pandas.DataFrame
        ``account_id``, ``spell``, ``band``, ``day``, ``time`` (days since the answer, 1 or more), ``event`` (1 where the
        customer left), ``cause`` ("" where not).
    """
    return _followed(answers, panel).drop_duplicates(_SPELL).reset_index(drop=True)


def every_answer(answers: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Return every answer, followed until the customer's next one, the end of the spell, or of the window.

    Of answers on one day the last counts: no time passes between them.
    """
    found = _followed(answers, panel)
    after = found.groupby(_SPELL, sort=False)["day"].shift(-1)
    until_next = (after - found["day"]).dt.days
    goes_on = until_next.notna().to_numpy()
    found["time"] = np.where(goes_on, until_next, found["time"])
    found["event"] = np.where(goes_on, 0, found["event"])
    found["cause"] = np.where(goes_on, "", found["cause"])
    return found[found["time"] > 0].reset_index(drop=True)


def last_answers(answers: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    """Return the last answer of every spell that ended in leaving.

    For looking back only: how long before leaving it came, and what it said.
    """
    found = _followed(answers, panel)
    last = found.drop_duplicates(_SPELL, keep="last")
    return last[last["event"] == 1].reset_index(drop=True)


def _followed(answers: pd.DataFrame, panel: Panel) -> pd.DataFrame:
    ends = panel.accounts[[*_SPELL, "followed_to", "event", "cause"]]
    found = answers[[*_SPELL, "person", "band", "score", "day"]].merge(ends, on=_SPELL, how="left", validate="m:1")
    time = (pd.to_datetime(found["followed_to"]) - pd.to_datetime(found["day"])).dt.days
    left = (found["event"] == 1).to_numpy()
    cause = found["cause"].where(left & found["cause"].notna(), "")
    # The day of leaving is the first without service, so an answer of the last day is followed for one day.
    return found.assign(time=time.astype(float), event=left.astype(int), cause=cause).drop(columns="followed_to")
