"""How far the ranks of causes could move: their shares of churn drawn together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whychurn.analyses.cause_rows import Cause
from whychurn.analyses.contrasts import Effect
from whychurn.analyses.risk_rows import CLUSTER
from whychurn.models.cox.attributable import multiplier_draws
from whychurn.study import Study

DRAWS = 1000


def units_of(effect: Effect) -> NDArray[np.int64] | None:
    """Return which unit of the study each cluster of a fit is, in the order of its influences; None without a fit."""
    if effect.fit is None or effect.rows is None:
        return None
    frame = effect.rows.frame
    if effect.fit.clusters is None:
        return frame["row"].to_numpy(dtype=np.int64)
    _, first = np.unique(effect.fit.clusters, return_index=True)
    return frame[CLUSTER].to_numpy(dtype=np.int64)[first]


def rank_limits(causes: Sequence[Cause], study: Study) -> list[dict[str, float]]:
    """Return the limits of each cause's rank, in rank order; empty for a cause without a share.

    Grades stay as they are; within a grade the ranks follow the shares. Multiplier draws of the accounts' influences
    (see :func:`whychurn.models.attributable_fraction`), the same for all causes, move the shares together.
    """
    placed = [place for place, cause in enumerate(causes) if cause.share is not None and cause.units is not None]
    out: list[dict[str, float]] = [{} for _ in causes]
    if len(placed) < 2:
        return out
    units = np.unique(np.concatenate([causes[place].units for place in placed]))  # type: ignore[list-item]
    influences = np.zeros((len(units), len(placed)))
    for column, place in enumerate(placed):
        cause = causes[place]
        assert cause.share is not None and cause.units is not None
        np.add.at(influences[:, column], np.searchsorted(units, cause.units), cause.share.influence)
    shares = np.array([causes[place].share.share for place in placed])  # type: ignore[union-attr]
    drawn = 1 - (1 - shares) * np.exp(multiplier_draws(influences, DRAWS, study.seed))
    grades = np.array([causes[place].grade for place in placed])
    tail = (1 - study.confidence_level) / 2
    for column, place in enumerate(placed):
        rivals = grades == grades[column]
        before = placed[int(np.flatnonzero(rivals)[0])]
        ranks = 1 + before + (drawn[:, rivals] > drawn[:, [column]]).sum(axis=1)
        low, high = np.quantile(ranks, [tail, 1 - tail], method="inverted_cdf")
        # A cause of the same grade without a share stands behind; the rank itself belongs to the interval.
        out[place] = {
            "conf_low": float(min(low, place + 1)),
            "conf_high": float(max(high, place + 1)),
            "conf_level": study.confidence_level,
        }
    return out
