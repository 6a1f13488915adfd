"""Cox models of usage: own terms beside what is held equal; terms that cannot be estimated give way with a note."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from whychurn.analyses.feature_fits import UsageFit
from whychurn.analyses.fits import fit_rows
from whychurn.analyses.risk_rows import CLUSTER, of_cause
from whychurn.analyses.rows import ModelRows, model_rows
from whychurn.panel import Candidate

_BARE = ("account_id", "spell", "start", "stop", "event", CLUSTER)
CONSTANT = "It does not vary among the rows of this model."
NOBODY_LEFT = "Nobody left among these customers, so there is nothing to compare."
GIVES_WAY = (
    "It cannot be estimated here: it repeats what else is in the model, or those who left cannot be told from those who "
    "stayed beside it."
)

#: A number for each row, or levels with the reference first.
Term = np.ndarray | pd.Categorical


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which BLAS runs on one thread: between many small products its waiting threads only spin."""
    return threadpool_limits(1, user_api="blas")


class UsageModels:
    """Models on the same rows: what is held equal is coded once for each cause of leaving.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows at risk with the adjusters (:class:`whychurn.analyses.feature_rows.FeatureRows`).
    adjusters : sequence of Candidate
        What is held equal.
    """

    def __init__(self, frame: pd.DataFrame, adjusters: Sequence[Candidate]) -> None:
        self.frame = frame
        self.adjusters = tuple(adjusters)
        self._coded: dict[tuple[str, bool], ModelRows] = {}

    def fit(self, cause: str, own: Mapping[str, Term], adjusted: bool = True) -> UsageFit:
        """Fit own terms, beside what is held equal or alone.

        Parameters
        ----------
        cause : str
            Of leaving; "" for all.
        own : Mapping of str to numpy.ndarray or pandas.Categorical
            One value per row of the frame. Names are words that no message holds by chance, such as ``own_3``. Rows
            without a value are left out.
        adjusted : bool
        """
        coded = self._coding(cause, adjusted)
        frame = coded.frame.copy(deep=False)
        place = frame["row"].to_numpy()
        for name, values in own.items():
            frame[name] = values[place]
        frame = frame[frame[list(own)].notna().all(axis=1)]
        if not frame["event"].any():
            return UsageFit(None, NOBODY_LEFT)
        frame, empty, levels = _without_empty_levels(frame, own)
        left = {name: CONSTANT for name in own if frame[name].nunique() < 2}
        kept = [name for name in own if name not in left]
        while kept:
            fit, note, rows = fit_rows(replace(coded, frame=frame), kept)
            labels = tuple(c.label for c in self.adjusters if c.column in rows.names)
            if fit is not None:
                return UsageFit(fit, "", left, empty, levels, labels)
            # The problem names the column first, then what it repeats.
            culprit = next((word for word in re.findall(r"\w+", note) if word in kept), None)
            if culprit is None:
                return UsageFit(None, note, left, empty, levels)
            left[culprit] = GIVES_WAY
            kept.remove(culprit)
        return UsageFit(None, "No term is left to fit.", left, empty, levels)

    def _coding(self, cause: str, adjusted: bool) -> ModelRows:
        if (cause, adjusted) not in self._coded:
            rows = of_cause(self.frame, cause) if cause else self.frame
            if adjusted:
                self._coded[cause, adjusted] = model_rows(rows, self.adjusters)
            else:
                bare = rows[[name for name in _BARE if name in rows]].assign(row=np.arange(len(rows)))
                self._coded[cause, adjusted] = ModelRows(bare, {}, {}, (), 0)
        return self._coded[cause, adjusted]


def _without_empty_levels(
    frame: pd.DataFrame, own: Mapping[str, Term]
) -> tuple[pd.DataFrame, dict[tuple[str, str], str], dict[str, list[str]]]:
    """Leave out rows at levels at which nobody left: their coefficient is minus infinity, and this is its limit."""
    categories = [name for name, values in own.items() if isinstance(values, pd.Categorical)]
    empty: dict[tuple[str, str], str] = {}
    for name in categories:
        with_events = set(frame.loc[frame["event"] == 1, name])
        absent = [level for level in frame[name].cat.categories if level not in with_events]
        for level in absent:
            n = int(frame.loc[frame[name] == level, "account_id"].nunique())
            empty[name, str(level)] = (
                f"Nobody left among its {n:,} customers, so its ratio cannot be estimated (the limit is 0)."
            )
        frame = frame[~frame[name].isin(absent)]
    frame = frame.reset_index(drop=True)
    for name in categories:
        frame[name] = frame[name].cat.remove_unused_categories()
    return frame, empty, {name: [str(level) for level in frame[name].cat.categories] for name in categories}


def without_repeats(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Join rows of a spell that follow on each other and agree in some columns.

    The likelihood is the same: what was cut in two at the same covariates was one interval before. Rows come in the
    order of account, spell and time; of joined rows the last says how they end.
    """
    first = ~frame.duplicated(["account_id", "spell"]).to_numpy()
    before = frame.shift(1)
    fresh = first | (frame["start"] != before["stop"]).to_numpy() | (before["event"] == 1).to_numpy()
    for name in columns:
        values, _ = pd.factorize(frame[name])
        fresh[1:] |= values[1:] != values[:-1]
    begins = np.flatnonzero(fresh)
    ends = np.append(begins[1:], len(frame)) - 1
    joined = frame.iloc[ends].reset_index(drop=True)
    joined["start"] = frame["start"].to_numpy()[begins]
    return joined
