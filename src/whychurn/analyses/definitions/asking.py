"""For an analyst: the accounts between any two rates, as a frame."""

from __future__ import annotations

import pandas as pd

from whychurn.analyses.definitions.catalogue import named_rates
from whychurn.analyses.definitions.counting import NamedRate
from whychurn.analyses.definitions.history import History
from whychurn.analyses.definitions.periods import Period, last_months, period_of
from whychurn.analyses.definitions.walking import walk_between
from whychurn.errors import StudyError
from whychurn.panel import Panel
from whychurn.study import Study, TableStudy


def walk(panel: Panel, study: Study, a: str, b: str, period: str | Period | None = None) -> pd.DataFrame:
    """Return the accounts that count differently in two rates of one period, each with its group.

    Parameters
    ----------
    panel : Panel
    study : Study
        A study of tables.
    a, b : str
        Names of the rates, as the page lists them ("Opening customers lost", "Gross revenue churn"), or of a
        definition of leaving that the study declares.
    period : str or Period, optional
        "2025-12", "2025-Q4" or "2025", inside the window; the last complete month if left out.

    Returns
    -------
    pandas.DataFrame
        One row per account: ``account_id``, ``group`` (why it counts differently), ``numerator_from``,
        ``denominator_from``, ``numerator_to``, ``denominator_to`` (what it adds to each rate) and ``effect`` (how much it
        moves the rate from `a` to `b`, as a share: 0.001 is a tenth of a point). The effects sum to the difference of
        the rates, which stand in ``attrs`` as "rate_from" and "rate_to", with the "period".

    Raises
    ------
    StudyError
        If a name or the period is not known, or a rate cannot be counted account by account in this study.

    Examples
    --------
    >>> accounts = walk(panel, study, "Opening customers lost", "Notice given", "2025-12")  # doctest: +SKIP
    >>> accounts.groupby("group")["effect"].agg(["size", "sum"])  # doctest: +SKIP
    """
    if not isinstance(study, TableStudy):
        raise StudyError("Only studies of tables know who was a customer when; a flat file has one row per customer.")
    named = {rate.name: rate for rate in named_rates(study)}
    first, second = (_named(named, name) for name in (a, b))
    found = walk_between(History.of(panel, study), first, second, _inside(study, period))
    if isinstance(found, str):
        raise StudyError(f"There is no walk from “{first.name}” to “{second.name}”: {found}")
    accounts = found.accounts.copy()
    accounts.attrs = {"rate_from": found.rates[0], "rate_to": found.rates[1], "period": found.period.label}
    return accounts


def _named(named: dict[str, NamedRate], name: str) -> NamedRate:
    for each in (name, f"“{name}”"):
        if each in named:
            return named[each]
    raise StudyError(f"There is no rate {name!r}; there are {', '.join(named)}.")


def _inside(study: TableStudy, period: str | Period | None) -> Period:
    if period is None:
        months = last_months(study.observed_from, study.observed_to)
        if not months:
            raise StudyError(f"No calendar month lies between {study.observed_from} and {study.observed_to}.")
        return months[-1]
    chosen = period_of(period) if isinstance(period, str) else period
    if chosen.starts_on < study.observed_from or chosen.ends_on > study.observed_to:
        raise StudyError(f"{chosen.label} is not within {study.observed_from} and {study.observed_to}.")
    return chosen
