"""Rows that a model has not seen, coded as the rows that it was fitted to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from whychurn.analyses.rows import ModelRows
from whychurn.panel import Candidate


def coded_like(frame: pd.DataFrame, terms: Sequence[Candidate], rows: ModelRows) -> pd.DataFrame:
    """Return other rows as a model takes them; a level that it does not hold counts as the reference.

    Those levels are the ones at which nobody left, or that were not there, among the rows of the fit.

    Parameters
    ----------
    frame : pandas.DataFrame
        With one column per term.
    terms : sequence of Candidate
        All terms that were asked for; those that had to leave are passed over.
    rows : ModelRows
        Of the fit.
    """
    held = [term for term in terms if term.column in rows.names]
    columns = {term.column for term in held}
    out = pd.DataFrame(index=frame.index)
    for term in held:
        name, values = rows.names[term.column], frame[term.column]
        if term.kind == "number":
            out[name] = values.astype(float) / term.per
            continue
        merges = _merges(term, columns)
        values = values.replace(merges) if merges else values
        levels = rows.levels(term.column)
        out[name] = pd.Categorical(values.where(values.isin(levels), levels[0]), levels)
    return out


def n_unheld(frame: pd.DataFrame, terms: Sequence[Candidate], rows: ModelRows) -> int:
    """Count the rows with a level that the model does not hold."""
    columns = set(rows.names)
    odd = np.zeros(len(frame), dtype=bool)
    for term in terms:
        if term.kind == "category" and term.column in columns:
            known = {*rows.levels(term.column), *_merges(term, columns)}
            odd |= ~frame[term.column].isin(known).to_numpy()
    return int(odd.sum())


def _merges(term: Candidate, columns: set[str]) -> dict[str, str]:
    return {merge.level: merge.into for merge in term.merged if merge.because_column in columns}
