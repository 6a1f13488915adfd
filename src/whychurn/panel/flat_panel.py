"""The panel of a flat study: one row per customer, tenure instead of dates."""

from __future__ import annotations

import pandas as pd

from whychurn.panel.candidates import Candidate
from whychurn.panel.flat import flat_candidates, flat_intervals
from whychurn.panel.panel import FrameRows, Panel
from whychurn.panel.provenance import provenance
from whychurn.sources import LedgerStep, Sources
from whychurn.study import FlatStudy


def build_flat_panel(sources: Sources, study: FlatStudy) -> Panel:
    """Build the panel of a flat study; see :func:`whychurn.build_panel`."""
    file = sources.frame("accounts")
    candidates, values = flat_candidates(file, study, sources.detections)
    accounts = pd.DataFrame(
        {
            "account_id": file["account_id"].astype(str),
            "spell": 1,
            "duration": file["tenure"].astype(float),
            "event": file["churned"].astype(int),
            "amount": file["amount"].astype(float) if "amount" in file else float("nan"),
        }
    )
    for candidate in candidates:
        accounts[candidate.column] = values[candidate.column].to_numpy()
    intervals, step = flat_intervals(accounts, study)
    panel_ledger = (*sources.ledger, *_candidate_steps(candidates, accounts), step)
    return Panel(
        accounts=accounts,
        rows=FrameRows(intervals),
        candidates=candidates,
        ledger=panel_ledger,
        integrity=sources.integrity,
        verdict=sources.verdict,
        tables={"accounts_as_read": file},
        provenance=provenance(sources, study, accounts, len(intervals)),
    )


def _candidate_steps(candidates: tuple[Candidate, ...], accounts: pd.DataFrame) -> list[LedgerStep]:
    """Columns left out and levels merged change no row count, but the reader must see them in the ledger."""
    n = len(accounts)
    steps = []
    for candidate in candidates:
        if not candidate.used:
            rule = f"{candidate.label} ({candidate.column}) is left out: {candidate.reason}."
            steps.append(_step("column left out", rule, n, 0))
        for merge in candidate.merged:
            rule = (
                f"{candidate.column}: {merge.level!r} holds for exactly the customers with {merge.because_column} = "
                f"{merge.because_level!r}; where both stand in one model it is merged into {merge.into!r}. "
                "Curves and crosstabs show it as recorded."
            )
            affected = int((accounts[candidate.column] == merge.level).sum())
            steps.append(_step("level merged", rule, n, affected))
    return steps


def _step(step: str, rule: str, n: int, affected: int) -> LedgerStep:
    return LedgerStep(
        step=step,
        table="accounts",
        rule=rule,
        n_before=n,
        n_after=n,
        n_affected=affected,
        examples=(),
        note="",
    )
