"""Rules that span several keys of ``study.toml``.

They read the raw document, so that what they find is listed beside problems of single keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from whychurn.study.schema import RESERVED, SUFFIXES, text_of
from whychurn.study.words import closest


def across_sections(raw: dict[str, Any], folder: Path) -> list[str]:
    """Return the problems as sentences that begin with a key."""
    columns, study = section(raw, "columns"), section(raw, "study")
    problems = [*_file_problems(section(raw, "source"), folder), *_column_problems(columns)]
    periods = section(raw, "churn").get("periods", [])
    numbers = isinstance(periods, list) and all(isinstance(time, int | float) for time in periods)
    if numbers and any(later <= earlier for earlier, later in pairwise(periods)):
        problems.append("churn.periods: the times must rise, such as [12, 24].")
    causes, tiers = table_list(raw, "causes"), study.get("tiers", [])
    n_tiers = len(tiers) if isinstance(tiers, list) else 0
    seen: dict[str, int] = {}
    for position, cause in enumerate(causes, start=1):
        problems += [f"causes[{position}]{sentence}" for sentence in _cause_problems(cause, columns, n_tiers)]
        name = cause.get("column")
        if isinstance(name, str) and name in seen:
            problems.append(f"causes[{position}].column: {name!r} is already causes[{seen[name]}]. Remove one of them.")
        seen.setdefault(str(name), position)
    declared = {str(cause.get("column")): cause for cause in causes}
    for position, focus in enumerate(table_list(raw, "focus"), start=1):
        for key in ("causes", "references"):
            for name in focus.get(key, []) if isinstance(focus.get(key, []), list | dict) else []:
                if str(name) not in declared:
                    guess = closest(str(name), declared)
                    hint = f" Did you mean {guess!r}?" if guess else ""
                    problems.append(f"focus[{position}].{key}: {name!r} is not the column of any [[causes]].{hint}")
    return problems


def _file_problems(source: dict[str, Any], folder: Path) -> Iterator[str]:
    name = source.get("file")
    if not isinstance(name, str) or not name:
        return
    if "\x00" in name:
        yield "source.file: the name holds a NUL character."
        return
    if Path(name).suffix.lower() not in SUFFIXES:
        yield f"source.file: {name!r} is of a kind that cannot be read. Expected {', '.join(SUFFIXES)}."
    inside = (folder / name).resolve().is_relative_to(folder)
    if source.get("allow_outside") is not True and (Path(name).is_absolute() or not inside):
        yield (
            f"source.file: {name!r} lies outside the study folder. Move the file into the folder, or write "
            "allow_outside = true under [source] if that is meant."
        )


def _column_problems(columns: dict[str, Any]) -> Iterator[str]:
    lists = [columns.get(key, []) for key in ("churned_when", "stayed_when")]
    left, stayed = ({str(text_of(value)) for value in items} if isinstance(items, list) else set() for items in lists)
    if left & stayed:
        yield f"columns.churned_when: {', '.join(map(repr, sorted(left & stayed)))} also stands in stayed_when."
    roles = [(key, columns[key]) for key in ("account_id", "tenure", "churned", "amount") if columns.get(key)]
    for index, (key, name) in enumerate(roles):
        for other, same in roles[:index]:
            if name == same:
                yield f"columns.{key}: {name!r} is already columns.{other}. One column cannot be both."


def _cause_problems(cause: dict[str, Any], columns: dict[str, Any], n_tiers: int) -> Iterator[str]:
    """Yield problems as text that follows ``causes[i]``."""
    name, kind, tier = cause.get("column"), cause.get("type"), cause.get("tier", 1)
    for role in ("tenure", "churned", "account_id"):
        if name is not None and columns.get(role) == name:
            yield f".column: {name!r} is columns.{role}; it cannot be a cause of leaving as well."
            return
    reserved = isinstance(name, str) and name.casefold() in RESERVED
    if reserved and not (name == columns.get("amount") and str(name).casefold() == "amount"):
        yield f".column: {name!r} is a name with a meaning of its own here. Rename that column in the file."
    if isinstance(tier, int) and n_tiers and tier > n_tiers:
        yield f".tier (column {name!r}): tier {tier} has no name; study.tiers names {n_tiers}."
    yield from banding_problems(cause)
    reference, compare, levels = cause.get("reference"), cause.get("compare"), cause.get("levels")
    if kind == "number" and not cause.get("bands"):
        for key in ("compare", "levels"):
            if cause.get(key):
                yield f".{key} (column {name!r}): only a category has {key}; this cause is a number."
        if isinstance(reference, str) and not re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", reference):
            yield f".reference (column {name!r}): expected a number; found {reference!r}."
    if kind == "category":
        if cause.get("per") is not None:
            yield f".per (column {name!r}): only a number has per; this cause is a category."
        if reference is not None and text_of(reference) == text_of(compare):
            yield f".compare (column {name!r}): {compare!r} is also the reference; it cannot be compared with itself."
        meanings = levels if isinstance(levels, dict) else {}
        for key, level in (("reference", reference), ("compare", compare)):
            code = str(text_of(level))
            if code in meanings and code not in {str(value) for value in meanings.values()}:
                yield f".{key} (column {name!r}): write {meanings[code]!r}, the meaning, not the code."


def banding_problems(cause: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the cut points of a cause, as text that follows ``causes[i]``."""
    name, bands = cause.get("column"), cause.get("bands", [])
    if not isinstance(bands, list) or not all(isinstance(cut, int | float) for cut in bands) or not bands:
        return
    if cause.get("type") == "category":
        yield f".bands (column {name!r}): only a number has bands; this cause is a category."
    if any(later <= earlier for earlier, later in pairwise(bands)):
        yield f".bands (column {name!r}): the cut points must rise, such as [1, 5]."
    if cause.get("per") is not None:
        yield f".per (column {name!r}): a number in bands is compared band by band; leave out per or bands."


def table_list(raw: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return an array of tables, an empty table in place of whatever else stands there."""
    value = raw.get(key, [])
    return [item if isinstance(item, dict) else {} for item in value] if isinstance(value, list) else []


def section(raw: dict[str, Any], key: str) -> dict[str, Any]:
    """Return a section, an empty one in place of whatever else stands there."""
    value = raw.get(key, {})
    return value if isinstance(value, dict) else {}
