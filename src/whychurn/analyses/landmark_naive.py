"""What one would do without a model: give everybody the earlier rate, or call whoever has been silent for a month."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.landmark_rows import RECORDED
from whychurn.analyses.landmark_scores import capacity_rows, error_rows, ranking_row

RULE, BASE_RATE = "rule of silence", "earlier rate for everybody"
#: The rule: so many full days without a login.
SILENT_DAYS = 30
LOGIN = "days_since_login"
AS_MANY = "as many as the rule names"


def naive_rows(
    earlier: pd.DataFrame, scored: pd.DataFrame, base: dict[str, Any], conf_level: float
) -> Iterator[dict[str, Any]]:
    """Yield error of the earlier rate, and ranking, error and worth of the rule.

    Parameters
    ----------
    earlier : pandas.DataFrame
        Customers at the earlier landmarks, for the rates.
    scored : pandas.DataFrame
        Those at the later ones.
    base : dict
        What the rows share.
    conf_level : float
    """
    rate = float(earlier["event"].mean())
    yield from error_rows(scored.assign(risk=rate), rate, base | {"method": BASE_RATE}, conf_level)
    rule = base | {"method": RULE}
    if f"{RECORDED}{LOGIN}" not in scored:
        yield rule | {
            "estimand": "auc",
            "note": "No logins are recorded, so there is no rule of silence to compare with.",
        }
        return
    silent, before = is_silent(scored), is_silent(earlier)
    rates = [float(earlier.loc[before == side, "event"].mean()) for side in (False, True)]
    if not silent.any() or any(math.isnan(each) for each in rates):
        yield rule | {"estimand": "auc", "note": "Nobody was silent that long, so there is no rule to compare with."}
        return
    # The rule ranks the silent first, even where they had left less often before.
    ranked = scored.assign(risk=silent.astype(float))
    yield ranking_row(ranked, rule, conf_level)
    yield from error_rows(scored.assign(risk=np.where(silent, rates[1], rates[0])), rate, rule, conf_level)
    yield from capacity_rows(ranked, int(silent.sum()), AS_MANY, rule, conf_level)


def is_silent(frame: pd.DataFrame) -> np.ndarray:
    """Tell who had not logged in for :data:`SILENT_DAYS`, shape (n,); whoever never has is not counted as silent."""
    return np.asarray(frame[f"{RECORDED}{LOGIN}"].to_numpy(dtype=float) >= SILENT_DAYS)
