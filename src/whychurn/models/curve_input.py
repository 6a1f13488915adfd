"""What every curve by group is made of: the columns read, counted by group, and begun where it was asked to begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.errors import FitError
from whychurn.models.arguments import is_number
from whychurn.models.columns import (
    Booleans,
    Floats,
    Integers,
    read_clusters,
    read_events,
    read_groups,
    read_stop,
    read_times,
    read_weights,
)
from whychurn.models.curve import Rows
from whychurn.models.life_table import LifeTable, life_tables, rows_by_group


@dataclass(frozen=True, slots=True)
class CurveInput:
    """Counts of every group, with its rows where the variance needs them.

    Attributes
    ----------
    groups, n
        Labels, and the rows behind each curve.
    begins
        Where each curve begins: zero, or the time on which it is conditional, shape (k,).
    skipped
        group, begins, n_skipped (rows that ended by then), n_events_skipped.
    tables
        Counts after `begins`.
    rows
        Rows after `begins`, None where the variance is not robust.
    """

    groups: tuple[str, ...]
    n: pd.Series
    begins: Floats
    skipped: pd.DataFrame
    tables: tuple[LifeTable, ...]
    rows: tuple[Rows | None, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the curves must be told, in sentences."""
        said = []
        lost = self.skipped[["n_skipped", "n_events_skipped"]].to_numpy()
        for label, table, since, (rows, events) in zip(self.groups, self.tables, self.begins, lost, strict=True):
            if rows or since > 0:
                said.append(
                    f"Group {label!r}: conditional on staying past {since:g}; {rows:,} rows that ended by then, "
                    f"{events:,} of them in an event, are left out."
                )
            emptied = np.flatnonzero((table.events > 0) & (table.events >= table.at_risk * (1.0 - 1e-12)))
            if emptied.size and emptied[0] < table.time.size - 1:
                said.append(
                    f"Group {label!r}: everybody at risk at {table.time[emptied[0]]:g} had the event (n = "
                    f"{table.at_risk[emptied[0]]:g}) before others entered, so survival is zero from there on. Begin "
                    "later with conditional_on or min_at_risk."
                )
        return tuple(said)


def read_curve_input(
    frame: pd.DataFrame,
    time: str,
    event: str,
    start: str | None = None,
    group: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    robust: bool | None = None,
    conditional_on: float | None = None,
    min_at_risk: float | None = None,
) -> CurveInput:
    """Read and count; parameters and errors as in `fit_kaplan_meier`."""
    if not len(frame):
        raise FitError("The frame has no rows.")
    if cluster is not None and robust is False:
        raise FitError("cluster asks for a robust variance: leave robust out or set it to True.")
    begin, stop = (None, read_stop(frame, time)) if start is None else read_times(frame, time, start)
    happened = read_events(frame, event)
    mass = None if weights is None else read_weights(frame, weights)
    codes, labels = read_groups(frame, group)
    owner = None if cluster is None else read_clusters(frame, cluster)
    if owner is not None:
        _need_two_clusters(codes, labels, owner)
    if robust is None:
        robust = owner is not None or (mass is not None and bool((mass != np.round(mass)).any()))
    k = len(labels)
    tables = life_tables(codes, k, begin, stop, happened, mass)
    begins = _begins(tables, labels, conditional_on, min_at_risk)
    n = np.bincount(codes, minlength=k)
    skipped, lost = np.zeros(k, dtype=np.int64), np.zeros(k, dtype=np.int64)
    if np.isfinite(begins).any():
        gone = stop <= begins[codes]
        skipped = np.bincount(codes[gone], minlength=k)
        lost = np.bincount(codes[gone & happened], minlength=k)
        tables = [table_after(table, since) for table, since in zip(tables, begins, strict=True)]
    rows: list[Rows | None] = [None] * k
    if robust:
        rows = list(_rows(codes, k, begin, stop, happened, mass, owner, begins))
    shown = np.where(np.isfinite(begins), begins, 0.0)
    return CurveInput(
        groups=labels,
        n=pd.Series(n - skipped, labels, name="n"),
        begins=shown,
        skipped=pd.DataFrame({"group": labels, "begins": shown, "n_skipped": skipped, "n_events_skipped": lost}),
        tables=tuple(tables),
        rows=tuple(rows),
    )


