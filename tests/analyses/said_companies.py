"""Findings on engagement and reasons, of the company that tests share and of small ones; made once per worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

import pandas as pd
from companies import company, company_panel, company_study, settings_of

import whychurn as wc
from whychurn.findings import Findings

SMALL = (60, 8_000, 5)
Frames = dict[str, pd.DataFrame]

#: For companies of which any cause will do.
CAUSES = """
[[causes]]
column = "plan"
type = "category"
"""


@cache
def findings(name: str) -> Findings:
    """Findings of the shared company."""
    study, panel = company_panel()
    return wc.analyse(name, panel, study)


def of_small(
    name: str,
    causes: str,
    change: Callable[[Frames], None] | None = None,
    without: Iterable[str] = (),
    edit: dict[str, str] | None = None,
) -> Findings:
    """Findings of a small company with its tables changed."""
    frames = {table: frame.copy() for table, frame in company(*SMALL).frames.items()}
    if change is not None:
        change(frames)
    study, panel = company_study(frames, settings_of(*SMALL), causes=causes, without=without, edit=edit)
    return wc.analyse(name, panel, study)


def nobody_leaves(frames: Frames) -> None:
    """Take every end of a subscription away."""
    frames["subscriptions"][["ended_on", "cancelled_on", "end_reason"]] = None
    frames["accounts"] = frames["accounts"].drop(columns="churned")


def no_reasons(frames: Frames) -> None:
    """Take every reason away."""
    frames["subscriptions"]["end_reason"] = None
