"""Spells and notice by definition, in sets of days: slow, obvious, and written without a look at the engine.

A day is a whole number (``date.toordinal()``); a period is a Python set of days. "For ever" is a day far beyond the
window. To be read beside the definitions by somebody who knows survival analysis and no SQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from world import REASONS, Record, World

Day = int
FOREVER_DAYS = 700
#: Tables that began to be recorded some day -> the column that says when a record was made.
LOGS = {
    "usage": "at", "tickets": "opened_at", "surveys": "answered_at", "interactions": "at",
    "interventions": "assigned_on", "payments": "due_on",
}  # fmt: skip


@dataclass(frozen=True)
class Spell:
    """One time as a customer that has days in the window; days as ordinals."""

    account_id: str
    spell: int
    started_on: Day
    entered_on: Day
    ended_on: Day | None
    followed_to: Day
    event: int
    cause: str
    reason: str
    controllable: bool | None


def day_of(value: date | datetime | None) -> Day | None:
    """The day of a date or of a moment."""
    return None if value is None else value.toordinal()


def records_of(world: World, table: str, account: str) -> list[Record]:
    return [record for record in world.tables.get(table, []) if record["account_id"] == account]


def first_tracked_day(world: World, table: str) -> Day | None:
    """As declared, else the day of the first record; None where there is neither. Registers were always kept."""
    if table not in LOGS:
        return 0
    if table in world.tracked_from:
        return world.tracked_from[table].toordinal()
    days = [day_of(record[LOGS[table]]) for record in world.tables.get(table, [])]
    return min((day for day in days if day is not None), default=None)


def gap_days(world: World, table: str) -> set[Day]:
    """Days on which a table was not recorded, after it began to be."""
    return {day for first, after in world.not_tracked.get(table, []) for day in range(day_of(first), day_of(after))}


def forever(world: World) -> Day:
    return world.observed_to.toordinal() + FOREVER_DAYS


def service_end(world: World, subscription: Record) -> Day:
    """First day without service of a subscription, by the day that counts as leaving."""
    ends = [day_of(subscription["ended_on"])]
    if world.churn["recognise"] == "cancel date":
        ends.append(day_of(subscription["cancelled_on"]))
    return min((end for end in ends if end is not None), default=forever(world))


def subscribed_days(world: World, account: str) -> set[Day]:
    days: set[Day] = set()
    for subscription in records_of(world, "subscriptions", account):
        days |= set(range(day_of(subscription["started_on"]), service_end(world, subscription)))
    return days


def overdue_days(world: World, account: str) -> set[Day]:
    """Days from so many days after a due date until that bill, or one due later, was paid."""
    patience = world.churn.get("delinquent_after_days")
    days: set[Day] = set()
    if patience is None:
        return days
    bills = [payment for payment in records_of(world, "payments", account) if is_bill(payment)]
    for bill in bills:
        from_then_on = [bill, *(later for later in bills if day_of(later["due_on"]) > day_of(bill["due_on"]))]
        paid = [day_of(one["paid_on"]) for one in from_then_on if one["paid_on"] is not None]
        days |= set(range(day_of(bill["due_on"]) + patience, min(paid, default=forever(world))))
    return days


def is_bill(payment: Record) -> bool:
    """Whether there is something to pay; where no amount was recorded there is."""
    amount = payment.get("amount")
    return amount is None or amount > 0


def unused_days(world: World, account: str) -> set[Day]:
    """Days after so many recorded days without use, until the next use."""
    patience, tracked = world.churn.get("inactive_after_days"), first_tracked_day(world, "usage")
    subscribed = subscribed_days(world, account)
    if patience is None or tracked is None or not subscribed:
        return set()
    use_days = {
        day_of(u["at"]) for u in records_of(world, "usage", account) if u["action"] == "use" and u["count"] != 0
    }
    use_days = {day for day in use_days if day >= tracked}
    day_before = max(min(subscribed), tracked) - 1
    if not any(day <= day_before for day in use_days):
        use_days |= {day_before}  # who was not seen in use until then is given as long as somebody who was just seen
    days: set[Day] = set()
    in_order, not_recorded = sorted(use_days), gap_days(world, "usage")
    for day, following in zip(in_order, [*in_order[1:], forever(world)], strict=True):
        without_use = [later for later in range(day + 1, following) if later not in not_recorded]
        if len(without_use) > patience:
            days |= set(range(without_use[patience], following))
    return days


def islands(days: set[Day]) -> list[tuple[Day, Day]]:
    """Runs of consecutive days as (first day, first day after)."""
    starts = sorted(day for day in days if day - 1 not in days)
    ends = sorted(day + 1 for day in days if day + 1 not in days)
    return list(zip(starts, ends, strict=True))


def all_spells(world: World, account: str) -> list[tuple[Day, Day]]:
    """Islands of service, joined where the gap is allowed."""
    service = subscribed_days(world, account) - overdue_days(world, account) - unused_days(world, account)
    joined: list[tuple[Day, Day]] = []
    for start, end in islands(service):
        if joined and start - joined[-1][1] <= world.churn["allowed_gap_days"]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def why_ended(world: World, account: str, end: Day) -> tuple[str, str, bool | None]:
    """Cause, reason and whether controllable of a spell whose first day without service is `end`."""
    if end in subscribed_days(world, account):
        if end in overdue_days(world, account):
            return "involuntary", "payment overdue", None
        return "voluntary", "no use", None
    ending = [
        s
        for s in records_of(world, "subscriptions", account)
        if service_end(world, s) == end and day_of(s["started_on"]) < end
    ]
    telling = [s for s in ending if s["end_reason"]] or ending
    largest = max((s["mrr"] for s in telling if s["mrr"] is not None), default=None)
    given = min((s for s in telling if s["mrr"] == largest), key=lambda s: s["subscription_id"])["end_reason"]
    for reason in REASONS:
        if given in reason["values"]:
            return reason["cause"], given, reason.get("controllable")
    return "unknown", given or "", None


def spells_of(world: World) -> list[Spell]:
    """Every spell with a day at risk in the window, in order of account and spell."""
    begin, end = world.observed_from.toordinal(), world.observed_to.toordinal()
    found = []
    for account in sorted(record["account_id"] for record in world.tables["accounts"]):
        for number, (first, after) in enumerate(all_spells(world, account), start=1):
            if after <= begin or first >= end:
                continue
            gone = after < end
            cause, reason, controllable = why_ended(world, account, after) if gone else ("", "", None)
            ended_on = after if gone else None
            at_risk = max(first, begin), ended_on, min(after, end)
            found.append(Spell(account, number, first, *at_risk, int(gone), cause, reason, controllable))
    return found


def notice_days(world: World, account: str) -> set[Day]:
    """Days on which there is a subscription, and each that there is had been cancelled by then."""
    if world.churn["recognise"] != "term end":
        return set()
    active: dict[Day, list[Record]] = {}
    for subscription in records_of(world, "subscriptions", account):
        for day in range(day_of(subscription["started_on"]), service_end(world, subscription)):
            active.setdefault(day, []).append(subscription)
    return {
        day
        for day, subscriptions in active.items()
        if all(s["cancelled_on"] is not None and day_of(s["cancelled_on"]) <= day for s in subscriptions)
    }
