"""Calendar periods: which month, quarter and year of a window are complete."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from whychurn.errors import StudyError

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_WRITTEN = re.compile(r"(?P<year>\d{4})(?:-(?:Q(?P<quarter>[1-4])|(?P<month>0[1-9]|1[0-2])))?")
#: Days that a trailing window covers in place of a period.
TRAILING = {"month": 30, "quarter": 90, "year": 365}


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of calendar days.

    Attributes
    ----------
    starts_on, ends_on : datetime.date
        First day, and first day after it.
    word : str
        "month", "quarter" or "year".
    label : str
        As a reader says it: "December 2025", "2025-Q4", "2025".
    """

    starts_on: date
    ends_on: date
    word: str
    label: str

    @property
    def days(self) -> int:
        """Days of the period."""
        return (self.ends_on - self.starts_on).days

    def trailing(self) -> Period:
        """Return the 30, 90 or 365 days that end with this period."""
        days = TRAILING[self.word]
        return Period(self.ends_on - timedelta(days=days), self.ends_on, self.word, f"{days} days to {self.ends_on}")


def _at(year: int, month: int, months: int) -> Period:
    """Return the period of so many months that begins with a month."""
    after = year * 12 + month - 1 + months
    ends_on = date(after // 12, after % 12 + 1, 1)
    word = {1: "month", 3: "quarter", 12: "year"}[months]
    label = {1: f"{_MONTHS[month - 1]} {year}", 3: f"{year}-Q{(month + 2) // 3}", 12: f"{year}"}[months]
    return Period(date(year, month, 1), ends_on, word, label)


def period_of(text: str) -> Period:
    """Read "2025-12", "2025-Q4" or "2025".

    Raises
    ------
    StudyError
        If the text is none of these.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise StudyError(f'{text!r} is no period; write a month, quarter or year as "2025-12", "2025-Q4" or "2025".')
    year = int(found["year"])
    if found["quarter"]:
        return _at(year, 3 * int(found["quarter"]) - 2, 3)
    return _at(year, int(found["month"]), 1) if found["month"] else _at(year, 1, 12)


def last_months(observed_from: date, observed_to: date, most: int = 12) -> list[Period]:
    """Return the last complete calendar months of a window, in order of time."""
    months: list[Period] = []
    year, month = observed_to.year, observed_to.month
    while len(months) < most:
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
        if date(year, month, 1) < observed_from:
            break
        months.append(_at(year, month, 1))
    return months[::-1]


def last_year(observed_from: date, observed_to: date) -> Period | None:
    """Return the last complete calendar year of a window, None where there is none."""
    year = observed_to.year - 1
    return _at(year, 1, 12) if date(year, 1, 1) >= observed_from else None
