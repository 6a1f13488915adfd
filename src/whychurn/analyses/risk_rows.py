"""The rows at risk as analyses read them: of both kinds of study, with who repeats and what left with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.coded import Coded
from whychurn.analyses.rates import YEAR
from whychurn.analyses.rows import with_columns
from whychurn.panel import Candidate, Panel
from whychurn.panel.levels import as_objects, read_categories
from whychurn.study import Study, TableStudy

#: Column of what rows are clustered by: the account, or the parent it belongs to.
CLUSTER = "cluster"
VOLUNTARY, INVOLUNTARY = "voluntary", "involuntary"
#: What customers and leavers of a study of tables are counted as.
_ROWS = ("account_id", "spell", "start", "stop", "event", "cause", "amount", "start_on")


def risk_rows(panel: Panel, study: Study, extra: Sequence[str] = (), categories: bool = False) -> pd.DataFrame:
    """Return rows at risk with the candidates in use, and further columns as models see them.

    Of a flat study they are the panel's intervals. Of a study of tables only the columns asked for are read, and
    ``cluster`` says whose rows belong together: those of an account, or of all accounts under one parent.

    Parameters
    ----------
    panel : Panel
    study : Study
    extra : sequence of str
        Further columns.
    categories : bool
        Whether levels of candidates are categories instead of texts: nothing is then coded again in models.
    """
    if not isinstance(study, TableStudy):
        return panel.intervals
    columns = [*_ROWS, *(candidate.column for candidate in panel.used), *extra]
    used = {candidate.column for candidate in panel.used if candidate.kind == "category"} if categories else set()
    rows = read_categories(panel.rows, list(dict.fromkeys(columns)))
    codes, _ = pd.factorize(owned(panel, rows["account_id"]))
    made = {
        name: as_objects(values) if values.dtype == "category" and name not in used else values
        for name, values in rows.items()
    }
    return pd.DataFrame(made | {CLUSTER: codes}, index=rows.index, copy=False)


def owned(panel: Panel, account_id: pd.Series) -> pd.Series:
    """Return whose rows belong together: those of an account, or of all accounts under one parent."""
    table = panel.tables.get("owners")
    if table is None or table.empty:
        return account_id
    owner = account_id.map(table.set_index("account_id")["owner"])
    return owner.where(owner.notna(), account_id)


def of_cause(rows: pd.DataFrame, *causes: str) -> pd.DataFrame:
    """Return rows whose events are only those of some causes of leaving; every other departure is censored."""
    return with_columns(rows, {"event": ((rows["event"] == 1) & rows["cause"].isin(causes)).astype(int)})


def n_customers(rows: pd.DataFrame) -> int:
    """Count the customers behind rows at risk."""
    return int(rows["account_id"].nunique())


def time_shares(rows: pd.DataFrame, candidate: Candidate) -> dict[str, float]:
    """Return the share of the time at risk that was spent at each level of a category."""
    coded = Coded.of(rows[candidate.column])
    days = (rows["stop"] - rows["start"]).to_numpy(dtype=float)
    held = np.bincount(coded.codes, weights=days, minlength=len(coded.levels))
    there = coded.counts() > 0
    return {str(level): float(held[place] / days.sum()) for place, level in enumerate(coded.levels) if there[place]}


def halves(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]] | None:
    """Mark the rows of the earlier and the later half of the events by calendar, in column ``period``.

    Returns
    -------
    (DataFrame, labels) or None
        None where rows carry no dates, or all events fall on one side.
    """
    if "start_on" not in rows:
        return None
    begins = pd.to_datetime(rows["start_on"])
    events = begins[rows["event"] == 1]
    if events.empty:
        return None
    middle = events.sort_values().iloc[len(events) // 2]
    later = (begins >= middle).to_numpy()
    if not rows.loc[~later, "event"].any():
        return None
    return with_columns(rows, {"period": later.astype(int)}), [f"before {middle:%Y-%m-%d}", f"from {middle:%Y-%m-%d}"]


def years_observed(study: Study) -> float:
    """Return the length of the window in years; 1 where there is no window, so that amounts are not per year."""
    return study.window_days / YEAR if isinstance(study, TableStudy) else 1.0


def recorded(panel: Panel, columns: Sequence[str]) -> pd.DataFrame:
    """Return columns of the rows at risk as recorded, numbers as numbers, in the order of :func:`risk_rows`."""
    rows = panel.recorded if panel.recorded is not None else panel.rows
    frame = rows.read(list(columns))
    assert isinstance(frame, pd.DataFrame)
    return frame


def as_floats(values: pd.Series) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return a recorded measure as floats, NaN where there is no value."""
    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
