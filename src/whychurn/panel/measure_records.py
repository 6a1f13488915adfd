"""The records that measures are made of: read from the tables once, as whole numbers, and handed out by account."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from whychurn.errors import PanelError
from whychurn.panel.intervals import DAY
from whychurn.panel.measure_usage import FAILED, LOGIN, NO_MODULE, USE
from whychurn.panel.renewals import terms
from whychurn.sources.names import quoted
from whychurn.study import TableStudy

#: Stands for a day that never comes.
OPEN_END = 2**30
_ACCOUNTS = "panel_accounts"
#: Accounts that lie side by side in staged usage, in no order among themselves.
_NEIGHBOURS = 500


class Engine:
    """The connection, in use so that Ctrl-C stops a query at once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def run(self, sql: str, values: object = None) -> None:
        """Run a statement to its end, or until Ctrl-C."""
        self._apart(lambda: self.connection.execute(sql, values) if values else self.connection.execute(sql))

    def arrays(self, sql: str, values: object = None) -> dict[str, NDArray[Any]]:
        """Return a query's columns: NaN or None where there is no value."""
        found: dict[str, Any] = {}
        self._apart(lambda: found.update(self.connection.execute(sql, values).fetchnumpy()))
        return {name: _plain(column) for name, column in found.items()}

    def _apart(self, work: Callable[[], object]) -> None:
        """Do some work in a thread of its own: a query does not notice Ctrl-C, this thread does."""
        failed: list[BaseException] = []
        done = threading.Event()

        def doing() -> None:
            try:
                work()
            except BaseException as error:
                failed.append(error)
            finally:
                done.set()

        threading.Thread(target=doing, name="panel", daemon=True).start()
        try:
            # Not a join: in some versions of Python an interrupted join takes the thread for finished.
            done.wait()
        except BaseException:
            while not done.wait(0.05):
                # Again and again: an interrupt between two queries of the thread would be lost.
                self.connection.interrupt()
            raise
        if failed:
            raise _as_told(failed[0])


def _as_told(error: BaseException) -> BaseException:
    """What a user can do something about is said in the user's words."""
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, duckdb.OutOfMemoryException):
        return PanelError(
            f"The panel does not fit into the memory the engine may use ({first}). Raise memory_limit in [engine] of "
            "study.toml, or free space on the disk that holds the study: it is used where memory is short."
        )
    if isinstance(error, duckdb.IOException):
        return PanelError(f"The panel cannot be written or its data not read: {first}")
    return error


def _plain(column: Any) -> NDArray[Any]:
    if not isinstance(column, np.ma.MaskedArray):
        return np.asarray(column)
    if column.dtype == object:
        texts: NDArray[Any] = column.data.copy()
        texts[np.ma.getmaskarray(column)] = None
        return texts
    if column.dtype.kind == "f":
        return column.filled(np.nan)
    return np.asarray(column.data)


def _day(column: str, missing: int | None = None) -> str:
    day = DAY.format(f"r.{column}")
    return day if missing is None else f"coalesce({day}, {missing})"


#: Staged records -> (table, columns, condition, order).
_PLAIN: Mapping[str, tuple[str, str, str, str]] = {
    "tickets": (
        "tickets", f"{_day('opened_at')} AS opened, {_day('closed_at', OPEN_END)} AS closed",
        "r.opened_at IS NOT NULL", "",
    ),
    "ratings": (
        "tickets", f"{DAY.format('coalesce(r.csat_at, r.closed_at)')} AS day, r.csat AS csat",
        "r.csat IS NOT NULL AND coalesce(r.csat_at, r.closed_at) IS NOT NULL", "day, r.opened_at, r.ticket_id",
    ),
    "surveys": (
        "surveys", f"{_day('answered_at')} AS day, r.score AS score",
        # What is no whole number from 0 to 10 is no answer: nobody is a passive by 8.5.
        "r.answered_at IS NOT NULL AND r.score BETWEEN 0 AND 10 AND r.score = floor(r.score)",
        "r.answered_at, r.response_id",
    ),
    "interactions": ("interactions", f"{_day('at')} AS day", "r.at IS NOT NULL", ""),
    "interventions": ("interventions", f"{_day('assigned_on')} AS day", "r.assigned_on IS NOT NULL", ""),
    "failed_payments": ("payments", f"{_day('failed_on')} AS day", "r.failed_on IS NOT NULL", ""),
    "payments": (
        "payments", f"{_day('due_on')} AS due, {_day('paid_on', OPEN_END)} AS paid",
        # Credits and bills of nothing are no debts.
        "r.due_on IS NOT NULL AND (r.amount IS NULL OR r.amount > 0)", "",
    ),
    "subscriptions": (
        "panel_terms",
        f"{_day('started_on')} AS started, {_day('ended_on', OPEN_END)} AS ended, r.mrr AS mrr, r.seats AS seats, "
        f"r.term_months AS term, CAST({_day('renewal_on')} AS DOUBLE) AS renewal, r.plan AS plan",
        "r.started_on IS NOT NULL", "r.mrr ASC NULLS FIRST, r.subscription_id DESC",
    ),
    "notice": ("notice", f"{_day('n_start')} AS begin, {_day('n_end', OPEN_END)} AS end", "true", ""),
}  # fmt: skip


