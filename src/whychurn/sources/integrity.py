"""What is wrong with, or worth knowing about, the accounts of a flat study."""

from __future__ import annotations

from whychurn.sources.column_checks import check_columns
from whychurn.sources.contract import Detections, IntegrityFinding
from whychurn.sources.detection_findings import explain_detections
from whychurn.sources.flat import FlatTable
from whychurn.sources.population_checks import check_population
from whychurn.study import FlatStudy

ORDER = {"refuse": 0, "caveat": 1, "note": 2}


def check_accounts(
    table: FlatTable, n_records: int, study: FlatStudy, detections: Detections
) -> tuple[IntegrityFinding, ...]:
    """Return every finding about the accounts.

    Parameters
    ----------
    table : FlatTable
    n_records : int
        Records in the file.
    study : FlatStudy
    detections : Detections
        What the detectors found; put in words here.
    """
    return (
        *check_population(table, n_records, study),
        *check_columns(table, study),
        *explain_detections(table.frame, study, detections),
    )


def by_severity(findings: tuple[IntegrityFinding, ...]) -> tuple[IntegrityFinding, ...]:
    """Refusals first, then caveats, then notes; within each, in the order found."""
    return tuple(sorted(findings, key=lambda finding: ORDER[finding.severity]))
