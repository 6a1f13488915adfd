"""Do support, satisfaction and falling use warn of leaving? Decline, tickets, ratings, and what help seems to do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.adjusted import RELATION_GROUPS, adjusters_of
from whychurn.analyses.adjustment import DIRECT, TOTAL, UNADJUSTED
from whychurn.analyses.engagement_base import BASE, CONTACTS, DECLINE, SILENCE, SUPPORT, Setting, lacking_row
from whychurn.analyses.engagement_cells import cell_rows, rating_rows, support_effect
from whychurn.analyses.engagement_chosen import chosen_rows
from whychurn.analyses.engagement_signals import signals
from whychurn.analyses.engagement_verdicts import verdict_rows
from whychurn.analyses.risk_rows import risk_rows
from whychurn.findings import Findings
from whychurn.models import adjust_p_values
from whychurn.panel import Panel
from whychurn.study import Study

#: What the ratios of each part are adjusted for.
BESIDE = "hazard ratio adjusted for earlier tiers; change of use and level of use each at the other held equal"
BESIDE_ALL = f"{BESIDE}; and for the declared measures of use, such as the time since the last login"
EARLIER = "hazard ratio adjusted for earlier tiers"
ALL_ELSE = (
    "hazard ratio adjusted for earlier tiers and for other causes of the same tier, each of these at the others' mean"
)


def run(panel: Panel, study: Study) -> Findings:
    """Hazard ratios of signs of engagement, without adjustment and adjusted; what tickets and use say together.

    The signs are cut into levels that were fixed before any data were seen; a median or a third is one of the rows at
    risk, whoever left. Voluntary leaving comes first where the study says what reasons for leaving mean.
    """
    signs = signals(panel)
    rows = risk_rows(panel, study)
    found = [lacking_row(key, why) for key, why in signs.lacking.items()]
    if not (rows["event"] == 1).any():
        note = "Nobody left in the window, so nothing warned of leaving."
        return Findings.from_rows([*found, BASE | {"estimand": "verdict", "term": "Everything", "note": note}])
    setting = Setting.of(rows, signs, panel, study)
    for outcome in setting.outcomes:
        part: list[dict[str, Any]] = []
        for rows_of in (_decline, _support, _tickets, cell_rows, rating_rows, chosen_rows):
            part += rows_of(setting, outcome)
        found += _with_adjusted_p(part, setting, outcome)
    found += _exposure(setting)
    found += verdict_rows(found, setting.outcomes[0], study.confidence_level)
    return Findings.from_rows(found)


def _decline(setting: Setting, outcome: str) -> list[dict[str, Any]]:
    """Change of use beside the level of use: rows on which a customer has a usual level to compare with."""
    own = [sign for sign in (setting.signs.trend, setting.signs.level) if sign is not None]
    if setting.signs.trend is None:
        return []
    where = np.logical_and.reduce([pd.notna(sign.values) for sign in own])
    earlier = adjusters_of(setting.panel)
    rows = [
        *setting.unadjusted(own, outcome, DECLINE, where),
        *setting.adjusted(own, earlier, DIRECT, outcome, DECLINE, BESIDE, where),
    ]
    more = adjusters_of(setting.panel, RELATION_GROUPS)
    if outcome == setting.outcomes[0] and {one.column for one in more} > {one.column for one in earlier}:
        rows += setting.adjusted(own, more, DIRECT, outcome, SILENCE, BESIDE_ALL, where)
    return rows


def _support(setting: Setting, outcome: str) -> list[dict[str, Any]]:
    """Open tickets, the last rating and contacts in one model: each adjusted for the others and all that came before."""
    signs = setting.signs
    rows: list[dict[str, Any]] = []
    for group, measured in ((SUPPORT, (signs.open_tickets, signs.rating)), (CONTACTS, (signs.saves, signs.contacts))):
        own = [sign for sign in measured if sign is not None]
        rows += setting.unadjusted(own, outcome, group)
        for sign in own:
            effect = support_effect(setting, sign.candidate, outcome)
            rows += setting.effect_rows(effect, TOTAL, outcome, group, ALL_ELSE, sign.definition)
    return rows


def _tickets(setting: Setting, outcome: str) -> list[dict[str, Any]]:
    """Tickets of twelve weeks: open ones are among them, so each is adjusted for what comes before support alone."""
    tickets = setting.signs.tickets
    if tickets is None:
        return []
    adjusters = adjusters_of(setting.panel, ("support",))
    return [
        *setting.unadjusted([tickets], outcome, SUPPORT),
        *setting.adjusted([tickets], adjusters, TOTAL, outcome, SUPPORT, EARLIER),
    ]


def _with_adjusted_p(rows: list[dict[str, Any]], setting: Setting, outcome: str) -> list[dict[str, Any]]:
    """Adjust the contrast that each sign is about, by Benjamini-Hochberg over the signs: one family per outcome."""
    about = {(sign.candidate.label, sign.candidate.compare) for sign in setting.signs}
    chosen = [
        row
        for row in rows
        if row["estimand"] == "hazard_ratio"
        and row["effect_kind"] != UNADJUSTED
        and row["group"] in (DECLINE, SUPPORT, CONTACTS)
        and (row["term"], row["level"]) in about
        and "p_value" in row
    ]
    if not chosen:
        return rows
    for row, p in zip(chosen, adjust_p_values([row["p_value"] for row in chosen], method="bh"), strict=True):
        row |= {"p_adjusted": float(p), "family": f"what {len(chosen)} signs of engagement warn of, {outcome}"}
    return rows


def _exposure(setting: Setting) -> list[dict[str, Any]]:
    """How much of the time at risk was spent at each level."""
    rows = setting.rows
    days = (rows["stop"] - rows["start"]).to_numpy()
    out = []
    for sign in setting.signs:
        levels = pd.Series(sign.values, dtype=object)
        spent = pd.Series(days).groupby(levels.where(levels.notna(), "not recorded")).sum()
        for level in [level for level in (*sign.candidate.levels, "not recorded") if level in spent.index]:
            out.append(
                BASE
                | {
                    "estimand": "time_share",
                    "method": "count",
                    "term": sign.candidate.label,
                    "level": level,
                    "group": sign.column,
                    "unit": "share",
                    "estimate": float(spent[level] / days.sum()),
                    "numerator": float(spent[level]),
                    "denominator": float(days.sum()),
                    "definition": sign.definition,
                }
            )
    return out
