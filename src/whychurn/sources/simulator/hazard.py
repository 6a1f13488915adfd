"""How likely customers leave: hazards that act week by week on what a panel of weekly rows sees."""

from __future__ import annotations

import numpy as np

from whychurn.sources.simulator import world
from whychurn.sources.simulator.accounts import Accounts
from whychurn.sources.simulator.calendar import add_months
from whychurn.sources.simulator.history import WEEKS_12, History
from whychurn.sources.simulator.settings import LAG_DAYS, PATHS_FROM, STEP_DAYS, CompanySettings
from whychurn.sources.simulator.stays import Stay
from whychurn.sources.simulator.usage import usual_reporting


def weekly(settings: CompanySettings, accounts: Accounts, history: History, stays: list[Stay]) -> dict[str, np.ndarray]:
    """Return measures and hazards of the weekly rows of stays, in the grid of their spells.

    Returns
    -------
    dict of str to ndarray
        Matrices (stays, rows): ``day`` a row begins, ``length`` in days at risk within the window, measures under
        the names of a panel, and ``hazard`` of leaving voluntarily per day.
    """
    account = np.array([stay.account for stay in stays])[:, None]
    entered = np.array([stay.entered for stay in stays])[:, None]
    begins = np.array([stay.begins for stay in stays])[:, None]
    spell_started = np.array([stay.spell_started for stay in stays])[:, None]
    n_rows = -(-(settings.days - int(entered.min())) // STEP_DAYS)
    day = entered + STEP_DAYS * np.arange(n_rows)[None, :]
    cut_off = day - LAG_DAYS
    known_on = np.maximum(cut_off - 1, spell_started)  # the day that contract measures describe
    changed = known_on >= accounts.changes_on[account]
    first, after = accounts.plan[account], accounts.plan_after[account]
    since = history.at(account, cut_off)
    low, high = np.maximum(day, begins), np.minimum(day + STEP_DAYS, settings.days)
    price = settings.price_change_on
    rows = {
        **since,
        "account": np.broadcast_to(account, day.shape),
        "day": day,
        "length": np.maximum(high - low, 0),
        "late_by": low - day,
        "tenure": day - spell_started,
        "plan": np.where(changed, after, first),
        "annual": np.broadcast_to(accounts.annual[account], day.shape).astype(int),
        "days_to_renewal": _to_renewal(settings, accounts, account, begins, known_on),
        "never": ((since["days_since_login"] < 0) & (cut_off > spell_started) & (spell_started > PATHS_FROM)),
        "dormant": (since["days_since_login"] < 0) & (spell_started <= PATHS_FROM),
        "event_84_price_change": ((cut_off - WEEKS_12 <= price) & (price < cut_off)).astype(int),
        "event_84_incident": np.zeros(day.shape, dtype=int),
    }
    for incident in settings.incidents_on:
        rows["event_84_incident"] |= (cut_off - WEEKS_12 <= incident) & (incident < cut_off)
    rows["hazard"] = _baseline(settings, rows["tenure"]) * np.exp(_log_hazard(settings, accounts, rows))
    return rows


def renews(rows: dict[str, np.ndarray]) -> np.ndarray:
    """Whether a term of 12 months is up for renewal in the row, by the measure ``days_to_renewal``."""
    to_row = LAG_DAYS + 1
    return (rows["days_to_renewal"] >= to_row) & (rows["days_to_renewal"] < to_row + STEP_DAYS)


def _to_renewal(
    settings: CompanySettings, accounts: Accounts, account: np.ndarray, begins: np.ndarray, known_on: np.ndarray
) -> np.ndarray:
    """Days until the term ends; -1 for terms of a month."""
    out = np.full(known_on.shape, -1)
    for months in range(12, 12 * (settings.years + 8), 12):
        renewal = add_months(settings, begins, months)
        ahead = renewal - known_on
        out = np.where((out < 0) & (ahead > 0), ahead, out)
    return np.where(accounts.annual[account], out, -1)


def _baseline(settings: CompanySettings, tenure: np.ndarray) -> np.ndarray:
    """Hazard per day: early months are the most dangerous."""
    return settings.leaving_per_year / 365 * (1 + 1.2 * np.exp(-(tenure + STEP_DAYS / 2) / 120))


def _log_hazard(settings: CompanySettings, accounts: Accounts, rows: dict[str, np.ndarray]) -> np.ndarray:
    effect = settings.effects
    account, quiet = rows["account"], rows["days_since_login"]
    return (
        effect.medical_devices * (accounts.industry[account] == world.MEDICAL_DEVICES)
        + effect.finance * (accounts.industry[account] == world.FINANCE)
        + effect.asia_pacific * (accounts.region[account] == world.ASIA_PACIFIC)
        + effect.partner_channel * (accounts.channel[account] == world.PARTNER)
        + effect.starter * (rows["plan"] == world.STARTER)
        + effect.enterprise * (rows["plan"] == world.ENTERPRISE)
        + effect.annual_term * rows["annual"]
        + effect.renewal * renews(rows)
        + effect.login_7_13 * ((quiet >= 7) & (quiet < 14))
        + effect.login_14_29 * ((quiet >= 14) & (quiet < 30))
        + effect.login_30 * ((quiet >= 30) | rows["dormant"])
        + effect.login_never * rows["never"]
        + effect.reporting * (np.log1p(rows["uses_28_reporting"]) - np.log1p(usual_reporting(settings)))
        + effect.mobile * np.log1p(rows["uses_28_mobile"])
        + effect.open_tickets * rows["open_tickets"]
        + effect.low_csat * ((rows["last_csat"] > 0) & (rows["last_csat"] <= 2))
        + effect.price_change * rows["event_84_price_change"]
        + effect.competitor_offer * rows["event_84_competitor_offer"]
        + effect.incident * rows["event_84_incident"]
        + effect.intervention * (rows["interventions_84"] > 0)
        + effect.interactions * rows["interactions_84"]
    )
