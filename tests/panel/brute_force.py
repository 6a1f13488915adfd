"""Rows at risk with all their measures, by definition: what the panel must equal."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from brute_force_measures import (
    Values,
    View,
    calendar_of,
    contract_of,
    describing,
    measures_of,
    recurring,
)
from brute_force_needs import unmeasurable
from brute_force_spells import Day, Spell, first_tracked_day, islands, notice_days, records_of, spells_of
from world import Record, World

Row = dict[str, Any]


def history_of(world: World, account: str) -> dict[str, list[Record]]:
    """What is recorded of one account, with the events that befell all."""
    history = {name: records_of(world, name, account) for name in world.tables}
    history["events"] = history.get("events", []) + [
        e for e in world.tables.get("events", []) if e["account_id"] is None
    ]
    return history


def views_of(world: World, spell: Spell, tracked_from: dict[str, Day | None]) -> list[View]:
    """Rows of a spell, one step after the other from the day it entered."""
    history = history_of(world, spell.account_id)
    starts = range(spell.entered_on, spell.followed_to, world.interval_days)
    return [View(world, history, tracked_from, spell, start_on, start_on - world.lag_days) for start_on in starts]


def rows_of(world: World) -> list[Row]:
    """Return every row at risk with its measures, in order of account, spell and time; days as ordinals."""
    rows: list[Row] = []
    tracked_from = {table: first_tracked_day(world, table) for table in world.tables}
    for spell in spells_of(world):
        views = views_of(world, spell, tracked_from)
        notices = islands(notice_days(world, spell.account_id))
        lagged = [measures_of(view) for view in views]
        for view, mine in zip(views, lagged, strict=True):
            noticed_on = notice_start(notices, view.cut_off - 1)
            shown = mine if noticed_on is None else _before_notice(views, lagged, noticed_on)
            last = view is views[-1]
            stop_on = min(view.start_on + world.interval_days, spell.followed_to)
            rows.append(
                {
                    "account_id": spell.account_id,
                    "spell": spell.spell,
                    "spell_started_on": spell.started_on,
                    "start": view.start_on - spell.started_on,
                    "stop": stop_on - spell.started_on,
                    "event": spell.event if last else 0,
                    "cause": spell.cause if last else "",
                    "start_on": view.start_on,
                    "cut_off": view.cut_off,
                    "under_notice": int(noticed_on is not None),
                    "amount": recurring_on(world, spell.account_id, view.start_on),
                    "measures": shown | contract_of(view) | calendar_of(view),
                }
            )
    lacking = unmeasurable(world, list(rows[0]["measures"])) if rows else set()
    for row in rows:
        row["measures"] = {name: value for name, value in row["measures"].items() if name not in lacking}
    return rows


def notice_start(notices: list[tuple[Day, Day]], day: Day) -> Day | None:
    """First day of the run of notice that a day lies in, or None."""
    return next((first for first, after in notices if first <= day < after), None)


def _before_notice(views: list[View], lagged: list[Values], noticed_on: Day) -> Values:
    """Measures of the latest row that could not know of the notice; nulls where there is none."""
    earlier = [values for view, values in zip(views, lagged, strict=True) if view.cut_off <= noticed_on]
    return earlier[-1] if earlier else dict.fromkeys(lagged[0])


def recurring_on(world: World, account: str, day: Day) -> float | None:
    """Monthly recurring revenue on a day of service."""
    return recurring(describing(world, account, day))


def spell_rows(world: World) -> list[dict[str, Any]]:
    """The spells as plain records."""
    return [asdict(spell) for spell in spells_of(world)]
