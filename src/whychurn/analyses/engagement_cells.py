"""Two signs at a time: tickets with use, the last rating with open tickets. Is it more, or less, than both alone?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.adjusted import adjusters_of
from whychurn.analyses.adjustment import DIRECT, TOTAL
from whychurn.analyses.common import OUTCOME
from whychurn.analyses.contrasts import Contrast, Effect
from whychurn.analyses.engagement_base import BASE, CELLS, METHOD, RATINGS, Setting
from whychurn.analyses.engagement_pairs import CELL_LEVELS, RATING_AND_TICKETS, TICKETS_AND_USE
from whychurn.analyses.interaction import Combination, excess_of, ratio_of
from whychurn.panel import Candidate

#: Fewer leavers in one of the four cells, and nothing is said about two signs together.
FEWEST_IN_A_CELL = 5
FEW = f"Fewer than {FEWEST_IN_A_CELL} leavers in one of its four cells, so nothing can be said about both together."


def cell_rows(setting: Setting, outcome: str) -> list[dict[str, Any]]:
    """Return leaving by tickets and use: four cells against no tickets with high use, and whether they interact.

    Customers who use little and ask nothing may have given up; who use much and ask nothing may be content. Adjusted
    for what comes before use.
    """
    cells = setting.pairs.cells
    if cells is None:
        return []
    known = np.asarray(pd.notna(cells.values))
    rows: list[dict[str, Any]] = []
    rows += setting.unadjusted([cells], outcome, CELLS, known)
    effect = setting.effect(cells.candidate, [cells], adjusters_of(setting.panel), DIRECT, outcome, known)
    definition = "hazard ratio adjusted for what comes before use"
    rows += setting.effect_rows(effect, TOTAL, outcome, CELLS, definition, cells.definition)
    return [*rows, *_together(effect, setting, outcome)]


def rating_rows(setting: Setting, outcome: str) -> list[dict[str, Any]]:
    """Return leaving by last rating and open tickets, unadjusted, and the product of the two in the full model."""
    cells = setting.pairs.rating
    if cells is None:
        return []
    return [*setting.unadjusted([cells], outcome, RATINGS), _product_row(setting, outcome)]


def products(setting: Setting, outcome: str) -> tuple[Candidate, ...]:
    """Return the product of a low rating and open tickets as a term, where all four of their cells have leavers."""
    cells, product = setting.pairs.rating, setting.pairs.product
    if cells is None or product is None:
        return ()
    counts = pd.Series(cells.values[setting.left(outcome)]).value_counts()
    few = any(counts.get(level, 0) < FEWEST_IN_A_CELL for level in cells.candidate.levels)
    return () if few else (product[0],)


def support_effect(setting: Setting, candidate: Candidate, outcome: str) -> Effect:
    """Return the effect of a term in the model of support and contacts, beside every other declared cause."""
    signs = setting.signs
    own = [sign for sign in (signs.open_tickets, signs.rating, signs.saves, signs.contacts) if sign is not None]
    return setting.effect(candidate, own, setting.others_of(own), TOTAL, outcome, products=products(setting, outcome))


def _product_row(setting: Setting, outcome: str) -> dict[str, Any]:
    """Return the ratio of ratios of a low rating and open tickets; the fit is the one of the support measures."""
    base = _base(outcome, RATING_AND_TICKETS, RATINGS) | {"estimand": "interaction_ratio"}
    terms = products(setting, outcome)
    if not terms:
        return base | {"note": FEW}
    effect = support_effect(setting, terms[0], outcome)
    contrast = next(iter(effect.contrasts), None)
    if contrast is None or not contrast.std_error > 0:
        return base | {"note": effect.note or "Not estimated."}
    combination = ratio_of(
        np.ones(1), np.array([contrast.log_hr]), np.array([[contrast.std_error**2]]), setting.study.confidence_level
    )
    return (
        base
        | _of(combination, setting, log=True)
        | {
            "adjusted_for": ", ".join(effect.adjusted_for),
            "definition": "ratio of hazard ratios: a low rating with open tickets against what the two would make multiplied",
        }
    )


def _together(effect: Effect, setting: Setting, outcome: str) -> list[dict[str, Any]]:
    """Return what each sign does at each level of the other, the product, and the excess beyond both."""
    base = _base(outcome, TICKETS_AND_USE, CELLS) | {
        "adjusted_for": ", ".join(effect.adjusted_for),
        "note": effect.note,
    }
    alone, tickets, both = (effect.contrast(level) for level in CELL_LEVELS[1:])
    contrasts = [both, alone, tickets]
    names = ("interaction_ratio", "excess_risk")
    fewest = min((contrast.n_events if contrast else 0) for contrast in contrasts)
    usable = effect.fit is not None and all(
        contrast is not None and contrast.std_error > 0 and contrast.reference == CELL_LEVELS[0]
        for contrast in contrasts
    )
    if not usable or fewest < FEWEST_IN_A_CELL:
        why = FEW if fewest < FEWEST_IN_A_CELL else effect.note
        return [base | {"estimand": name, "note": why or "Not estimated."} for name in names]
    logs, covariance = _of_cells(effect, [contrast for contrast in contrasts if contrast is not None])
    level = setting.study.confidence_level

    def ratio(weights: Sequence[float]) -> dict[str, Any]:
        return _of(ratio_of(np.array(weights), logs, covariance, level), setting, log=True)

    at = base | {"estimand": "hazard_ratio", "effect_kind": TOTAL, "definition": "difference between two cells"}
    excess = excess_of(logs, covariance, level)
    lower = [contrast for contrast in contrasts[1:] if contrast is not None and contrast.interval(level)[1] < 1]
    note = "One of the two lowers the hazard on its own, so an excess says little." if lower else ""
    return [
        at | ratio((0, 0, 1)) | _between("tickets", "no tickets", "high use"),
        at | ratio((1, -1, 0)) | _between("tickets", "no tickets", "low use"),
        at | ratio((0, 1, 0)) | _between("low use", "high use", "no tickets"),
        at | ratio((1, 0, -1)) | _between("low use", "high use", "tickets"),
        base
        | ratio((1, -1, -1))
        | {
            "estimand": names[0],
            "definition": "ratio of hazard ratios: low use with tickets against what the two would make multiplied (Wald test of "
            "their product)",
        },
        base
        | _of(excess, setting, log=False)
        | {
            "estimand": names[1],
            "unit": "hazard ratios",
            "definition": "relative excess risk due to interaction: ratio of both, less those of each alone, plus one; interval by the "
            "delta method (Hosmer & Lemeshow 1992)",
            "note": " ".join(part for part in (effect.note, note) if part),
        },
    ]


def _between(level: str, reference: str, where: str) -> dict[str, Any]:
    return {"term": f"{level}, at {where}", "level": level, "reference": reference}


def _of_cells(effect: Effect, contrasts: Sequence[Contrast]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the log ratios of some levels and their covariance."""
    assert effect.fit is not None and effect.rows is not None
    name = effect.rows.names[effect.candidate.column]
    levels = effect.rows.levels(effect.candidate.column)[1:]
    columns = dict(zip(levels, effect.fit.term_slices[name], strict=True))
    chosen = [columns[contrast.level] for contrast in contrasts]
    return (
        effect.fit.params[chosen].to_numpy(dtype=float),
        effect.fit.covariance.loc[chosen, chosen].to_numpy(dtype=float),
    )


def _of(combination: Combination, setting: Setting, log: bool) -> dict[str, Any]:
    return {
        "estimate": combination.estimate,
        "std_error": combination.std_error,
        "std_error_scale": "log" if log else "",
        "conf_low": combination.conf_low,
        "conf_high": combination.conf_high,
        "conf_level": setting.study.confidence_level,
        "unit": "ratio" if log else "",
        "statistic": combination.statistic,
        "df": 1,
        "p_value": combination.p_value,
    }


def _base(outcome: str, term: str, group: str) -> dict[str, Any]:
    method = METHOD if outcome == OUTCOME else f"{METHOD}, cause-specific"
    return BASE | {"outcome": outcome, "method": method, "term": term, "group": group, "effect_kind": TOTAL}
