"""Put together what the page on churn and revenue says."""

from __future__ import annotations

from whychurn.analyses.metrics.ages import age_rows
from whychurn.analyses.metrics.base import BASE
from whychurn.analyses.metrics.bridge import bridge_rows
from whychurn.analyses.metrics.conversion import conversion_rows
from whychurn.analyses.metrics.doubts import doubt_rows
from whychurn.analyses.metrics.expansion import expansion_rows
from whychurn.analyses.metrics.payments import payment_rows
from whychurn.analyses.metrics.rates import rate_rows
from whychurn.analyses.metrics.reasons import reason_rows
from whychurn.analyses.metrics.renewals import renewal_rows
from whychurn.analyses.metrics.segments import segment_rows
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.study import Study, TableStudy


def run(panel: Panel, study: Study) -> Findings:
    """Count who left and what they paid: by month, quarter and year, by segment, by reason, at renewals.

    Customers and revenue stand side by side everywhere. Rates are those of the customers of the day before a period
    begins; what the same customers pay at its end gives revenue retention.
    """
    if not isinstance(study, TableStudy):
        note = "Churn and revenue by calendar period need a study of tables."
        return Findings.from_rows([BASE | {"estimand": "customer_churn", "term": "The study", "note": note}])
    return Findings.from_rows(
        [
            *rate_rows(panel, study),
            *bridge_rows(panel, study),
            *expansion_rows(panel, study),
            *segment_rows(panel, study),
            *reason_rows(panel, study),
            *renewal_rows(panel, study),
            *payment_rows(panel, study),
            *conversion_rows(panel, study),
            *age_rows(panel, study),
            *doubt_rows(panel),
        ]
    )
