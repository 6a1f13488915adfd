"""Columns that name a customer rather than describe one."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

FEWEST_ROWS = 40
NEARLY_ALL = 0.9


def identifier_columns(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[str, ...]:
    """Return text columns where nearly every value is different: identifiers or free text, not categories."""
    found = []
    for name in columns:
        if frame[name].dtype == object:
            present = frame[name].dropna()
            if len(present) >= FEWEST_ROWS and present.nunique() >= NEARLY_ALL * len(present):
                found.append(name)
    return tuple(found)
