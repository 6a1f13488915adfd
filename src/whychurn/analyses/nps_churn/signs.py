"""The last score, its change and the last rating of support, as models see them on rows at risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.answers import BANDS, DETRACTOR, PASSIVE, PROMOTER
from whychurn.analyses.nps_churn.base import CHANGE, RATING, SCORE
from whychurn.analyses.risk_rows import as_floats, recorded
from whychurn.panel import Candidate, Panel

NO_ANSWER, NOT_RECORDED = "no answer yet", "not recorded"
#: Points by which a score has fallen to count as fallen.
FALL = 2
FELL, NOT_FELL, ONCE = f"fell by {FALL} points or more", "about the same, or better", "one answer only"
#: Measures that are the score.
SCORES = ("nps_band", "last_nps")
_SCALES = (5, 7, 10, 100)


@dataclass(frozen=True)
class Sign:
    """One thing that customers said.

    Attributes
    ----------
    candidate : Candidate
        Its levels, the reference first; ``compare`` is the level that the page is about.
    values : ndarray of object, shape (n,)
        A level per row at risk.
    measures : tuple of str
        Measures that it stands for: declared causes of that name do not stand beside it.
    definition : str
    declared : bool
        Whether the candidate is a cause of the study as it stands.
    """

    candidate: Candidate
    values: Any
    measures: tuple[str, ...]
    definition: str
    declared: bool = False


def score_sign(panel: Panel) -> Sign | None:
    """Return the band of the last answer known a lag before each row; None where the study has no scores."""
    if not _has(panel, SCORES[0]):
        return None
    band = recorded(panel, [SCORES[0]])[SCORES[0]]
    values = band.astype(object).where(band.notna(), NOT_RECORDED).to_numpy(dtype=object)
    levels = (PROMOTER, PASSIVE, DETRACTOR, NO_ANSWER, NOT_RECORDED)
    definition = "group of the last answer known before the row; “not recorded”: before surveys were recorded"
    return Sign(_candidate(panel, "nps_state", SCORE, levels, DETRACTOR, SCORES), values, SCORES, definition)


def change_sign(panel: Panel, answers: pd.DataFrame, score: Sign) -> Sign:
    """Return whether the last answer of the account was well below the one before it, as known before each row.

    Parameters
    ----------
    panel : Panel
    answers : pandas.DataFrame
        As in ``Answers.frame``.
    score : Sign
        Of :func:`score_sign`: where it is not recorded, its change is not.
    """
    states = changes(answers)
    rows = panel.rows.read(["account_id", "spell", "cut_off", "under_notice"])
    place = last_known(rows, answers)
    values = np.where(place >= 0, np.append(states, NO_ANSWER)[place], NO_ANSWER).astype(object)
    values[score.values == NOT_RECORDED] = NOT_RECORDED
    levels = (NOT_FELL, FELL, ONCE, NO_ANSWER, NOT_RECORDED)
    definition = (
        f"last answer of the account against the one before it: fallen by {FALL} of 10 points or more, or not. Stands "
        "until the next answer; the two answers may be of different people"
    )
    return Sign(_candidate(panel, "nps_change", CHANGE, levels, FELL, SCORES), values, SCORES, definition)


def changes(answers: pd.DataFrame) -> NDArray[Any]:
    """Return what each answer says against the account's answer before it, shape (n,); answers in order of account and time."""
    score = answers["score"].to_numpy(dtype=float)
    account = answers["account_id"].to_numpy()
    if not len(score):
        return np.array([], dtype=object)
    again = np.append(False, account[1:] == account[:-1])
    fell = np.append(False, score[1:] - score[:-1] <= -FALL)
    return np.where(~again, ONCE, np.where(fell, FELL, NOT_FELL)).astype(object)


def last_known(rows: pd.DataFrame, answers: pd.DataFrame) -> NDArray[np.int64]:
    """Return the number of the account's last answer before the cut-off of each row, -1 where there is none.

    Rows under notice know what was known when notice was given, as every measure does.

    Parameters
    ----------
    rows : pandas.DataFrame
        ``account_id``, ``spell``, ``cut_off``, ``under_notice``, in the order of account, spell and time.
    answers : pandas.DataFrame
        ``account_id``, ``day``, in the order of account and time.
    """
    if not len(answers) or not len(rows):
        return np.full(len(rows), -1, dtype=np.int64)
    account, names = pd.factorize(rows["account_id"])
    owner = pd.Index(names).get_indexer(pd.Index(answers["account_id"]))
    cut = _days(rows["cut_off"])
    spell = rows["spell"].to_numpy()
    begins = np.append(True, (account[1:] != account[:-1]) | (spell[1:] != spell[:-1]))
    place = np.arange(len(rows))
    free = rows["under_notice"].to_numpy() == 0
    shown = np.maximum.accumulate(np.where(free, place, -1))
    shown = np.where(shown >= np.maximum.accumulate(np.where(begins, place, 0)), shown, -1)
    day = _days(answers["day"])
    # One number that rises from answer to answer: accounts one after another, days within each.
    origin = min(int(cut.min()), int(day.min()))
    wide = max(int(cut.max()), int(day.max())) - origin + 2
    keys = owner * wide + (day - origin)
    order = np.argsort(keys, kind="stable")
    found = np.searchsorted(keys[order], account * wide + (cut[np.maximum(shown, 0)] - origin), side="left") - 1
    known = (found >= 0) & (shown >= 0)
    number = order[np.maximum(found, 0)]
    return np.where(known & (owner[number] == account), number, -1)


def rating_sign(panel: Panel) -> Sign | None:
    """Return the last rating of support as the study declares it, or low, fine and none yet where it does not."""
    if not _has(panel, "last_csat"):
        return None
    declared = next((cause for cause in panel.used if cause.column == "last_csat"), None)
    if declared is not None and declared.kind == "category" and declared.compare:
        values = panel.rows.read(["last_csat"])["last_csat"].to_numpy(dtype=object)
        return Sign(declared, values, ("last_csat",), "last rating of support known before the row", declared=True)
    rating = as_floats(recorded(panel, ["last_csat"])["last_csat"])
    known = rating[~np.isnan(rating)]
    top = next((scale for scale in _SCALES if not len(known) or known.max() <= scale), 100)
    low, fine = f"below {top / 2:g} of {top}", f"{top / 2:g} of {top} or more"
    values = np.where(np.isnan(rating), "none yet", np.where(rating < top / 2, low, fine)).astype(object)
    candidate = _candidate(panel, "csat_state", RATING, (fine, low, "none yet"), low, ("last_csat",))
    return Sign(candidate, values, ("last_csat",), "last rating of support known before the row")


def is_band(level: str) -> bool:
    """Whether a level says what was answered."""
    return level in BANDS


def _candidate(
    panel: Panel, column: str, label: str, levels: tuple[str, ...], compare: str, measures: tuple[str, ...]
) -> Candidate:
    """Return a term in the tier and group of the measure where the study declares it, else in the last tier."""
    own = next((cause for name in measures for cause in panel.used if cause.column == name), None)
    tier = own.tier if own else max((cause.tier for cause in panel.used), default=1)
    return Candidate(
        column, label, "category", tier, own.group if own else measures[0], levels, levels[0], compare, True
    )


def _has(panel: Panel, name: str) -> bool:
    rows = panel.recorded if panel.recorded is not None else panel.rows
    return name in rows.columns


def _days(values: pd.Series) -> NDArray[np.int64]:
    return pd.to_datetime(values).to_numpy().astype("datetime64[D]").astype(np.int64)
