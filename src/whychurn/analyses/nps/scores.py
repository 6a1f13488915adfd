"""The Net Promoter Score: of all, over time, and of groups against all others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.answers import BANDS, Answers, latest
from whychurn.analyses.common import share_interval
from whychurn.analyses.nps.groups import Grouping
from whychurn.analyses.nps.periods import Periods, periods_of, years_back
from whychurn.findings import CENTRED_ELSEWHERE
from whychurn.models import NetPromoterResult, adjust_p_values, net_promoter_score
from whychurn.study import TableStudy

BASE: dict[str, Any] = {
    "analysis": "nps", "outcome": "recommendation", "effect_kind": "unadjusted", "declared": "in advance",
}  # fmt: skip
METHOD = "adjusted Wald, by account"
NPS = "share of promoters (9, 10) less share of detractors (0 to 6)"
INTERVAL = "three answers added (3/4 promoter, 3/2 passive, 3/4 detractor), variance by account"
ONE_EACH = "the latest answer of each person"
#: A group, or those it is compared with, is tested from so many answers on.
FEWEST_TESTED = 10
SAME_TEST = "the other of two groups: tested there"
NOT_TESTED = f"not tested: fewer than {FEWEST_TESTED} answers on one side"
#: Groupings that are compared as segments come before those of behaviour.
KIND = {True: "segment", False: "behaviour"}


def overall_rows(answers: Answers, persons: pd.DataFrame, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield the score of the latest answers of all persons, the shares of the bands, and the centre of the interval."""
    level = study.confidence_level
    result = score(persons, study)
    row = result.table.iloc[0].to_dict()
    n_accounts = persons["account_id"].nunique()
    yield nps_row(row, level, n_accounts, term="All answers", definition=f"{NPS}; {ONE_EACH} in the window; {INTERVAL}")
    yield BASE | {
        "method": METHOD,
        "estimand": "nps_centre",
        "term": "All answers",
        "unit": "NPS / 100",
        "estimate": row["adjusted_estimate"],
        "denominator": len(persons),
        "n_accounts": n_accounts,
        "definition": f"the score with {INTERVAL}: the centre of the interval",
    }
    for band in BANDS:
        n = int((persons["band"] == band).sum())
        low, high = share_interval(n, len(persons), level)
        yield BASE | {
            "method": "Wilson",
            "estimand": "band_share",
            "term": "All answers",
            "level": band,
            "unit": "share",
            "estimate": n / len(persons),
            "numerator": n,
            "denominator": len(persons),
            "n_accounts": n_accounts,
            "conf_low": low,
            "conf_high": high,
            "conf_level": level,
        }
    yield BASE | {
        "method": "count",
        "estimand": "answers_per_person",
        "term": "All answers",
        "unit": "answers per person",
        "estimate": len(answers.frame) / len(persons),
        "numerator": len(answers.frame),
        "denominator": len(persons),
        "n_accounts": n_accounts,
        "definition": "answers that count / persons who gave them; of each person only the latest enters the score",
    }


