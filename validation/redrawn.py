"""Answers of a company drawn again and again under known conditions: why do intervals of modules miss more often than they say?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from validation.summary import Z
from whychurn.analyses.answers import BANDS
from whychurn.errors import FitError
from whychurn.models import OrderedLogitFit, fit_ordered_logit

#: So often are the answers of one company drawn.
DRAWS = 10
#: Four companies of one kind are as good as one of four times the customers.
LARGER = 4
ALPHA = 0.05


@dataclass(frozen=True)
class Case:
    """Conditions under which answers are drawn and the page's model is fitted.

    Attributes
    ----------
    key : str
    by_model : bool
        Whether answers come from the page's own model, one odds ratio for both steps and nothing left out; else from
        the simulator's formula.
    modules_only : bool
        Whether modules are the only terms; else all that the page has.
    times : int
        How many times as many customers.
    """

    key: str
    by_model: bool
    modules_only: bool = False
    times: int = 1


CASES = (
    Case("simulator", by_model=False),
    Case("model", by_model=True),
    Case("few", by_model=True, modules_only=True),
    Case("larger", by_model=True, times=LARGER),
)


def redrawn(
    frame: pd.DataFrame,
    terms: Sequence[str],
    modules: dict[str, str],
    driver: str,
    felt: tuple[np.ndarray, np.ndarray],
    edges: tuple[float, float],
    noise: float,
    seed: int,
) -> dict[str, Any]:
    """Draw the answers of a company again and count how often intervals of modules that do nothing hold zero.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per answer: ``cluster`` and the terms.
    terms : sequence of str
        Of the page's model.
    modules : dict of str to str
        Module -> name of its term.
    driver : str
        The module that does something.
    felt : tuple of numpy.ndarray
        What answers are on average: by the simulator's formula, and by the driver alone as the page measures it, shape (n,).
    edges : tuple of float
        Detractors feel less than the first, promoters at least the second.
    noise : float
        Standard deviation of what else moves an answer.
    seed : int

    Returns
    -------
    dict
        Case -> ``n`` intervals, how many hold zero (``held``; ``plain``: with errors that are not clustered), ``tests`` that
        one ratio does for both steps, and how many of them reject.
    """
    random = np.random.default_rng(seed)
    out = {}
    for case in CASES:
        names = list(modules.values()) if case.modules_only else list(terms)
        many = pd.concat(
            [frame.assign(cluster=frame["cluster"].astype(str) + f"/{k}") for k in range(case.times)], ignore_index=True
        )
        mean = np.tile(felt[1 if case.by_model else 0], case.times)
        nothing = [name for module, name in modules.items() if module != driver]
        out[case.key] = _counts(many, names, nothing, mean, edges, noise, case.by_model, random)
    return out


def _counts(
    frame: pd.DataFrame,
    names: Sequence[str],
    nothing: Sequence[str],
    mean: np.ndarray,
    edges: tuple[float, float],
    noise: float,
    logistic: bool,
    random: np.random.Generator,
) -> dict[str, int]:
    found = dict.fromkeys(("n", "held", "plain", "tests", "rejected"), 0)
    for _ in range(DRAWS):
        size = len(mean)
        drawn = random.logistic(0, noise * np.sqrt(3) / np.pi, size) if logistic else random.normal(0, noise, size)
        band = np.array(BANDS, dtype=object)[np.digitize(mean + drawn, edges)]
        answered = frame.assign(band=band)
        try:
            fit = fit_ordered_logit(answered, names, "band", BANDS, covariance="cluster", cluster="cluster")
            plain = fit_ordered_logit(answered, names, "band", BANDS)
        except FitError:
            continue
        found["n"] += len(nothing)
        found["held"] += _held(fit, nothing)
        found["plain"] += _held(plain, nothing)
        test = fit.parallel_test()
        if not test.note:
            found["tests"] += 1
            found["rejected"] += int(test.overall.p_value < ALPHA)
    return found


def _held(fit: OrderedLogitFit, names: Sequence[str]) -> int:
    pairs = [fit.contrast({name: 1.0}) for name in names]
    return sum(abs(estimate) <= Z * error for estimate, error in pairs)
