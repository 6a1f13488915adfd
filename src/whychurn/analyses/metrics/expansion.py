"""What customers who stay pay more or less for: users, edition, further subscriptions, or price and usage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from whychurn.analyses.metrics.base import LAST, label, last_year, money
from whychurn.panel import Panel
from whychurn.panel.movement_kinds import CONTRACTION, EXPANSION, NOT_RECORDED
from whychurn.study import TableStudy

KINDS = {"expansion": (*EXPANSION, NOT_RECORDED), "contraction": (*CONTRACTION, NOT_RECORDED)}
_DEFINITION = (
    "change of recurring revenue of customers who stay, by what changed in the contract on the same day: number of "
    "subscriptions first, then edition and users; what none of them explains is price or usage"
)


def expansion_rows(panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield expansion and contraction of the last twelve months by what changed in the contract."""
    changed = changes(panel)
    cell = last_year(panel)
    recent = changed[(changed["on"] >= cell.starts_on) & (changed["on"] < cell.ends_on)]
    for kind, hows in KINDS.items():
        mine = recent[recent["kind"] == kind]
        total = float(mine["change"].sum())
        for how in hows:
            group = mine[mine["how"] == how]
            if group.empty:
                continue
            amount = float(group["change"].sum())
            yield money(
                study, amount, estimand="change_by_kind", method=LAST, term=label(cell.starts_on, cell.ends_on, LAST),
                level=how, group=kind, numerator=abs(amount), denominator=abs(total), definition=_DEFINITION,
                n_accounts=int(group["account_id"].nunique()), n_events=len(group),
            )  # fmt: skip
            yield money(
                study, amount / total, estimand="change_share", method=LAST, level=how, group=kind, numerator=abs(amount),
                term=label(cell.starts_on, cell.ends_on, LAST), denominator=abs(total), n_events=len(group),
            ) | {"unit": "share"}  # fmt: skip


def changes(panel: Panel) -> pd.DataFrame:
    """Return changes of customers who stay: ``account_id``, ``on``, ``kind``, ``change`` (signed), ``how``."""
    moves = panel.tables["movements"]
    moves = moves[moves["kind"].isin(list(KINDS))]
    found = moves.merge(panel.tables["contract_changes"], on=["account_id", "spell", "on"], how="left")
    change = (found["mrr_after"] - found["mrr_before"]).astype(float)
    how = found["how"].where(found["how"].notna(), NOT_RECORDED)
    return found.assign(on=pd.to_datetime(found["on"]), change=change, how=how)