def time_rows(frame: pd.DataFrame, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield the score by month or quarter and by year, and each against the one before."""
    by_month = periods_of(frame["day"], persons=frame["person"])
    yield from _over(frame, by_month, study, "nps_period", "nps_period_change")
    years = years_back(frame["day"], study)
    if len(years.labels) > 1:
        yield from _over(frame, years, study, "nps_year", "nps_year_change")


def segment_rows(persons: pd.DataFrame, groupings: Sequence[Grouping], study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield the score of every level of every segment, and each level against all others, Holm over all tests."""
    tests: list[dict[str, Any]] = []
    for grouping in groupings:
        table = score(persons, study, by=grouping.column).table.set_index("segment")
        accounts = persons.groupby(grouping.column)["account_id"].nunique()
        if len(grouping.levels) < 2:
            continue
        for level in grouping.levels:
            base = {"term": grouping.label, "level": level, "group": KIND[grouping.segment]}
            row = table.loc[level].to_dict()
            definition = f"{NPS}; {ONE_EACH} in the window, by what was known before it; {INTERVAL}"
            yield nps_row(row, study.confidence_level, int(accounts[level]), definition=definition, **base)
            if tests_twice(grouping, level):
                tests.append(_untested(SAME_TEST) | base | {"estimand": "nps_against_rest"})
            else:
                tests.append(_against_rest(persons, grouping, level, study) | base)
    yield from adjusted(tests, "NPS of {n} groups, each against all others")


def tests_twice(grouping: Grouping, level: str) -> bool:
    """Whether a level against all others is the test of another level again: of two levels the first is not tested."""
    return len(grouping.levels) == 2 and level == grouping.levels[0]


def adjusted(tests: list[dict[str, Any]], family: str) -> Iterator[dict[str, Any]]:
    """Yield tests with p-values adjusted by Holm over those that could be made; `family` says over how many."""
    p_adjusted = adjust_p_values([test.get("p_value", math.nan) for test in tests], "holm") if tests else np.zeros(0)
    name = family.format(n=f"{int((~np.isnan(p_adjusted)).sum()):,}") + " (Holm)"
    for test, p in zip(tests, p_adjusted, strict=True):
        yield test | {"p_adjusted": p, "family": name}


def score(frame: pd.DataFrame, study: TableStudy, by: str | None = None, over: str | None = None) -> NetPromoterResult:
    """Return scores with variances by account; answers are independent where each account, or one only, has answered."""
    owner = frame["cluster"]
    cluster = "cluster" if owner.duplicated().any() and (owner != owner.iloc[0]).any() else None
    return net_promoter_score(frame, "score", by=by, over=over, cluster=cluster, conf_level=study.confidence_level)


def nps_row(row: Mapping[Any, Any], conf_level: float, n_accounts: int, **base: Any) -> dict[str, Any]:
    """Return the finding of one row of :class:`NetPromoterResult`."""
    found = {name: row[name] for name in ("estimate", "std_error", "conf_low", "conf_high")}
    ahead = (row["promoters"] - row["detractors"]) * row["n"]
    return {
        **BASE,
        "method": METHOD,
        "estimand": "nps",
        "unit": "NPS / 100",
        **found,
        "conf_level": conf_level,
        "numerator": ahead if math.isnan(ahead) else round(ahead),
        "denominator": row["n"],
        "n_accounts": n_accounts,
        "note": "; ".join(part for part in (row["note"], centred(found)) if part),
        **base,
    }


def centred(found: Mapping[str, float]) -> str:
    """Say so where the raw estimate lies outside the interval, which is centred on the adjusted one."""
    outside = found["estimate"] < found["conf_low"] or found["estimate"] > found["conf_high"]
    return CENTRED_ELSEWHERE if outside else ""


def _over(
    frame: pd.DataFrame, periods: Periods, study: TableStudy, estimand: str, change: str
) -> Iterator[dict[str, Any]]:
    """Yield the scores of periods: of each person the latest answer in each."""
    inside = frame.assign(period=periods.values)[periods.values.notna()]
    persons = latest(inside, ("person", "period"))
    # Periods without an answer keep their place.
    persons["period"] = pd.Categorical(persons["period"], list(periods.labels))
    result = score(persons, study, over="period")
    accounts = persons.groupby("period", observed=False)["account_id"].nunique()
    definition = f"{NPS}; {ONE_EACH} in the {periods.unit}; {INTERVAL}"
    for place, (_, row) in enumerate(result.table.iterrows()):
        label = str(row["period"])
        base = {"term": f"By {periods.unit}", "level": label, "time": float(place), "definition": definition}
        yield nps_row(row.to_dict(), study.confidence_level, int(accounts[label]), **base) | {"estimand": estimand}
    if len(periods.labels) < 2:
        return
    tests = []
    enough = dict(zip(result.table["period"], result.table["n"], strict=True))
    for place, (_, row) in enumerate(result.differences("periods").iterrows(), start=1):
        base = {"term": f"By {periods.unit}", "level": str(row["period"]), "time": float(place)}
        tested = min(enough[row["period"]], enough[row["versus"]]) >= FEWEST_TESTED
        tests.append(_difference(row.to_dict(), study, tested) | base | {"estimand": change})
    yield from adjusted(tests, f"NPS of {{n}} {periods.unit}s, each against the one before")


def _against_rest(persons: pd.DataFrame, grouping: Grouping, level: str, study: TableStudy) -> dict[str, Any]:
    inside = (persons[grouping.column] == level).to_numpy()
    side = pd.Categorical(np.where(inside, "these", "others"), ["others", "these"])
    row = score(persons.assign(side=side), study, by="side").differences().iloc[0].to_dict()
    tested = min(int(inside.sum()), int((~inside).sum())) >= FEWEST_TESTED
    return _difference(row | {"versus": "all others"}, study, tested) | {"estimand": "nps_against_rest"}


def _difference(row: Mapping[Any, Any], study: TableStudy, tested: bool) -> dict[str, Any]:
    if not tested or math.isnan(row["statistic"]):
        return _untested(row["note"] if tested else NOT_TESTED, str(row["versus"]))
    found = {name: row[name] for name in ("estimate", "std_error", "conf_low", "conf_high", "statistic", "p_value")}
    return (
        _untested("", str(row["versus"]))
        | found
        | {"conf_level": study.confidence_level, "df": 1, "note": centred(found)}
    )


def _untested(note: str, versus: str = "all others") -> dict[str, Any]:
    """Return what a comparison is where there is no number for it, and why."""
    return BASE | {
        "method": METHOD,
        "reference": versus,
        "unit": "NPS / 100",
        "definition": "difference of scores; 1.5 answers added to either side, variance by account",
        "note": note,
    }
