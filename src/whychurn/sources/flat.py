"""The one table of a flat study: a row per customer, with every row that was not used accounted for."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pandas as pd

from whychurn.sources.contract import IntegrityFinding, LedgerStep, fetch_frame, refuse_all
from whychurn.sources.load import RawTable
from whychurn.sources.names import quoted
from whychurn.sources.rejects import rejects_frame
from whychurn.sources.typed import ReadColumn, clean_text, count_null_texts, number_of, read_columns, typed_expression
from whychurn.sources.usable import JudgedRows, judge_rows
from whychurn.study import FlatStudy

TABLE = "accounts"


@dataclass(frozen=True)
class FlatTable:
    """The accounts of a flat study as read.

    Attributes
    ----------
    frame : pandas.DataFrame
        As :meth:`whychurn.sources.Sources.frame` returns it.
    columns : tuple of ReadColumn
        Of the file.
    ledger : tuple of LedgerStep
    rejects : pandas.DataFrame
        Rows set aside and values read as missing.
    cells : pandas.DataFrame
        Of those, the values: in declared numbers, where there is text.
    copy : tuple of (str, str) or None
        See :attr:`whychurn.sources.Sources.copies`.
    n_set_aside : int
        Records not used, exact repeats apart.
    n_twins : int
        Without a declared id: rows that are exact copies of an earlier one.
    renamed : tuple of (str, str)
        Columns of the file that had to take another name in the frame.
    null_texts : tuple of (str, str, int)
        Column, text (not empty) that was read as missing, cells of the file that hold it.
    """

    frame: pd.DataFrame
    columns: tuple[ReadColumn, ...]
    ledger: tuple[LedgerStep, ...]
    rejects: pd.DataFrame
    cells: pd.DataFrame
    copy: tuple[str, str] | None
    n_set_aside: int
    n_twins: int
    renamed: tuple[tuple[str, str], ...]
    null_texts: tuple[tuple[str, str, int], ...] = ()


def build_flat_table(connection: duckdb.DuckDBPyConnection, raw: RawTable, study: FlatStudy) -> FlatTable:
    """Type the text in ``raw``, set aside what cannot be used, and make the table ``accounts``.

    Raises
    ------
    SourceError
        If churn has values that the study does not name, nobody left, or no row can be used.
    """
    null_texts = count_null_texts(connection, raw.names, study.source.null_values)
    clean_text(connection, len(raw.names), study.source.null_values)
    declared = {cause.column: cause.type for cause in study.causes}
    declared[study.columns.tenure] = "number"
    if study.columns.amount:
        declared[study.columns.amount] = "number"
    for role in ("account_id", "churned"):
        if name := getattr(study.columns, role):
            declared[name] = "category"
    columns = read_columns(connection, raw.names, declared, study.source.decimal)
    rows = judge_rows(connection, columns, study, TABLE)
    renamed, copy = _make_accounts(connection, columns, rows, study)
    cells = _unreadable_cells(connection, raw, columns, rows.keys[rows.kept], study)
    for name in ("clean", "raw_text"):
        connection.execute(f"DROP TABLE IF EXISTS {name} CASCADE")
    frame = fetch_frame(connection, TABLE, copy)
    if not frame["churned"].any():
        raise refuse_all(
            f"{study.source.file} cannot be used:",
            [
                IntegrityFinding(
                    code="nobody-left", severity="refuse", table=TABLE, column=study.columns.churned, count=len(frame),
                    problem=f"Nobody left: all {len(frame):,} customers are still here. There is nothing to explain.",
                    action="Check churned_when and stayed_when, and whether the file holds former customers at all.",
                )
            ],
        )  # fmt: skip
    rejects = rejects_frame([_reject_rows(raw, rows, study), cells])
    ledger = _ledger(raw, rows, frame)
    set_aside = len(raw.rejects) + int((rows.conflicts | rows.wrong).sum())
    return FlatTable(frame, columns, ledger, rejects, cells, copy, set_aside, rows.n_twins, renamed, null_texts)


def _make_accounts(
    connection: duckdb.DuckDBPyConnection, columns: tuple[ReadColumn, ...], rows: JudgedRows, study: FlatStudy
) -> tuple[tuple[tuple[str, str], ...], tuple[str, str] | None]:
    """Make the table; return the columns renamed, and the one that only the frame can hold."""
    roles = study.columns
    taken = {"account_id", "tenure", "churned", "row_number", *(["amount"] if roles.amount else [])}
    values: dict[str, str] = {}
    by_name = {column.name: column for column in columns}
    select = ["k.account_id AS account_id", "k.tenure AS tenure", "k.churned AS churned"]
    if roles.amount:
        select.append(f"{typed_expression(by_name[roles.amount], study, values)} AS amount")
    renamed, copy = [], None
    for column in columns:
        if column.name in (roles.account_id, roles.tenure, roles.churned) or column.name == "amount" == roles.amount:
            continue
        name = column.name
        if name.casefold() in taken:
            if name == roles.amount:  # such as "Amount": the engine cannot hold both
                copy = (name, "amount")
                continue
            name = f"{name} (in the file)"
            renamed.append((column.name, name))
        select.append(f"{typed_expression(column, study, values)} AS {quoted(name)}")
    frame = pd.DataFrame(
        {
            "record": rows.keys["record"],
            "account_id": rows.keys["id"],
            "tenure": rows.keys["tenure"],
            "churned": rows.keys["churned"].isin(roles.churned_when),
        }
    )[rows.kept]
    connection.register("kept_frame", frame)
    connection.execute(
        f"CREATE TABLE {TABLE} AS SELECT {', '.join(select)}, clean.record AS row_number "
        "FROM clean JOIN kept_frame AS k USING (record) ORDER BY clean.record",
        values,
    )
    connection.unregister("kept_frame")
    return tuple(renamed), copy


def _unreadable_cells(
    connection: duckdb.DuckDBPyConnection,
    raw: RawTable,
    columns: tuple[ReadColumn, ...],
    kept: pd.DataFrame,
    study: FlatStudy,
) -> pd.DataFrame:
    """Values of declared numbers that are no numbers, in the rows that are kept."""
    parts = []
    for column in columns:
        if not column.n_unreadable or column.name == study.columns.tenure:
            continue
        number = number_of(column.key, study.source.decimal)
        cells = connection.execute(
            f"SELECT record, {column.key} AS value FROM clean WHERE {column.key} IS NOT NULL AND {number} IS NULL"
        ).df()
        cells = cells.merge(kept[["record", "id"]], on="record").rename(columns={"id": "account_id"})
        cells["line"] = raw.line(cells["record"])
        cells["column"] = column.name
        parts.append(cells)
    cells = rejects_frame(parts)
    return cells.assign(
        table=TABLE, file=study.source.file, scope="value", reason="not a number, so it is read as missing"
    )


def _reject_rows(raw: RawTable, rows: JudgedRows, study: FlatStudy) -> pd.DataFrame:
    common = {"table": TABLE, "file": study.source.file, "scope": "row"}
    parts = [raw.rejects]
    wrong = rows.keys[rows.wrong]
    if len(wrong):
        column = pd.Series(rows.wrong_column[rows.wrong], index=wrong.index)
        parts.append(
            pd.DataFrame(
                {**common, "record": wrong["record"], "line": raw.line(wrong["record"]), "account_id": wrong["id"],
                 "column": column, "reason": rows.reason[rows.wrong],
                 "value": wrong["tenure_text"].where(column == study.columns.tenure, None)}
            )
        )  # fmt: skip
    several = rows.keys[rows.conflicts]
    if len(several):
        parts.append(
            pd.DataFrame(
                {**common, "record": several["record"], "line": raw.line(several["record"]),
                 "account_id": several["id"], "column": study.columns.account_id, "value": several["id"],
                 "reason": "several rows of this id contradict one another"}
            )
        )  # fmt: skip
    return rejects_frame(parts)


def _ledger(raw: RawTable, rows: JudgedRows, frame: pd.DataFrame) -> tuple[LedgerStep, ...]:
    why = pd.Series(rows.reason[rows.wrong], dtype=object).value_counts()
    ids, records = rows.keys["id"], rows.keys["record"].map("row {}".format)
    steps = [
        ("records read", "Records whose number of values is not that of the header are set aside.", len(raw.rejects),
         raw.rejects["record"].map("row {}".format), ""),
        ("exact repeats", "A row that repeats another of the same id in every column is dropped.",
         int(rows.repeats.sum()), ids[rows.repeats], ""),
        ("contradicting ids", "All rows of an id whose rows contradict one another are set aside.",
         int(rows.conflicts.sum()), ids[rows.conflicts].drop_duplicates(), ""),
        ("unusable tenure or churn", "Rows without a usable id, tenure or churn are set aside.", int(rows.wrong.sum()),
         records[rows.wrong], "; ".join(f"{reason}: {count:,}" for reason, count in why.items())),
    ]  # fmt: skip
    ledger, n = [], raw.n_records
    for step, rule, affected, examples, note in steps:
        ledger.append(LedgerStep(step, TABLE, rule, n, n - affected, affected, tuple(map(str, examples.head(3))), note))
        n -= affected
    zero = frame.loc[frame["tenure"] == 0, "account_id"]
    rule = "Customers with tenure 0 are kept; having no time at risk, they are not part of curves and hazards."
    ledger.append(LedgerStep("tenure zero", TABLE, rule, n, n, len(zero), tuple(zero.head(3))))
    return tuple(ledger)
