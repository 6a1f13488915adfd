"""First moments of the covariates over risk sets and tied events, slot block by slot block.

``S1_k`` is the sum of ``w r x`` over the rows at risk at slot k, ``D1_k`` the same over its events. Blocks of
slots run backwards in time and carry the running sum over, so that memory stays bounded when times are
continuous and every event has a slot of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from whychurn.models.columns import Floats
from whychurn.models.covariates import Covariates
from whychurn.models.intervals import scatter
from whychurn.models.kernels import COMPILED_FROM
from whychurn.models.riskset import RiskSets

_BLOCK_NUMBERS = 1 << 21  # 16 MB of float64: blocks of slots x columns handed out stay below
_TABLE_NUMBERS = 1 << 23  # 64 MB: what one pass over the rows fills


class FlowTable:
    """Rows of a pass over the data, added up at the slots low..high that they leave and enter."""

    def __init__(self, covariates: Covariates, sets: RiskSets, risk: Floats, low: int, high: int) -> None:
        from whychurn.models.kernels.cox import add_moments

        self.low, self.high = low, high
        self.flow = np.zeros((high - low + 1, covariates.shape[1]))
        self.tied = np.zeros((high - low, covariates.shape[1]))
        self._add, self._sets, self._risk, self._covariates = add_moments, sets, risk, covariates

    def add(self, first: int, last: int, block: Floats) -> None:
        """Add the rows first..last, whose standardised covariates are `block`, shape (p, rows)."""
        sets, rows = self._sets, slice(first, last)
        entry, leave, event = sets.entry[rows], sets.exit[rows], sets.event[rows]
        self._add(block, self._risk[rows], entry, leave, event, sets.late_entry, self.low, self.flow, self.tied)

    def add_all(self) -> None:
        """Add all rows."""
        sets, listed = self._sets, self._covariates.listed
        if listed is None:
            for low, high, block in self._covariates.blocks():
                self.add(low, high, block)
            return
        listed.add_moments(
            self._risk, sets.entry, sets.exit, sets.event, sets.late_entry, self.low, self.flow, self.tied
        )


def one_table(covariates: Covariates, sets: RiskSets, risk: Floats, exact: bool) -> FlowTable | None:
    """Return the table to fill along with another pass over the rows; None where it takes more or fewer."""
    if exact or sets.event.size < COMPILED_FROM or sets.slots * covariates.shape[1] > _TABLE_NUMBERS:
        return None
    return FlowTable(covariates, sets, risk, 0, sets.slots)


def risk_set_moments(
    covariates: Covariates, sets: RiskSets, risk: Floats, exact: bool = False, filled: FlowTable | None = None
) -> Iterator[tuple[int, int, Floats, Floats]]:
    """Yield ``(low, high, S1, D1)`` for blocks of slots, each of shape (high - low, p).

    Parameters
    ----------
    covariates, sets
        n rows, p columns.
    risk
        ``w exp(eta)`` up to a factor per stratum, shape (n,).
    exact
        Add up without subtraction (see `intervals`), all slots in one block.
    filled
        The table of `one_table`, where the caller passed all rows through it.
    """
    if exact:
        x = covariates.dense()
        everyone = scatter(sets.entry, sets.exit, risk[:, None] * x, sets.slots)
        yield 0, sets.slots, everyone, sets.by_event.adder(risk)[: sets.slots] @ x
        return
    carry = np.zeros(covariates.shape[1])
    for low, high, flow, tied in _flows(covariates, sets, risk, filled):
        # The sums of slot k add the rows whose exit is above k: one slot further than their own address.
        s1 = flow[1:]
        ends = sets.bounds[1:][(sets.bounds[1:] > low) & (sets.bounds[1:] <= high)]
        # What the last slot of a stratum would add belongs to the next stratum.
        s1[ends - 1 - low] = 0.0
        if high not in ends:
            s1[-1] += carry
        inner = np.concatenate(([low], ends[ends < high], [high])) - low
        for first, last in pairwise(inner):
            s1[first:last] = np.cumsum(s1[first:last][::-1], axis=0)[::-1]
        carry = s1[0].copy()
        for first, last in _slot_blocks(low, high, covariates.shape[1], _BLOCK_NUMBERS):
            yield first, last, s1[first - low : last - low], tied[first - low : last - low]


def _flows(
    covariates: Covariates, sets: RiskSets, risk: Floats, filled: FlowTable | None
) -> Iterator[tuple[int, int, Floats, Floats]]:
    """Yield ``(low, high, flow, tied)`` as `add_moments` defines them, last slots first."""
    if sets.event.size < COMPILED_FROM:
        yield from _flows_by_slot(covariates, sets, risk)
        return
    for low, high in _slot_blocks(0, sets.slots, covariates.shape[1], _TABLE_NUMBERS):
        # With continuous times a table of all slots would be as large as the data: one pass for each part.
        table = filled or FlowTable(covariates, sets, risk, low, high)
        if filled is None:
            table.add_all()
        yield low, high, table.flow, table.tied


def _flows_by_slot(covariates: Covariates, sets: RiskSets, risk: Floats) -> Iterator[tuple[int, int, Floats, Floats]]:
    """Yield the same by sparse products, from rows listed by slot."""
    x = covariates.dense()
    leaving = sets.by_exit.adder(risk)
    entering = sets.by_entry.adder(risk) if sets.late_entry else None
    events = sets.by_event.adder(risk)
    for low, high in _slot_blocks(0, sets.slots, x.shape[1], _BLOCK_NUMBERS):
        flow = leaving[low : high + 1] @ x
        if entering is not None:
            flow -= entering[low : high + 1] @ x
        yield low, high, flow, events[low:high] @ x


def _slot_blocks(low: int, high: int, columns: int, numbers: int) -> list[tuple[int, int]]:
    """Cut the slots low..high into blocks of at most `numbers` numbers, last block first."""
    step = max(1, numbers // max(columns, 1))
    edges: list[int] = [*range(low, high, step), high]
    return list(pairwise(edges))[::-1]
