"""The answer: lifetimes, the usual formula beside them, segments, profit, compounding, and what keeping costs."""

from __future__ import annotations

from typing import Any

from whychurn.analyses.value.base import FEWEST_AT_RISK, NO_AMOUNTS, noted
from whychurn.analyses.value.compounding import compounding_rows
from whychurn.analyses.value.keeping import keeping_rows
from whychurn.analyses.value.ledger import Ledger, read_ledger
from whychurn.analyses.value.lifetimes import lifetime_rows, settings_rows
from whychurn.analyses.value.profit import profit_rows
from whychurn.analyses.value.reckoning import Reckoning, horizon_of
from whychurn.analyses.value.segments import segment_rows
from whychurn.analyses.value.usual import usual_rows
from whychurn.analyses.value.year import last_year
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.study import Study, TableStudy


def run(panel: Panel, study: Study) -> Findings:
    """Estimate what a new customer is worth up to a stated horizon, and what keeping customers adds up to.

    An estimate given assumptions (the page lists them), never a promise: customers to come are taken to be like those
    of the window.
    """
    if not isinstance(study, TableStudy):
        return Findings.from_rows(
            [noted("lifetime_value", "What a customer is worth is asked in studies of tables only.")]
        )
    ledger = read_ledger(panel, study)
    year = last_year(ledger, panel)
    lifetimes = _lifetimes(ledger, panel, study)
    curve = [row for row in lifetimes if row["estimand"] == "cumulative_value"]
    return Findings.from_rows(
        [
            *lifetimes,
            *profit_rows(ledger, year, panel),
            *compounding_rows(ledger, year),
            *keeping_rows(ledger, year, panel, study, curve),
        ]
    )


def _lifetimes(ledger: Ledger, panel: Panel, study: TableStudy) -> list[dict[str, Any]]:
    reckoning = Reckoning(ledger, study)
    horizon = horizon_of(ledger.first_stays, study.value.horizon_months)
    rows = list(settings_rows(reckoning, horizon))
    if horizon < 1:
        new = int(ledger.spells["is_new"].sum())
        note = (
            f"{new:,} customers began in the window; a lifetime is estimated where at least {FEWEST_AT_RISK} were observed "
            "at every age up to one month."
        )
        return [*rows, noted("lifetime_value", note)]
    rows += lifetime_rows(reckoning, horizon)
    rows += usual_rows(reckoning, horizon) if ledger.has_amounts else [noted("usual_value", NO_AMOUNTS)]
    return [*rows, *segment_rows(reckoning, panel, horizon)]
