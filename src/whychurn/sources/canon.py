"""The data contract: the tables a study can have, their columns, and what each is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from whychurn.study.table_rules import REQUIRED

__all__ = ["ACTIONS", "REQUIRED", "SQL_TYPES", "TABLES", "CanonColumn", "ColumnType", "TableContract"]

#: id and text are texts; count is a whole number from 0; number is any; score is a number on a scale.
ColumnType = Literal["id", "text", "day", "time", "count", "number", "score"]

SQL_TYPES: Mapping[ColumnType, str] = {
    "id": "VARCHAR", "text": "VARCHAR", "day": "DATE", "time": "TIMESTAMP", "count": "BIGINT", "number": "DOUBLE",
    "score": "DOUBLE",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CanonColumn:
    """One column of the contract.

    Attributes
    ----------
    name : str
    type : ColumnType
    description : str
        What it holds, for messages and for a proposed ``study.toml``.
    required : bool
        Whether a row without it cannot be used (and a file without it is refused).
    low, high : float
        Smallest and largest value that make sense; NaN-free, infinite where there is no bound.
    """

    name: str
    type: ColumnType
    description: str
    required: bool = False
    low: float = float("-inf")
    high: float = float("inf")


@dataclass(frozen=True, slots=True)
class TableContract:
    """One table of the contract.

    Attributes
    ----------
    name : str
    columns : tuple of CanonColumn
    key : str
        Column that is unique; "" where rows may repeat.
    at : str
        Column that says when a row became known; for coverage over time.
    unlocks : str
        What a study gains by it.
    keeps_further_columns : bool
        Whether columns outside the contract are carried along (attributes of accounts).
    tracked_throughout : bool
        Whether the table is a register, complete from the first customer on, rather than a log that began some day.
    """

    name: str
    columns: tuple[CanonColumn, ...]
    at: str
    unlocks: str
    key: str = ""
    keeps_further_columns: bool = False
    tracked_throughout: bool = False

    def column(self, name: str) -> CanonColumn:
        """Return a column by name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def _account(required: bool = True) -> CanonColumn:
    return CanonColumn("account_id", "id", "the customer", required)


