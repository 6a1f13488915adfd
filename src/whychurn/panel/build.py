"""Build the panel of a study from its sources."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

import pandas as pd

from whychurn.panel.candidates import Candidate
from whychurn.panel.flat import flat_candidates, flat_intervals
from whychurn.panel.panel import Panel
from whychurn.sources import LedgerStep, Sources
from whychurn.study import Study

#: Packages whose numbers end up in findings.
RECORDED = (
    "whychurn",
    "numpy",
    "scipy",
    "pandas",
    "statsmodels",
    "formulaic",
    "duckdb",
    "matplotlib",
    "seaborn",
)


def build_panel(sources: Sources, study: Study) -> Panel:
    """Build the panel: rows at risk, candidates, and the ledger of every row left out.

    Parameters
    ----------
    sources : Sources
        Validated tables (:func:`whychurn.open_sources`).
    study : Study
        The question (:func:`whychurn.read_study`).

    Returns
    -------
    Panel
        For a flat study each customer is one row over ``(0, tenure]``, in the study's own time unit.

    Raises
    ------
    PanelError
        If no customer has time at risk.
    """
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
        intervals=intervals,
        candidates=candidates,
        ledger=panel_ledger,
        integrity=sources.integrity,
        verdict=sources.verdict,
        tables={"accounts_as_read": file},
        provenance=_provenance(sources, study, accounts, intervals),
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


def _provenance(sources: Sources, study: Study, accounts: pd.DataFrame, intervals: pd.DataFrame) -> dict[str, Any]:
    read = max(step.n_before for step in sources.ledger) if sources.ledger else len(accounts)
    return {
        "study": study.name,
        "description": study.description,
        "as_of": study.as_of,
        "time_unit": study.time_unit,
        "currency": study.currency,
        "amount_name": study.columns.amount_name if study.columns.amount else "",
        "horizon": float(study.horizon),
        "confidence_level": study.confidence_level,
        "tiers": list(study.tiers),
        "leavers_in_file": study.churn.leavers_in_file,
        "window": float(study.churn.window or 0),
        "n_accounts": len(accounts),
        "n_events": int(accounts["event"].sum()),
        "n_excluded": int(read - len(intervals)),
        "verdict": sources.verdict.grade,
        "accepted_risk": sources.verdict.accepted_risk,
        "files": [{"file": mark.file, "sha256": mark.sha256, "rows": mark.rows} for mark in sources.fingerprints],
        "study_sha256": study.digest,
        "seed": study.seed,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in RECORDED}},
    }
