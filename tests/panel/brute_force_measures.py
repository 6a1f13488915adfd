"""Every measure by definition, for one row at risk, out of lists of what was known before its cut-off.

Each function reads records of ONE account that are older than the row's cut-off (``view.known``), never others; the
contract measures alone look at a day of their own. Slow and obvious, written without a look at the engine.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

from brute_force_spells import Day, Spell, day_of, is_bill, records_of, service_end
from world import Record, World

Values = dict[str, Any]  # name of a measure -> its value, None where it is unknown


@dataclass(frozen=True)
class View:
    """One row at risk: whose, from which day on (``start_on``), and before which day things must be known."""

    world: World
    history: dict[str, list[Record]]
    tracked_from: dict[str, Day | None]
    spell: Spell
    start_on: Day
    cut_off: Day

    def known(self, table: str, at: str) -> list[Record]:
        """Records that were known before the cut-off, by the column that says when they became known."""
        return [r for r in self.history.get(table, []) if r[at] is not None and day_of(r[at]) < self.cut_off]

    def window(self, table: str, at: str, days: int, later: int = 0) -> list[Record]:
        """Records of the `days` days before the cut-off (or before `later` days earlier)."""
        period = range(self.cut_off - later - days, self.cut_off - later)
        return [record for record in self.known(table, at) if day_of(record[at]) in period]

    def gaps(self, table: str) -> list[tuple[Day, Day]]:
        return [(day_of(a), day_of(b)) for a, b in self.world.not_tracked.get(table, [])]

    def recorded(self, table: str, days: int) -> bool:
        """Whether each of the `days` days before the cut-off was recorded."""
        since, period = self.tracked_from[table], range(self.cut_off - days, self.cut_off)
        return since is not None and all(
            day >= since and not any(first <= day < after for first, after in self.gaps(table)) for day in period
        )

    def recorded_at_all(self, table: str) -> bool:
        """Whether at least one day before the cut-off was recorded."""
        since = self.tracked_from[table]
        return since is not None and since < self.cut_off


def window_days(step: int) -> dict[str, int]:
    """Smallest multiples of the step that hold 1, 4, 8 and 12 weeks."""
    return {name: math.ceil(days / step) * step for name, days in (("w1", 7), ("w4", 28), ("w8", 56), ("w12", 84))}


def column_names(originals: list[str]) -> dict[str, str]:
    """Names fit for columns: lower case, "_" for what is no letter or digit, numbered where two become one."""
    names: dict[str, str] = {}
    for original in sorted(originals):
        plain = re.sub(r"[\W_]+", "_", original.lower())
        same, number = plain, 1
        while same in names.values():
            number += 1
            same = f"{plain}_{number}"
        names[original] = same
    return names


def modules_of(world: World) -> list[str]:
    declared = list(world.measures.get("modules", []))
    return declared or sorted(
        {u["module"] for u in world.tables.get("usage", []) if u["module"] and u["action"] == "use"}
    )


def measures_of(view: View) -> Values:
    """Return the measures that end at the cut-off and stand still under notice, of the tables the company has."""
    days, values = window_days(view.world.interval_days), Values()
    for table, group in (
        ("usage", _presence), ("usage", _use), ("usage", _modules), ("usage", _friction), ("tickets", _support),
        ("surveys", _surveys), ("interactions", _interactions), ("interventions", _interventions),
        ("events", _events), ("payments", _payments),
    ):  # fmt: skip
        if table in view.world.tables:
            values |= group(view, days)
    return values


def _total(records: list[Record]) -> int:
    return sum(1 if record["count"] is None else record["count"] for record in records)


def _doing(records: list[Record], *actions: str) -> list[Record]:
    """Records of such actions; one that counts nothing is none."""
    return [record for record in records if record["action"] in actions and record["count"] != 0]


def _seen(view: View, action: str, module: str | None = None) -> list[Day]:
    """Days on which something was done, of those that were recorded."""
    since = view.tracked_from["usage"]
    done = [u for u in _doing(view.known("usage", "at"), action) if module is None or u["module"] == module]
    return [day_of(u["at"]) for u in done if since is not None and day_of(u["at"]) >= since]


def _band(days: int) -> str:
    return "0-6 days" if days < 7 else "7-13 days" if days < 14 else "14-29 days" if days < 30 else "30+ days"


def _unrecorded(view: View, since: Day) -> list[Day]:
    """Days from a day on, before the cut-off, on which usage was not recorded."""
    return [
        day for day in range(since, view.cut_off) if any(first <= day < after for first, after in view.gaps("usage"))
    ]


def _days_since(view: View, seen: list[Day]) -> int | None:
    """Days since something was last recorded; None if it never was, or may have been again so that the band changes."""
    if not seen:
        return None
    latest = max([max(seen), *_unrecorded(view, max(seen) + 1)])
    days = view.cut_off - 1 - max(seen)
    return days if _band(days) == _band(view.cut_off - 1 - latest) else None


def _recency(view: View, seen: list[Day]) -> str | None:
    if seen:
        days = _days_since(view, seen)
        return None if days is None else _band(days)
    if view.cut_off <= view.spell.started_on:
        return "too new"
    return "never yet" if _recorded_from_the_start(view) else None


def _recorded_from_the_start(view: View) -> bool:
    """Whether nothing since the customer came can have been missed."""
    since = view.tracked_from["usage"]
    return since is not None and since <= view.spell.started_on and not _unrecorded(view, view.spell.started_on)


def _presence(view: View, w: dict[str, int]) -> Values:
    """Logins, and who was there at all."""
    values: Values = {
        "days_since_login": _days_since(view, _seen(view, "login")),
        "login_recency": _recency(view, _seen(view, "login")),
        "days_since_use": _days_since(view, _seen(view, "use")),
        "use_recency": _recency(view, _seen(view, "use")),
    }
    for days in (w["w1"], w["w4"], w["w8"]):
        logins = _doing(view.window("usage", "at", days), "login")
        values[f"logins_{days}"] = _total(logins) if view.recorded("usage", days) else None
    days = w["w4"]
    present = _doing(view.window("usage", "at", days), "login", "use")
    users, seats = {u["user_id"] for u in present if u["user_id"] is not None}, contract_of(view)["seats"]
    recorded = view.recorded("usage", days)
    values[f"active_days_{days}"] = len({day_of(u["at"]) for u in present}) if recorded else None
    values[f"active_users_{days}"] = len(users) if recorded else None
    values[f"seat_adoption_{days}"] = len(users) / seats if recorded and seats else None
    return values


def _use(view: View, w: dict[str, int]) -> Values:
    """Uses: how many, whether more than before, at which hours, for how much business."""
    values: Values = {}
    for days in (w["w4"], w["w8"]):
        uses = _doing(view.window("usage", "at", days), "use")
        values[f"uses_{days}"] = _total(uses) if view.recorded("usage", days) else None
    short, long = w["w4"], w["w8"]
    now = _total(_doing(view.window("usage", "at", short), "use"))
    before = _total(_doing(view.window("usage", "at", long, later=short), "use")) / (long / short)
    old_enough = view.cut_off - (short + long) >= view.spell.started_on
    values["use_trend"] = (
        math.log((now + 1) / (before + 1)) if view.recorded("usage", short + long) and old_enough else None
    )
    recorded = view.recorded("usage", short)
    first_hour, after_hour = view.world.measures.get("peak_hours", (9, 17))
    weekdays = view.world.measures.get("peak_days", (1, 2, 3, 4, 5))
    peak = _total(
        [
            u
            for u in _doing(view.window("usage", "at", short), "use")
            if first_hour <= u["at"].hour < after_hour and u["at"].isoweekday() in weekdays
        ]
    )
    values[f"peak_uses_{short}"] = peak if recorded else None
    values[f"peak_share_{short}"] = peak / now if recorded and now else None
    done = _doing(view.window("usage", "at", short), "login", "use", "failed")
    valued = [u for u in done if u["value"] is not None]
    values[f"volume_{short}"] = math.fsum(u["value"] for u in valued) if recorded else None
    return values


def _modules(view: View, w: dict[str, int]) -> Values:
    """The same for each module, and how many of them are used."""
    values, days = {}, w["w4"]
    recorded = view.recorded("usage", days)
    uses = _doing(view.window("usage", "at", days), "use")
    modules, names = modules_of(view.world), column_names(modules_of(view.world))
    for module in modules:
        mine = _total([u for u in uses if u["module"] == module])
        values[f"uses_{days}_{names[module]}"] = mine if recorded else None
        values[f"share_{days}_{names[module]}"] = mine / _total(uses) if recorded and _total(uses) else None
        seen = _seen(view, "use", module)
        values[f"days_since_use_{names[module]}"] = _days_since(view, seen)
        values[f"adopted_{names[module]}"] = 1 if seen else 0 if _recorded_from_the_start(view) else None
    used = {u["module"] for u in uses} & set(modules)
    return values | ({f"modules_used_{days}": len(used) if recorded else None} if modules else {})


def _friction(view: View, w: dict[str, int]) -> Values:
    days = w["w4"]
    recorded = view.recorded("usage", days)
    failed = _total(_doing(view.window("usage", "at", days), "failed"))
    tried = _total(_doing(view.window("usage", "at", days), "failed", "use"))
    return {
        f"failed_{days}": failed if recorded else None,
        f"failed_share_{days}": failed / tried if recorded and tried else None,
    }


def _support(view: View, w: dict[str, int]) -> Values:
    days = w["w12"]
    closed = [t["ticket_id"] for t in view.known("tickets", "closed_at")]
    still_open = [t for t in view.known("tickets", "opened_at") if t["ticket_id"] not in closed]
    answers = []
    for ticket in view.history.get("tickets", []):
        said = ticket["csat_at"] if ticket["csat_at"] is not None else ticket["closed_at"]
        if ticket["csat"] is not None and said is not None and day_of(said) < view.cut_off:
            answers.append((day_of(said), ticket["opened_at"], ticket["ticket_id"], ticket["csat"]))
    recorded = view.recorded_at_all("tickets")
    return {
        "open_tickets": len(still_open) if recorded else None,
        f"tickets_{days}": len(view.window("tickets", "opened_at", days)) if view.recorded("tickets", days) else None,
        "last_csat": max(answers)[-1] if answers else None,
    }


def _surveys(view: View, w: dict[str, int]) -> Values:
    answers = [s for s in view.known("surveys", "answered_at") if s["score"] in range(11)]
    score = max(answers, key=lambda s: (s["answered_at"], s["response_id"]))["score"] if answers else None
    band = "no answer yet" if view.recorded_at_all("surveys") else None
    if score is not None and band is not None:
        band = "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"
    return {"last_nps": score, "nps_band": band}


def _interactions(view: View, w: dict[str, int]) -> Values:
    days = w["w12"]
    found = len(view.window("interactions", "at", days))
    return {f"interactions_{days}": found if view.recorded("interactions", days) else None}


def _interventions(view: View, w: dict[str, int]) -> Values:
    days = w["w12"]
    found = len(view.window("interventions", "assigned_on", days))
    return {f"interventions_{days}": found if view.recorded("interventions", days) else None}


def _events(view: View, w: dict[str, int]) -> Values:
    """Whether each kind of event befell the account, or all accounts."""
    days = w["w12"]
    kinds = column_names(sorted({event["kind"] for event in view.world.tables.get("events", [])}))
    befell = {event["kind"] for event in view.window("events", "at", days)}
    recorded = view.recorded("events", days)
    return {f"event_{days}_{name}": int(kind in befell) if recorded else None for kind, name in kinds.items()}


def _payments(view: View, w: dict[str, int]) -> Values:
    days = w["w12"]
    due = [payment for payment in view.known("payments", "due_on") if is_bill(payment)]
    overdue = [p for p in due if p["paid_on"] is None or day_of(p["paid_on"]) >= view.cut_off]
    return {
        f"failed_payments_{days}": len(view.window("payments", "failed_on", days))
        if view.recorded("payments", days)
        else None,
        "overdue_payments": len(overdue) if view.recorded_at_all("payments") else None,
    }


def describing(world: World, account: str, day: Day) -> list[Record]:
    """Subscriptions of a day of service: those in force, or in a gap those that were in force last."""
    subscriptions = records_of(world, "subscriptions", account)
    while True:
        active = [s for s in subscriptions if day_of(s["started_on"]) <= day < service_end(world, s)]
        if active:
            return active
        day -= 1


def recurring(subscriptions: list[Record]) -> float | None:
    """Sum of recurring revenue, None where no amount was recorded."""
    amounts = [s["mrr"] for s in subscriptions if s["mrr"] is not None]
    return math.fsum(amounts) if amounts else None


def next_renewal(subscription: Record, day: int) -> int | None:
    """The first renewal after a day, from what was fixed when the subscription began.

    The recorded day may have been overwritten at every renewal since. It is taken back by whole terms until it lies at
    most 15 days after the end of the first term, but not within the first 15 days of all; up to 3 days from the end of
    the first term it is that end. Further renewals follow a term apart. Without a renewal, or a term, nothing is known.
    """
    started, renewal = day_of(subscription["started_on"]), subscription["renewal_on"]
    months = round(subscription["term_months"]) if subscription["term_months"] is not None else 0
    if renewal is None or months < 1 or day_of(renewal) <= started:
        return None
    term_end = months_after(started, months)
    back = 0
    while months_after(day_of(renewal), -back * months) > term_end + 15:
        back += 1
    if months_after(day_of(renewal), -back * months) <= started + 15:
        back -= 1
    first = months_after(day_of(renewal), -back * months)
    if abs(first - term_end) <= 3:
        first = term_end
    terms = 0
    while months_after(first, terms * months) <= day:
        terms += 1
    return months_after(first, terms * months)


def months_after(day: int, months: int) -> int:
    """The same day of a later month, or its last day where it is shorter."""
    begin = date.fromordinal(day)
    year, month = divmod(begin.year * 12 + begin.month - 1 + months, 12)
    for last in (begin.day, 30, 29, 28):
        if last <= begin.day:
            try:
                return date(year, month + 1, last).toordinal()
            except ValueError:
                continue
    raise AssertionError


def contract_of(view: View) -> Values:
    """What was agreed on the last day before the cut-off, or on the first day of the spell if that is later."""
    day = max(view.cut_off - 1, view.spell.started_on)
    active = describing(view.world, view.spell.account_id, day)
    seats = [s["seats"] for s in active if s["seats"] is not None]
    terms = [s["term_months"] for s in active if s["term_months"] is not None]
    renewals = [ahead for s in active if (ahead := next_renewal(s, day)) is not None]
    by_size = sorted(active, key=lambda s: (math.inf if s["mrr"] is None else -s["mrr"], s["subscription_id"]))
    return {
        "mrr": recurring(active),
        "seats": sum(seats) if seats else None,
        "plan": by_size[0]["plan"] if by_size else None,
        "n_subscriptions": len(active),
        "term_months": max(terms, default=None),
        "days_to_renewal": min(renewals) - day if renewals else None,
    }


def calendar_of(view: View) -> Values:
    day = date.fromordinal(view.start_on)
    return {"quarter": f"{day.year}-Q{(day.month + 2) // 3}", "tenure_days": view.start_on - view.spell.started_on}
