"""The share of leaving that goes with several causes at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from whychurn.analyses.contrasts import Contrast, Effect
from whychurn.analyses.share_differences import Share
from whychurn.errors import FitError
from whychurn.models import attributable_fraction
from whychurn.study import Study


def joint_share(exposures: Sequence[tuple[Effect, Contrast]], study: Study) -> tuple[Share | None, str]:
    """Return the share of leaving of customers at any of the levels beyond what all their references would have had.

    Parameters
    ----------
    exposures : sequence of (Effect, Contrast)
        Effects out of one fit, each with the level that counts as exposed.
    study : Study
        For the level of the interval and the seed of its draws.
    """
    fits = {id(effect.fit) for effect, _ in exposures}
    assert len(fits) == 1, "one model holds them all"
    first = exposures[0][0]
    if len(exposures) == 1 and exposures[0][1].limit > 0:
        return _all_of(*exposures[0], study)
    if first.rows is None or first.fit is None:
        return None, first.note
    reference = first.rows.frame.copy(deep=False)
    for effect, contrast in exposures:
        candidate = effect.candidate
        if not contrast.std_error > 0:
            return None, f"No share: {contrast.note}" if contrast.note else ""
        name = first.rows.names[candidate.column]
        if candidate.kind == "number":
            if candidate.reference == "":
                return None, f"No share: {candidate.label} has no value that would count as not exposed."
            reference[name] = float(candidate.reference) / candidate.per
            continue
        values = first.rows.frame[name]
        reference[name] = values.where(~_exposed(effect, contrast.level), contrast.reference)
    try:
        found = attributable_fraction(
            first.fit, first.rows.frame, reference, seed=study.seed, conf_level=study.confidence_level
        )
    except FitError as problem:
        return None, f"No share: {problem}"
    return Share(found.share, found.conf_low, found.conf_high), ""


def _exposed(effect: Effect, level: str) -> np.ndarray:
    """Rows at the level, without those whose level is another column's in disguise."""
    assert effect.rows is not None
    at = (effect.rows.frame[effect.rows.names[effect.candidate.column]] == level).to_numpy()
    if effect.book_rows is None or not effect.candidate.merged:
        return at
    recorded = effect.book_rows[effect.candidate.column].to_numpy()[effect.rows.frame["row"].to_numpy()]
    disguised = [merge.level for merge in effect.candidate.merged]
    return at & ~np.isin(recorded.astype(str), disguised)


def _all_of(effect: Effect, contrast: Contrast, study: Study) -> tuple[Share | None, str]:
    """Return the share where nobody at the reference leaves: of all leavers, those at the level, every one of them."""
    if effect.book_rows is None:
        return None, contrast.note
    n = int(effect.book_rows["event"].sum())
    return (
        Share.of(contrast.n_events, n, study.confidence_level),
        f"Nobody left without it, so all {contrast.n_events:,} leavers with it are counted.",
    )
