"""Rules that span several keys of the ``study.toml`` of a study of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from whychurn.study.rules import banding_problems, section, table_list
from whychurn.study.schema import SUFFIXES, text_of
from whychurn.study.words import closest

#: The tables of the contract, and those without which there is no study.
KNOWN = (
    "accounts", "subscriptions", "usage", "tickets", "surveys", "interventions", "interactions", "events", "payments",
    "costs",
)  # fmt: skip
REQUIRED = ("accounts", "subscriptions")


def across_tables(raw: dict[str, Any], folder: Path) -> list[str]:
    """Return the problems as sentences that begin with a key."""
    return [
        *_window(section(raw, "study")),
        *_tables(section(raw, "tables"), section(raw, "database"), folder),
        *_reasons(table_list(raw, "reasons"), table_list(raw, "causes")),
        *_comments(table_list(raw, "comments")),
        *_definitions(section(raw, "churn"), table_list(raw, "definitions"), section(raw, "tables")),
        *_measures(section(raw, "measures")),
        *_causes(raw),
    ]


def _window(study: dict[str, Any]) -> Iterator[str]:
    begin, end, step = study.get("observed_from"), study.get("observed_to"), study.get("interval_days", 7)
    if type(begin) is date and type(end) is date:  # a datetime is a date too, and no day
        if end <= begin:
            yield f"study.observed_to: {end} is not after observed_from {begin}."
        elif isinstance(step, int) and (end - begin).days < 2 * step:
            yield f"study.observed_to: the window {begin} to {end} is shorter than two intervals of {step} days."


def _tables(tables: dict[str, Any], database: dict[str, Any], folder: Path) -> Iterator[str]:
    for name in REQUIRED:
        if name not in tables:
            yield f"tables.{name}: is missing. A study of tables needs {' and '.join(REQUIRED)}."
    for name, table in tables.items():
        if name not in KNOWN:
            guess = closest(name, KNOWN)
            yield f"tables.{name}: unknown table. " + (
                f"Did you mean {guess}?" if guess else f"Known: {', '.join(KNOWN)}."
            )
        if isinstance(table, dict):
            yield from _table(name, table, database, folder)
    if database:
        yield from _place("database.file", database.get("file"), database, folder, (".duckdb", ".db"))


def _table(name: str, table: dict[str, Any], database: dict[str, Any], folder: Path) -> Iterator[str]:
    files = table.get("file", [])
    files = [files] if isinstance(files, str) else files
    if not files and not table.get("table"):
        yield f'tables.{name}.file: is missing. Expected a file in the study folder, or table = "…" of the [database].'
    if files and table.get("table"):
        yield f"tables.{name}: has both file and table. Keep one of them."
    if table.get("table") and not database:
        yield f'tables.{name}.table: there is no [database] to look into. Add [database] with file = "….duckdb".'
    for file in files if isinstance(files, list) else []:
        yield from _place(f"tables.{name}.file", file, table, folder, SUFFIXES)
    columns = table.get("columns", {})
    if isinstance(columns, dict):
        # With one subscription per account, the account's id is the subscription's as well.
        same = name == "subscriptions" and columns.get("subscription_id") == columns.get("account_id")
        theirs = [
            value
            for key, value in columns.items()
            if isinstance(value, str) and not (same and key == "subscription_id")
        ]
        for repeated in sorted({value for value in theirs if theirs.count(value) > 1}):
            yield f"tables.{name}.columns: {repeated!r} stands for several columns. One column cannot be both."
    if name != "usage" and (table.get("actions") or table.get("other_actions")):
        yield f"tables.{name}.actions: only [tables.usage] has actions."
    actions = table.get("actions", {})
    if isinstance(actions, dict):
        seen: dict[str, str] = {}
        for action, values in actions.items():
            for value in values if isinstance(values, list) else []:
                text = str(text_of(value))
                if seen.setdefault(text, action) != action:
                    yield f"tables.{name}.actions: {text!r} stands under {seen[text]} and under {action}."
    for gap in table.get("not_tracked", []) if isinstance(table.get("not_tracked", []), list) else []:
        if isinstance(gap, list) and len(gap) == 2 and all(type(day) is date for day in gap) and gap[1] <= gap[0]:
            yield f"tables.{name}.not_tracked: {gap[0]} to {gap[1]} is no gap; the second day must be later."


def _place(key: str, name: object, owner: dict[str, Any], folder: Path, suffixes: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(name, str) or not name:
        return
    if "\x00" in name:
        yield f"{key}: the name holds a NUL character."
        return
    if Path(name).suffix.lower() not in suffixes:
        yield f"{key}: {name!r} is of a kind that cannot be read. Expected {', '.join(suffixes)}."
    if owner.get("allow_outside") is True:
        return
    if Path(name).is_absolute() or ".." in Path(name).parts or not (folder / name).resolve().is_relative_to(folder):
        yield (
            f"{key}: {name!r} lies outside the study folder. Move it into the folder, or write allow_outside = true "
            "beside it if that is meant."
        )


def _reasons(reasons: list[dict[str, Any]], causes: list[dict[str, Any]]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for position, reason in enumerate(reasons, start=1):
        yield from (f"reasons[{position}].measured_by: {sentence}" for sentence in _measured_by(reason, causes))
        for value in reason.get("values", []) if isinstance(reason.get("values", []), list) else []:
            text = str(text_of(value))
            if text in seen and seen[text] != position:
                yield f"reasons[{position}].values: {text!r} already stands in reasons[{seen[text]}]."
            seen.setdefault(text, position)


def _measured_by(reason: dict[str, Any], causes: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with the causes that would show a reason."""
    named = reason.get("measured_by", [])
    roles = {str(cause.get("column")): cause.get("role") for cause in causes}
    ranked = [column for column, role in roles.items() if role != "adjustment"]
    for name in dict.fromkeys(map(str, named)) if isinstance(named, list) else []:
        if name not in roles:
            guess = closest(name, ranked)
            yield f"{name!r} is not the column of any [[causes]]." + (f" Did you mean {guess!r}?" if guess else "")
        elif name not in ranked:
            yield f'{name!r} is only held constant (role = "adjustment"). Name causes.'


