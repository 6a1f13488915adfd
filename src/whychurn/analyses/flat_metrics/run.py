"""Put together what the page on metrics of a flat file says."""

from __future__ import annotations

from whychurn.analyses.flat_metrics.base import BASE, customers_of, readings_of
from whychurn.analyses.flat_metrics.lacking import lacking_rows
from whychurn.analyses.flat_metrics.leaving import leaving_rows
from whychurn.analyses.flat_metrics.lifetimes import lifetime_rows
from whychurn.analyses.flat_metrics.losses import loss_rows
from whychurn.analyses.flat_metrics.rates import rate_rows
from whychurn.analyses.flat_metrics.segments import segment_rows
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.study import FlatStudy, Study


def run(panel: Panel, study: Study) -> Findings:
    """Say what churn, revenue and lifetimes a file with one row per customer gives, each rate with its definition.

    Rates that need time are computed under both readings of which leavers are in the file. Times are in months
    whatever the study counts tenure in, and amounts are a month's.
    """
    if not isinstance(study, FlatStudy):
        note = "These are the metrics of a file with one row per customer; a study of tables has churn and revenue by period."
        return Findings.from_rows([BASE | {"estimand": "churn_per_acquired", "note": note}])
    customers, readings = customers_of(panel, study), readings_of(panel, study)
    return Findings.from_rows(
        [
            *loss_rows(customers, study),
            *rate_rows(customers, readings, study),
            *leaving_rows(customers, readings, study),
            *lifetime_rows(readings, study),
            *segment_rows(customers, readings[0], panel, study),
            *lacking_rows(),
        ]
    )
