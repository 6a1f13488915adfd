"""Lifetimes by segment: what customers are and what they bought, as it was when they were first seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from whychurn.analyses.value.base import ANALYSIS, FEWEST_OF_LEVEL, noted
from whychurn.analyses.value.lifetimes import METHOD
from whychurn.analyses.value.reckoning import ACQUISITION, TIME, TOTAL, Reckoning, columns_of, horizon_of
from whychurn.models import adjust_p_values
from whychurn.panel import Candidate, Panel

#: Tiers whose causes are segments, the most segments and levels, and the fewest customers of a level.
LATEST_TIER, MOST_SEGMENTS, MOST_LEVELS, FEWEST_CUSTOMERS, FEWEST_EVENTS = 2, 6, 12, 40, 5
#: Horizons in months that segments may fall back to, so that most of their levels are followed that far.
SHORTER = (24, 12, 6, 3)
FAMILY = "lifetimes by segment"


def segment_rows(reckoning: Reckoning, panel: Panel, horizon: int) -> list[dict[str, Any]]:
    """Return the lifetime of each level, and one test per segment of whether its levels differ.

    A customer belongs to the level it had on its first day observed: whoever is on the largest plan today stayed long
    enough to get there.
    """
    rows = reckoning.ledger.first_stays
    candidates = _candidates(panel)
    if not candidates:
        return [noted("segment_value", "The study declares no category in its first two tiers to look at.")]
    levels = _first_levels(panel, reckoning.ledger.spells, candidates)
    plans = [_plan(rows, levels[candidate.column], candidate, horizon) for candidate in candidates]
    common = _common(plans, horizon)
    out: list[dict[str, Any]] = []
    tests: list[dict[str, Any]] = []
    for candidate, plan in zip(candidates, plans, strict=True):
        own, test = _of(reckoning, rows, levels[candidate.column], candidate, plan, common)
        out += own
        tests += test
    for row, adjusted in zip(tests, adjust_p_values(np.array([row["p_value"] for row in tests]), "holm"), strict=True):
        row["p_adjusted"] = float(adjusted)
    return [*out, *tests]


def _candidates(panel: Panel) -> list[Candidate]:
    """Return declared causes that say who a customer is or what it bought; not how many days something is away."""
    states = {
        m.name for m in panel.measures if m.group != "contract" or m.unit == "days" or m.name == "days_to_renewal"
    }
    return [
        candidate
        for candidate in panel.ranked
        if candidate.tier <= LATEST_TIER
        and candidate.kind == "category"
        and candidate.column not in states
        and 2 <= len(candidate.levels) <= MOST_LEVELS
    ][:MOST_SEGMENTS]


def _first_levels(panel: Panel, spells: pd.DataFrame, candidates: list[Candidate]) -> pd.DataFrame:
    """Return the level of each stay in its first row at risk, in the order of `spells`."""
    measured = {measure.name for measure in panel.measures}
    dated = [candidate.column for candidate in candidates if candidate.column in measured]
    out = panel.accounts[["account_id", "spell", *(c.column for c in candidates if c.column not in dated)]]
    if dated:
        rows = panel.rows.read(["account_id", "spell", *dated])
        out = out.merge(rows.drop_duplicates(["account_id", "spell"]), on=["account_id", "spell"], how="left")
    return spells[["account_id", "spell"]].merge(out, on=["account_id", "spell"], how="left")


def _plan(rows: pd.DataFrame, levels: pd.Series, candidate: Candidate, horizon: int) -> dict[str, int | str]:
    """Return how far each level is followed in months, or why it has no lifetime of its own."""
    mine = levels.to_numpy()[rows["place"]]
    plan: dict[str, int | str] = {}
    for level in candidate.levels:
        own = rows[mine == level]
        n, events = own["account_id"].nunique(), int(own["event"].sum())
        if n < FEWEST_CUSTOMERS or events < FEWEST_EVENTS:
            plan[level] = f"Too few: {n:,} customers, {events:,} of whom left."
        else:
            plan[level] = horizon_of(own, horizon, FEWEST_OF_LEVEL)
    return plan


def _common(plans: list[dict[str, int | str]], horizon: int) -> int:
    """Return the longest horizon that two thirds of all levels with enough customers are followed to."""
    reaches = [reach for plan in plans for reach in plan.values() if isinstance(reach, int)]
    for months in (horizon, *(m for m in SHORTER if m < horizon)):
        if reaches and sum(reach >= months for reach in reaches) >= 2 / 3 * len(reaches):
            return months
    return 0


def _of(
    reckoning: Reckoning,
    rows: pd.DataFrame,
    levels: pd.Series,
    candidate: Candidate,
    plan: dict[str, int | str],
    common: int,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    base: dict[str, Any] = {
        "analysis": ANALYSIS, "method": METHOD, "term": candidate.label, "time": float(common), "declared": "in advance",
        "effect_kind": "unadjusted", "conf_level": reckoning.study.confidence_level,
    }  # fmt: skip
    out = []
    kept = [level for level, reach in plan.items() if isinstance(reach, int) and 0 < common <= reach]
    for level, reach in plan.items():
        if level not in kept:
            short = f"Followed with at least {FEWEST_OF_LEVEL} customers for {reach} months only."
            note = reach if isinstance(reach, str) else short
            out.append(base | {"estimand": "segment_value", "level": level, "unit": "amount", "note": note})
    if not kept:
        return out, []
    mine = pd.Series(levels.to_numpy()[rows["place"]], rows.index)
    own = rows[mine.isin(kept)].assign(level=pd.Categorical(mine[mine.isin(kept)], categories=kept))
    parts = [reckoning.time(own, [common], "level")]
    if reckoning.ledger.has_amounts:
        parts.append(reckoning.money(own, [common], "level"))
    found = pd.concat(parts, ignore_index=True)
    part = TOTAL if TOTAL in set(found["part"]) else next(p for p in (*found["part"].unique()[::-1],))
    values = found[found["part"] == part].set_index("group").loc[kept]
    for level, each in zip(kept, values.itertuples(), strict=True):
        row = base | columns_of(each) | {"estimand": "segment_value", "level": level, "unit": "amount"}
        if part == TIME:
            row |= {"unit": "months"}
        elif ACQUISITION in set(found["part"]) and row["estimate"] != row["estimate"]:
            row |= {"note": "No cost of winning a customer is recorded here."}
        out.append(row | {"definition": "as for all customers, of those at this level on their first day observed"})
    for each in found[found["part"] == TIME].itertuples():
        out.append(base | columns_of(each) | {"estimand": "segment_months", "level": str(each.group), "unit": "months"})
    return out, _test(base, values)


def _test(base: dict[str, Any], values: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a Wald test that all levels have one value (levels hold different customers)."""
    known = values[(values["std_error"] > 0) & values["estimate"].notna()]
    if len(known) < 2:
        return []
    weight = 1 / known["std_error"] ** 2
    centre = float((weight * known["estimate"]).sum() / weight.sum())
    statistic, df = float((weight * (known["estimate"] - centre) ** 2).sum()), len(known) - 1
    return [
        base
        | {
            "estimand": "segment_test", "method": "Wald test of equal lifetimes", "statistic": statistic, "df": df,
            "p_value": float(stats.chi2.sf(statistic, df)), "family": FAMILY,
            "n_accounts": int(known["n"].sum()), "n_events": int(known["n_events"].sum()),
        }
    ]  # fmt: skip
