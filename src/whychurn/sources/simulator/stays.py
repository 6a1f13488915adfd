"""One uninterrupted time of service, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from whychurn.sources.simulator.settings import NEVER

VOLUNTARY, INVOLUNTARY, BANKRUPTCY = 1, 2, 3
CAUSES = {VOLUNTARY: "voluntary", INVOLUNTARY: "involuntary", BANKRUPTCY: "bankruptcy"}


@dataclass
class Stay:
    """One uninterrupted time of service of one account.

    Attributes
    ----------
    account : int
        Position in the block.
    spell : int
        From 1; a return within the allowed gap continues the spell.
    spell_started, entered : int
        First day of the spell, and the day from which it is at risk.
    begins, ends : int
        First day of service, first day without; ``NEVER`` while still a customer.
    cause : int
        One of ``VOLUNTARY``, ``INVOLUNTARY``, ``BANKRUPTCY``; 0 while still a customer.
    counts : bool
        Whether the end is a churn under the declared definition: not followed by a return within the allowed gap.
    signs : dict
        Measures on the row in which it left.
    """

    account: int
    spell: int
    spell_started: int
    entered: int
    begins: int
    ends: int = NEVER
    cause: int = 0
    counts: bool = False
    signs: dict[str, float] = field(default_factory=dict)
