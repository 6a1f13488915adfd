"""What each column of the file holds, for the page of ``whychurn check`` and for reports."""

from __future__ import annotations

import pandas as pd

from whychurn.sources.contract import ColumnProfile
from whychurn.sources.flat import FlatTable
from whychurn.study import FlatStudy

MOST_SHOWN = 5


def profile_columns(table: FlatTable, study: FlatStudy) -> tuple[ColumnProfile, ...]:
    """Return a profile of every column of the file, in its order."""
    roles = {getattr(study.columns, role): role for role in ("account_id", "tenure", "churned", "amount")}
    causes = {cause.column for cause in study.causes}
    renamed = dict(table.renamed)
    profiles = []
    for column in table.columns:
        role = roles.get(column.name)
        name = role if role and role != "amount" else renamed.get(column.name, column.name)
        values = table.frame[name]
        part = role or ("cause" if column.name in causes else "not used")
        profiles.append(_profile(column.name, part, values))
    return tuple(profiles)


def _profile(name: str, role: str, values: pd.Series) -> ColumnProfile:
    missing, distinct = int(values.isna().sum()), int(values.nunique())
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        known = values.dropna()
        low, mean, high = (
            (float(known.min()), float(known.mean()), float(known.max())) if len(known) else (float("nan"),) * 3
        )
        return ColumnProfile(name, role, "number", missing, distinct, (), low, mean, high)
    if role == "account_id":
        return ColumnProfile(name, role, "category", missing, distinct)
    text = values.map({True: "left", False: "still here"}) if role == "churned" else values
    counts = text.value_counts()
    common = counts[counts >= counts.iloc[min(MOST_SHOWN, len(counts)) - 1]] if len(counts) else counts
    order = sorted(common.items(), key=lambda pair: (-pair[1], str(pair[0])))[:MOST_SHOWN]
    top = tuple((str(level), int(n)) for level, n in order)
    return ColumnProfile(name, role, "category", missing, distinct, top)
