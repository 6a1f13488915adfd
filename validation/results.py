"""All records, as the page reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True)
class Results:
    """Records by part and arm.

    Attributes
    ----------
    effects, table : dict of str to list
        Arm -> records.
    frames : list
    surveys : list
    truth : dict of str to dict
        Arm -> what is true of total effects.
    """

    effects: dict[str, list[Record]]
    table: dict[str, list[Record]]
    frames: list[Record]
    truth: dict[str, Record]
    surveys: list[Record] = field(default_factory=list)
