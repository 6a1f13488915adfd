"""Do later cohorts leave faster or slower at the same age? Curves and hazard ratios by sign-up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from whychurn.analyses.cohorts.calendar import cohort_name, cohort_of
from whychurn.analyses.cohorts.histories import Histories
from whychurn.analyses.cohorts.triangles import BASE, BEFORE
from whychurn.analyses.common import ratio_row
from whychurn.analyses.contrasts import Contrast
from whychurn.analyses.rates import MONTH, YEAR
from whychurn.analyses.segments import curve_rows, risk_times
from whychurn.errors import FitError
from whychurn.models import fit_cox, logrank_test
from whychurn.models.cox import CoxFit
from whychurn.study import TableStudy

#: With fewer departures than this on either side nothing is said.
FEWEST = 10
#: Ratios inside are no sizeable difference.
CLOSE = (0.8, 1.25)
FASTER, SLOWER, SAME, UNCLEAR, TOO_FEW = (
    "faster", "more slowly", "about as fast", "no clear difference", "cannot be told yet",
)  # fmt: skip
MOST_CURVES = 4
TREND = "Trend over sign-up"
PERIOD = "Calendar year"


def term_of(unit: str) -> str:
    """Return what a comparison of cohorts is called."""
    return f"Sign-up by {unit}"


def first_spells(histories: Histories) -> pd.DataFrame:
    """Return each customer's first time as a customer in days since sign-up, late entry where it began before the window.

    Columns: ``account_id``, ``start``, ``stop``, ``event``, ``signed_up``, ``entered``, ``cluster``, ``followed``.
    """
    at = np.flatnonzero(histories.first)
    started = histories.started[at]
    of = histories.account[at]
    return pd.DataFrame(
        {
            "account_id": of,
            "start": _days(histories.entered[at] - started),
            "stop": _days(histories.followed_to[at] - started),
            "event": histories.left[at].astype(int),
            "signed_up": started,
            "cluster": histories.cluster[of],
            "followed": histories.followed[of],
        }
    )


def curves(histories: Histories, study: TableStudy, unit: str) -> Iterator[dict[str, Any]]:
    """Yield Kaplan-Meier curves of the cohorts followed from sign-up, in months; the latest few where there are many."""
    frame = first_spells(histories)
    frame = frame[frame["followed"]].reset_index(drop=True)
    cohort = cohort_of(frame["signed_up"].to_numpy(dtype="datetime64[D]"), unit)
    shown = np.unique(cohort)[-MOST_CURVES:]
    kept = np.isin(cohort, shown)
    rows = frame[kept].assign(start=frame["start"] / MONTH, stop=frame["stop"] / MONTH).reset_index(drop=True)
    names = [cohort_name(number, unit) for number in shown]
    groups = pd.Series([cohort_name(number, unit) for number in cohort[kept]])
    last = float(rows["stop"].max())
    times = np.unique(np.concatenate([np.arange(0.0, np.floor(last) + 1), risk_times(last)]))
    times = times[times <= last]
    for row in curve_rows(rows, groups, names, term_of(unit), times, study, analysis="cohorts"):
        yield row | ({"unit": "months"} if row["estimand"] == "median" else {})


def comparison_rows(histories: Histories, study: TableStudy, unit: str) -> Iterator[dict[str, Any]]:
    """Yield hazard ratios of cohorts at the same age, the trend over sign-up, and calendar years at the same age."""
    frame = first_spells(histories)
    finer = {"year": "half-year", "half-year": "quarter"}.get(unit, "month")
    for each in dict.fromkeys((unit, finer)):
        yield from _ratios(frame, study, each)
    yield _trend(frame[frame["followed"]], study)
    yield from _periods(frame, study)


def test_row(histories: Histories, unit: str) -> dict[str, Any]:
    """Return whether the cohorts of a triangle differ more than chance would have them differ."""
    frame = first_spells(histories)
    frame = frame[frame["followed"]]
    rows = frame[["stop", "event"]].assign(cohort=cohort_of(frame["signed_up"].to_numpy(dtype="datetime64[D]"), unit))
    row = BASE | {
        "method": "log-rank",
        "estimand": "cohorts_test",
        "term": "Cohorts",
        "group": unit,
        "n_accounts": len(rows),
        "n_events": int(rows["event"].sum()),
        "definition": "whether all cohorts leave alike at the same age",
    }
    if not row["n_events"] or rows["cohort"].nunique() < 2:
        return row | {"note": "There is nothing to compare."}
    try:
        test = logrank_test(rows, "stop", "event", "cohort")
    except FitError:
        return row | {"note": "There is nothing to compare."}
    if not test.df:
        return row | {"note": "There is nothing to compare."}
    return row | {"statistic": test.statistic, "df": test.df, "p_value": test.p_value}


@dataclass(frozen=True)
class _Groups:
    """Rows with the number of their group, and the names of the groups in order."""

    frame: pd.DataFrame
    codes: NDArray[np.intp]
    names: list[str]

    def counts(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return customers and departures of each group."""
        n = [self.frame["account_id"].to_numpy()[self.codes == code] for code in range(len(self.names))]
        events = np.bincount(self.codes, self.frame["event"], minlength=len(self.names))
        return np.array([len(np.unique(each)) for each in n]), events


