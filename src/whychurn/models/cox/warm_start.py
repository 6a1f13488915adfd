"""A first guess from a sample of the rows: two of five Newton steps over all of them are saved."""

from __future__ import annotations

import numpy as np

from whychurn.errors import FitError
from whychurn.models.columns import Floats
from whychurn.models.covariates import sampled_rows, standardised_matrix
from whychurn.models.cox.likelihood import CoxData, CoxProblem
from whychurn.models.newton import maximise
from whychurn.models.riskset import place_rows

WARM_FROM = 100_000
# With fewer sampled events the guess is hardly better than zero.
_EVENTS_PER_COLUMN = 20


def warm_start(data: CoxData, columns: tuple[str, ...]) -> Floats | None:
    """Return coefficients fitted to one row in twenty, shape (p,); None for small data or a failed fit.

    The guess only decides where Newton's method begins, not where it ends.
    """
    n, p = data.covariates.shape
    if n < WARM_FROM or not p:
        return None
    rows = sampled_rows(n)
    sets = data.sets
    # Slots keep the order of time; a row that enters at slot a has passed the event before it.
    begin = (sets.entry[rows] - 0.5).astype(np.float64) if sets.late_entry else None
    event = sets.event[rows]
    if event.sum() < _EVENTS_PER_COLUMN * p:
        return None
    placed = place_rows(begin, (sets.exit[rows] - 1.0).astype(np.float64), event, sets.stratum[rows])
    sample = CoxData(
        standardised_matrix(data.covariates.take(rows)),
        data.weights[rows],
        data.offset[rows],
        placed,
        data.efron,
    )
    try:
        return maximise(CoxProblem(sample, columns), dict).beta
    except FitError:
        return None
