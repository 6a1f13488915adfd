"""Can these data carry an answer? Verdict, ledger, missing values, and what would fool a naive analysis."""

from __future__ import annotations

from typing import Any

import pandas as pd

from whychurn.analyses.data_quality_base import BASE
from whychurn.analyses.data_quality_tables import table_rows
from whychurn.analyses.hazards import second_reading
from whychurn.analyses.rows import model_rows
from whychurn.errors import FitError
from whychurn.findings import Findings
from whychurn.models import fit_cox, fit_kaplan_meier
from whychurn.panel import Candidate, Panel
from whychurn.panel.candidates import MISSING_LEVEL, resolve_candidate
from whychurn.study import Study, TableStudy


def run(panel: Panel, study: Study) -> Findings:
    """Return the verdict and its reasons, every ledger step, and the damage a naive analysis would do.

    Of a study of tables: besides, who is in it, what was recorded when, whether all were followed alike, and how much
    of each measure is known.
    """
    if isinstance(study, TableStudy):
        return Findings.from_rows([*_verdict_rows(panel), *_ledger_rows(panel, "rows"), *table_rows(panel, study)])
    rows = [
        *_verdict_rows(panel),
        *_ledger_rows(panel),
        *_integrity_rows(panel),
        *_missing_rows(panel),
        *_accumulation_rows(panel, study),
        *_window_rows(panel, study),
    ]
    return Findings.from_rows(rows)


def _verdict_rows(panel: Panel) -> list[dict[str, Any]]:
    verdict = panel.verdict
    rows = [
        BASE
        | {
            "estimand": "verdict",
            "term": "These data",
            "grade": verdict.grade,
            "note": verdict.accepted_risk,
            "n_accounts": panel.accounts["account_id"].nunique(),
            "n_events": int(panel.accounts["event"].sum()),
        }
    ]
    rows += [
        BASE | {"estimand": "reason", "term": "These data", "level": f"{index:02d}", "note": reason}
        for index, reason in enumerate(verdict.reasons, start=1)
    ]
    return rows


def _ledger_rows(panel: Panel, unit: str = "customers") -> list[dict[str, Any]]:
    return [
        BASE
        | {
            "estimand": "ledger",
            "term": step.table,
            "level": f"{index:02d} {step.step}",
            "unit": unit,
            "estimate": step.n_affected,
            "denominator": step.n_before,
            "numerator": step.n_after,
            "definition": step.rule,
            "note": step.note,
        }
        for index, step in enumerate(panel.ledger, start=1)
    ]


def _integrity_rows(panel: Panel) -> list[dict[str, Any]]:
    return [
        BASE
        | {
            "estimand": "integrity",
            "term": found.column or found.table,
            "level": f"{index:02d} {found.code}",
            "group": found.severity,
            "estimate": found.count,
            "unit": "rows",
            "definition": found.problem,
            "note": " ".join(part for part in (found.consequence, found.action) if part),
        }
        for index, found in enumerate(panel.integrity, start=1)
    ]


def _missing_rows(panel: Panel) -> list[dict[str, Any]]:
    n = len(panel.accounts)
    return [
        BASE
        | {
            "estimand": "missing_share",
            "term": candidate.label,
            "unit": "share",
            "estimate": candidate.n_missing / n,
            "numerator": candidate.n_missing,
            "denominator": n,
            "note": candidate.note,
            "definition": f"customers without a value; kept as {MISSING_LEVEL!r} in categories",
        }
        for candidate in panel.candidates
    ]


def _accumulation_rows(panel: Panel, study: Study) -> list[dict[str, Any]]:
    """Concordance of the naive model, with the accumulating columns in it, beside the honest one."""
    file = panel.tables["accounts_as_read"]
    rows = panel.intervals
    honest = [candidate for candidate in panel.used if not candidate.determined_by]
    found = [candidate for candidate in panel.candidates if "accumulates with tenure" in candidate.reason]
    if not found or not honest:
        return []
    naive: list[Candidate] = []
    by_id = file.set_index(file["account_id"].astype(str))
    for candidate in found:
        cause = next(cause for cause in study.causes if cause.column == candidate.column)
        usable, _ = resolve_candidate(cause, by_id[candidate.column])
        naive.append(usable)
        rows = rows.assign(**{candidate.column: by_id.loc[rows["account_id"], candidate.column].to_numpy()})
    names = ", ".join(candidate.label for candidate in found)
    out = []
    for level, terms in (("without", honest), ("with", [*honest, *naive])):
        row = BASE | {
            "estimand": "concordance",
            "term": names,
            "level": level,
            "method": "Cox, Efron ties",
            "unit": "0.5 to 1",
            "definition": "chance that of two customers the one predicted to leave sooner does (Harrell)",
        }
        try:
            coded = model_rows(rows, terms)
            result = fit_cox(coded.frame, coded.terms, time="stop", event="event").concordance()
            row |= {
                "estimate": result.estimate,
                "std_error": result.std_error,
                "n_accounts": len(coded.frame),
            }
        except FitError as problem:
            row |= {"note": f"Not estimated: {problem}"}
        out.append(row)
    return out


def _window_rows(panel: Panel, study: Study) -> list[dict[str, Any]]:
    """Survival at the horizon under both readings of the file: all leavers ever, or recent leavers only."""
    recent = second_reading(panel.intervals, study)
    if recent is None:
        return []
    readings: list[tuple[str, pd.DataFrame, str | None]] = [
        ("every leaver is in the file", panel.intervals, None),
        ("only recent leavers are in the file", recent, "start"),
    ]
    out = []
    for level, rows, start in readings:
        fit = fit_kaplan_meier(rows, "stop", "event", start=start, conf_level=study.confidence_level)
        point = fit.at([float(study.horizon)]).iloc[0]
        out.append(
            BASE
            | {
                "estimand": "survival",
                "method": "Kaplan-Meier",
                "term": "Everyone",
                "level": level,
                "time": study.horizon,
                "unit": "share",
                "estimate": point["survival"],
                "std_error": point["std_error"],
                "conf_low": point["conf_low"],
                "conf_high": point["conf_high"],
                "conf_level": study.confidence_level,
                "definition": "share still a customer at the horizon, if " + level,
            }
        )
    return out
