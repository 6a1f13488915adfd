"""Grambsch-Therneau test of proportional hazards, as the score test of R's survival since version 3.0.

For each term, the model is enlarged by its columns times g(t); the score statistic of the new coefficients
at zero is computed from the exact information of the enlarged model. Tests before 2019 (and lifelines)
assume the covariance of the covariates to be constant over time.

Source: Grambsch & Therneau (1994), Biometrika 81:515-526; Therneau & Grambsch (2000), section 6.2.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import stats

from whychurn.errors import FitError
from whychurn.models.columns import Booleans, Floats
from whychurn.models.cox.likelihood import CoxData, SlotTerms, derivatives
from whychurn.models.curve import product_limit_steps

TRANSFORMS = ("km", "identity", "log", "rank")


def time_transform(kind: str, start: Floats, stop: Floats, event: Booleans, times: Floats) -> Floats:
    """Return g(t) at `times`, shape (len(times),).

    ``"km"`` is one less the Kaplan-Meier estimate just before t, so that extreme late times carry little
    weight; ``"rank"`` is the mean rank of t among the stop times of all rows. Both take all strata
    together and every row once whatever its case weight, as R does.
    """
    if kind == "identity":
        return times.copy()
    if kind == "log":
        if (times <= 0).any():
            raise FitError("transform='log' needs event times above zero; use 'km', 'rank' or 'identity'.")
        return np.log(times)
    if kind == "rank":
        observed = np.sort(stop)
        below = np.searchsorted(observed, times, side="left")
        above = np.searchsorted(observed, times, side="right")
        return np.asarray(0.5 * (below + 1 + above), dtype=np.float64)
    if kind == "km":
        steps = product_limit_steps(start, stop, event, np.ones(stop.size))
        place = np.searchsorted(steps.time, times, side="left")
        return 1.0 - np.concatenate(([1.0], steps.survival))[place]
    raise FitError(f"transform is one of {', '.join(TRANSFORMS)}, not {kind!r}.")


def proportionality_statistics(
    data: CoxData, terms: SlotTerms, transformed: Floats, groups: list[list[int]]
) -> list[tuple[float, int, float]]:
    """Return ``(statistic, df, p)`` for each group of columns.

    Parameters
    ----------
    transformed
        g(t) of each slot, shape (K,); anything at the spare slots.
    groups
        Column numbers tested together.
    """
    sets = data.sets
    events = sets.deaths > 0
    centred = np.where(events, transformed - np.average(transformed[events], weights=sets.deaths[events]), 0.0)
    spread = np.abs(centred).max(initial=0.0)
    centred = centred / spread if spread > 0.0 else centred
    _, plain = derivatives(data, terms)
    score, mixed = derivatives(data, _scaled(terms, centred))
    # `derivatives` credits every event once; the rest of its factor is added here.
    happened, slots = sets.event, sets.exit[sets.event] - 1
    extra = data.weights[happened] * (centred[slots] - 1.0)
    score = score + extra @ data.covariates.take(np.flatnonzero(happened))
    _, square = derivatives(data, _scaled(terms, centred**2))
    found = []
    for group in groups:
        # The score of the model's own coefficients is zero at the optimum, so only the Schur complement
        # of the new ones matters.
        side = mixed[:, group]
        variance = square[np.ix_(group, group)] - side.T @ np.linalg.solve(plain, side)
        part = score[group]
        solution, _, rank, _ = np.linalg.lstsq(variance, part, rcond=1e-10)
        df = int(rank)
        statistic = float(part @ solution) if df else float("nan")
        found.append((statistic, df, float(stats.chi2.sf(statistic, df)) if df else float("nan")))
    return found


def _scaled(terms: SlotTerms, factor: Floats) -> SlotTerms:
    return replace(
        terms,
        a1=terms.a1 * factor,
        f1=terms.f1 * factor,
        a=terms.a * factor,
        b=terms.b * factor,
        c=terms.c * factor,
    )
