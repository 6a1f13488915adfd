"""What a measure is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from whychurn.panel.measure_kinds import Compute

Group = Literal[
    "login", "use", "modules", "seats", "friction", "support", "surveys", "contacts", "events", "payments", "contract",
    "calendar",
]  # fmt: skip
#: Groups whose values stand still while a customer is under notice.
LAGGED = frozenset(
    ("login", "use", "modules", "seats", "friction", "support", "surveys", "contacts", "events", "payments")
)


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of the rows at risk.

    Attributes
    ----------
    name : str
        The column.
    label, unit, description : str
        For readers; the unit is "" for a category or a share.
    group : str
    needs : tuple of str
        The tables without which it does not exist.
    kind : {"number", "category"}
    values : tuple of str
        Of what there must be a single value at least, or the measure does not exist: columns as ``"tickets.closed_at"``,
        records of an action as ``"usage:login"``; alternatives as ``"usage:login|use"``.
    reads : frozenset of str
        Columns that it needs beyond the plainest: ``"user"``, ``"module"``, ``"peak"``, ``"value"`` of usage.
    whole : bool
        Whether its values are whole numbers.
    window : int
        Days that it looks back from the cut-off; 0 where it is the state as of a day.
    compute : callable
        From the state of a bucket to one value per row.
    """

    name: str
    label: str
    unit: str
    description: str
    group: Group
    needs: tuple[str, ...]
    compute: Compute = field(repr=False, compare=False)
    kind: Literal["number", "category"] = "number"
    values: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()
    whole: bool = False
    window: int = 0

    @property
    def lagged(self) -> bool:
        """Whether it stands still while a customer is under notice."""
        return self.group in LAGGED