def table_after(table: LifeTable, since: float) -> LifeTable:
    """Return the counts of those still there just after `since`: what S(t | T > since) is estimated from."""
    if since == -np.inf:
        return table
    keep, late = table.time > since, table.entry > since
    gone = (table.events + table.censored)[~keep].sum()
    entry, entering = table.entry[late], table.entering[late]
    present = table.entering[~late].sum() - gone
    # Sums of weights that cancel leave a last digit behind; a row too few at the beginning would be worse.
    if present > 1e-9 * max(gone, 1.0):
        entry, entering = np.concatenate(([since], entry)), np.concatenate(([present], entering))
    return LifeTable(
        time=table.time[keep],
        at_risk=table.at_risk[keep],
        events=table.events[keep],
        censored=table.censored[keep],
        tied=table.tied[keep],
        entry=entry,
        entering=entering,
    )


def floor_begins(table: LifeTable, min_at_risk: float) -> float:
    """Return the last event time before the risk set peaks with fewer than `min_at_risk` at risk, or minus infinity."""
    peak = int(np.argmax(table.at_risk))
    small = np.flatnonzero((table.events[:peak] > 0) & (table.at_risk[:peak] < min_at_risk))
    return float(table.time[small[-1]]) if small.size else -np.inf


def _need_two_clusters(codes: Integers, labels: Sequence[str], owner: Integers) -> None:
    """Refuse a group whose rows are all one cluster's: its jackknife would be zero, as if the curve were certain."""
    some_owner = np.zeros(len(labels), dtype=np.int64)
    some_owner[codes] = owner
    varied = np.zeros(len(labels), dtype=bool)
    varied[codes[owner != some_owner[codes]]] = True
    if not varied.all():
        alone = labels[int(np.argmin(varied))]
        raise FitError(f"A cluster-robust standard error needs at least two clusters; group {alone!r} has 1.")


def _begins(
    tables: Sequence[LifeTable], labels: Sequence[str], conditional_on: float | None, min_at_risk: float | None
) -> Floats:
    begins = np.full(len(tables), -np.inf)
    if conditional_on is not None:
        if not (is_number(conditional_on) and conditional_on >= 0):
            raise FitError(f"conditional_on is a time of zero or later, not {conditional_on!r}.")
        begins[:] = conditional_on
    if min_at_risk is not None:
        if not (is_number(min_at_risk) and min_at_risk > 0):
            raise FitError(f"min_at_risk is a positive number of rows, not {min_at_risk!r}.")
        for place, (label, table) in enumerate(zip(labels, tables, strict=True)):
            if table.at_risk.max() < min_at_risk:
                raise FitError(
                    f"Group {label!r} never has {min_at_risk:g} at risk (at most {table.at_risk.max():g}). Lower "
                    "min_at_risk, or leave the group out and say so."
                )
            begins[place] = max(begins[place], floor_begins(table, min_at_risk))
    for label, table, since in zip(labels, tables, begins, strict=True):
        if table.time[-1] <= since:
            raise FitError(
                f"Nobody of group {label!r} is followed past {since:g} (its last time is {table.time[-1]:g})."
            )
    return begins


def _rows(
    codes: Integers,
    k: int,
    start: Floats | None,
    stop: Floats,
    event: Booleans,
    weights: Floats | None,
    owner: Integers | None,
    begins: Floats,
) -> list[Rows]:
    found = []
    for code, every in enumerate(rows_by_group(codes, k)):
        since = begins[code]
        mine = every[stop[every] > since]
        own_start = np.full(mine.size, -np.inf) if start is None else start[mine]
        found.append(
            Rows(
                np.maximum(own_start, since),
                stop[mine],
                event[mine],
                np.ones(mine.size) if weights is None else weights[mine],
                None if owner is None else owner[mine],
            )
        )
    return found
