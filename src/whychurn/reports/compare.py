"""Hold one run's numbers against another's, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from whychurn.display.numbers import format_number
from whychurn.reports.results import TOLERANCES, described, finding_of, is_number

_P_VALUES = ("p_value", "p_adjusted")


@dataclass(frozen=True, slots=True)
class Moved:
    """One number (or row) that the rerun does not reproduce.

    Attributes
    ----------
    what : str
        The finding in words and its column, or the page and position of a printed number.
    old, new : str
        As recorded and as rerun; "" where the row is missing on that side.
    pages : tuple of str
        Pages that show it, as far as known.
    finding : str
        Id of the finding.
    """

    what: str
    old: str
    new: str
    pages: tuple[str, ...]
    finding: str = ""

    def __str__(self) -> str:
        if not self.new:
            return f"{self.what}: {self.old or 'recorded'}, gone in the rerun"
        if not self.old:
            return f"{self.what}: new in the rerun ({self.new})"
        return f"{self.what}: {self.old} → {self.new}"


def same_value(old: Any, new: Any, column: str = "") -> bool:
    """Whether two recorded values agree: text and integers exactly, other numbers within the tolerance.

    Parameters
    ----------
    column : str
        Name of the column (or of the print format); p-values have an absolute floor of their own.
    """
    if not (is_number(old) and is_number(new)):
        return bool(old == new)
    if old == new:
        return True
    if float(old).is_integer() and float(new).is_integer():
        return False
    rules = TOLERANCES["standard"]
    rule = rules["p_values"] if column in (*_P_VALUES, "p") else rules["numbers"]
    return abs(old - new) <= max(rule["relative"] * max(abs(old), abs(new)), rule["absolute"])


def moved_findings(
    old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]], where: Mapping[str, set[str]]
) -> list[Moved]:
    """Return every recorded value that differs, every finding gone, every finding new.

    Parameters
    ----------
    old, new : sequence of dict
        ``findings`` of results.json.
    where : mapping
        Pages that print a finding, by its id.
    """
    before = {record["id"]: record for record in old}
    after = {record["id"]: record for record in new}
    moved = []
    for key, record in before.items():
        pages = tuple(sorted({str(record.get("page", "")), *where.get(key, ())} - {""}))
        if key not in after:
            moved.append(Moved(described(record), _shown(record), "", pages, key))
            continue
        names = [name for name in {**record, **after[key]} if name not in ("page", "tolerance")]
        for name in names:
            was, now = record.get(name, ""), after[key].get(name, "")
            if not same_value(was, now, name):
                text = Moved(f"{described(record)}, {name}", _text(was), _text(now), pages, key)
                moved.append(text)
    for key, record in after.items():
        if key not in before:
            pages = (str(record.get("page", "")),)
            moved.append(Moved(described(record), "", _shown(record) or "recorded", pages, key))
    return moved


def moved_numbers(old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]], known: set[str]) -> list[Moved]:
    """Return printed numbers that differ, are gone or are new, leaving out those of findings in `known`."""
    before, after = _keyed(old), _keyed(new)
    moved = []
    for key in {**before, **after}:
        was, now = before.get(key), after.get(key)
        if finding_of(was or now or {})[0] in known:
            continue
        page = key[0]
        what = f"page {page}, number {(was or now or {}).get('position')}"
        if was is None or now is None:
            moved.append(Moved(what, was["text"] if was else "", now["text"] if now else "", (page,)))
        elif not same_value(_value(was), _value(now), key[2]):
            moved.append(Moved(what, str(was["text"]), str(now["text"]), (page,)))
    return moved


def pages_of(printed: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """Return the pages that print each finding, by finding id."""
    pages: dict[str, set[str]] = {}
    for number in printed:
        pages.setdefault(finding_of(number)[0], set()).add(str(number["page"]))
    return pages


def wrong_print(number: Mapping[str, Any]) -> str:
    """Return how a printed number reads if it were right, or "" if it is right."""
    try:
        expected = format_number(float(number["value"]), str(number["format"]))
    except (ValueError, KeyError):
        return f"a number (its value is {number['value']!r} and its format {number['format']!r})"
    return "" if expected == number["text"] else expected


def _keyed(printed: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str, str, int], Mapping[str, Any]]:
    """Key a printed number by page, source, format and count, so that one new number shifts no other."""
    seen: dict[tuple[str, str, str], int] = {}
    keyed = {}
    for number in printed:
        key = (str(number["page"]), str(number["finding"]), str(number["format"]))
        seen[key] = seen.get(key, 0) + 1
        keyed[(*key, seen[key])] = number
    return keyed


def _value(number: Mapping[str, Any]) -> float | str:
    try:
        return float(number["value"])
    except ValueError:
        return str(number["value"])


def _shown(record: Mapping[str, Any]) -> str:
    return _text(record["estimate"]) if "estimate" in record else ""


def _text(value: Any) -> str:
    if is_number(value):
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:.12g}"
    return repr(value) if value != "" else "empty"
