"""Which rows of a flat file can be used: one row per id, a tenure, and a churn value with a meaning."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from whychurn.errors import some
from whychurn.sources.connection import first_row
from whychurn.sources.contract import IntegrityFinding, refuse_all
from whychurn.sources.names import counted, shown
from whychurn.sources.typed import ReadColumn, number_of
from whychurn.study import FlatStudy, closest


@dataclass(frozen=True)
class JudgedRows:
    """Every accepted record and whether it can be used.

    Attributes
    ----------
    keys : pandas.DataFrame
        ``record``, ``id``, ``tenure_text``, ``tenure``, ``churned`` (as text), in the order of the file.
    repeats, conflicts : ndarray of bool, shape (rows,)
        Rows that repeat an earlier one of the same id exactly; rows of an id that contradict one another.
    wrong_column, reason : ndarray of str, shape (rows,)
        Why a row cannot be used; "" where it can.
    n_twins : int
        Without a declared id: rows that are exact copies of an earlier one.
    """

    keys: pd.DataFrame
    repeats: np.ndarray
    conflicts: np.ndarray
    wrong_column: np.ndarray
    reason: np.ndarray
    n_twins: int

    @property
    def wrong(self) -> np.ndarray:
        """Rows set aside because a value cannot be used."""
        return self.reason != ""

    @property
    def kept(self) -> np.ndarray:
        """Rows that are used."""
        return ~(self.repeats | self.conflicts | self.wrong)


def judge_rows(
    connection: duckdb.DuckDBPyConnection, columns: tuple[ReadColumn, ...], study: FlatStudy, table: str
) -> JudgedRows:
    """Judge every row of ``clean``.

    Raises
    ------
    SourceError
        If churn has values that the study does not name, or no row can be used.
    """
    keys = _key_frame(connection, columns, study)
    title = f"{study.source.file} cannot be used:"
    unknown = _unknown_churn_values(keys, study, table)
    if unknown is not None:
        raise refuse_all(title, [unknown])
    repeats, conflicts, n_twins = _duplicates(connection, keys, study)
    rows = JudgedRows(keys, repeats, conflicts, *_unusable(keys, study, repeats | conflicts), n_twins)
    if not rows.kept.any():
        raise refuse_all(title, [_no_row_left(rows.reason, len(keys), table)])
    return rows


def _key_frame(
    connection: duckdb.DuckDBPyConnection, columns: tuple[ReadColumn, ...], study: FlatStudy
) -> pd.DataFrame:
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


def _unknown_churn_values(keys: pd.DataFrame, study: FlatStudy, table: str) -> IntegrityFinding | None:
    known = {*study.columns.churned_when, *study.columns.stayed_when}
    counts = keys["churned"].value_counts()
    others = {str(value): int(count) for value, count in counts.items() if value not in known}
    if not others:
        return None
    listed = ", ".join(f"{shown(value)} ({counted(count, 'row')})" for value, count in list(others.items())[:10])
    more = f" and {len(others) - 10:,} more" if len(others) > 10 else ""
    example = next(iter(others))
    like = closest(example, known)
    add = "churned_when" if like in study.columns.churned_when else "stayed_when"
    current = ", ".join(f'"{value}"' for value in (*getattr(study.columns, add), example))
    return IntegrityFinding(
        code="unknown-churn-value", severity="refuse", table=table, column=study.columns.churned,
        count=sum(others.values()),
        rows=tuple(str(row) for row in keys.loc[keys["churned"].isin(list(others)), "record"].head(3)),
        problem=f"The column {shown(study.columns.churned)} holds values that neither churned_when nor stayed_when "
        f"names: {listed}{more}.",
        action=f"Say under [columns] what each means, for example {add} = [{current}]; a value that means "
        "“not known” belongs in null_values under [source].",
    )  # fmt: skip


def _duplicates(
    connection: duckdb.DuckDBPyConnection, keys: pd.DataFrame, study: FlatStudy
) -> tuple[np.ndarray, np.ndarray, int]:
    """Rows that repeat an earlier one exactly; rows of an id with contradicting rows; copies where there is no id."""
    none = np.zeros(len(keys), dtype=bool)
    if study.columns.account_id is None:
        width = len(connection.execute("DESCRIBE clean").fetchall()) - 1
        everything = ", ".join(f"c{index}" for index in range(width))
        twins = first_row(connection, f"SELECT count(*) - count(DISTINCT hash({everything})) FROM clean")[0]
        return none, none, twins
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
    in_conflict: set[str] = set(first.loc[first["id"].duplicated(keep=False), "id"])
    repeats, conflicts = none.copy(), none.copy()
    repeats[several.to_numpy()] = (repeated & ~rows["id"].isin(in_conflict)).to_numpy()
    conflicts[several.to_numpy()] = rows["id"].isin(in_conflict).to_numpy()
    return repeats, conflicts, 0


def _unusable(keys: pd.DataFrame, study: FlatStudy, skip: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The column and the reason why each row cannot be used, "" where it can; the first reason counts."""
    roles = study.columns
    no_tenure, text = keys["tenure_text"].isna(), keys["tenure_text"].notna() & keys["tenure"].isna()
    reasons = [
        (keys["id"].isna(), roles.account_id, "has no value"),
        (no_tenure, roles.tenure, "has no value"),
        (text, roles.tenure, "is not a number"),
        (keys["tenure"] < 0, roles.tenure, "is negative"),
        (keys["churned"].isna(), roles.churned, "has no value"),
    ]
    columns, out = np.full(len(keys), "", dtype=object), np.full(len(keys), "", dtype=object)
    for mask, column, reason in reversed(reasons):
        wrong = mask.to_numpy() & ~skip
        columns[wrong], out[wrong] = column, f"{column} {reason}"
    return columns, out


def _no_row_left(reason: np.ndarray, n_rows: int, table: str) -> IntegrityFinding:
    counts = pd.Series(reason[reason != ""]).value_counts()
    why = some([f"{why} ({counted(count, 'row')})" for why, count in counts.items()]) or "account ids repeat"
    return IntegrityFinding(
        code="no-usable-row", severity="refuse", table=table, count=n_rows,
        problem=f"{'The only row cannot' if n_rows == 1 else f'None of the {n_rows:,} rows can'} be used: {why}.",
        action="Check that the columns of tenure and churn are the right ones, and the decimal mark.",
    )  # fmt: skip
