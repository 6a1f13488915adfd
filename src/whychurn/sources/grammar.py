"""How a number may be written in a file. Everything else is text, said aloud, never repaired by guessing.

The patterns are read by Python's ``re`` and by the engine's RE2 alike.
"""

from __future__ import annotations

import re

NUMBER_POINT = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
NUMBER_COMMA = r"[+-]?(?:[0-9]+(?:,[0-9]*)?|,[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
#: White space that may stand around a value, no-break space included.
SPACE = " \t\r\n\u00a0\u202f"
CURRENCY = "$€£¥₹%"


def number_pattern(decimal: str) -> str:
    """Return the pattern of a number with this decimal mark."""
    return NUMBER_COMMA if decimal == "," else NUMBER_POINT


def looks_like_a_number(text: str) -> bool:
    """Whether a text was meant as a number, though it is none by the rules: ``€99``, ``1,234.50``, ``12 %``."""
    stripped = text.strip(SPACE + CURRENCY).replace("\u2212", "-")
    return bool(
        re.fullmatch(r"[+-]?[0-9]{1,3}([., '\u00a0\u202f’][0-9]{3})*([.,][0-9]+)?|[+-]?[0-9]+([.,][0-9]+)?", stripped)
    )


def what_to_do(examples: list[str], decimal: str) -> str:
    """Return the fix for values that are not numbers, judged by a few of them."""
    joined = " ".join(examples)
    if any(letter in joined for letter in CURRENCY):
        return "Export the column without currency or percent signs."
    if decimal == "." and any(re.fullmatch(r"[+-]?[0-9]+,[0-9]{1,2}", text.strip(SPACE)) for text in examples):
        return 'If the comma is the decimal mark, write decimal = "," under [source].'
    if decimal == "," and any(re.fullmatch(r"[+-]?[0-9]+\.[0-9]+", text.strip(SPACE)) for text in examples):
        return 'If the point is the decimal mark, write decimal = "." under [source].'
    if any(looks_like_a_number(text) for text in examples):
        return "Export the column without thousands separators."
    return "Correct the values, or list the texts that mean “no value” in null_values under [source]."
