"""Names in words: labels for columns, and guesses at what a misspelt name was meant to be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


def prettify(column: str) -> str:
    """Return a column name as a label: ``monthly_charges`` becomes ``Monthly charges``."""
    words = re.sub(r"[\s_]+", " ", re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", column)).strip()
    return (words[:1].upper() + words[1:])[:120] or column


def closest(name: str, known: Iterable[str]) -> str:
    """Return the known name most like `name`, ignoring case and punctuation, or ""."""
    plain = {re.sub(r"[\W_]+", "", other).casefold(): other for other in known}
    found = difflib.get_close_matches(re.sub(r"[\W_]+", "", name).casefold(), list(plain), n=1, cutoff=0.6)
    return plain[found[0]] if found else ""
