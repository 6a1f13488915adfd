"""The one table of a flat study: a row per customer, with every row that was not used accounted for."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from whychurn.errors import some
from whychurn.sources.contract import IntegrityFinding, LedgerStep, fetch_frame, refuse_all
from whychurn.sources.load import RawTable
from whychurn.sources.names import quoted, shown
from whychurn.sources.rejects import rejects_frame
from whychurn.sources.typed import ReadColumn, clean_text, number_of, read_columns, typed_expression
from whychurn.study import RESERVED, Study, closest

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


def build_flat_table(connection: duckdb.DuckDBPyConnection, raw: RawTable, study: Study) -> FlatTable:
    """Type the text in ``raw``, set aside what cannot be used, and make the table ``accounts``.

    Raises
    ------
    SourceError
        If churn has values that the study does not name, nobody left, or no row can be used.
    """
    clean_text(connection, len(raw.names), study.source.null_values)
    declared = {cause.column: cause.type for cause in study.causes}
    declared[study.columns.tenure] = "number"
    if study.columns.amount:
        declared[study.columns.amount] = "number"
    for role in ("account_id", "churned"):
        if name := getattr(study.columns, role):
            declared[name] = "category"
    columns = read_columns(connection, raw.names, declared, study.source.decimal)
    keys = _key_frame(connection, columns, study)
    _require_two_values(keys, study)
    repeats, conflicts, n_twins = _duplicates(connection, keys, study)
    unusable = _unusable(keys, study, repeats | conflicts)
    kept = ~(repeats | conflicts) & (unusable == "")
    if not kept.any():
        raise refuse_all(f"{study.source.file} cannot be used:", [_no_row_left(unusable, len(keys))])
    renamed, copy = _make_accounts(connection, columns, keys, kept, study)
    cells = _unreadable_cells(connection, raw, columns, keys[kept], study)
    for name in ("clean", "raw_text"):
        connection.execute(f"DROP TABLE IF EXISTS {name} CASCADE")
    frame = fetch_frame(connection, TABLE, copy)
    if not frame["churned"].any():
        raise refuse_all(
            f"{study.source.file} cannot be used:",
            [
                IntegrityFinding(
                    code="nobody-left", severity="refuse", table=TABLE, column=study.columns.churned, count=len(frame),
                    problem=f"All {len(frame):,} customers are still here: nobody left, so there is nothing to explain.",
                    action="Check churned_when and stayed_when, and whether the file holds former customers at all.",
                )
            ],
        )  # fmt: skip
    rejects = rejects_frame([_reject_rows(raw, keys, study, conflicts, unusable), cells])
    ledger = _ledger(raw, keys, repeats, conflicts, unusable, frame)
    set_aside = len(raw.rejects) + int((conflicts | (unusable != "")).sum())
    return FlatTable(frame, columns, ledger, rejects, cells, copy, set_aside, n_twins, renamed)


def _key_frame(connection: duckdb.DuckDBPyConnection, columns: tuple[ReadColumn, ...], study: Study) -> pd.DataFrame:
    """One row per accepted record: record, id, tenure and churn as text, tenure as number."""
    key = {column.name: column.key for column in columns}
    account_id = key[study.columns.account_id] if study.columns.account_id else "record::VARCHAR"
    tenure, churned = key[study.columns.tenure], key[study.columns.churned]
    frame = connection.execute(
        f"SELECT record, trim({account_id}) AS id, {tenure} AS tenure_text, "
        f"{number_of(tenure, study.source.decimal)} AS tenure, {churned} AS churned FROM clean ORDER BY record"
    ).df()
    for name in ("id", "tenure_text", "churned"):
        frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    return frame


def _require_two_values(keys: pd.DataFrame, study: Study) -> None:
    known = {*study.columns.churned_when, *study.columns.stayed_when}
    counts = keys["churned"].value_counts()
    others = {str(value): int(count) for value, count in counts.items() if value not in known}
    if not others:
        return
    listed = ", ".join(f"{shown(value)} ({count:,} rows)" for value, count in list(others.items())[:10])
    more = f" and {len(others) - 10:,} more" if len(others) > 10 else ""
    example = next(iter(others))
    like = closest(example, known)
    add = "churned_when" if like in study.columns.churned_when else "stayed_when"
    current = ", ".join(f'"{value}"' for value in (*getattr(study.columns, add), example))
    problem = IntegrityFinding(
        code="unknown-churn-value", severity="refuse", table=TABLE, column=study.columns.churned,
        count=sum(others.values()),
        rows=tuple(str(row) for row in keys.loc[keys["churned"].isin(list(others)), "record"].head(3)),
        problem=f"The column {shown(study.columns.churned)} holds values that neither churned_when nor stayed_when "
        f"names: {listed}{more}.",
        action=f"Say under [columns] what each means, for example {add} = [{current}]; a value that means "
        "“not known” belongs in null_values under [source].",
    )  # fmt: skip
    raise refuse_all(f"{study.source.file} cannot be used:", [problem])


def _duplicates(
    connection: duckdb.DuckDBPyConnection, keys: pd.DataFrame, study: Study
) -> tuple[np.ndarray, np.ndarray, int]:
    """Rows that repeat an earlier one exactly; rows of an id with contradicting rows; copies where there is no id."""
    none = np.zeros(len(keys), dtype=bool)
    if study.columns.account_id is None:
        width = len(connection.execute("DESCRIBE clean").fetchall()) - 1
        content = ", ".join(f"c{index}" for index in range(width))
        found = connection.execute(f"SELECT count(*) - count(DISTINCT hash({content})) FROM clean").fetchone()
        return none, none, int(found[0]) if found else 0
    several = keys["id"].notna() & keys["id"].duplicated(keep=False)
    if not several.any():
        return none, none, 0
    connection.register("several_frame", keys.loc[several, ["record"]])
    rows = connection.execute("SELECT clean.* FROM clean JOIN several_frame USING (record) ORDER BY record").df()
    connection.unregister("several_frame")
    rows["id"] = keys.loc[several, "id"].to_numpy()
    content = [name for name in rows.columns if name != "record"]
    repeated = rows.duplicated(content, keep="first")
    first = rows.loc[~repeated]
    in_conflict = set(first.loc[first["id"].duplicated(keep=False), "id"])
    repeats, conflicts = none.copy(), none.copy()
    repeats[several.to_numpy()] = (repeated & ~rows["id"].isin(in_conflict)).to_numpy()
    conflicts[several.to_numpy()] = rows["id"].isin(in_conflict).to_numpy()
    return repeats, conflicts, 0


def _unusable(keys: pd.DataFrame, study: Study, skip: np.ndarray) -> np.ndarray:
    """The reason why each row cannot be used, "" where it can."""
    tenure, churned = study.columns.tenure, study.columns.churned
    reasons = [
        (keys["id"].isna(), f"{study.columns.account_id} has no value"),
        (keys["tenure_text"].isna(), f"{tenure} has no value"),
        (keys["tenure_text"].notna() & keys["tenure"].isna(), f"{tenure} is not a number"),
        (keys["tenure"] < 0, f"{tenure} is negative"),
        (keys["churned"].isna(), f"{churned} has no value"),
    ]
    out = np.full(len(keys), "", dtype=object)
    for mask, reason in reversed(reasons):
        out[(mask.to_numpy() & ~skip)] = reason
    return out


def _no_row_left(unusable: np.ndarray, n_rows: int) -> IntegrityFinding:
    counts = pd.Series(unusable[unusable != ""]).value_counts()
    why = some([f"{reason} ({count:,} rows)" for reason, count in counts.items()]) or "account ids repeat"
    return IntegrityFinding(
        code="no-usable-row", severity="refuse", table=TABLE, count=n_rows,
        problem=f"None of the {n_rows:,} rows can be used: {why}.",
        action="Check that the columns of tenure and churn are the right ones, and the decimal mark.",
    )  # fmt: skip


def _make_accounts(
    connection: duckdb.DuckDBPyConnection,
    columns: tuple[ReadColumn, ...],
    keys: pd.DataFrame,
    kept: np.ndarray,
    study: Study,
) -> tuple[tuple[tuple[str, str], ...], tuple[str, str] | None]:
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
            "record": keys["record"],
            "account_id": keys["id"],
            "tenure": keys["tenure"],
            "churned": keys["churned"].isin(roles.churned_when),
        }
    )[kept]
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
    study: Study,
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


def _reject_rows(
    raw: RawTable, keys: pd.DataFrame, study: Study, conflicts: np.ndarray, unusable: np.ndarray
) -> pd.DataFrame:
    common = {"table": TABLE, "file": study.source.file, "scope": "row"}
    parts = [raw.rejects]
    wrong = keys[unusable != ""]
    if len(wrong):
        reason = pd.Series(unusable[unusable != ""], index=wrong.index)
        about = reason.map(lambda text: text.rpartition(" has no")[0] or text.rpartition(" is ")[0])
        value = wrong["tenure_text"].where(about == study.columns.tenure, wrong["churned"])
        parts.append(
            pd.DataFrame(
                {**common, "record": wrong["record"], "line": raw.line(wrong["record"]), "account_id": wrong["id"],
                 "column": about, "value": value, "reason": reason}
            )
        )  # fmt: skip
    several = keys[conflicts]
    if len(several):
        parts.append(
            pd.DataFrame(
                {**common, "record": several["record"], "line": raw.line(several["record"]),
                 "account_id": several["id"], "column": study.columns.account_id, "value": several["id"],
                 "reason": "several rows of this id contradict one another"}
            )
        )  # fmt: skip
    return rejects_frame(parts)


def _ledger(
    raw: RawTable,
    keys: pd.DataFrame,
    repeats: np.ndarray,
    conflicts: np.ndarray,
    unusable: np.ndarray,
    frame: pd.DataFrame,
) -> tuple[LedgerStep, ...]:
    wrong = unusable != ""
    why = pd.Series(unusable[wrong], dtype=object).value_counts()
    steps = [
        ("records read", "Records whose number of values is not that of the header are set aside.", len(raw.rejects),
         raw.rejects["record"], ""),
        ("exact repeats", "A row that repeats another of the same id in every column is dropped.", int(repeats.sum()),
         keys.loc[repeats, "id"], ""),
        ("contradicting ids", "All rows of an id whose rows contradict one another are set aside.",
         int(conflicts.sum()), keys.loc[conflicts, "id"].drop_duplicates(), ""),
        ("unusable tenure or churn", "Rows without a usable id, tenure or churn are set aside.", int(wrong.sum()),
         keys.loc[wrong, "record"].map("row {}".format),
         "; ".join(f"{reason}: {count:,}" for reason, count in why.items())),
    ]  # fmt: skip
    ledger, n = [], raw.n_records
    for step, rule, affected, examples, note in steps:
        ledger.append(LedgerStep(step, TABLE, rule, n, n - affected, affected, tuple(map(str, examples.head(3))), note))
        n -= affected
    zero = frame.loc[frame["tenure"] == 0, "account_id"]
    rule = "Customers with tenure 0 are kept here; they have no time at risk yet, so time-to-leave analyses leave them out."
    ledger.append(LedgerStep("tenure zero", TABLE, rule, n, n, len(zero), tuple(zero.head(3))))
    return tuple(ledger)


__all__ = ["RESERVED", "TABLE", "FlatTable", "build_flat_table"]
