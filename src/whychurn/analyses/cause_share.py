"""The share of churn, and the amount, that go with a cause beyond what its reference would have had."""

from __future__ import annotations

import numpy as np

from whychurn.analyses.contrasts import Contrast, Effect
from whychurn.analyses.risk_rows import years_observed
from whychurn.analyses.rows import ModelRows
from whychurn.errors import FitError
from whychurn.models import attributable_fraction
from whychurn.models.cox import AttributableFraction
from whychurn.panel import Candidate
from whychurn.study import Study


def attributable_to(effect: Effect, headline: Contrast, study: Study) -> tuple[AttributableFraction | None, str]:
    """Return the share of churn of the customers at the headline level beyond the reference's, or why there is none.

    Parameters
    ----------
    effect : Effect
        The total effect, with the fit and rows behind it.
    headline : Contrast
        The level that counts as exposed.
    study : Study
        For the level of the interval and the seed of its draws.
    """
    candidate, rows = effect.candidate, effect.rows
    if rows is None or effect.fit is None or not headline.std_error > 0:
        return None, ""
    name = rows.names[candidate.column]
    reference = rows.frame.copy(deep=False)
    if candidate.kind == "number":
        if candidate.reference == "":
            return None, "No share: the study declares no value that would count as not exposed."
        reference[name] = float(candidate.reference) / candidate.per
    else:
        exposed = (rows.frame[name] == headline.level) & ~_aliased(effect, rows, candidate)
        reference[name] = rows.frame[name].where(~exposed, headline.reference)
    money = "amount" if rows.frame["amount"].notna().all() else None
    try:
        result = attributable_fraction(
            effect.fit,
            rows.frame,
            reference,
            money=money,
            observed_years=years_observed(study),
            seed=study.seed,
            conf_level=study.confidence_level,
        )
    except FitError as problem:
        return None, f"No share: {problem}"
    return result, ""


def _aliased(effect: Effect, rows: ModelRows, candidate: Candidate) -> np.ndarray:
    """Customers whose recorded level is another column's in disguise: the cause does not apply to them."""
    if effect.book_rows is None or not candidate.merged:
        return np.zeros(len(rows.frame), dtype=bool)
    aliased = {merge.level for merge in candidate.merged}
    recorded = effect.book_rows[candidate.column].isin(aliased).to_numpy()
    return np.asarray(recorded[rows.frame["row"].to_numpy()])
