"""Names from a customer's file: quoting them for the engine, guessing what was meant, showing them safely."""

from __future__ import annotations

import re
from collections.abc import Iterable

from whychurn.study import closest, prettify

__all__ = ["closest", "counted", "literal", "prettify", "quoted", "shown", "suggestion", "tokens"]


def quoted(name: str) -> str:
    """Return an SQL identifier for any name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return text as SQL, where no value can be bound: constants of this package, settings of readers, views."""
    return "'" + text.replace("'", "''") + "'"


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean …?" with the closest known name, or ""."""
    guess = closest(name, known)
    return f" Did you mean {shown(guess)}?" if guess else ""


def counted(n: int, one: str, many: str = "") -> str:
    """Return a count with its noun: ``1 cell``, ``1,200 cells``."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def shown(value: object, most: int = 60) -> str:
    """Return a value of the data in quotes for a message: on one line, without control characters, not too long."""
    text = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(value))
    return f"“{text if len(text) <= most else text[: most - 1] + '…'}”"


def tokens(name: str) -> tuple[str, ...]:
    """Return the words of a column name in lower case: ``churnReason`` gives ``("churn", "reason")``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return tuple(re.findall(r"[^\W_]+", spaced.casefold()))
