"""A contrast of one level against the reference, and all contrasts of one candidate in one model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from whychurn.analyses.rows import Coded, ModelRows
from whychurn.models.cox import CoxFit
from whychurn.panel import Candidate


@dataclass(frozen=True, slots=True)
class Contrast:
    """One level against the reference (or one step of a number), on the log hazard scale.

    ``limit`` is +1 or -1 where the coefficient is infinite because nobody left on one side, else 0. ``entangled``
    says that a level duplicated by levels of other terms is involved: which of theirs it was merged into decides
    the number, so it is no effect of its own.
    """

    level: str
    reference: str
    log_hr: float
    std_error: float
    n_accounts: int
    n_events: int
    note: str = ""
    limit: int = 0
    entangled: bool = False

    @property
    def direction(self) -> int:
        """Sign of the effect: +1 leaves faster, -1 slower, 0 unknown."""
        if self.limit:
            return self.limit
        return 0 if math.isnan(self.log_hr) else int(np.sign(self.log_hr))

    def interval(self, conf_level: float) -> tuple[float, float]:
        """Wald interval of the hazard ratio."""
        z = norm.ppf(0.5 + conf_level / 2)
        return math.exp(self.log_hr - z * self.std_error), math.exp(self.log_hr + z * self.std_error)

    @property
    def p_value(self) -> float:
        """Two-sided Wald p."""
        return float(2 * norm.sf(abs(self.log_hr / self.std_error))) if self.std_error > 0 else math.nan


@dataclass(frozen=True, slots=True)
class Effect:
    """All contrasts of one candidate in one model, with the joint test and what the model held.

    ``rows`` are the coded rows of the fit, ``book_rows`` the panel's rows they were made from.
    """

    candidate: Candidate
    contrasts: tuple[Contrast, ...]
    statistic: float
    df: float
    p_value: float
    adjusted_for: tuple[str, ...]
    note: str = ""
    fit: CoxFit | None = None
    rows: ModelRows | None = None
    book_rows: pd.DataFrame | None = None

    def contrast(self, level: str) -> Contrast | None:
        """Return the contrast of this level, if the model has it."""
        return next((contrast for contrast in self.contrasts if contrast.level == level), None)


def step_name(candidate: Candidate) -> str:
    """Return what stands in the place of a level for a number: the step its ratio is stated for."""
    return f"per {candidate.per:,.6g} more"


def counts_by_level(
    frame: pd.DataFrame, candidate: Candidate, accounts: NDArray[np.int64] | None = None
) -> dict[str, tuple[int, int]]:
    """Customers and events per level.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``account_id``, ``event`` and the candidate's column.
    candidate : Candidate
    accounts : numpy.ndarray, optional
        Codes of the accounts where they are known, shape (n,).
    """
    if candidate.kind == "number":
        return {}
    coded = Coded.of(frame[candidate.column])
    people = coded.owners(pd.factorize(frame["account_id"])[0] if accounts is None else accounts)
    events = np.bincount(coded.codes, weights=frame["event"].to_numpy(), minlength=len(coded.levels))
    counted = zip(coded.levels, people, events, strict=True)
    return {level: (int(n), int(left)) for level, n, left in counted if n}
