"""Why do two churn rates disagree? Many named rates of the same data, and the accounts between any two of them."""

from __future__ import annotations

from whychurn.analyses.definitions.asking import walk
from whychurn.analyses.definitions.catalogue import named_rates
from whychurn.analyses.definitions.context import context_rows
from whychurn.analyses.definitions.history import History
from whychurn.analyses.definitions.periods import last_months, last_year
from whychurn.analyses.definitions.rows import (
    BASIS,
    MONTH,
    OF_YEAR,
    means_over,
    rates_in,
    tools_rows,
    walk_rows,
)
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.study import Study, TableStudy

__all__ = ["run", "walk"]


def run(panel: Panel, study: Study) -> Findings:
    """State churn in every named way for the last complete month, over months and by year, and walk between the rates.

    The house's rate is that of opening customers lost; it counts each customer once, lies between 0 and 1, and is the
    complement of retention.
    """
    if not isinstance(study, TableStudy):
        return _nothing("Rates by calendar need to know who was a customer when: they are of studies of tables only.")
    months = last_months(study.observed_from, study.observed_to)
    if not months:
        return _nothing(f"No complete calendar month lies between {study.observed_from} and {study.observed_to}.")
    year = last_year(study.observed_from, study.observed_to)
    history, rates = History.of(panel, study), named_rates(study)
    rows = [*rates_in(history, rates, months[-1], MONTH), *means_over(history, rates, months)]
    if year is not None:
        rows += rates_in(history, rates, year, OF_YEAR)
    rows += [*tools_rows(rates), *context_rows(history, rates[0], months, year)]
    rows += walk_rows(history, rates[0], rates[1:], months[-1], MONTH)
    if year is not None:
        rows += walk_rows(history, rates[0], rates[1:], year, OF_YEAR)
    return Findings.from_rows(rows)


def _nothing(note: str) -> Findings:
    return Findings.from_rows([BASIS | {"estimand": "nothing", "term": "Churn rates", "note": note}])
