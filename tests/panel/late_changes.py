"""What could still come out differently: every change to a company's tables that nobody could know before a day.

Each column has its own date from which it is known. A record, or a column of it, is changed only if it became known
on that day or later, and only to something that would become known on that day or later.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from world import Record, World
from worlds import MODULES, TIMES

KINDS = ("change", "delete", "append", "shuffle")


class LateChanges:
    """Draws changes to a world that become known on day `since` or later, and counts them by table and kind."""

    def __init__(self, world: World, since: date, seed: int) -> None:
        self.world, self.since, self.draw = world, since, random.Random(seed)
        self.counts: Counter[tuple[str, str]] = Counter()

    def changed(self, kind: str) -> World:
        """Return the world after changes of one kind to every table."""
        change: Callable[[str, list[Record]], list[Record]] = getattr(self, f"_{kind}")
        tables = {
            name: change(name, list(records)) for name, records in self.world.tables.items() if name != "accounts"
        }
        return self.world.with_tables(**tables)

    def _late(self, value: date | datetime | None) -> bool:
        """Whether a day is not known yet; what has not happened so far may happen later."""
        return value is None or value.toordinal() >= self.since.toordinal()

    def _all_late(self, name: str, record: Record) -> bool:
        """Whether nothing of a record is known yet."""
        dates = {
            "usage": ("at",), "tickets": ("opened_at",), "surveys": ("invited_at", "answered_at"),
            "interactions": ("at",), "interventions": ("assigned_on",), "events": ("at",),
            "payments": ("due_on", "paid_on", "failed_on"), "subscriptions": ("started_on", "cancelled_on"),
        }[name]  # fmt: skip
        return all(self._late(record[column]) for column in dates)

    def _day(self) -> date:
        return self.since + timedelta(days=self.draw.choice((0, 0, 1, 2, 7, 13, 30, self.draw.randint(0, 120))))

    def _moment(self) -> datetime:
        return datetime.combine(self._day(), self.draw.choice((time(0, 0), *TIMES)))

    def _delete(self, name: str, records: list[Record]) -> list[Record]:
        kept = [r for r in records if not (self._all_late(name, r) and self.draw.random() < 0.8)]
        self.counts[name, "delete"] += len(records) - len(kept)
        return kept

    def _append(self, name: str, records: list[Record]) -> list[Record]:
        new = [self._new(name, number) for number in range(25)]
        self.counts[name, "append"] += len(new)
        return [*new, *records]

    def _shuffle(self, name: str, records: list[Record]) -> list[Record]:
        """Give late records to other customers, and put all records in another order."""
        late = [place for place, record in enumerate(records) if self._all_late(name, record)]
        accounts = [records[place]["account_id"] for place in late]
        self.draw.shuffle(accounts)
        for place, account in zip(late, accounts, strict=True):
            records[place] = records[place] | {"account_id": account}
        self.counts[name, "shuffle"] += len(late)
        self.draw.shuffle(records)
        return records

    def _change(self, name: str, records: list[Record]) -> list[Record]:
        """Give late records, and late columns of earlier records, other values."""
        for place, record in enumerate(records):
            if self._all_late(name, record):
                keys = {key: record[key] for key in ("subscription_id", "ticket_id", "response_id") if key in record}
                records[place] = self._new(name, place) | keys
            else:
                records[place] = record | self._late_columns(name, record)
            self.counts[name, "change"] += records[place] != record
        return records

    def _late_columns(self, name: str, record: Record) -> Record:
        """Other values for the columns of a known record that were not known yet."""
        if name == "tickets":
            return self._late_columns_of_ticket(record)
        if name == "surveys" and self._late(record["answered_at"]):
            return {"answered_at": self.draw.choice((None, self._moment())), "score": self.draw.randint(0, 10)}
        if name == "payments":
            return {
                column: self.draw.choice((None, self._day()))
                for column in ("paid_on", "failed_on")
                if self._late(record[column])
            }
        # Notice tells the last day of service in advance.
        if name == "subscriptions" and self._late(record["ended_on"]) and self._late(record["cancelled_on"]):
            return {
                "ended_on": self.draw.choice((None, self._day())),
                "cancelled_on": self.draw.choice((None, self._day())),
                "end_reason": self.draw.choice((None, "competitor", "card expired")),
            }
        if name == "interventions":
            return {"outcome": "saved", "contacted_on": self._day()}
        return {}

    def _late_columns_of_ticket(self, record: Record) -> Record:
        said = record["csat_at"] if record["csat_at"] is not None else record["closed_at"]
        changes: Record = {"severity": "high"} if self._late(record["closed_at"]) else {}
        if self._late(record["closed_at"]):
            changes["closed_at"] = self.draw.choice((None, self._moment()))
        if self._late(said):
            changes |= {"csat": self.draw.choice((None, 1, 5)), "csat_at": self._moment()}
        return changes

    def _new(self, name: str, number: int) -> Record:
        """A record of which nothing was known before."""
        draw, owner = self.draw, {"account_id": self.draw.choice(self.world.tables["accounts"])["account_id"]}
        if name == "usage":
            return owner | {
                "at": self._moment(), "user_id": draw.choice((None, "u1", "u9")), "module": draw.choice(MODULES),
                "action": draw.choice(("login", "use", "failed")), "count": draw.choice((1, 50)), "value": 1e6,
            }  # fmt: skip
        if name == "tickets":
            opened = self._moment()
            return owner | {
                "ticket_id": f"new{number}",
                "opened_at": opened,
                "closed_at": draw.choice((None, opened + timedelta(days=draw.randint(0, 50)))),
                "csat": 1,
                "csat_at": draw.choice((None, self._moment())),
            }
        if name == "surveys":
            return owner | {
                "response_id": f"new{number}", "invited_at": None, "answered_at": draw.choice((None, self._moment())),
                "score": draw.randint(0, 10),
            }  # fmt: skip
        if name == "interactions":
            return owner | {"at": self._moment(), "kind": "mail"}
        if name == "interventions":
            return owner | {"assigned_on": self._day()}
        if name == "events":
            everybody = {"account_id": None} if draw.random() < 0.3 else {}
            kinds = sorted({event["kind"] for event in self.world.tables["events"]})
            return owner | everybody | {"at": self._moment(), "kind": draw.choice(kinds)}
        if name == "payments":
            return owner | {
                "due_on": self._day(), "paid_on": draw.choice((None, self._day())),
                "failed_on": draw.choice((None, self._day())), "amount": draw.choice((None, 20, 0, -5)),
            }  # fmt: skip
        start = self._day()
        return owner | {
            "subscription_id": f"0new{number}", "started_on": start, "mrr": 1e6, "seats": 999, "plan": "Late",
            "ended_on": draw.choice((None, start + timedelta(days=draw.randint(0, 90)))), "term_months": 99,
            "renewal_on": start + timedelta(days=1), "cancelled_on": draw.choice((None, None, self._day())),
            "end_reason": None,
        }  # fmt: skip
