"""What a flat table of lifetime totals would say, beside what was known at the time: why the panel is worth its trouble.

A customer who stays long has time to use everything more, so lifetime totals "protect" whatever the truth: time that had
to be survived to collect the uses is counted for the uses (immortal time; Suissa 2008, Am. J. Epidemiol. 167:492).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.common import OUTCOME
from whychurn.analyses.feature_fits import PROTECTIVE, Estimate, verdict
from whychurn.analyses.feature_models import UsageModels
from whychurn.analyses.feature_rows import FeatureRows, Module, raw_name
from whychurn.models import adjust_p_values
from whychurn.panel import Panel
from whychurn.study import TableStudy

ANALYSIS, METHOD, NAIVE = "feature_usage", "Cox on one row per customer, lifetime totals", "naive"


def lifetime_totals(rows: pd.DataFrame, modules: Sequence[Module], interval_days: int) -> np.ndarray:
    """Return what each spell used of each module in the whole of its recorded life, shape (spells, modules).

    Windows that follow on each other without overlap, back from the last row of each spell, are added up; what was not
    recorded counts nothing, as in an export that knows no gaps.
    """
    spell = (~rows.duplicated(["account_id", "spell"])).to_numpy().cumsum() - 1
    left = np.bincount(spell)[spell] - 1 - rows.groupby(spell).cumcount().to_numpy()
    out = np.zeros((int(spell[-1]) + 1, len(modules)))
    for place, module in enumerate(modules):
        chosen = left % max(1, module.window // interval_days) == 0
        values = np.nan_to_num(rows.loc[chosen, raw_name(module.uses)].to_numpy(dtype=float))
        out[:, place] = np.bincount(spell[chosen], weights=values, minlength=len(out))
    return out


def naive_rows(
    panel: Panel,
    study: TableStudy,
    rows: FeatureRows,
    modules: Sequence[Module],
    cause: str,
    verdicts: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Return hazard ratios of typical lifetime totals against none, and how many modules each way of counting praises.

    Parameters
    ----------
    panel : Panel
    study : TableStudy
    rows : FeatureRows
    modules : sequence of Module
    cause : str
        Of leaving, "" for all.
    verdicts : Mapping of str to str
        Module -> verdict by what was known at the time.
    """
    measures = {measure.name for measure in panel.measures}
    attributes = [c for c in panel.used if c.column not in measures and not c.determined_by]
    totals = lifetime_totals(rows.rows, modules, study.interval_days)
    flat = rows.last[["account_id", "spell", "stop", "event", "cause", "cluster"]].assign(start=0)
    # Accounts come in the order of their spells, as rows do.
    flat = flat.assign(**{c.column: panel.accounts[c.column].to_numpy() for c in attributes})
    own = {f"own_{place}": np.log1p(totals[:, place]) for place in range(len(modules))}
    fit = UsageModels(flat, attributes).fit(cause, own)
    usual = [float(np.median(t[t > 0])) if (t > 0).any() else math.nan for t in totals.T]
    ratios = [
        (
            fit.number(name).times(math.log1p(amount))
            if amount > 0
            else Estimate(math.nan, math.nan, "Nobody used it.")
        ).columns(study.confidence_level)
        for name, amount in zip(own, usual, strict=True)
    ]
    adjusted = adjust_p_values([row.get("p_value", math.nan) for row in ratios], method="bh")
    left = (flat["event"] == 1) & ((flat["cause"] == cause) if cause else True)
    out = []
    for place, (module, row, p_adjusted) in enumerate(zip(modules, ratios, adjusted, strict=True)):
        used = totals[:, place] > 0
        out.append(
            {
                "analysis": ANALYSIS,
                "outcome": cause or OUTCOME,
                "method": METHOD,
                "term": module.name,
                "level": f"{usual[place]:,.6g} uses" if usual[place] > 0 else "in use",
                "reference": "no use",
                "estimand": "hazard_ratio",
                "effect_kind": NAIVE,
                "adjusted_for": ", ".join(
                    [*fit.adjusted_for, *(f"uses of {m.name}" for m in modules if m is not module)]
                ),
                "definition": "median lifetime total of those who used it against none; ignores when it was used",
                "p_adjusted": float(p_adjusted),
                "family": f"{len(modules)} modules",
                "grade": verdict(row, float(p_adjusted), fit.events_per_coefficient),
                "n_accounts": int(flat.loc[used, "account_id"].nunique()),
                "n_events": int((left & used).sum()),
            }
            | row
        )
    naive = [str(row["grade"]) for row in out]
    return [*out, _count(naive, NAIVE, cause), _count(list(verdicts.values()), "total", cause)]


def _count(grades: Sequence[str], kind: str, cause: str) -> dict[str, Any]:
    return {
        "analysis": ANALYSIS,
        "outcome": cause or OUTCOME,
        "method": METHOD if kind == NAIVE else "Cox, Efron ties",
        "term": "All modules",
        "estimand": "n_protective",
        "effect_kind": kind,
        "estimate": sum(grade == PROTECTIVE for grade in grades),
        "numerator": sum(grade == PROTECTIVE for grade in grades),
        "denominator": len(grades),
        "unit": "modules",
        "definition": "modules with the verdict protective",
    }
