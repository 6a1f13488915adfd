"""Writing TOML by hand: any text as a string that reads back the same, and comments that stay comments."""

from __future__ import annotations

import json
from collections.abc import Iterable


def toml_string(text: str) -> str:
    """Return a basic string; quotes, backslashes, line ends and other control characters are escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_list(texts: Iterable[str]) -> str:
    """Return a list of strings."""
    return "[" + ", ".join(map(toml_string, texts)) + "]"


def comment(text: str) -> str:
    """Return text that may follow a ``#``: on one line, without control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
