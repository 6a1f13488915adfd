"""One block of accounts, from its own stream of random numbers: the same whoever asks, in whatever order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.sources.simulator.accounts import Accounts, draw_accounts
from whychurn.sources.simulator.contacts import draw_dated, draw_interventions
from whychurn.sources.simulator.history import Paths, remember
from whychurn.sources.simulator.leaving import Followed, follow
from whychurn.sources.simulator.payments import Charges, draw_charges
from whychurn.sources.simulator.settings import BLOCK, PATHS_FROM, CompanySettings
from whychurn.sources.simulator.support import draw_tickets
from whychurn.sources.simulator.tables import block_tables
from whychurn.sources.simulator.usage import UsageRows, draw_activity, usage_rows

#: Streams of a block, so that laying out usage, or not, changes nothing else.
STREAMS = ("accounts", "activity", "tickets", "dated", "charges", "interventions", "leaving", "tables", "usage")


@dataclass(frozen=True)
class Block:
    """Accounts of one block and what became of them."""

    settings: CompanySettings
    accounts: Accounts
    paths: Paths
    charges: Charges
    followed: Followed
    streams: dict[str, np.random.SeedSequence]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return every table but usage."""
        rng = np.random.default_rng(self.streams["tables"])
        return block_tables(self.settings, self.accounts, self.paths, self.charges, self.followed, rng)

    def usage(self) -> Iterator[UsageRows]:
        """Yield the rows of usage, in pieces."""
        rng = np.random.default_rng(self.streams["usage"])
        return usage_rows(self.paths.activity, self.accounts, self.followed.service, rng)


def block_count(settings: CompanySettings) -> int:
    """Return the number of blocks of a company."""
    return -(-settings.n_accounts // BLOCK)


def simulate_block(settings: CompanySettings, number: int, keep_rows: bool = False) -> Block:
    """Simulate block `number` (from 0) of a company.

    Parameters
    ----------
    settings : CompanySettings
    number : int
    keep_rows : bool
        Whether to keep the weekly rows at risk with their true hazards.
    """
    first = number * BLOCK
    n = min(BLOCK, settings.n_accounts - first)
    spawned = np.random.SeedSequence([settings.seed, number]).spawn(len(STREAMS))
    streams = dict(zip(STREAMS, spawned, strict=True))

    def rng(name: str) -> np.random.Generator:
        return np.random.default_rng(streams[name])

    accounts = draw_accounts(settings, first, n, rng("accounts"))
    activity = draw_activity(settings, accounts, rng("activity"))
    tickets = draw_tickets(settings, accounts, rng("tickets"))
    offers, interactions = draw_dated(settings, accounts, rng("dated"))
    nothing = np.zeros_like(offers)
    if_nobody_left = Paths(activity, tickets, (offers, nothing, interactions))
    days = np.arange(settings.columns)[None, :] + PATHS_FROM
    known = remember(settings, if_nobody_left, days >= accounts.started[:, None])
    interventions = draw_interventions(settings, accounts, known, rng("interventions"))
    paths = Paths(activity, tickets, (offers, interventions, interactions))
    charges = draw_charges(settings, accounts, rng("charges"))
    followed = follow(settings, accounts, paths, charges, rng("leaving"), keep_rows)
    return Block(settings, accounts, paths, charges, followed, streams)
