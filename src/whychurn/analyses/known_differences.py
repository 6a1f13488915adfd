"""Where other libraries give another answer, shown on the study's own rows, with the reason.

Each of these was decided by the reference implementation (R's survival): what is printed here as ours is what R
says, to eight digits, in the tests.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.rows import ModelRows
from whychurn.errors import FitError
from whychurn.models import fit_cox, restricted_mean

_PH = (
    "lifelines takes the covariance of the covariates to be the same at all times, the approximation that R gave up "
    "in 2019; here, as in R since, the exact score test is computed."
)
_ENTRY = (
    "statsmodels counts a row that enters at the very time of an event as at risk of it. A row covers the time after "
    "its start, so whoever enters then cannot have had that event: the risk set is too large."
)
_MEAN = (
    "lifelines' variance is that of single lifetimes cut at the horizon, not of their estimated mean: its square "
    "root does not shrink as rows are added."
)
Rows = Iterator[dict[str, Any]]


def known_differences(
    coded: ModelRows, design: pd.DataFrame, names: list[tuple[str, str]], horizon: float, base: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return pairs of rows, ours and theirs, for the quantities that are known to differ.

    Parameters
    ----------
    coded, design, names
        The rows of the model of all causes, its plain columns, and the cause and level of each.
    horizon
        Where mean lifetimes are cut.
    base
        Columns every row shares.
    """
    found: list[dict[str, Any]] = []
    frame = design.assign(stop=coded.frame["stop"].to_numpy(dtype=float), event=coded.frame["event"].to_numpy())
    for ask in (_proportional_hazards, _late_entry, _mean_lifetime):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found += [base | row for row in ask(frame, names, horizon)]
        except (FitError, ValueError, ArithmeticError, np.linalg.LinAlgError, RuntimeError):
            # A comparison that a library cannot make is not made; the agreement above says what failed to fit.
            continue
    return found


def _proportional_hazards(frame: pd.DataFrame, names: list[tuple[str, str]], horizon: float) -> Rows:
    from lifelines import CoxPHFitter
    from lifelines.statistics import proportional_hazard_test

    columns = [column for column in frame.columns if column not in ("stop", "event")]
    ours = fit_cox(frame, columns, "stop", "event").test_proportional_hazards("km")["statistic"].to_numpy()[:-1]
    fit = CoxPHFitter().fit(frame, "stop", "event", fit_options={"precision": 1e-10})
    theirs = proportional_hazard_test(fit, frame, time_transform="km").summary.loc[columns, "test_statistic"].to_numpy()
    worst = int(np.argmax(np.abs(ours - theirs)))
    yield from _pair(
        "Test of proportional hazards",
        names[worst],
        ("ph_statistic", "chi-square", "score test that the effect is the same at all times, one degree of freedom"),
        ("lifelines", ours[worst], theirs[worst], _PH),
    )


def _late_entry(frame: pd.DataFrame, names: list[tuple[str, str]], horizon: float) -> Rows:
    from statsmodels.duration.hazard_regression import PHReg

    columns = [column for column in frame.columns if column not in ("stop", "event")]
    late = frame.assign(start=np.maximum(frame["stop"] - 1.0, 0.0))
    late = late[late["stop"] > late["start"]]
    ours = fit_cox(late, columns, "stop", "event", start="start")
    model = PHReg(
        late["stop"].to_numpy(),
        late[columns].to_numpy(),
        status=late["event"].to_numpy(),
        entry=late["start"].to_numpy(),
        ties="efron",
    )
    theirs = np.asarray(model.fit().params)
    worst = int(np.argmax(np.abs(theirs - ours.params.to_numpy()) / ours.std_errors.to_numpy()))
    yield from _pair(
        "Coefficient when rows enter late",
        names[worst],
        ("late_entry_coefficient", "log hazard ratio", "everyone under observation for the last unit of time only"),
        ("statsmodels", float(ours.params.iloc[worst]), float(theirs[worst]), _ENTRY),
        float(ours.std_errors.iloc[worst]),
    )


def _mean_lifetime(frame: pd.DataFrame, names: list[tuple[str, str]], horizon: float) -> Rows:
    from lifelines import KaplanMeierFitter
    from lifelines.utils import restricted_mean_survival_time

    ours = float(restricted_mean(frame, "stop", "event", horizon).tidy()["std_error"].iloc[0])
    curve = KaplanMeierFitter().fit(frame["stop"], frame["event"])
    variance = restricted_mean_survival_time(curve, horizon, return_variance=True)[1]
    yield from _pair(
        "Standard error of the mean lifetime up to the horizon",
        ("Everyone", ""),
        ("mean_lifetime_std_error", "time", "standard error of the area under the survival curve up to the horizon"),
        ("lifelines", ours, float(np.sqrt(variance)), _MEAN),
    )


def _pair(
    quantity: str,
    name: tuple[str, str],
    kind: tuple[str, str, str],
    values: tuple[str, float, float, str],
    error: float = float("nan"),
) -> Rows:
    """Yield our row and theirs: `kind` is estimand, unit and definition, `values` library, ours, theirs, reason."""
    library, ours, theirs, reason = values
    shared = {
        "term": name[0],
        "level": name[1],
        "estimand": kind[0],
        "unit": kind[1],
        "definition": f"{quantity}: {kind[2]}",
    }
    # Rounded: the last bits of another library's optimiser are nobody's result.
    yield shared | {"method": "whychurn", "estimate": round(float(ours), 6), "std_error": round(error, 6)}
    yield shared | {"method": library, "estimate": round(float(theirs), 6), "note": reason}
