"""Periods in words, their dates unbroken at the end of a line."""

from __future__ import annotations

import re

from markupsafe import Markup

from whychurn.display.blocks import say as sentence

_DATES = re.compile(r"(\d{4}-\d{2}(?:-\d{2})?)")


def unbroken(period: str) -> Markup:
    """Return a period such as 2025-03, or 2025-01-01 to 2025-12-31, in which no date is broken in two."""
    # Every other part that the pattern splits off is a date.
    return Markup("").join(
        sentence('<span style="white-space:nowrap">{date}</span>', date=part) if place % 2 else Markup.escape(part)
        for place, part in enumerate(_DATES.split(period))
    )