_TABLES = (
    TableContract(
        "accounts",
        (
            _account(),
            CanonColumn("started_on", "day", "the day the customer signed up"),
            CanonColumn("industry", "text", "industry"),
            CanonColumn("employees", "number", "number of employees", low=0),
            CanonColumn("size_band", "text", "size as a band"),
            CanonColumn("region", "text", "region or country"),
            CanonColumn("plan", "text", "plan at sign-up"),
            CanonColumn("channel", "text", "how the customer was won"),
            CanonColumn("csm", "text", "customer success manager"),
            CanonColumn("parent_account_id", "id", "the account this one belongs to"),
            CanonColumn("churned", "text", "a churn flag kept elsewhere, only to be compared with the subscriptions"),
        ),
        at="started_on", key="account_id", unlocks="who the customers are", keeps_further_columns=True,
        tracked_throughout=True,
    ),
    TableContract(
        "subscriptions",
        (
            CanonColumn("subscription_id", "id", "the subscription", True),
            _account(),
            CanonColumn("started_on", "day", "first day of service", True),
            CanonColumn("ended_on", "day", "first day without service; empty while active"),
            CanonColumn("plan", "text", "plan or edition during this subscription"),
            CanonColumn("mrr", "number", "monthly recurring revenue during this subscription"),
            CanonColumn("seats", "number", "paid seats during this subscription", low=0),
            CanonColumn("term_months", "number", "length of the term in months", low=0),
            CanonColumn("renewal_on", "day", "the first day of renewal after the subscription began"),
            CanonColumn("cancelled_on", "day", "the day the customer gave notice"),
            CanonColumn("end_reason", "text", "the reason given for leaving"),
        ),
        at="started_on", key="subscription_id", unlocks="who left, when, and what it cost", tracked_throughout=True,
    ),
    TableContract(
        "usage",
        (
            _account(),
            CanonColumn("at", "time", "when it happened", True),
            CanonColumn("user_id", "id", "who did it"),
            CanonColumn("module", "text", "the product module or feature"),
            CanonColumn("action", "text", "what was done: login, use, failed"),
            CanonColumn("count", "count", "how many times; 1 if empty", low=0),
            CanonColumn("value", "number", "business volume, such as invoices sent"),
        ),
        at="at", unlocks="inactivity, feature usage, adoption and friction",
    ),
    TableContract(
        "tickets",
        (
            CanonColumn("ticket_id", "id", "the ticket", True),
            _account(),
            CanonColumn("opened_at", "time", "when it was opened", True),
            CanonColumn("closed_at", "time", "when it was closed"),
            CanonColumn("topic", "text", "what it was about"),
            CanonColumn("severity", "text", "how bad"),
            CanonColumn("csat", "score", "satisfaction with the answer"),
            CanonColumn("csat_at", "time", "when that was said; the closing if empty"),
        ),
        at="opened_at", key="ticket_id", unlocks="support and satisfaction",
    ),
    TableContract(
        "surveys",
        (
            CanonColumn("response_id", "id", "the answer", True),
            _account(),
            CanonColumn("user_id", "id", "who was asked"),
            CanonColumn("invited_at", "time", "when the invitation was sent"),
            CanonColumn("answered_at", "time", "when it was answered; empty if never"),
            CanonColumn("score", "score", "would recommend, 0 to 10", low=0, high=10),
            CanonColumn("comment", "text", "in their own words"),
        ),
        at="answered_at", key="response_id", unlocks="NPS: who answers, who recommends, and whether it matters",
    ),
    TableContract(
        "interventions",
        (
            _account(),
            CanonColumn("assigned_on", "day", "the day it was assigned", True),
            CanonColumn("csm", "text", "to whom"),
            CanonColumn("play", "text", "what was to be done"),
            CanonColumn("reason", "text", "why"),
            CanonColumn("contacted_on", "day", "the day the customer was reached"),
            CanonColumn("outcome", "text", "what came of it"),
        ),
        at="assigned_on", unlocks="which attempts to save a customer work",
    ),
    TableContract(
        "interactions",
        (
            _account(),
            CanonColumn("at", "time", "when", True),
            CanonColumn("kind", "text", "call, mail, meeting, campaign"),
            CanonColumn("direction", "text", "who began it"),
        ),
        at="at", unlocks="contact with customers",
    ),
    TableContract(
        "events",
        (
            _account(required=False),
            CanonColumn("at", "time", "when", True),
            CanonColumn("kind", "text", "what happened: price change, competitor offer, sponsor left, incident", True),
        ),
        at="at", unlocks="dated events as possible causes", tracked_throughout=True,
    ),
    TableContract(
        "payments",
        (
            _account(),
            CanonColumn("due_on", "day", "the day it was due", True),
            CanonColumn("amount", "number", "how much"),
            CanonColumn("paid_on", "day", "the day it was paid"),
            CanonColumn("failed_on", "day", "the day a charge failed"),
        ),
        at="due_on", unlocks="overdue customers, involuntary churn, payment recovery",
    ),
    TableContract(
        "costs",
        (
            _account(required=False),
            CanonColumn("period", "day", "first day of the month it belongs to"),
            CanonColumn("acquisition_cost", "number", "cost of winning the customer"),
            CanonColumn("service_cost", "number", "cost of serving the customer"),
        ),
        at="period", unlocks="lifetime value and profit instead of revenue", tracked_throughout=True,
    ),
)  # fmt: skip

#: Name -> contract. Accounts and subscriptions are required; every further table unlocks its analyses.
TABLES: Mapping[str, TableContract] = {table.name: table for table in _TABLES}
#: What a row of usage can be.
ACTIONS = ("login", "use", "failed")