class Records:
    """Staged records of the accounts at risk.

    Parameters
    ----------
    engine : Engine
        With the tables of the contract and the temporary tables ``spells`` and ``notice``.
    study : TableStudy
    modules, event_kinds : sequences of str
        Their places are their codes.
    reads : iterable of str
        Columns of usage wanted: any of ``"user"``, ``"module"``, ``"peak"``, ``"value"``.
    usage_from : int
        First day on which usage was recorded.
    """

    def __init__(
        self,
        engine: Engine,
        study: TableStudy,
        modules: Sequence[str],
        event_kinds: Sequence[str],
        reads: Iterable[str],
        usage_from: int,
    ) -> None:
        self._engine = engine
        self._study = study
        self._modules = tuple(modules)
        self._kinds = tuple(event_kinds)
        self._reads = frozenset(reads)
        # A date that the engine can hold, where usage was tracked always, or never.
        self._usage_from = min(max(usage_from, -700_000), 700_000)
        self._staged: set[str] = set()

    def fetch(self, name: str, low: int, high: int) -> dict[str, NDArray[Any]]:
        """Return staged records of the accounts numbered low to high (exclusive), staging them if need be."""
        if name not in self._staged:
            self._stage(name)
        if name == "common_events":
            return self._engine.arrays(f"SELECT * FROM {_stage(name)}")
        # The order of the table is that in which records were staged.
        return self._engine.arrays(
            f"SELECT * FROM {_stage(name)} WHERE account >= $low AND account < $high", {"low": low, "high": high}
        )

    def drop(self) -> None:
        """Remove what was staged."""
        for name in (*self._staged, "accounts", "modules", "kinds", "terms"):
            self._engine.run(f"DROP TABLE IF EXISTS {_stage(name)}")
        self._staged.clear()

    def _stage(self, name: str) -> None:
        if not self._staged:
            self._engine.run(
                f"""
                CREATE OR REPLACE TEMP TABLE {_ACCOUNTS} AS
                SELECT account_id, CAST(row_number() OVER (ORDER BY account_id) - 1 AS INTEGER) AS account,
                    {DAY.format("max(followed_to)")} AS until
                FROM spells GROUP BY account_id
                """
            )
        if name == "usage":
            self._stage_usage()
        elif name in ("events", "common_events"):
            self._stage_events(name)
        else:
            if name == "subscriptions":
                sql = f"CREATE OR REPLACE TEMP TABLE panel_terms AS {terms(self._study.definition)}"
                self._engine.run(sql, {"to": self._study.observed_to})
            table, columns, condition, order = _PLAIN[name]
            self._engine.run(
                f"""
                CREATE OR REPLACE TEMP TABLE {_stage(name)} AS
                SELECT a.account, {columns} FROM {quoted(table)} AS r JOIN {_ACCOUNTS} AS a ON r.account_id = a.account_id
                WHERE {condition} ORDER BY {order or "a.account"}
                """
            )
        self._staged.add(name)

    def _stage_usage(self) -> None:
        (first, last), days = self._study.measures.peak_hours, self._study.measures.peak_days
        peak = (
            f"hour(r.at) >= {first} AND hour(r.at) < {last} AND isodow(r.at) IN ({', '.join(map(str, sorted(days)))})"
        )
        wanted = {
            "module": f"CAST(coalesce(m.code, {NO_MODULE}) AS UTINYINT) AS module",
            "peak": f"({peak}) AS peak",
            "user": "CASE WHEN r.user_id IS NULL THEN 0 ELSE hash(r.user_id) END AS user",
            "value": "r.value AS value",
        }
        columns = "".join(f", {sql}" for name, sql in wanted.items() if name in self._reads)
        join = ""
        if "module" in self._reads:
            self._engine.run("CREATE OR REPLACE TEMP TABLE panel_modules (module VARCHAR, code INTEGER)")
            for code, module in enumerate(self._modules):
                self._engine.run("INSERT INTO panel_modules VALUES ($module, $code)", {"module": module, "code": code})
            join = "LEFT JOIN panel_modules AS m ON r.module = m.module"
        self._engine.run(
            f"""
            CREATE OR REPLACE TEMP TABLE {_stage("usage")} AS
            SELECT a.account, {_day("at")} AS day,
                CAST(CASE r.action WHEN 'login' THEN {LOGIN} WHEN 'use' THEN {USE} ELSE {FAILED} END AS UTINYINT) AS action,
                r.count AS n{columns}
            FROM usage AS r JOIN {_ACCOUNTS} AS a ON r.account_id = a.account_id {join}
            WHERE r.action IN ('login', 'use', 'failed') AND r.at < DATE '1970-01-01' + a.until
                -- A record that counts nothing is no use, and what lies before tracking cannot be complete.
                AND r.count > 0 AND r.at >= DATE '1970-01-01' + {self._usage_from}
            -- Neighbours together, so that a bucket finds its own without a look at the rest.
            ORDER BY a.account // {_NEIGHBOURS}
            """
        )

    def _stage_events(self, name: str) -> None:
        self._engine.run("CREATE OR REPLACE TEMP TABLE panel_kinds (kind VARCHAR, code INTEGER)")
        for code, kind in enumerate(self._kinds):
            self._engine.run("INSERT INTO panel_kinds VALUES ($kind, $code)", {"kind": kind, "code": code})
        day = _day("at")
        if name == "common_events":
            sql = f"SELECT DISTINCT k.code AS kind, {day} AS day FROM events AS r JOIN panel_kinds AS k ON r.kind = k.kind WHERE r.account_id IS NULL"
        else:
            sql = f"""SELECT a.account, k.code AS kind, {day} AS day FROM events AS r
                JOIN panel_kinds AS k ON r.kind = k.kind JOIN {_ACCOUNTS} AS a ON r.account_id = a.account_id"""
        self._engine.run(f"CREATE OR REPLACE TEMP TABLE {_stage(name)} AS {sql}")


def _stage(name: str) -> str:
    return quoted(f"panel_{name}")
