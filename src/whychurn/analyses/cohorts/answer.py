"""Do newer customers stay longer?"""

from __future__ import annotations

from whychurn.analyses.cohorts.calendar import unit_of_comparison, unit_of_triangle
from whychurn.analyses.cohorts.comparison import comparison_rows, curves, test_row
from whychurn.analyses.cohorts.histories import Histories
from whychurn.analyses.cohorts.layers import layer_rows
from whychurn.analyses.cohorts.periods import period_rows
from whychurn.analyses.cohorts.triangles import BASE, triangle_rows, unit_row
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.study import Study, TableStudy


def run(panel: Panel, study: Study) -> Findings:
    """Follow customers by when they signed up, and compare cohorts at the same age.

    A customer belongs to the cohort of its first day as a customer. Who was a customer before the window is never
    taken as if followed from sign-up: these customers have a row of their own (of those there on the first day), and
    enter the comparison late, at the age they had then.
    """
    if not isinstance(study, TableStudy):
        note = "Cohorts need the days on which customers signed up: a study of tables."
        return Findings.from_rows([BASE | {"estimand": "customers_followed", "term": "Customers", "note": note}])
    histories = Histories.of(panel, study)
    rows = [*histories.count_rows(study)]
    if histories.followed.any():
        unit, rule = unit_of_triangle(histories.signed_up[histories.followed])
        rows += [unit_row(unit, rule), *triangle_rows(histories, study, unit), test_row(histories, unit)]
        if unit != "month":
            rows += triangle_rows(histories, study, "month", main=False)
        compared = unit_of_comparison(histories.signed_up[histories.followed])
        rows += [*curves(histories, study, compared), *comparison_rows(histories, study, compared)]
    rows += [*period_rows(histories, study), *layer_rows(histories, panel, study)]
    return Findings.from_rows(rows)
