"""What was known of each account strictly before a day: the measures on which leaving depends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whychurn.sources.simulator import world
from whychurn.sources.simulator.settings import PATHS_FROM, CompanySettings
from whychurn.sources.simulator.support import Tickets
from whychurn.sources.simulator.usage import Activity

WEEKS_4, WEEKS_12 = 28, 84
#: Columns of `Paths.dated`.
OFFERS, INTERVENTIONS, INTERACTIONS = 0, 1, 2


@dataclass(frozen=True)
class Paths:
    """Everything that would happen to the accounts of a block if nobody left.

    Attributes
    ----------
    activity : Activity
    tickets : Tickets
    dated : tuple of ndarray, each of shape (accounts, days)
        How many competitor offers, interventions and interactions each day.
    """

    activity: Activity
    tickets: Tickets
    dated: tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class History:
    """Running totals; entry ``[a, k]`` of a matrix (accounts, days + 1) covers the days before day `k`.

    Attributes
    ----------
    last_login : ndarray of int
        Day of the last login, counted from ``PATHS_FROM``; -1 for none.
    active, reporting, mobile : ndarray of int
        Active days, and uses of two modules.
    open_tickets : ndarray of int
    csat : ndarray of int
        The latest answer; 0 for none.
    dated : tuple of ndarray
        As in :class:`Paths`.
    """

    last_login: np.ndarray
    active: np.ndarray
    reporting: np.ndarray
    mobile: np.ndarray
    open_tickets: np.ndarray
    csat: np.ndarray
    dated: tuple[np.ndarray, ...]

    def at(self, account: np.ndarray, day: np.ndarray) -> dict[str, np.ndarray]:
        """Return the measures of accounts as known before days (relative to the first day observed).

        Parameters
        ----------
        account, day : ndarray of int
            Of shapes that broadcast against each other.
        """
        k = np.clip(day - PATHS_FROM, 0, self.active.shape[1] - 1)
        last = self.last_login[account, k]

        def window(total: np.ndarray, days: int) -> np.ndarray:
            return total[account, k] - total[account, np.maximum(k - days, 0)]

        return {
            "days_since_login": np.where(last >= 0, k - 1 - last, -1),
            "active_days_28": window(self.active, WEEKS_4),
            "uses_28_reporting": window(self.reporting, WEEKS_4),
            "uses_28_mobile": window(self.mobile, WEEKS_4),
            "open_tickets": self.open_tickets[account, k],
            "last_csat": self.csat[account, k],
            "event_84_competitor_offer": (window(self.dated[OFFERS], WEEKS_12) > 0).astype(int),
            "interventions_84": window(self.dated[INTERVENTIONS], WEEKS_12),
            "interactions_84": window(self.dated[INTERACTIONS], WEEKS_12),
        }


def remember(settings: CompanySettings, paths: Paths, service: np.ndarray) -> History:
    """Sum up what happened while they were customers.

    Parameters
    ----------
    settings : CompanySettings
    paths : Paths
    service : ndarray of bool, shape (accounts, days)
    """
    shape = service.shape
    activity, tickets = paths.activity, paths.tickets
    done = service[activity.account, activity.column]
    active = activity.by_day(done.astype(int), shape)
    column = np.arange(shape[1], dtype=np.int32)
    seen = np.maximum.accumulate(np.where(active > 0, column, -1), axis=1)
    opened_on = tickets.opened // 86_400 - PATHS_FROM
    real = service[tickets.account, opened_on]
    return History(
        last_login=np.concatenate([np.full((shape[0], 1), -1, dtype=np.int32), seen.astype(np.int32)], axis=1),
        active=_before(active),
        reporting=_before(activity.by_day(activity.uses[:, world.REPORTING] * done, shape)),
        mobile=_before(activity.by_day(activity.uses[:, world.MOBILE] * done, shape)),
        open_tickets=_before(_count(tickets.account, opened_on, real, shape))
        - _before(_count(tickets.account, tickets.closed // 86_400 - PATHS_FROM, real, shape)),
        csat=_latest_rating(tickets, real, shape),
        dated=tuple(_before(values * service) for values in paths.dated),
    )


def _before(by_day: np.ndarray) -> np.ndarray:
    out = np.zeros((by_day.shape[0], by_day.shape[1] + 1), dtype=np.int32)
    np.cumsum(by_day, axis=1, out=out[:, 1:])
    return out


def _count(account: np.ndarray, column: np.ndarray, which: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    which = which & (column < shape[1])
    flat = np.bincount(account[which] * shape[1] + column[which], minlength=shape[0] * shape[1])
    return flat.reshape(shape)


def _latest_rating(tickets: Tickets, real: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Latest by day of the answer, then by opening: tickets come in that order, and the last assignment stays."""
    column = tickets.rated // 86_400 - PATHS_FROM
    which = real & (tickets.csat > 0) & (column < shape[1])
    given = np.zeros((shape[0], shape[1] + 1), dtype=np.int8)
    given[tickets.account[which], column[which] + 1] = tickets.csat[which]
    at = np.maximum.accumulate(np.where(given > 0, np.arange(shape[1] + 1), 0), axis=1)
    return np.take_along_axis(given, at, axis=1)