def _ratios(frame: pd.DataFrame, study: TableStudy, unit: str) -> Iterator[dict[str, Any]]:
    """Cohorts against the first one of the window; who was there before it enters late."""
    since = frame["signed_up"].to_numpy(dtype="datetime64[D]")
    number = np.where(frame["followed"], cohort_of(since, unit), -1)
    # Whoever came back from before the window is in neither.
    found, codes = np.unique(number, return_inverse=True)
    names = [BEFORE if each == -1 else cohort_name(each, unit) for each in found]
    late = BEFORE in names
    base = BASE | {
        "method": "Cox, Efron ties",
        "term": term_of(unit),
        "definition": "how fast customers of a cohort leave for the first time, against those of the reference at the same age",
        "adjusted_for": "age (days since sign-up)",
        "effect_kind": "unadjusted",
    }
    yield from _compared(_Groups(frame, codes, names), study, base, reference=1 if late and len(names) > 1 else 0)


def _periods(frame: pd.DataFrame, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Calendar years against the first: the same customers, cut at the turn of the year."""
    pieces = year_pieces(frame)
    found, codes = np.unique(pieces["year"], return_inverse=True)
    base = BASE | {
        "method": "Cox, Efron ties",
        "term": PERIOD,
        "definition": "how fast customers leave for the first time in a calendar year, against the reference at the same age",
        "adjusted_for": "age (days since sign-up)",
        "effect_kind": "unadjusted",
    }
    yield from _compared(_Groups(pieces, codes, [str(each) for each in found]), study, base, reference=0)


def _compared(groups: _Groups, study: TableStudy, base: dict[str, Any], reference: int) -> Iterator[dict[str, Any]]:
    n, events = groups.counts()
    able = np.flatnonzero(events > 0)
    row = base | {"estimand": "hazard_ratio", "unit": "ratio"}
    if len(groups.names) < 2:
        yield row | {"note": "There is one group only, so nothing to compare.", "grade": TOO_FEW}
        return
    # Without departures the reference would make every ratio infinite.
    reference = reference if reference in able or not len(able) else int(able[able != reference][0])
    others = [int(code) for code in able if code != reference]
    fit, note = (
        _fit(groups, others, able) if len(others) else (None, "Nobody left in any group that could be compared.")
    )
    for code, name in enumerate(groups.names):
        if code == reference:
            continue
        contrast = Contrast(name, groups.names[reference], np.nan, np.nan, int(n[code]), int(events[code]))
        if events[code] == 0:
            said = f"Nobody left among its {n[code]:,} customers, so no ratio can be estimated."
        elif fit is None:
            said = note
        else:
            said = ""
            at = f"g{code}"
            error = float(np.sqrt(fit.covariance[[at]].loc[[at]].to_numpy(dtype=float)[0, 0]))
            contrast = Contrast(
                name, groups.names[reference], float(fit.params[at]), error, int(n[code]), int(events[code])
            )
        made = ratio_row(contrast, study.confidence_level, **(base | {"note": said}))
        yield made | {"grade": _verdict(made, events[code], events[reference]), "denominator": events[reference]}
    if fit is not None:
        yield from _proportional(fit, base)


def _fit(groups: _Groups, others: list[int], able: NDArray[np.intp]) -> tuple[CoxFit | None, str]:
    """Fit the groups in which somebody left, the reference being what is in none of the others."""
    inside = np.isin(groups.codes, able)
    rows = groups.frame[inside][["start", "stop", "event", "cluster"]].reset_index(drop=True)
    for code in others:
        rows[f"g{code}"] = (groups.codes[inside] == code).astype(float)
    return _cox(rows, [f"g{code}" for code in others])


def _cox(rows: pd.DataFrame, terms: list[str]) -> tuple[CoxFit | None, str]:
    start = "start" if (rows["start"] > 0).any() else None
    repeats = rows["cluster"].duplicated().any()
    try:
        return fit_cox(rows, terms, "stop", "event", start=start, cluster="cluster" if repeats else None), ""
    except FitError:
        return None, "Not estimated: at no age were customers of both at risk while some left."


def _verdict(row: dict[str, Any], events: float, of_reference: float) -> str:
    low, high = row.get("conf_low", np.nan), row.get("conf_high", np.nan)
    if min(events, of_reference) < FEWEST or np.isnan(low):
        return TOO_FEW
    if low > 1 or high < 1:
        return FASTER if low > 1 else SLOWER
    return SAME if CLOSE[0] <= low and high <= CLOSE[1] else UNCLEAR


def _proportional(fit: CoxFit, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
    try:
        test = fit.test_proportional_hazards().iloc[-1]
    except FitError:
        return
    yield base | {
        "estimand": "proportional_test",
        "statistic": float(test["statistic"]),
        "df": float(test["df"]),
        "p_value": float(test["p_value"]),
        "definition": "whether the ratios stay the same at all ages (Grambsch-Therneau, all groups at once)",
    }


def _trend(frame: pd.DataFrame, study: TableStudy) -> dict[str, Any]:
    """Ratio per year of later sign-up, over those followed from sign-up."""
    since = frame["signed_up"].to_numpy(dtype="datetime64[D]")
    rows = frame[["start", "stop", "event", "cluster"]].reset_index(drop=True)
    rows["later"] = _days(since - since.min()) / YEAR
    base = BASE | {
        "method": "Cox, Efron ties",
        "term": TREND,
        "definition": "ratio of how fast customers leave at the same age, per year of later sign-up",
        "adjusted_for": "age (days since sign-up)",
        "effect_kind": "unadjusted",
    }
    n, events = frame["account_id"].nunique(), int(frame["event"].sum())
    fit, note = None, "There is no trend to fit."
    if events and rows["later"].max() > rows["later"].min():
        fit, note = _cox(rows, ["later"])
    contrast = Contrast("one year later", "", np.nan, np.nan, n, events)
    if fit is not None:
        error = float(np.sqrt(fit.covariance.to_numpy(dtype=float)[0, 0]))
        contrast = Contrast("one year later", "", float(fit.params.iloc[0]), error, n, events)
    row = ratio_row(contrast, study.confidence_level, **(base | {"note": note}))
    return row | {"grade": _verdict(row, events, events)}


def year_pieces(frame: pd.DataFrame) -> pd.DataFrame:
    """Cut stays at the turn of each calendar year.

    A departure counts in the year of its first day without service, as in the bridge of revenue; with stays that cover
    ``(start, stop]`` the day before is the one to cut at.

    Parameters
    ----------
    frame : pandas.DataFrame
        ``signed_up`` (day 0), ``start``, ``stop``, ``event`` and further columns.

    Returns
    -------
    pandas.DataFrame
        The same columns and ``year``, one row per stay and year that it touches.
    """
    day_0 = frame["signed_up"].to_numpy(dtype="datetime64[D]")
    start, stop = frame["start"].to_numpy(dtype=float), frame["stop"].to_numpy(dtype=float)
    # The year of the first moment at risk; of the last, unless that is the end of the window.
    first = cohort_of(day_0 + (start + 1).astype("timedelta64[D]"), "year").min()
    still = (frame["event"].to_numpy() == 0).astype("timedelta64[D]")
    last = cohort_of(day_0 + stop.astype("timedelta64[D]") - still, "year").max()
    parts = []
    for number in range(int(first), int(last) + 1):
        opens, closes = (
            _days(np.datetime64(each, "Y").astype("datetime64[D]") - np.timedelta64(1, "D") - day_0)
            for each in (number, number + 1)
        )
        if number == last:
            closes = stop
        begins, ends = np.maximum(start, opens), np.minimum(stop, closes)
        inside = np.flatnonzero(ends > begins)
        part = frame.iloc[inside].copy()
        part["start"], part["stop"] = begins[inside], ends[inside]
        part["event"] = part["event"].to_numpy() * (ends[inside] == stop[inside])
        parts.append(part.assign(year=1970 + number))
    return pd.concat(parts, ignore_index=True)


def _days(difference: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(difference / np.timedelta64(1, "D"), dtype=np.float64)
