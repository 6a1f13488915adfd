"""From one rate to another, account by account: who counts differently, and what that does to the rate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.analyses.definitions.counting import NOTHING, Counted, NamedRate
from whychurn.analyses.definitions.groups import groups
from whychurn.analyses.definitions.history import History
from whychurn.analyses.definitions.periods import Period
from whychurn.analyses.definitions.stays import Numbers
from whychurn.errors import FindingsError

#: Contributions this much smaller than the largest are the last bits of a sum.
_LAST_BITS = 1e-12
#: So much may be lost to the last bits in a sum over accounts.
_SLACK = 1e-9


@dataclass(frozen=True)
class Walk:
    """The way from one rate to another.

    Attributes
    ----------
    one, other : NamedRate
    period : Period
    counted : tuple of Counted
        What each counts, of all accounts.
    accounts : pandas.DataFrame
        Accounts that count differently: ``account_id``, ``group``, ``numerator_from``, ``denominator_from``,
        ``numerator_to``, ``denominator_to``, ``effect`` (on the rate, as a share; NaN where a rate is empty).
    """

    one: NamedRate
    other: NamedRate
    period: Period
    counted: tuple[Counted, Counted]
    accounts: pd.DataFrame

    @property
    def rates(self) -> tuple[float, float]:
        """The rates at both ends."""
        return self.counted[0].rate, self.counted[1].rate

    @property
    def same_unit(self) -> bool:
        """Whether both count the same: then numerators and denominators of groups can be told apart."""
        return self.one.unit == self.other.unit

    def steps(self) -> pd.DataFrame:
        """Return the groups, the largest effect first: ``group``, ``accounts``, ``numerator``, ``denominator``, ``effect``.

        ``numerator`` and ``denominator`` are what the group adds to them (NaN where the rates count different things).
        """
        frame = self.accounts.assign(
            numerator=self.accounts["numerator_to"] - self.accounts["numerator_from"],
            denominator=self.accounts["denominator_to"] - self.accounts["denominator_from"],
            accounts=1,
        )
        if not self.same_unit:
            frame[["numerator", "denominator"]] = math.nan
        columns = ["accounts", "numerator", "denominator", "effect"]
        steps = frame.groupby("group", sort=True)[columns].sum(min_count=1).reset_index()
        by_size = steps["effect"].abs().round(12).fillna(0)
        return steps.loc[by_size.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)


def walk_between(history: History, one: NamedRate, other: NamedRate, period: Period) -> Walk | str:
    """Walk from one rate to another, or return why that cannot be done.

    With N and D the sums above and below the line of each rate, and bars for the mean of both, an account that changes
    them by n and d changes the rate by ``(n D̄ - d N̄) / (D1 D2)``: these sum to the difference exactly, in whatever
    order the accounts are taken (Kitagawa 1955, J. Am. Stat. Assoc. 50:1168, as each account's share of both
    components). Where the rates count different things (customers and revenue), an account's effect is the difference of
    its parts in both rates, ``n2/D2 - n1/D1``.

    Raises
    ------
    FindingsError
        If the effects do not sum to the difference: the walk is then at fault.
    """
    counted = []
    for rate in (one, other):
        found = (
            rate.count(history, period) if rate.count else f"“{rate.name}” is read off a curve, not counted by account."
        )
        if isinstance(found, str):
            return found
        counted.append(found)
    first, second = counted
    effect = _effects(first, second, one.unit == other.unit)
    known = not np.isnan(effect).all()
    if one.unit == other.unit:
        differs = (first.numerator != second.numerator) | (first.denominator != second.denominator)
    else:
        differs = np.abs(effect) > _LAST_BITS if known else np.zeros(len(effect), dtype=bool)
    labels = groups(history, one, other, period)
    accounts = pd.DataFrame(
        {
            "account_id": history.accounts[differs],
            "group": labels[differs],
            "numerator_from": first.numerator[differs],
            "denominator_from": first.denominator[differs],
            "numerator_to": second.numerator[differs],
            "denominator_to": second.denominator[differs],
            "effect": effect[differs],
        }
    )
    walked = Walk(one, other, period, (first, second), accounts)
    _require_closed(walked)
    return walked


def _effects(first: Counted, second: Counted, same_unit: bool) -> Numbers:
    (above_1, below_1), (above_2, below_2) = first.totals, second.totals
    if not (below_1 > NOTHING and below_2 > NOTHING):
        return np.full(len(first.numerator), math.nan)
    if not same_unit:
        parts: Numbers = second.numerator / below_2 - first.numerator / below_1
        return parts
    more, wider = second.numerator - first.numerator, second.denominator - first.denominator
    effects: Numbers = (more * (below_1 + below_2) / 2 - wider * (above_1 + above_2) / 2) / (below_1 * below_2)
    return effects


def _require_closed(walked: Walk) -> None:
    """Hold the sums of the groups against the two rates: what is counted to the account, effects to the last bits."""
    steps, (first, second) = walked.steps(), walked.counted
    sums = [(float(steps["effect"].sum()), second.rate - first.rate)]
    if walked.same_unit:
        sums += [
            (float(steps[name].sum()), after - before)
            for name, before, after in zip(("numerator", "denominator"), first.totals, second.totals, strict=True)
        ]
    for of_groups, of_rates in sums:
        if not math.isnan(of_rates) and abs(of_groups - of_rates) > _SLACK * max(1.0, abs(of_rates)):
            raise FindingsError(
                f"The walk from “{walked.one.name}” to “{walked.other.name}” does not close: its groups sum to "
                f"{of_groups!r}, the rates differ by {of_rates!r}."
            )
