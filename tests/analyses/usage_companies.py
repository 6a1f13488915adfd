"""A simulated company whose reporting module keeps customers strongly, so that few accounts show it; small and quick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pandas as pd
from companies import company_study

import whychurn as wc
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.panel.panel import FrameRows
from whychurn.sources.simulator import CompanySettings, simulate_company
from whychurn.sources.simulator.company import Company
from whychurn.sources.simulator.settings import Effects
from whychurn.study import Study

#: What is planted per unit of ln(1 + uses of reporting), in place of the usual -0.3.
PLANTED = -1.0
CAUSES = """
[[causes]]
column = "industry"
type = "category"
tier = 1
reference = "Software"

[[causes]]
column = "plan"
type = "category"
tier = 2
reference = "Team"

[[causes]]
column = "term_months"
type = "category"
tier = 2
reference = "1"

[[causes]]
column = "days_to_renewal"
type = "number"
tier = 2
bands = [15, 22]
missing = "monthly term"
reference = "22+"

[[causes]]
column = "login_recency"
type = "category"
tier = 3
reference = "0-6 days"
"""


def settings() -> CompanySettings:
    effects = Effects(reporting=PLANTED)
    return CompanySettings(n_accounts=400, events=100_000, dirty=False, seed=7, effects=effects, leaving_per_year=0.2)


@cache
def company() -> Company:
    return simulate_company(settings())


@cache
def usage_panel() -> tuple[Study, Panel]:
    return company_study(company().frames, settings(), causes=CAUSES)


@cache
def findings(analysis: str) -> Findings:
    study, panel = usage_panel()
    return wc.analyse(analysis, panel, study)


def edited(panel: Panel, edit: Callable[[pd.DataFrame], pd.DataFrame], accounts: int = 0) -> Panel:
    """Return a panel in memory whose rows, both as recorded and as models see them, went through `edit`.

    Parameters
    ----------
    accounts : int
        Keep the first so many spells only; 0 for all.
    """
    spells = panel.accounts if not accounts else panel.accounts.head(accounts).reset_index(drop=True)
    keys = spells[["account_id", "spell"]]
    read = [part.read() for part in (panel.rows, panel.recorded)]
    rows, recorded = (edit(frame.merge(keys, on=["account_id", "spell"]).reset_index(drop=True)) for frame in read)
    left = rows.groupby(["account_id", "spell"], sort=False)["event"].max().to_numpy()
    return replace(
        panel,
        rows=FrameRows(rows),
        recorded=FrameRows(recorded),
        accounts=spells.assign(event=left, cause=spells["cause"].where(left == 1, "")),
    )
