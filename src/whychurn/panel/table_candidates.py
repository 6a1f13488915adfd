"""The declared causes of a study of tables, held against the measures and attributes that there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.errors import PanelError
from whychurn.panel.aliases import LevelCodes, with_aliases
from whychurn.panel.attributes import TAKEN
from whychurn.panel.candidates import MISSING_LEVEL, Candidate
from whychurn.panel.coding import CodedRows, Coding, coded_cause
from whychurn.panel.detected import with_detections, without_duplicates
from whychurn.panel.levels import read_categories
from whychurn.panel.measure import Measure
from whychurn.panel.measure_needs import reason_left_out
from whychurn.panel.measures import registry
from whychurn.panel.panel import Rows
from whychurn.sources import LedgerStep, Sources
from whychurn.sources.names import counted, shown, suggestion
from whychurn.study import Cause, TableStudy

#: Stands for a module, and for a kind of event, that only records which are not there could name.
_ANY = "whichever"
#: So many columns are read at a time: the rows at risk may be many millions.
_COLUMNS_AT_A_TIME = 8
#: Of up to so many rows, coded categories are kept, at one byte a row.
_MOST_KEPT = 2_000_000


def table_candidates(
    rows: Rows,
    measures: Sequence[Measure],
    attributes: Sequence[str],
    sources: Sources,
    study: TableStudy,
    rows_of_spell: NDArray[np.integer[Any]],
) -> tuple[tuple[Candidate, ...], CodedRows, dict[str, NDArray[Any]]]:
    """Resolve every declared cause on the rows at risk.

    Parameters
    ----------
    rows : Rows
        As recorded; only the columns that are causes are read, a few at a time.
    measures : sequence of Measure
        Those that the rows carry.
    attributes : sequence of str
        Columns of accounts that the rows carry.
    sources : Sources
    study : TableStudy
    rows_of_spell : numpy.ndarray
        How many rows each spell has, at least one.

    Returns
    -------
    candidates : tuple of Candidate
        In the order of the study.
    rows : CodedRows
        The rows, with candidates as models see them.
    last : dict of str to numpy.ndarray
        Each candidate's value on the last row of every spell.

    Raises
    ------
    PanelError
        If a cause is neither a measure nor an attribute, or is declared as a number and holds text.
    """
    known = [*attributes, *(measure.name for measure in measures)]
    lacking = {
        cause.column: _lacking(cause.column, sources, study) for cause in study.causes if cause.column not in known
    }
    _refuse_unknown([name for name, reason in lacking.items() if not reason], attributes, measures)
    candidates: dict[str, Candidate] = {}
    codings: dict[str, Coding] = {}
    codes: dict[str, LevelCodes] = {}
    kept: dict[str, pd.Series] = {}
    last: dict[str, NDArray[Any]] = {}
    last_rows = np.cumsum(rows_of_spell) - 1
    for causes in _in_batches([cause for cause in study.causes if cause.column not in lacking]):
        values = read_categories(rows, [cause.column for cause in causes])
        for cause in causes:
            candidate, coding, coded = coded_cause(cause, values[cause.column])
            if cause.column == "tenure_days":
                candidate = replace(candidate, used=False, reason="models compare customers of the same tenure already")
            if cause.column in attributes:
                candidate = with_detections(candidate, cause, sources.detections)
            if candidate.kind == "category":
                codes[cause.column] = LevelCodes.of(coded)
                if len(coded) <= _MOST_KEPT:
                    kept[cause.column] = coded
            candidates[cause.column], codings[cause.column] = candidate, coding
            at_last = coded.iloc[last_rows]
            last[cause.column] = (at_last.astype(object) if candidate.kind == "category" else at_last).to_numpy()
    for cause in study.causes:
        if cause.column in lacking:
            candidates[cause.column] = _left_out(cause, lacking[cause.column])
            last[cause.column] = np.full(len(last_rows), MISSING_LEVEL, dtype=object)
    declared = [candidates[cause.column] for cause in study.causes]
    resolved = with_aliases(without_duplicates(declared, sources.detections), codes)
    return tuple(resolved), CodedRows(rows, codings, tuple(lacking), kept), last


def _in_batches(causes: Sequence[Cause]) -> Iterator[Sequence[Cause]]:
    for begin in range(0, len(causes), _COLUMNS_AT_A_TIME):
        yield causes[begin : begin + _COLUMNS_AT_A_TIME]


def candidate_steps(candidates: Sequence[Candidate], n_rows: int) -> list[LedgerStep]:
    """Columns left out and levels merged change no row, but the reader must see them in the ledger."""
    steps = [
        LedgerStep(
            step="column left out",
            table="intervals",
            rule=f"{candidate.label} ({candidate.column}) is left out: {candidate.reason}.",
            n_before=n_rows,
            n_after=n_rows,
            n_affected=0,
        )
        for candidate in candidates
        if not candidate.used
    ]
    return steps + [
        LedgerStep(
            step="level merged",
            table="intervals",
            rule=(
                f"{candidate.column}: {merge.level!r} holds on the same rows, or nearly, as {merge.because_column} = "
                f"{merge.because_level!r}; where both stand in one model it is merged into {merge.into!r}."
            ),
            n_before=n_rows,
            n_after=n_rows,
            n_affected=0,
        )
        for candidate in candidates
        for merge in candidate.merged
    ]


def _refuse_unknown(unknown: Sequence[str], attributes: Sequence[str], measures: Sequence[Measure]) -> None:
    if not unknown:
        return
    names = [measure.name for measure in measures]
    known = [*attributes, *names]
    hints = [
        f"{shown(name)} is a name that the panel uses itself: give the column another one, such as columns = "
        f'{{ account_{name} = "{name}" }} under [tables.accounts].'
        if name in TAKEN
        else f"{shown(name)} is no attribute of accounts and no measure.{suggestion(name, known)}"
        for name in unknown
    ]
    more = f" So it is with {counted(len(unknown) - 3, 'more cause')}." if len(unknown) > 3 else ""
    raise PanelError(
        f"{' '.join(hints[:3])}{more} Name another column in [[causes]]. "
        f"Attributes: {', '.join(attributes) or 'none'}. Measures: {', '.join(names) or 'none'}."
    )


def _lacking(column: str, sources: Sources, study: TableStudy) -> str:
    """Return why there is no measure of this name, if it needs what the study does not have."""
    for measure in registry(study, study.measures.modules or (_ANY,), (_ANY,)):
        beginning, any_part = measure.name.removesuffix(_ANY), measure.name.endswith(_ANY)
        if column == measure.name or (any_part and column.startswith(beginning) and column != beginning):
            return reason_left_out(sources.connection, sources.tables, measure)
    return ""


def _left_out(cause: Cause, reason: str) -> Candidate:
    return Candidate(
        column=cause.column,
        label=cause.label or cause.column,
        kind=cause.type,
        tier=cause.tier,
        group=cause.group or cause.column,
        used=False,
        reason=reason,
        actionable=cause.actionable,
    )
