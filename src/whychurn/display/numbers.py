"""How a number is printed, and how a printed number stays traceable to its finding.

Every number on a page is wrapped as ``<data value="…" data-format="…" data-finding="…">text</data>``: the
exact value, the name of its format, and the id of the finding it comes from. A page can therefore be
re-read and held against the record, digit by digit.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from markupsafe import Markup

MISSING = "–"
MINUS = "\u2212"

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


def _grouped(digits: int) -> Callable[[float], str]:
    def write(value: float) -> str:
        text = f"{abs(value):,.{digits}f}"
        negative = value < 0 and float(text.replace(",", "")) != 0
        return MINUS + text if negative else text

    return write


def _percent(digits: int) -> Callable[[float], str]:
    plain = _grouped(digits)
    return lambda value: plain(100 * value) + "%"


def _points(digits: int) -> Callable[[float], str]:
    """A difference of shares in percentage points, with its sign."""
    plain = _grouped(digits)

    def write(value: float) -> str:
        text = plain(100 * value)
        return text if text.startswith(MINUS) or float(text.replace(",", "")) == 0 else "+" + text

    return write


def _score(digits: int) -> Callable[[float], str]:
    """A Net Promoter Score, kept between -1 and 1, as it is named: 35, −12."""
    plain = _grouped(digits)
    return lambda value: plain(100 * value)


def _ratio(value: float) -> str:
    if 0 <= value < 0.01:
        return "<0.01"
    return _grouped(2)(value) if value < 100 else _grouped(0)(value)


def _times(value: float) -> str:
    """A ratio as one says it: 25 times, 2.8 times, 0.61 times."""
    if value >= 9.95:
        return _grouped(0)(value)
    return _grouped(1)(value) if value >= 1.05 else _ratio(value)


def _bare(digits: int) -> Callable[[float], str]:
    """A percentage without its sign, for the lower end of an interval."""
    plain = _grouped(digits)
    return lambda value: plain(100 * value)


def _p_value(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


FORMATS: dict[str, Callable[[float], str]] = {
    "count": _grouped(0),
    "number0": _grouped(0),
    "number1": _grouped(1),
    "number2": _grouped(2),
    "number3": _grouped(3),
    "number4": _grouped(4),
    "percent0": _percent(0),
    "percent1": _percent(1),
    "percent2": _percent(2),
    "percent3": _percent(3),
    "points1": _points(1),
    "points2": _points(2),
    "percent0-bare": _bare(0),
    "percent1-bare": _bare(1),
    "percent2-bare": _bare(2),
    "nps": _score(0),
    "nps1": _score(1),
    "ratio2": _ratio,
    "times": _times,
    "p": _p_value,
}


def format_number(value: float, style: str) -> str:
    """Return `value` as printed.

    Parameters
    ----------
    value : float
        Shares are fractions (0.31), never percentages. NaN prints as a dash.
    style : str
        A key of :data:`FORMATS`, or ``money:CUR`` for a whole amount in the currency CUR.

    Raises
    ------
    KeyError
        If the style is unknown.
    """
    if value is None or math.isnan(value):
        return MISSING
    if style.startswith("money:"):
        currency = style.partition(":")[2]
        digits = _grouped(0)(value)
        sign, digits = (MINUS, digits[1:]) if digits.startswith(MINUS) else ("", digits)
        symbol = SYMBOLS.get(currency)
        return f"{sign}{symbol}{digits}" if symbol else f"{sign}{digits} {currency}".rstrip()
    return FORMATS[style](value)


def printed(value: float, style: str, finding: str = "", column: str = "estimate") -> Markup:
    """Return `value` as traceable HTML: text for the reader, exact value and source for the rerun.

    Parameters
    ----------
    value : float
        The exact value.
    style : str
        See :func:`format_number`.
    finding : str
        Id of the finding it comes from (:attr:`whychurn.findings.Row.id`).
    column : str
        Which column of that finding: estimate, conf_low, p_value, …
    """
    text = format_number(value, style)
    if text == MISSING:
        return Markup('<span class="missing">–</span>')
    source = f"{finding}.{column}" if finding else ""
    return Markup('<data value="{}" data-format="{}" data-finding="{}">{}</data>').format(
        repr(float(value)), style, source, text
    )
