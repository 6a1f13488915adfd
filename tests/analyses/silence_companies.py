"""A simulated company in which silence by logins alone drives leaving, strongly, so that few accounts show it."""

from __future__ import annotations

from functools import cache

from companies import company_study
from usage_companies import CAUSES

import whychurn as wc
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.sources.simulator import CompanySettings, simulate_company
from whychurn.sources.simulator.company import Company
from whychurn.sources.simulator.settings import Effects
from whychurn.study import Study

#: Log hazard ratios of the bands of days since the last login, for voluntary leaving.
PLANTED = {"7-13 days": 0.3, "14-29 days": 0.9, "30+ days": 1.6}


def settings() -> CompanySettings:
    low, middle, high = PLANTED.values()
    # Without an effect of its own, use is no path from silence to leaving: direct and total effects are the same.
    effects = Effects(login_7_13=low, login_14_29=middle, login_30=high, reporting=0.0)
    return CompanySettings(n_accounts=400, events=100_000, dirty=False, seed=11, effects=effects, leaving_per_year=0.2)


@cache
def company() -> Company:
    return simulate_company(settings())


@cache
def silence_panel() -> tuple[Study, Panel]:
    return company_study(company().frames, settings(), causes=CAUSES)


@cache
def findings() -> Findings:
    study, panel = silence_panel()
    return wc.analyse("inactivity", panel, study)
