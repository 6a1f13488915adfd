"""Where the numbers come from: study, data, seed and versions."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

import pandas as pd

from whychurn.sources import Sources
from whychurn.study import Study, TableStudy

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


def provenance(sources: Sources, study: Study, accounts: pd.DataFrame, n_rows: int) -> dict[str, Any]:
    """Return what is stamped on every finding.

    Parameters
    ----------
    sources : Sources
    study : Study
    accounts : pandas.DataFrame
        With ``event``.
    n_rows : int
        Customers or spells with time at risk.
    """
    read = max(step.n_before for step in sources.ledger) if sources.ledger else len(accounts)
    return {
        "study": study.name,
        "description": study.description,
        "as_of": study.as_of,
        "time_unit": study.time_unit,
        "currency": study.currency,
        "amount_name": study.amount_name,
        "horizon": float(study.horizon),
        "confidence_level": study.confidence_level,
        "tiers": list(study.tiers),
        "words": {cause.label: dict(cause.words) for cause in study.causes if cause.words},
        "actions": {cause.label: cause.action for cause in study.causes if cause.action},
        "leavers_in_file": study.churn.leavers_in_file,
        "window": float(study.churn.window or 0),
        "n_accounts": len(accounts),
        "n_events": int(accounts["event"].sum()),
        "n_excluded": int(read - n_rows),
        "verdict": sources.verdict.grade,
        "accepted_risk": sources.verdict.accepted_risk,
        "files": [{"file": mark.file, "sha256": mark.sha256, "rows": mark.rows} for mark in sources.fingerprints],
        "study_sha256": study.digest,
        "seed": study.seed,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in RECORDED}},
    }


def table_provenance(sources: Sources, study: TableStudy, accounts: pd.DataFrame) -> dict[str, Any]:
    """Return what is stamped on every finding of a study of tables.

    Parameters
    ----------
    sources : Sources
    study : TableStudy
    accounts : pandas.DataFrame
        One row per spell at risk, with ``account_id`` and ``event``.
    """
    n_accounts = int(accounts["account_id"].nunique())
    return {
        **provenance(sources, study, accounts, len(accounts)),
        "n_accounts": n_accounts,
        "n_spells": len(accounts),
        "n_excluded": sources.tables["accounts"] - n_accounts,
        "observed_from": study.observed_from.isoformat(),
        "observed_to": study.observed_to.isoformat(),
        "interval_days": study.interval_days,
        "lag_days": study.lag_days,
        "definition": study.definition.model_dump(),
        "tracked_from": {name: day.isoformat() for name, day in sources.tracked_from.items()},
    }
