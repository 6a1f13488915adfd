"""Companies whose industries are compared: as simulated, and with industries renamed or records changed."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from companies import company, company_panel, company_study, settings_of

import whychurn as wc

FEW = ("industry", "size_band", "region", "channel", "quarter", "plan", "uses_28_reporting", "open_tickets")
SMALL = settings_of(160, 20_000, 5)


def with_causes(panel, columns=FEW):
    """A panel with some of its causes: models of all twenty are for the whole report."""
    return replace(panel, candidates=tuple(c for c in panel.candidates if c.column in columns))


@cache
def answered():
    study, panel = company_panel()
    panel = with_causes(panel)
    return study, panel, wc.analyse("industry", panel, study)


def small_company(industries=None, edit=None, columns=FEW, **study):
    """A company of 160, its industries renamed by account, analysed."""
    frames = {name: frame.copy() for name, frame in company(160, 20_000, 5).frames.items()}
    if industries is not None:
        frames["accounts"]["industry"] = industries(frames["accounts"])
    if edit is not None:
        edit(frames)
    study, panel = company_study(frames, SMALL, **study)
    return study, panel, wc.analyse("industry", with_causes(panel, columns), study)


def never_ended():
    """Accounts of the small company of which no subscription ever ended."""
    subscriptions = company(160, 20_000, 5).frames["subscriptions"]
    return sorted(
        set(subscriptions["account_id"]) - set(subscriptions.loc[subscriptions["ended_on"].notna(), "account_id"])
    )
