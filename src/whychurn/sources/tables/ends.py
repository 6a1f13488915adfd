"""The day on which a subscription ends, by a definition of leaving: one expression for checks and panel."""

from __future__ import annotations

from whychurn.study import Definition


def end_of_service(definition: Definition) -> str:
    """Return SQL for the first day without service of a subscription, null while it is active."""
    # ``least`` passes over nulls.
    return "ended_on" if definition.recognise == "term end" else "least(ended_on, cancelled_on)"
