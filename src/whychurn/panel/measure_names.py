"""Modules and kinds of events as parts of column names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping


def column_parts(names: Iterable[str]) -> Mapping[str, str]:
    """Return a part of a column name for each name, in the order given.

    Lower case, with ``_`` for whatever is neither letter nor digit; names that become the same get ``_2``, ``_3`` in
    alphabetical order.

    Examples
    --------
    >>> column_parts(["Time & Billing", "time-billing", "CRM"])
    {'Time & Billing': 'time_billing', 'time-billing': 'time_billing_2', 'CRM': 'crm'}
    """
    given = list(dict.fromkeys(names))
    parts: dict[str, str] = {}
    taken: set[str] = set()
    for name in sorted(given):
        plain = re.sub(r"[\W_]+", "_", name.lower()) or "_"
        part, n = plain, 1
        while part in taken:
            n += 1
            part = f"{plain}_{n}"
        parts[name] = part
        taken.add(part)
    return {name: parts[name] for name in given}
