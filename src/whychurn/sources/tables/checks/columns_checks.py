"""Which columns of the contract does the company not have, and what cannot be told without them?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from whychurn.errors import some
from whychurn.sources.canon import TABLES
from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.names import quoted, shown
from whychurn.sources.tables.checks.evidence import Evidence
from whychurn.sources.tables.checks.spelling_checks import further_columns


@dataclass(frozen=True, slots=True)
class Need:
    """What measures need beyond a table.

    Attributes
    ----------
    table, column : str
    measures : str
        Pattern of the names of measures that do not exist without it.
    cost : str
        What cannot be told: the consequence reads "COST cannot be told".
    action : str
        The value that the column must have somewhere; "" where any value will do.
    setting : str
        Setting of a churn definition that cannot be applied without it.
    """

    table: str
    column: str
    measures: str
    cost: str
    action: str = ""
    setting: str = ""


NEEDS = (
    Need("usage", "action", r"days_since_login|login_recency|logins_\d+", "Who logs in, and how long ago,", "login"),
    Need("usage", "action", r"days_since_use(_.+)?|use_recency|use_trend|uses_.+|peak_.+|modules_used_\d+|adopted_.+|"
         r"share_.+|failed_share_\d+", "Who uses the product, and how long ago,", "use", "inactive_after_days"),
    Need("usage", "action", r"failed_\d+|failed_share_\d+", "What goes wrong for customers", "failed"),
    Need("usage", "user_id", r"active_users_\d+|seat_adoption_\d+", "How many people use the product"),
    Need("usage", "module", r"days_since_use_.+|uses_\d+_.+|modules_used_\d+|adopted_.+|share_.+",
         "Which parts of the product are used"),
    Need("usage", "value", r"volume_\d+", "How much business runs through the product"),
    Need("tickets", "closed_at", "open_tickets", "How many tickets are open"),
    Need("tickets", "csat", "last_csat", "Satisfaction with support"),
    Need("surveys", "score", "last_nps|nps_band", "Who would recommend the product"),
    Need("payments", "paid_on", "overdue_payments", "Who is behind with payments", setting="delinquent_after_days"),
    Need("payments", "failed_on", r"failed_payments_\d+", "Whose charges fail"),
    Need("subscriptions", "seats", r"seats|seat_adoption_\d+", "How many seats a customer pays, and uses,"),
    Need("subscriptions", "plan", "plan", "Which plan a customer has"),
    Need("subscriptions", "term_months", "term_months|days_to_renewal", "How long contracts run, and when they renew,"),
    Need("subscriptions", "renewal_on", "days_to_renewal", "When a contract is up for renewal"),
)  # fmt: skip


def check_columns(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """Yield a finding for each column that measures need and that has no value; a table that is absent is told elsewhere."""
    attributes = {column.name for column in TABLES["accounts"].columns} | set(
        further_columns(evidence, texts_only=False)
    )
    causes = [cause.column for cause in evidence.study.causes if cause.column not in attributes]
    for table in dict.fromkeys(need.table for need in NEEDS):
        if not evidence.has(table):
            continue
        needs = [need for need in NEEDS if need.table == table]
        present = evidence.rows(f"SELECT {', '.join(map(_any_value, needs))} FROM {table}")[0]
        for need, there in zip(needs, present, strict=True):
            if not there:
                yield _missing(evidence, need, causes)


def _any_value(need: Need) -> str:
    # The words of the contract, not of the study: they are ours.
    held = f"= '{need.action}'" if need.action else "IS NOT NULL"
    return f"coalesce(bool_or({quoted(need.column)} {held}), false)"


def _missing(evidence: Evidence, need: Need, causes: list[str]) -> IntegrityFinding:
    study = evidence.study
    told = [name for name in causes if re.fullmatch(need.measures, name)]
    depends = [f"the {'cause' if len(told) == 1 else 'causes'} {some(map(shown, told))}"] if told else []
    applied = (study.definition, *study.definitions)
    if need.setting and any(getattr(definition, need.setting) is not None for definition in applied):
        depends.append(f"{need.setting} of the definition of churn")
    needs = "needs" if len(depends) == 1 and len(told) < 2 else "need"
    used = f"; {' and '.join(depends)} {needs} it" if depends else ""
    if need.action:
        problem = f"No record of usage has the action “{need.action}”."
        action = f'Say under [tables.usage] which actions mean it: actions = {{ {need.action} = ["…"] }}.'
    else:
        problem = f"No row of {need.table} has a value in {need.column} ({TABLES[need.table].column(need.column).description})."
        action = (
            f'Name the column if the company has it: columns = {{ {need.column} = "…" }} under [tables.{need.table}].'
        )
    return IntegrityFinding(
        code="column-missing", severity="caveat" if depends else "note", table=need.table, column=need.column,
        problem=problem, consequence=f"{need.cost} cannot be told{used}.", action=action,
    )  # fmt: skip
