"""Who answers, in means: everybody invited, those who answered, and those who answered with their weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.nps_response.covariates import Known
from whychurn.analyses.nps_response.invitations import Invitations
from whychurn.models import ResponseWeights

BASE: dict[str, Any] = {
    "analysis": "nps_response", "outcome": "answering", "method": "mean", "declared": "in advance",
    "definition": "mean before the invitation, as the last weekly row with a cut-off by then recorded it",
}  # fmt: skip
INVITED, ANSWERED, NOT, WEIGHTED = "all invited", "answered", "did not answer", "answered, weighted"
#: Categories with more levels are left to the segments.
MOST_LEVELS = 5


def balance_rows(sent: Invitations, known: Known, weights: ResponseWeights | None) -> Iterator[dict[str, Any]]:
    """Yield means by group, and differences from all invited in standard deviations before and after weighting."""
    answered = sent.frame["answered"].to_numpy() == 1
    masses = {
        INVITED: np.ones(len(answered)),
        ANSWERED: answered.astype(float),
        NOT: (~answered).astype(float),
    } | ({} if weights is None else {WEIGHTED: weights.weights})
    for term, level, values in _columns(known):
        usable = ~np.isnan(values)
        base = BASE | {"term": term, "level": level, "unit": "share" if level else "mean"}
        means = {}
        for group, mass in masses.items():
            own = np.where(usable, mass, 0.0)
            total = own.sum()
            means[group] = float(own @ np.where(usable, values, 0.0) / total) if total > 0 else math.nan
            yield base | {
                "estimand": "balance", "group": group, "estimate": means[group], "denominator": float((own > 0).sum()),
                "note": "" if usable.all() else f"{int((~usable).sum()):,} invitations without a value are left out.",
            }  # fmt: skip
        spread = float(np.std(values[usable])) if usable.any() else 0.0
        for group in (ANSWERED, WEIGHTED):
            if group in means and spread > 0 and not math.isnan(means[group]):
                yield base | {
                    "estimand": "balance_difference", "group": group, "reference": INVITED, "unit": "standard deviations",
                    "estimate": (means[group] - means[INVITED]) / spread,
                }  # fmt: skip


def _columns(known: Known) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield numbers as recorded, and categories of few levels as shares of each level."""
    for label, values in known.numbers.values():
        yield label, "", values.to_numpy(dtype=float)
    for term in known.coded.terms:
        if 1 < len(term.levels) <= MOST_LEVELS:
            held: pd.Series = known.coded.frame[term.name]
            for level in term.levels:
                yield term.label, level, (held == level).to_numpy(dtype=float)
