"""Breadth of use, seats in use and failed actions: alone, and with the amount of every module held equal."""

from __future__ import annotations

import math
from typing import Any

from whychurn.analyses.feature_bands import (
    NO_ACTIONS,
    Bands,
    breadth_bands,
    friction_bands,
    seat_bands,
    without_level,
)
from whychurn.analyses.feature_effects import ANALYSIS, IN_BANDS, Effects
from whychurn.analyses.feature_fits import UNTESTED, verdict
from whychurn.analyses.feature_rows import measured, raw_name
from whychurn.models import adjust_p_values
from whychurn.panel import Panel

BREADTH, SEATS, FRICTION = "Modules in use", "Seats in use", "Actions that failed"
#: What is looked at -> group and name of its measure.
MEASURES = {
    BREADTH: ("modules", r"modules_used_\d+"),
    SEATS: ("seats", r"seat_adoption_\d+"),
    FRICTION: ("friction", r"failed_share_\d+"),
}
LACKING = {
    BREADTH: "Breadth of use is not measured.",
    SEATS: "Seats in use are not measured: that takes the user of each record of usage, and the seats paid for.",
    FRICTION: "Failures are not measured: no action in the records of usage means that something failed.",
}
COUNTED_WITH = "Counted with the reference: whoever did nothing used no module, which is in this model already."


def behaviour_columns(panel: Panel) -> list[str]:
    """Return the measures of breadth, seats and failures that there are."""
    return [name for name in (measured(panel, *where) for where in MEASURES.values()) if name]


def behaviour_rows(effects: Effects, panel: Panel) -> list[dict[str, Any]]:
    """Hazard ratios of breadth, seats in use and failed actions, in bands, and a verdict on each."""
    bands = _bands(effects, panel)
    base = {"analysis": ANALYSIS, "outcome": effects.outcome, "method": IN_BANDS, "declared": "in advance"}
    rows: list[dict[str, Any]] = [
        base
        | {"term": term, "estimand": "joint_test", "effect_kind": "total", "grade": UNTESTED, "note": LACKING[term]}
        for term in MEASURES
        if term not in bands
    ]
    if not bands:
        return rows
    names = {term: f"own_{len(effects.modules) + index}" for index, term in enumerate(bands)}
    beside = dict(bands)
    if BREADTH in bands and FRICTION in bands:
        # Whoever did nothing used no module: said twice in one model, neither could be told from the other.
        beside[FRICTION] = without_level(bands[FRICTION], NO_ACTIONS)
    own = effects.amounts | {names[term]: band.values for term, band in beside.items()}
    together = effects.models.fit(effects.cause, own)
    tests = {term: together.joint(names[term]) for term in bands}
    adjusted = adjust_p_values([test.get("p_value", math.nan) for test in tests.values()], method="bh")
    for (term, band), p_adjusted in zip(bands.items(), adjusted, strict=True):
        alone = effects.models.fit(effects.cause, {names[term]: band.values}, adjusted=False)
        common = base | {"term": term, "estimand": "hazard_ratio"}
        rows += effects.band_rows(common | {"effect_kind": "unadjusted"}, alone, names[term], band, band.definition)
        others = ["uses of every module", *[other for other in bands if other != term]]
        total = common | {"effect_kind": "total", "adjusted_for": ", ".join([*together.adjusted_for, *others])}
        found = effects.band_rows(total, together, names[term], beside[term], band.definition)
        # Shares of the time were counted with the ratios of each alone.
        rows += [row for row in found if row["estimand"] != "time_share"]
        if beside[term] is not band:
            rows.append(total | {"level": NO_ACTIONS, "reference": "none", "unit": "ratio", "note": COUNTED_WITH})
        headline = together.level(names[term], band.headline).columns(effects.study.confidence_level)
        verdict_row = total | {
            "estimand": "joint_test",
            "level": band.headline,
            "definition": "Wald test of all bands together; the verdict compares the highest band with the reference",
            "p_adjusted": float(p_adjusted),
            "family": f"{len(bands)} ways of using the product",
            "grade": verdict(headline, float(p_adjusted), together.events_per_coefficient),
            "note": headline["note"],
        }
        rows.append(verdict_row | tests[term])
    return rows


def _bands(effects: Effects, panel: Panel) -> dict[str, Bands]:
    bands: dict[str, Bands] = {}
    for term, where in MEASURES.items():
        column = measured(panel, *where)
        if not column:
            continue
        values = effects.frame[raw_name(column)].to_numpy(dtype=float)
        if term == BREADTH:
            bands[term] = breadth_bands(values, len(effects.modules))
        else:
            bands[term] = seat_bands(values) if term == SEATS else friction_bands(values)
    return bands
