"""One bucket of accounts: its rows, computed from the staged records and written to a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.panel.measure import Measure
from whychurn.panel.measure_records import Engine
from whychurn.panel.measure_state import Coded, State
from whychurn.sources.names import quoted

#: Columns that every row has, in front of the measures, and their types.
ROW_COLUMNS = {
    "account_id": "VARCHAR", "spell": "INTEGER", "start": "INTEGER", "stop": "INTEGER", "event": "TINYINT",
    "cause": "VARCHAR", "start_on": "DATE", "cut_off": "DATE", "under_notice": "TINYINT", "amount": "DOUBLE",
}  # fmt: skip
_GIVEN = "panel_bucket"


def write_bucket(engine: Engine, state: State, measures: Sequence[Measure], file: Path) -> None:
    """Compute the rows of a bucket and write them: to a temporary name first, so that a file is whole or not there.

    Parameters
    ----------
    engine : Engine
    state : State
        Of the bucket.
    measures : sequence of Measure
    file : Path
        Parquet.
    """
    columns = _row_columns(state)
    casts = [f"{_date_or_same(name)} AS {quoted(name)}" for name in ROW_COLUMNS]
    under, source = state.notice
    frozen = bool(under.any())
    for place, measure in enumerate(measures):
        # Names of measures may differ in case only, which the engine would take for the same column.
        name = f"m{place}"
        values = measure.compute(state)
        if frozen and measure.lagged:
            values = _as_shown(values, source)
        columns[name] = _column(values)
        casts.append(f"CAST({name} AS {stored_type(measure)}) AS {quoted(measure.name)}")
    temporary = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    engine.connection.register(_GIVEN, pd.DataFrame(columns, copy=False))
    try:
        engine.run(
            f"COPY (SELECT {', '.join(casts)} FROM {_GIVEN}) TO {_text(temporary)} "
            "(FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 122880)"
        )
    finally:
        engine.connection.unregister(_GIVEN)
    with temporary.open("rb") as written:
        os.fsync(written.fileno())
    temporary.rename(file)


def stored_type(measure: Measure) -> str:
    """Return the type in which a measure is kept."""
    return "VARCHAR" if measure.kind == "category" else "BIGINT" if measure.whole else "DOUBLE"


def _row_columns(state: State) -> dict[str, Any]:
    grid = state.grid
    spells, owner = grid.spells, grid.owner
    causes, codes = np.unique(spells.cause.astype(str), return_inverse=True)
    nobody = int(np.searchsorted(causes, ""))
    labels = list(causes) if nobody < len(causes) and causes[nobody] == "" else [*causes, ""]
    cause = np.where(grid.last, codes[owner], labels.index(""))
    account = spells.account - spells.account[0]
    first = np.flatnonzero(np.diff(spells.account, prepend=-1))
    return {
        "account_id": _coded(account[owner], list(spells.account_id[first])),
        "spell": spells.spell[owner],
        "start": grid.tenure,
        "stop": grid.stop,
        "event": np.where(grid.last, spells.event[owner], 0).astype(np.int8),
        "cause": _coded(cause, labels),
        "start_on": grid.start_on,
        "cut_off": grid.cut,
        "under_notice": state.notice[0].astype(np.int8),
        "amount": state.amount(),
    }


def _as_shown(values: NDArray[Any] | Coded, source: NDArray[Any]) -> NDArray[Any] | Coded:
    """Return the values of the rows that rows under notice show."""
    if isinstance(values, Coded):
        return Coded(np.where(source >= 0, values.codes[source], -1), values.labels)
    return np.where(source >= 0, values[source], np.nan)


def _column(values: NDArray[Any] | Coded) -> Any:
    if isinstance(values, Coded):
        return _coded(values.codes, list(values.labels))
    return values


def _coded(codes: NDArray[Any], labels: list[Any]) -> pd.Categorical[Any]:
    """A column of texts that costs no text per row; the engine reads it as such."""
    return pd.Categorical.from_codes(codes.astype(np.int64), pd.Index(labels, dtype=object))


def _date_or_same(name: str) -> str:
    if ROW_COLUMNS[name] == "DATE":
        return f"DATE '1970-01-01' + {quoted(name)}"
    return f"CAST({quoted(name)} AS {ROW_COLUMNS[name]})"


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def bucket_bounds(n_rows: NDArray[Any], account: NDArray[Any], n_buckets: int) -> list[int]:
    """Return where buckets begin and end among the spells: about equal in rows, no account split.

    Parameters
    ----------
    n_rows, account : arrays
        Of each spell, in the order of accounts.
    n_buckets : int
        At most; there are fewer where there are fewer accounts.
    """
    total = np.cumsum(n_rows)
    begins = np.flatnonzero(np.diff(account, prepend=-1))
    wanted = np.arange(1, n_buckets) * (total[-1] / n_buckets)
    inner = begins[np.minimum(np.searchsorted(total[begins] - n_rows[begins], wanted), len(begins) - 1)]
    return [0, *sorted(set(inner.tolist()) - {0}), len(n_rows)]
