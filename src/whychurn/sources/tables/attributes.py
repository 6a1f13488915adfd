"""Attributes of accounts held against who left: what is known only afterwards, what grows with tenure, what repeats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import duckdb
import pandas as pd

from whychurn.sources.contract import Detections, IntegrityFinding
from whychurn.sources.detection_findings import explain_detections
from whychurn.sources.detectors import detect_columns
from whychurn.sources.names import quoted
from whychurn.sources.tables.checks.spans import SPANS, account_spans
from whychurn.study import TableStudy

#: Columns of accounts that are no attributes: keys, dates of the contract, and the flag kept for comparison.
NO_ATTRIBUTES = ("account_id", "started_on", "parent_account_id", "churned", "row_number")


def attribute_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the attributes that accounts carry, with "number" or "category"; those without any value are left out."""
    described = connection.execute("DESCRIBE accounts").fetchall()
    kinds = {
        str(row[0]): "number" if str(row[1]) == "DOUBLE" else "category"
        for row in described
        if row[0] not in NO_ATTRIBUTES
    }
    if not kinds:
        return {}
    counts = connection.execute(f"SELECT {', '.join(f'count({quoted(name)})' for name in kinds)} FROM accounts")
    present = counts.fetchall()[0]
    return {name: kind for (name, kind), n in zip(kinds.items(), present, strict=True) if n}


def detect_attributes(
    connection: duckdb.DuckDBPyConnection, study: TableStudy
) -> tuple[Detections, tuple[IntegrityFinding, ...]]:
    """Run the detectors of flat studies on the attributes that the study declares as causes.

    Attributes carry no dates, so the law of time cannot guard them: a column such as "status = cancelled" is found by
    its values instead.

    Returns
    -------
    detections : Detections
    findings : tuple of IntegrityFinding
        The same in words.
    """
    present = attribute_columns(connection)
    columns = [cause.column for cause in study.causes if cause.column in present]
    if not columns:
        return Detections(), ()
    # The detectors look for columns called tenure and churned; an attribute may have those names as well.
    plain = [f"attribute {position}" for position in range(len(columns))]
    frame = _accounts_with_outcome(connection, study, dict(zip(columns, plain, strict=True)))
    if not frame["churned"].any() or frame["churned"].all():
        return Detections(), ()
    own = dict(zip(plain, columns, strict=True))
    references = {
        name: cause.reference
        for name, column in own.items()
        for cause in study.causes
        if cause.column == column and cause.reference is not None
    }
    detections = _under_own_names(detect_columns(frame, plain, references, names=columns), own)
    attributes = frame[plain].rename(columns=own)
    return detections, tuple(explain_detections(attributes, study, detections))


def _under_own_names(found: Detections, own: Mapping[str, str]) -> Detections:
    return Detections(
        accumulating=tuple(replace(one, column=own[one.column]) for one in found.accumulating),
        determined=tuple(
            replace(one, column=own[one.column], by=tuple(own[name] for name in one.by)) for one in found.determined
        ),
        aliased=tuple(
            replace(one, column=own[one.column], because_column=own[one.because_column]) for one in found.aliased
        ),
        duplicates=tuple((own[later], own[earlier]) for later, earlier in found.duplicates),
        known_after=tuple(replace(one, column=own[one.column]) for one in found.known_after),
        identifiers=tuple(own[name] for name in found.identifiers),
    )


def _accounts_with_outcome(
    connection: duckdb.DuckDBPyConnection, study: TableStudy, columns: Mapping[str, str]
) -> pd.DataFrame:
    """One row per account with service, attributes under their plain names: days of it until the window's end, and whether it ended, as the study defines."""
    selected = ", ".join(f"a.{quoted(name)} AS {quoted(plain)}" for name, plain in columns.items())
    with account_spans(connection, study):
        frame = connection.execute(
            f"""
            SELECT least(coalesce(s.last_on, $to), $to) - s.first_on AS "tenure",
                   coalesce(s.last_on < $to, false) AS "churned", {selected}
            FROM accounts a JOIN {SPANS} s USING (account_id)
            WHERE s.first_on < $to
            ORDER BY a.account_id
            """,
            {"to": study.observed_to},
        ).df()
    frame["tenure"] = frame["tenure"].astype(float)
    for name in columns.values():
        if frame[name].dtype == object:
            frame[name] = frame[name].where(frame[name].notna(), None)
    return frame
