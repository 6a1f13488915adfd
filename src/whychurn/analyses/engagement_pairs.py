"""Two signs of engagement at a time, as four cells: tickets with use, the last rating with open tickets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.engagement_signals import Signal, Signals
from whychurn.panel import Candidate

#: Neither, low use alone, tickets alone, both; in words.
CELL_LEVELS = ("no tickets, high use", "no tickets, low use", "tickets, high use", "tickets, low use")
RATING_LEVELS = ("not low, none open", "low, none open", "not low, some open", "low, some open")
TICKETS_AND_USE, RATING_AND_TICKETS = "Tickets and use", "Last rating and open tickets"


@dataclass(frozen=True)
class Pairs:
    """Signs taken two at a time; None where one of the two is not recorded.

    Attributes
    ----------
    cells : Signal or None
        Tickets in twelve weeks (none, some) with use (high, low: below the median of the rows at risk).
    rating : Signal or None
        Last rating (low or not) with open tickets (none, some).
    product : (Candidate, ndarray) or None
        Product of a low rating and open tickets, as a number per row. Both are centred at their means over time, so
        that beside it the ratios of each are those at the other's mean.
    """

    cells: Signal | None = None
    rating: Signal | None = None
    product: tuple[Candidate, NDArray[Any]] | None = None

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns that models read."""
        found = {sign.column: sign.values for sign in (self.cells, self.rating) if sign is not None}
        return found if self.product is None else found | {self.product[0].column: self.product[1]}


def pairs(signs: Signals, days: NDArray[Any]) -> Pairs:
    """Combine the signs.

    Parameters
    ----------
    signs : Signals
    days : ndarray, shape (n,)
        Length of each row.
    """
    cells = rating = product = None
    if signs.low_use is not None and signs.any_tickets is not None:
        low, some = at_level(signs.low_use), at_level(signs.any_tickets)
        known = pd.notna(signs.low_use.values) & pd.notna(signs.any_tickets.values)
        definition = f"{signs.low_use.definition} Rows where use is not recorded are left out."
        cells = _cells("tickets_and_use", TICKETS_AND_USE, CELL_LEVELS, low, some, signs.low_use, definition)
        cells.values[~known] = None
    if signs.rating is not None and signs.open_tickets is not None:
        low = at_level(signs.rating)
        some = np.asarray(pd.notna(signs.open_tickets.values) & (signs.open_tickets.values != "none"))
        worst = signs.rating.candidate.compare
        definition = f"Low: {worst}; not low includes customers without a rating."
        rating = _cells("rating_and_tickets", RATING_AND_TICKETS, RATING_LEVELS, low, some, signs.rating, definition)
        centred = [values - float(values @ days / days.sum()) for values in (low.astype(float), some.astype(float))]
        product = _number("rating_by_tickets", RATING_AND_TICKETS, rating.candidate.tier), centred[0] * centred[1]
    return Pairs(cells, rating, product)


def at_level(sign: Signal) -> NDArray[Any]:
    """Whether each row is at the level that the sign is about."""
    return np.asarray(sign.values == sign.candidate.compare)


def _cells(
    column: str,
    label: str,
    levels: Sequence[str],
    first: NDArray[Any],
    second: NDArray[Any],
    like: Signal,
    definition: str,
) -> Signal:
    """Return the four cells of two conditions: neither, the first alone, the second alone, both."""
    values = np.array(levels, dtype=object)[first.astype(int) + 2 * second.astype(int)]
    candidate = Candidate(
        column=column,
        label=label,
        kind="category",
        tier=like.candidate.tier,
        group=column,
        levels=tuple(levels),
        reference=levels[0],
        compare=levels[3],
        compare_declared=True,
    )
    return Signal("", candidate, values, definition)


def _number(column: str, label: str, tier: int) -> Candidate:
    return Candidate(column=column, label=label, kind="number", tier=tier, group=column)
