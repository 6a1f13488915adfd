"""Who gets called? Those at risk: how much likelier than others they were to leave before anybody called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.contrasts import Effect
from whychurn.analyses.engagement_base import BASE, CONTACTS, Setting
from whychurn.analyses.engagement_cells import support_effect
from whychurn.analyses.engagement_signals import Signal


def chosen_rows(setting: Setting, outcome: str) -> list[dict[str, Any]]:
    """Return by how much the hazard that everything else measured predicts differs between those called and others.

    Above 1, whoever was called was at risk already, and a crude comparison blames the call (confounding by indication).
    """
    rows = []
    for sign in (setting.signs.saves, setting.signs.contacts):
        if sign is None:
            continue
        effect = support_effect(setting, sign.candidate, outcome)
        base = BASE | {
            "outcome": outcome,
            "estimand": "expected_ratio",
            "method": "mean of hazards predicted without it",
            "term": sign.candidate.label,
            "level": sign.candidate.compare,
            "reference": sign.candidate.reference,
            "group": CONTACTS,
            "unit": "ratio",
            "adjusted_for": ", ".join(effect.adjusted_for),
            "definition": "mean hazard predicted by everything else measured, over the time at this level, against the same mean "
            "at the reference",
        }
        ratio = _expected_ratio(effect, sign)
        rows.append(base | ({"note": effect.note or "Not estimated."} if ratio is None else {"estimate": ratio}))
    return rows


def _expected_ratio(effect: Effect, sign: Signal) -> float | None:
    if effect.fit is None or effect.rows is None or effect.candidate.column not in effect.rows.names:
        return None
    frame, own = effect.rows.frame, effect.rows.names[effect.candidate.column]
    predictor = np.zeros(len(frame))
    for name in effect.rows.terms:
        if name != own:
            predictor += _part(effect, name)
    days = (frame["stop"] - frame["start"]).to_numpy()
    hazard = np.exp(predictor - predictor.mean())
    means = []
    for level in (sign.candidate.compare, sign.candidate.reference):
        at = (frame[own] == level).to_numpy()
        if not at.any():
            return None
        means.append(float(hazard[at] @ days[at] / days[at].sum()))
    return means[0] / means[1]


def _part(effect: Effect, name: str) -> NDArray[Any]:
    """Return what one term adds to the linear predictor of each row."""
    assert effect.fit is not None and effect.rows is not None
    values = effect.rows.frame[name]
    columns = effect.fit.term_slices[name]
    coefficients = effect.fit.params[list(columns)].to_numpy(dtype=float)
    if isinstance(values.dtype, pd.CategoricalDtype):
        return np.concatenate([[0.0], coefficients])[values.cat.codes.to_numpy()]
    return np.asarray(values.to_numpy(dtype=float) * coefficients[0])
