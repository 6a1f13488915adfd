"""Which causes stand beside which in a model: total and direct effects by declared tiers and groups."""

from __future__ import annotations

from collections.abc import Sequence

from whychurn.panel import Candidate

UNADJUSTED, TOTAL, DIRECT = "unadjusted", "total", "direct"
KINDS = (UNADJUSTED, TOTAL, DIRECT)


def adjustment_set(cause: Candidate, candidates: Sequence[Candidate], kind: str) -> tuple[Candidate, ...]:
    """Return what `cause` is adjusted for.

    A total effect adjusts for earlier tiers and for the cause's own tier outside its group: never for what
    it may itself have brought about. A direct effect adjusts for every other group. A column that others
    determine never stands beside them: as a cause it leaves them out, as an adjustment it stays out itself.

    Parameters
    ----------
    cause : Candidate
        The cause in question.
    candidates : sequence of Candidate
        All causes in use, in the order of the study.
    kind : {"unadjusted", "total", "direct"}
        Which effect.
    """
    if kind == UNADJUSTED:
        return ()
    others = [other for other in candidates if other.column != cause.column and other.group != cause.group]
    if kind == TOTAL:
        others = [other for other in others if other.tier <= cause.tier]
    return tuple(other for other in others if not other.determined_by and other.column not in cause.determined_by)


def adjusted_for(cause: Candidate, candidates: Sequence[Candidate], kind: str) -> str:
    """Return the adjustment set as text for the findings."""
    return ", ".join(other.label for other in adjustment_set(cause, candidates, kind))