def _comments(topics: list[dict[str, Any]]) -> Iterator[str]:
    names: dict[str, int] = {}
    for position, topic in enumerate(topics, start=1):
        name = str(topic.get("name", "")).strip()
        if name and names.setdefault(name.casefold(), position) != position:
            yield f"comments[{position}].name: {name!r} is already the name of comments[{names[name.casefold()]}]."
        words = topic.get("words", [])
        seen: set[str] = set()
        for word in words if isinstance(words, list) else []:
            text = " ".join(str(text_of(word)).split())
            if not re.search(r"\w", text):
                yield f"comments[{position}].words: {text!r} holds no letter or digit, so that no word would match it."
            elif text.casefold() in seen:
                yield f"comments[{position}].words: {text!r} stands there twice; upper and lower case are the same."
            seen.add(text.casefold())


def _definitions(churn: dict[str, Any], others: list[dict[str, Any]], tables: dict[str, Any]) -> Iterator[str]:
    names = [str(churn.get("name", "As declared"))]
    for position, other in enumerate(others, start=1):
        name = other.get("name")
        if name is None:
            yield f"definitions[{position}].name: is missing. Expected a readable name."
        elif str(name) in names:
            yield f"definitions[{position}].name: {name!r} is already the name of another definition."
        names.append(str(name))
    for key, one in [("churn", churn), *((f"definitions[{i}]", other) for i, other in enumerate(others, start=1))]:
        for setting, table in (("delinquent_after_days", "payments"), ("inactive_after_days", "usage")):
            if one.get(setting) is not None and table not in tables:
                yield f"{key}.{setting}: needs the table {table}, which the study does not have."
    periods = churn.get("periods", [])
    numbers = isinstance(periods, list) and all(isinstance(time, int | float) for time in periods)
    if numbers and any(later <= earlier for earlier, later in pairwise(periods)):
        yield "churn.periods: the times must rise, such as [90, 365]."


def _measures(measures: dict[str, Any]) -> Iterator[str]:
    hours: Any = measures.get("peak_hours")
    two = isinstance(hours, list) and len(hours) == 2 and all(isinstance(hour, int) for hour in hours)
    if two and hours[1] <= hours[0]:
        yield f"measures.peak_hours: {hours} must be two rising hours, such as [9, 17]."


def _causes(raw: dict[str, Any]) -> Iterator[str]:
    causes, tiers = table_list(raw, "causes"), section(raw, "study").get("tiers", [])
    n_tiers = len(tiers) if isinstance(tiers, list) else 0
    seen: dict[str, int] = {}
    for position, cause in enumerate(causes, start=1):
        name, tier = cause.get("column"), cause.get("tier", 1)
        if isinstance(tier, int) and n_tiers and tier > n_tiers:
            yield f"causes[{position}].tier (column {name!r}): tier {tier} has no name; study.tiers names {n_tiers}."
        if isinstance(name, str) and name in seen:
            yield f"causes[{position}].column: {name!r} is already causes[{seen[name]}]. Remove one of them."
        seen.setdefault(str(name), position)
        yield from (f"causes[{position}]{sentence}" for sentence in banding_problems(cause))
    declared = {str(cause.get("column")) for cause in causes}
    for position, focus in enumerate(table_list(raw, "focus"), start=1):
        for key in ("causes", "references"):
            for name in focus.get(key, []) if isinstance(focus.get(key, []), list | dict) else []:
                if str(name) not in declared:
                    yield f"focus[{position}].{key}: {name!r} is not the column of any [[causes]]."
