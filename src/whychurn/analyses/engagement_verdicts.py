"""What the ratios say, by fixed rules: on falling use, on tickets with use, on calls to those at risk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from whychurn.analyses.adjustment import UNADJUSTED
from whychurn.analyses.engagement_base import BASE, CELLS, CONTACTS, DECLINE
from whychurn.analyses.engagement_pairs import CELL_LEVELS

#: Of p-values that are adjusted for the number of signs.
ALPHA = 0.05
#: Verdicts on falling use.
BEYOND, PERHAPS, NOT_BEYOND, REVERSE = (
    "warns beyond low use", "may warn beyond low use", "no more than low use", "the reverse",
)  # fmt: skip
#: On customers who use little and ask nothing.
GAVE_UP, NOT_SEEN = "gave up", "not seen"
#: On tickets and use together.
MORE, LESS, MULTIPLY = "more than multiplied", "less than multiplied", "no sign of interaction"
#: On calls to customers.
HIDDEN, EXPLAINED, HARMFUL, PROTECTIVE = "protective, hidden", "explained", "harmful all the same", "protective"
NO_SIGN, UNKNOWN = "no sign", "not estimated"
RULES = {
    BEYOND: "adjusted interval above 1, level of use held equal; p adjusted for the number of signs below 0.05",
    PERHAPS: "adjusted interval above 1, level of use held equal; p adjusted for the number of signs not below 0.05",
    NOT_BEYOND: "unadjusted interval above 1, adjusted interval holds 1",
    REVERSE: "adjusted interval below 1",
    GAVE_UP: "interval of no tickets with low use, against no tickets with high use, above 1",
    NOT_SEEN: "that interval holds 1, or lies below it",
    MORE: "interval of the product above 1",
    LESS: "interval of the product below 1",
    MULTIPLY: "interval of the product holds 1",
    HIDDEN: "adjusted interval below 1, unadjusted interval not",
    EXPLAINED: "unadjusted interval above 1, adjusted interval holds 1",
    HARMFUL: "adjusted interval above 1",
    PROTECTIVE: "both intervals below 1",
    NO_SIGN: "adjusted interval holds 1, unadjusted interval not above it",
    UNKNOWN: "no interval",
}


def verdict_rows(rows: Sequence[dict[str, Any]], outcome: str, conf_level: float) -> list[dict[str, Any]]:
    """Return the verdicts for the first outcome.

    Parameters
    ----------
    rows : sequence of dict
        Findings of the parts.
    outcome : str
    conf_level : float
        Of the intervals that the rules read.
    """
    mine = [row for row in rows if row["outcome"] == outcome]
    return [
        BASE
        | {
            "outcome": outcome,
            "estimand": "verdict",
            "method": "fixed rule",
            "term": term,
            "group": group,
            "grade": grade,
            "conf_level": conf_level,
            "definition": RULES[grade],
        }
        for term, group, grade in _verdicts(mine)
    ]


def _verdicts(rows: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    trend = [row for row in _ratios(rows, DECLINE) if row["level"] == "halved or worse"]
    if trend:
        crude, adjusted = _pair(trend)
        if adjusted is None:
            yield trend[0]["term"], DECLINE, UNKNOWN
        elif adjusted > 0:
            clear = any(row.get("p_adjusted", 1.0) < ALPHA for row in trend if row["effect_kind"] != UNADJUSTED)
            yield trend[0]["term"], DECLINE, BEYOND if clear else PERHAPS
        elif adjusted < 0:
            yield trend[0]["term"], DECLINE, REVERSE
        else:
            yield trend[0]["term"], DECLINE, NOT_BEYOND if crude is not None and crude > 0 else NO_SIGN
    cells = [row for row in _ratios(rows, CELLS) if row["level"] == CELL_LEVELS[1]]
    if cells:
        adjusted = _pair(cells)[1]
        yield "Few tickets and low use", CELLS, UNKNOWN if adjusted is None else GAVE_UP if adjusted > 0 else NOT_SEEN
    for row in rows:
        if row["estimand"] == "interaction_ratio":
            side = _side(row)
            yield row["term"], row["group"], UNKNOWN if side is None else (MULTIPLY, MORE, LESS)[side]
    for term in dict.fromkeys(row["term"] for row in _ratios(rows, CONTACTS)):
        mine = [row for row in _ratios(rows, CONTACTS) if row["term"] == term]
        most = mine[-1]["level"]
        yield term, CONTACTS, _on_calls(*_pair([row for row in mine if row["level"] == most]))


def _on_calls(crude: int | None, adjusted: int | None) -> str:
    if adjusted is None:
        return UNKNOWN
    if adjusted < 0:
        return PROTECTIVE if crude is not None and crude < 0 else HIDDEN
    if adjusted > 0:
        return HARMFUL
    return EXPLAINED if crude is not None and crude > 0 else NO_SIGN


def _ratios(rows: Sequence[dict[str, Any]], group: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["estimand"] == "hazard_ratio" and row.get("group") == group]


def _pair(rows: Sequence[dict[str, Any]]) -> tuple[int | None, int | None]:
    """Return on which side of 1 the interval lies, without adjustment and adjusted."""
    crude = next((_side(row) for row in rows if row["effect_kind"] == UNADJUSTED), None)
    adjusted = next((_side(row) for row in rows if row["effect_kind"] != UNADJUSTED), None)
    return crude, adjusted


def _side(row: dict[str, Any]) -> int | None:
    """Return +1 above 1, -1 below, 0 where the interval holds 1; None without an interval."""
    if "conf_low" not in row:
        return None
    return 1 if row["conf_low"] > 1 else -1 if row["conf_high"] < 1 else 0
