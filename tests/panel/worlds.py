"""Small random companies that hold every corner a table can have, for tests of the panel."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from world import Record, World, sources_of, study_of

__all__ = ["MODULES", "OBSERVED_FROM", "TIMES", "World", "random_world", "sources_of", "study_of"]

OBSERVED_FROM = date(2024, 1, 1)
#: Names that want quoting, and two that become the same column name.
MODULES = ("Time & Billing", "time-billing", "Ünïcode", "invoices", "2nd \"quoted\" 'one'")
END_REASONS = ("too expensive", "competitor", "moved away", "card expired", "bankrupt", "no box for this", None)
TIMES = (time(0, 0), time(8, 59, 59), time(9, 0), time(12, 30), time(16, 59, 59), time(17, 0), time(23, 59, 59))


def random_world(seed: int, n_accounts: int | None = None, **settings: Any) -> World:
    """Draw a company; ``settings`` replaces fields of the world, such as ``interval_days=7``."""
    draw = random.Random(seed)
    step = (7, 5, 30, 1)[seed % 4]
    days = {1: 84, 30: 330}.get(step, 189)
    world = World(
        seed=seed,
        observed_from=OBSERVED_FROM,
        observed_to=OBSERVED_FROM + timedelta(days=days + draw.choice((0, 3))),
        interval_days=step,
        lag_days=(14, 0, 3, 45, 14)[seed % 5],
        churn=_churn(draw, seed),
        measures={"modules": ["invoices", "Time & Billing", "never seen"]} if seed % 6 == 5 else {},
        tracked_from={},
        not_tracked={},
        tables={},
    )
    if seed % 3 == 1:
        world = replace(world, measures={**world.measures, "peak_hours": [8, 17], "peak_days": [1, 6]})
    world = replace(world, **{key: value for key, value in settings.items() if key != "tables"})
    return _with_tracking(
        replace(world, tables=_tables(draw, world, n_accounts or (24 if step == 30 else 16))), draw, settings
    )


def _churn(draw: random.Random, seed: int) -> dict[str, Any]:
    churn: dict[str, Any] = {"recognise": "cancel date" if seed % 4 == 2 or seed % 7 == 3 else "term end"}
    churn["allowed_gap_days"] = draw.choice((0, 5, 30, 30, 60))
    if seed % 3 == 2:
        churn["delinquent_after_days"] = draw.choice((0, 10, 30))
    if seed % 5 in (1, 4):
        churn["inactive_after_days"] = draw.choice((1, 20, 40))
    return churn


def _with_tracking(world: World, draw: random.Random, settings: Mapping[str, Any]) -> World:
    """Declare, for some tables, when tracking began and where it failed."""
    tracked, gaps = {}, {}
    for name in ("usage", "tickets", "surveys", "interactions", "interventions", "payments"):
        if name in world.tables and draw.random() < 0.4:
            tracked[name] = world.observed_from + timedelta(days=draw.choice((-400, -30, -1, 0, 1, 20)))
    for name in ("usage", "tickets", "interactions", "events", "payments"):
        often = name == "usage" and "inactive_after_days" in world.churn
        if name in world.tables and draw.random() < (0.9 if often else 0.3):
            first = world.observed_from + timedelta(days=draw.randint(-20, 100))
            gaps[name] = [(first, first + timedelta(days=draw.choice((1, 7, 12))))]
            if draw.random() < 0.3:
                gaps[name].append((first + timedelta(days=40), first + timedelta(days=41)))
    return replace(
        world, tracked_from=settings.get("tracked_from", tracked), not_tracked=settings.get("not_tracked", gaps)
    )


def _tables(draw: random.Random, world: World, n_accounts: int) -> dict[str, list[Record]]:
    tables: dict[str, list[Record]] = {
        "accounts": [], "subscriptions": [], "usage": [], "tickets": [], "surveys": [], "interventions": [],
        "interactions": [], "events": [], "payments": [],
    }  # fmt: skip
    accounts = [f"a{number:02d}" if number % 5 else f'é\'{number} "Größe"' for number in range(n_accounts)]
    for account in accounts:
        tables["accounts"].append(_account(draw, account))
        subscriptions = _subscriptions(draw, world, account)
        tables["subscriptions"] += subscriptions
        first = min((s["started_on"] for s in subscriptions), default=world.observed_from)
        tables["usage"] += _usage(draw, world, account, first)
        tables["tickets"] += _tickets(draw, world, account)
        tables["surveys"] += _surveys(draw, world, account)
        tables["interactions"] += [
            {"account_id": account, "at": _moment(draw, world), "kind": "call", "direction": "in"}
            for _ in range(draw.choice((0, 1, 5)))
        ]
        tables["interventions"] += [
            {"account_id": account, "assigned_on": _moment(draw, world).date(), "csm": "c1", "play": "call"}
            for _ in range(draw.choice((0, 2, 8)))
        ]
        tables["payments"] += _payments(draw, world, account, first)
    tables["events"] = [
        {
            "account_id": draw.choice((None, *accounts[:4])),
            "at": _moment(draw, world),
            "kind": draw.choice(("price change", "Price-change", "incident")),
        }
        for _ in range(2 * n_accounts)
    ]
    for records in tables.values():
        draw.shuffle(records)
    if world.seed % 4 == 3:
        _without_columns(random.Random(world.seed + 10**6), world, tables)
    for position, name in enumerate(("surveys", "payments", "events", "interventions", "tickets", "usage")):
        needed = (name == "payments" and "delinquent_after_days" in world.churn) or (
            name == "usage" and "inactive_after_days" in world.churn
        )
        if world.seed % 8 == position + 2 and not needed:
            del tables[name]
        elif world.seed % 9 == position + 3 and not needed:
            tables[name] = []
    return tables


#: Columns that a company may not have, and the value that is missing then; None is any.
COLUMNS = (
    ("tickets", "closed_at", None), ("tickets", "csat", None), ("tickets", "csat_at", None), ("surveys", "score", None),
    ("surveys", "answered_at", None), ("usage", "user_id", None), ("usage", "module", None), ("usage", "value", None),
    ("usage", "action", "login"), ("usage", "action", "use"), ("usage", "action", "failed"),
    ("payments", "failed_on", None), ("payments", "paid_on", None), ("subscriptions", "seats", None),
    ("subscriptions", "plan", None), ("subscriptions", "mrr", None), ("subscriptions", "term_months", None),
    ("subscriptions", "renewal_on", None),
)  # fmt: skip


def _without_columns(draw: random.Random, world: World, tables: Mapping[str, list[Record]]) -> None:
    """Empty some columns, but for those that the definition of leaving rests on."""
    for table, column, value in draw.sample(COLUMNS, draw.choice((3, 6, 9))):
        if (value == "use" and "inactive_after_days" in world.churn) or (
            column == "paid_on" and "delinquent_after_days" in world.churn
        ):
            continue
        for record in tables[table]:
            if value is None or record[column] == value:
                record[column] = None


def _account(draw: random.Random, account: str) -> Record:
    return {
        "account_id": account,
        "started_on": draw.choice((None, OBSERVED_FROM)),
        "industry": draw.choice(("law", "Bau & Ausbau", None)),
        "employees": draw.choice((None, 3, 40.5)),
        "plan": draw.choice(("Basic", "Pro", None)),
        "shoe size": draw.choice(("38", "45", None)),
    }


def _subscriptions(draw: random.Random, world: World, account: str) -> list[Record]:
    """Up to four subscriptions: one after the other with or without a gap, or side by side."""
    length = (world.observed_to - world.observed_from).days
    start = world.observed_from + timedelta(days=draw.choice((draw.randint(-250, 0), draw.randint(0, length + 5), 0)))
    records: list[Record] = []
    for number in range(draw.choice((1, 1, 2, 2, 3, 4)) if draw.random() < 0.95 else 0):
        days = draw.choice(
            (draw.randint(1, 40), draw.randint(20, 150), world.interval_days * draw.randint(1, 8), 0, 400)
        )
        end = start + timedelta(days=days)
        end = draw.choice((end, end, end, end, None, world.observed_from, world.observed_to, end - timedelta(days=1)))
        last = end or start + timedelta(days=days)
        cancelled = draw.choice(
            (None, None, None, last, last - timedelta(days=draw.randint(0, 60)), start - timedelta(days=2))
        )
        records.append(
            {
                "subscription_id": f"{account}-{draw.choice('xyz')}{number}",
                "account_id": account,
                "started_on": start,
                "ended_on": end,
                "plan": draw.choice(("Basic", "Pro", None)),
                "mrr": draw.choice((None, 0, 20, 20, 49.9, 100.25)),
                "seats": draw.choice((None, 0, 3, 10)),
                "term_months": draw.choice((None, 1, 12)),
                "renewal_on": draw.choice((None, last, start + timedelta(days=30))),
                "cancelled_on": cancelled,
                "end_reason": draw.choice(END_REASONS) if end or cancelled else None,
            }
        )
        gap = draw.choice((0, 0, 1, 5, 6, 29, 30, 31, 60, draw.randint(0, 61), -draw.randint(1, 30)))
        start = max(last + timedelta(days=gap), OBSERVED_FROM - timedelta(days=260))
    return records


def _usage(draw: random.Random, world: World, account: str, first: date) -> list[Record]:
    """Stretches of use with silence between them, some before the customer began and after it left."""
    begin, records = max(world.observed_from - timedelta(days=100), first - timedelta(days=draw.choice((0, 15)))), []
    if draw.random() < 0.12:
        return []
    day, end = begin + timedelta(days=draw.choice((0, 3, 45))), world.observed_to + timedelta(days=10)
    while day < end:
        for _ in range(draw.choice((0, 1, 1, 2, 4))):
            action = draw.choice(("login", "login", "use", "use", "use", "failed", None))
            records.append(
                {
                    "account_id": account,
                    "at": datetime.combine(day, draw.choice(TIMES)),
                    "user_id": draw.choice((None, "u1", "u1", "u2", "u3")),
                    "module": draw.choice((None, *MODULES)) if action != "login" else None,
                    "action": action,
                    "count": draw.choice((1, 1, 1, 1, 2, 7, None, 0)),
                    "value": draw.choice((None, None, 10.5, 0.1, -3)),
                }
            )
        day += timedelta(days=draw.choice((1, 1, 2, 3, 9, 9 if draw.random() < 0.9 else 45)))
    return records


def _tickets(draw: random.Random, world: World, account: str) -> list[Record]:
    records: list[Record] = []
    for number in range(draw.choice((0, 2, 6))):
        opened = _moment(draw, world)
        closed = draw.choice((None, opened, opened + timedelta(days=draw.randint(0, 40), hours=5)))
        said = draw.choice((None, closed, opened + timedelta(days=draw.randint(0, 60))))
        records.append(
            {
                "ticket_id": f"{account}-t{number}",
                "account_id": account,
                "opened_at": opened,
                "closed_at": closed,
                "topic": draw.choice(("billing", None)),
                "csat": draw.choice((None, 1, 2, 4, 5)),
                "csat_at": said,
            }
        )
    if len(records) > 2:  # two answers on one day about tickets opened at one moment: the ticket's id decides
        records.append(records[-1] | {"ticket_id": f"{account}-s9", "csat": 3})
    return records


def _surveys(draw: random.Random, world: World, account: str) -> list[Record]:
    records: list[Record] = []
    for number in range(draw.choice((0, 1, 5))):
        invited = _moment(draw, world)
        answered = draw.choice((None, invited + timedelta(days=draw.randint(0, 30), minutes=7)))
        records.append(
            {
                "response_id": f"{account}-r{number}",
                "account_id": account,
                "user_id": draw.choice((None, "u1")),
                "invited_at": draw.choice((invited, None)),
                "answered_at": answered,
                "score": _score(answered.toordinal() + number, draw.choice((0, 6, 7, 8, 9, 10)))
                if answered and draw.random() < 0.9
                else None,
            }
        )
        if answered and draw.random() < 0.4:  # answered again on the same day, or at the very same moment
            again = draw.choice((answered, datetime.combine(answered.date(), time(23, 59))))
            records.append(records[-1] | {"response_id": f"{account}-q{number}", "answered_at": again, "score": 5})
    return records


def _score(number: int, score: int) -> float:
    """Most scores are whole; here and there stands one that is no answer."""
    return score + 0.5 if score in (6, 8) and number % 4 == 0 else score


def _payments(draw: random.Random, world: World, account: str, first: date) -> list[Record]:
    records, due = [], max(first, world.observed_from - timedelta(days=90))
    for number in range(draw.choice((0, 4, 9))):
        late = draw.choice((-3, 0, 0, 0, 1, 9, 10, 11, 40, None))
        records.append(
            {
                "account_id": account,
                "due_on": due,
                "amount": (20, 20, None, 20, 0, -20)[(number + world.seed) % 6],
                "paid_on": None if late is None else due + timedelta(days=late),
                "failed_on": draw.choice((None, None, due + timedelta(days=draw.randint(0, 9)))),
            }
        )
        due += timedelta(days=draw.choice((30, 31)))
    return records


def _moment(draw: random.Random, world: World) -> datetime:
    """A moment from well before the window to after it."""
    length = (world.observed_to - world.observed_from).days
    day = world.observed_from + timedelta(days=draw.randint(-90, length + 5))
    return datetime.combine(day, draw.choice(TIMES))
