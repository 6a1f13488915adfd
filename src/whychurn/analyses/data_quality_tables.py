"""Can tables with dates carry an answer? Everything the data-quality page says of a study of tables."""

from __future__ import annotations

from typing import Any

from whychurn.analyses.data_quality_base import BASE
from whychurn.analyses.data_quality_coverage import coverage_rows, first_recorded
from whychurn.analyses.data_quality_follow_up import follow_up_rows
from whychurn.analyses.data_quality_measures import attribute_rows, measure_rows
from whychurn.analyses.data_quality_population import population_rows
from whychurn.analyses.rates import rate_row
from whychurn.panel import Panel
from whychurn.study import Definition, TableStudy


def table_rows(panel: Panel, study: TableStudy) -> list[dict[str, Any]]:
    """Return every finding about the data of a study of tables, besides verdict and ledger."""
    tracked = first_recorded(panel, study)
    return [
        *_integrity_rows(panel),
        *population_rows(panel, study),
        *_definition_rows(panel, study),
        *coverage_rows(panel, study, tracked),
        *follow_up_rows(panel, study),
        *measure_rows(panel, study, tracked),
        *attribute_rows(panel),
    ]


def _integrity_rows(panel: Panel) -> list[dict[str, Any]]:
    rows = []
    for index, found in enumerate(panel.integrity, start=1):
        row = BASE | {
            "term": f"{found.table}.{found.column}" if found.column else found.table,
            "level": f"{index:02d} {found.code}",
        }
        rows.append(
            row
            | {
                "estimand": "integrity",
                "group": found.severity,
                "estimate": found.count,
                "unit": "rows",
                "definition": found.problem,
                "note": " ".join(part for part in (found.consequence, found.action) if part),
            }
        )
        rows += [
            row | {"estimand": "integrity_example", "reference": f"{place:02d}", "note": example}
            for place, example in enumerate(found.rows, start=1)
        ]
    return rows


def _definition_rows(panel: Panel, study: TableStudy) -> list[dict[str, Any]]:
    """Churn under every declared definition of leaving, the study's own first."""
    accounts = dict(iter(panel.tables["definition_accounts"].groupby("definition", sort=False)))
    rows = []
    for position, definition in enumerate((study.definition, *study.definitions), start=1):
        # Under a definition of its own nobody may have been at risk.
        counted = accounts.get(definition.name, panel.tables["definition_accounts"].head(0))
        more = {
            "estimand": "definition_rate",
            "term": definition.name,
            "grade": "used by the study" if position == 1 else "",
            "note": _in_words(definition),
            "n_accounts": len(counted),
        }
        rows.append(BASE | rate_row(counted["events"], counted["days_at_risk"], study.confidence_level, **more))
    return rows


def _in_words(definition: Definition) -> str:
    parts = [
        "Gone from the day the term ends"
        if definition.recognise == "term end"
        else "Gone from the day notice is given, or the term ends, whichever comes first",
        f"a break of up to {definition.allowed_gap_days:,} days is none"
        if definition.allowed_gap_days
        else "every break counts",
    ]
    if definition.delinquent_after_days is not None:
        parts.append(f"gone as well {definition.delinquent_after_days:,} days after a payment was due and not made")
    if definition.inactive_after_days is not None:
        parts.append(f"gone as well after {definition.inactive_after_days:,} days without use")
    return "; ".join(parts) + "."
