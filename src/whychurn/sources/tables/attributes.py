"""Attributes of accounts held against who left: what is known only afterwards, what grows with tenure, what repeats."""

from __future__ import annotations

import duckdb
import pandas as pd

from whychurn.sources.contract import Detections, IntegrityFinding
from whychurn.sources.detection_findings import explain_detections
from whychurn.sources.detectors import detect_columns
from whychurn.sources.names import quoted
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
    frame = _accounts_with_outcome(connection, study, columns)
    if not frame["churned"].any() or frame["churned"].all():
        return Detections(), ()
    references = {cause.column: cause.reference for cause in study.causes if cause.reference is not None}
    detections = detect_columns(frame, columns, references)
    return detections, tuple(explain_detections(frame, study, detections))


def _accounts_with_outcome(
    connection: duckdb.DuckDBPyConnection, study: TableStudy, columns: list[str]
) -> pd.DataFrame:
    """One row per account with a subscription: days of service until the window's end, and whether it ended."""
    selected = ", ".join(f"any_value(a.{quoted(name)}) AS {quoted(name)}" for name in columns)
    frame = connection.execute(
        f"""
        SELECT max(least(coalesce(s.ended_on, $to), $to)) - min(s.started_on) AS "tenure",
               bool_and(s.ended_on IS NOT NULL AND s.ended_on < $to) AS "churned", {selected}
        FROM accounts a JOIN subscriptions s USING (account_id)
        WHERE s.started_on < $to
        GROUP BY a.account_id ORDER BY a.account_id
        """,
        {"to": study.observed_to},
    ).df()
    frame["tenure"] = frame["tenure"].astype(float)
    for name in columns:
        if frame[name].dtype == object:
            frame[name] = frame[name].where(frame[name].notna(), None)
    return frame
