"""Monthly charges: most are paid, some fail and are made good, a few are not and end the subscription."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whychurn.sources.simulator import world
from whychurn.sources.simulator.accounts import Accounts
from whychurn.sources.simulator.settings import NEVER, PATHS_FROM, CompanySettings


@dataclass(frozen=True)
class Charges:
    """Charges that would fall due if nobody left; matrices (accounts, months).

    Attributes
    ----------
    due : ndarray of int
        Day relative to the first day observed.
    fails, recovers : ndarray of bool
        Whether the first charge fails, and whether a failed one is paid in the end.
    delay : ndarray of int
        Days from due to paid.
    """

    due: np.ndarray
    fails: np.ndarray
    recovers: np.ndarray
    delay: np.ndarray

    @property
    def lost(self) -> np.ndarray:
        """Charges that are never paid by themselves."""
        return self.fails & ~self.recovers

    def cut_off_after(self, account: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Return the day on which service ends for a charge that fell due from `start` on; ``NEVER`` for none."""
        lost = self.lost[account] & (self.due[account] >= start[:, None])
        return np.where(lost, self.due[account] + world.CUT_OFF_AFTER_DAYS, NEVER).min(axis=1)


def draw_charges(settings: CompanySettings, accounts: Accounts, rng: np.random.Generator) -> Charges:
    """Draw charges on the same day of each month. They depend on the plan and on nothing the customer does."""
    first = (settings.origin + PATHS_FROM).astype("datetime64[M]")
    last = np.datetime64(settings.end, "D").astype("datetime64[M]")
    months = np.arange(first, last + 1)
    started = settings.origin + accounts.started
    of_month = (started - started.astype("datetime64[M]").astype("datetime64[D]")).astype(int)
    due = (
        months.astype("datetime64[D]")[None, :] + np.minimum(of_month, 27)[:, None] - settings.origin
    ).astype(int)  # fmt: skip
    shape = due.shape
    changed = due >= accounts.changes_on[:, None]
    plan = np.where(changed, accounts.plan_after[:, None], accounts.plan[:, None])
    fails = rng.random(shape) < np.array(world.CHARGE_FAILS)[plan]
    # Whoever is still a customer when the window opens has paid what fell due before it.
    recovers = (rng.random(shape) >= world.NEVER_RECOVERED) | (due < 0)
    late = np.minimum(1 + rng.exponential(11, shape), 42).astype(int)
    return Charges(due=due, fails=fails, recovers=recovers, delay=np.where(fails, late, rng.integers(0, 3, shape)))
