"""Named frames beside the rows at risk, each made when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from itertools import count

import duckdb
import numpy as np
import pandas as pd

from whychurn.errors import PanelError
from whychurn.panel import definitions as side_by_side
from whychurn.panel import movements as revenue
from whychurn.panel.movement_kinds import contract_changes
from whychurn.panel.owners import owners
from whychurn.panel.period_sums import period_sums
from whychurn.panel.renewals_due import contracts_without_renewal, renewals_due
from whychurn.sources import Sources
from whychurn.sources.canon import TABLES
from whychurn.sources.names import quoted
from whychurn.study import TableStudy

#: Tables of records of an account, and the day that places a record in a spell.
_RECORDS = {
    "surveys": "coalesce(answered_at, invited_at)", "tickets": "opened_at", "interventions": "assigned_on",
    "interactions": '"at"', "payments": "due_on", "events": '"at"',
}  # fmt: skip
_NUMBERS = count(1)
#: Registers say nothing about what was recorded when.
_NO_COVERAGE = ("accounts", "subscriptions", "costs")


class TablesOf(Mapping[str, pd.DataFrame]):
    """The named frames of a study of tables.

    ========================  =================================================================================
    name                      one row is
    ========================  =================================================================================
    movements                 a change of a customer's recurring revenue: new, expansion, contraction, churn, return
    contract_changes          a change of revenue of a customer that stays: users, edition and subscriptions around it
    renewals                  a customer's contracts that came up for renewal on a day, and what was renewed of them
    contracts_without_renewal a length of contracts, and how many of them have no day of renewal
    mrr_monthly               a month of the window: opening, what came and went, closing
    answers                   a survey that was sent, with the customer's spell at the time
    reasons                   a customer who left, with reason, cause, whether controllable, and the revenue lost
    tickets, interventions,   a record of that table, with the customer's spell at the time
    interactions, payments,
    events
    owners                    an account under a parent, and the topmost parent
    costs                     a month of costs, of a customer or of all
    coverage                  a month and a table: records, and how many of the accounts at risk have any
    definitions               a definition of leaving, and what it counts
    definition_spells         a spell under one definition of leaving, the study's own first
    definition_accounts       an account under one definition: how often it left, and its days at risk
    definition_differences    an account that definitions disagree about, under one definition
    ========================  =================================================================================

    Parameters
    ----------
    sources : Sources
        Their connection must stay open, with the temporary table ``spells`` of this study at the time of making.
    study : TableStudy
    spells : pandas.DataFrame
        The same spells as a frame (:func:`whychurn.panel.spell_frame.spell_frame`).
    """

    def __init__(self, sources: Sources, study: TableStudy, spells: pd.DataFrame) -> None:
        self._sources, self._study, self._spells = sources, study, spells
        self._connection = sources.connection
        self._name = f"spells_{next(_NUMBERS)}"
        # Another panel on the same sources would put its own spells in the place of these.
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(self._name)} AS SELECT * FROM spells")
        self._made: dict[str, pd.DataFrame] = {}
        self._makers: dict[str, Callable[[], pd.DataFrame]] = {
            "movements": lambda: revenue.movements(self._connection, study, self._name, self._revenue),
            "contract_changes": lambda: contract_changes(self._connection, study, self._revenue),
            "renewals": lambda: renewals_due(self._connection, study, self._name, self._revenue),
            "contracts_without_renewal": lambda: contracts_without_renewal(self._connection, study, self._name),
            "mrr_monthly": lambda: revenue.mrr_monthly(self._connection, study, self._revenue),
            "answers": self._answers,
            "reasons": self._reasons,
            **{name: partial(self._placed, name) for name in _RECORDS if name != "surveys"},
            "owners": lambda: owners(self._connection),
            "costs": self._costs,
            "coverage": self._coverage,
            "definitions": lambda: side_by_side.definitions(self._by_definition, study),
            "definition_spells": lambda: self._by_definition,
            "definition_accounts": lambda: side_by_side.definition_accounts(self._by_definition),
            "definition_differences": lambda: side_by_side.definition_differences(self._by_definition, study),
        }

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._made:
            try:
                self._made[name] = self._makers[name]()
            except duckdb.ConnectionException:
                raise PanelError(
                    f"The frame {name} cannot be made any more: the sources were closed. Read what is needed of "
                    "panel.tables before closing them."
                ) from None
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def sums(self, period: str = "month", segments: pd.DataFrame | None = None) -> pd.DataFrame:
        """Return customers and recurring revenue by calendar period: :func:`whychurn.panel.period_sums.period_sums`."""
        name = f"sums by {period}"
        if segments is None and name in self._made:
            return self._made[name]
        try:
            found = period_sums(self._connection, self._study, self._revenue, period, segments, self["owners"])
        except duckdb.ConnectionException:
            raise PanelError(
                "Sums cannot be made any more: the sources were closed. Ask for them before closing the sources."
            ) from None
        if segments is None:
            self._made[name] = found
        return found

    @cached_property
    def _revenue(self) -> str:
        name = f"{self._name}_revenue"
        revenue.make_revenue(self._connection, self._study, self._name, name)
        return name

    @cached_property
    def _by_definition(self) -> pd.DataFrame:
        return side_by_side.spells_by_definition(self._connection, self._study, self._name)

    def _placed(self, table: str) -> pd.DataFrame:
        """Records with the spell that began last by then, days since it began, and whether it was at risk or over."""
        return self._connection.execute(f"""
            WITH placed AS (SELECT *, CAST({_RECORDS[table]} AS DATE) AS record_day FROM {quoted(table)})
            SELECT record.* EXCLUDE (record_day), spell.spell, record_day - spell.started_on AS days_since_start,
                coalesce(record_day >= entered_on AND record_day < followed_to, false) AS at_risk,
                coalesce(record_day >= spell.ended_on, false) AS after_churn
            FROM placed AS record ASOF LEFT JOIN {quoted(self._name)} AS spell
                ON record.account_id = spell.account_id AND record.record_day >= spell.started_on
            ORDER BY record.row_number
        """).df()

    def _answers(self) -> pd.DataFrame:
        """Surveys as placed, with the NPS group; unanswered ones are placed by their invitation."""
        frame = self._placed("surveys")
        whole = frame["score"].where(frame["score"] == np.floor(frame["score"]))
        band = pd.cut(whole, [-1, 6, 8, 10], labels=["detractor", "passive", "promoter"]).astype(object)
        return frame.assign(answered=frame["answered_at"].notna(), band=band.where(band.notna(), None))

    def _reasons(self) -> pd.DataFrame:
        """Customers who left, and the recurring revenue of their last day."""
        columns = ["account_id", "spell", "ended_on", "reason", "cause", "controllable", "amount"]
        gone = self._spells.loc[self._spells["event"] == 1, columns]
        return gone.rename(columns={"amount": "mrr_lost"}).reset_index(drop=True)

    def _costs(self) -> pd.DataFrame:
        """Costs as recorded; none where the study has no such table."""
        if "costs" not in self._sources.tables:
            return pd.DataFrame(columns=["account_id", "period", "acquisition_cost", "service_cost"])
        return self._connection.execute(
            "SELECT account_id, period, acquisition_cost, service_cost FROM costs ORDER BY row_number"
        ).df()

    def _coverage(self) -> pd.DataFrame:
        """Records per month of the window, and how many of the accounts at risk in that month have any."""
        names = [name for name in TABLES if name in self._sources.tables and name not in _NO_COVERAGE]
        parts = [self._coverage_of(name) for name in names]
        columns = ["table", "month", "records", "accounts", "accounts_at_risk"]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)

    def _coverage_of(self, table: str) -> pd.DataFrame:
        at = quoted(TABLES[table].at)
        return self._connection.execute(
            f"""
            WITH months AS (
                SELECT CAST(month AS DATE) AS month
                FROM range(date_trunc('month', $begin), CAST($end AS TIMESTAMP), INTERVAL 1 MONTH) AS calendar(month)
            ),
            at_risk AS (
                SELECT DISTINCT month, account_id FROM months JOIN {quoted(self._name)}
                    ON entered_on < month + INTERVAL 1 MONTH AND followed_to > month
            ),
            records AS (
                SELECT CAST(date_trunc('month', {at}) AS DATE) AS month, account_id, count(*) AS records
                FROM {quoted(table)} WHERE {at} >= $begin AND {at} < $end GROUP BY ALL
            ),
            found AS (
                SELECT records.month, sum(records) AS records, count(at_risk.account_id) AS accounts
                FROM records LEFT JOIN at_risk USING (month, account_id) GROUP BY records.month
            ),
            customers AS (SELECT month, count(*) AS accounts_at_risk FROM at_risk GROUP BY month)
            SELECT $name AS "table", months.month, CAST(coalesce(records, 0) AS BIGINT) AS records,
                coalesce(accounts, 0) AS accounts, coalesce(accounts_at_risk, 0) AS accounts_at_risk
            FROM months LEFT JOIN found USING (month) LEFT JOIN customers USING (month) ORDER BY month
            """,
            {"begin": self._study.observed_from, "end": self._study.observed_to, "name": table},
        ).df()
