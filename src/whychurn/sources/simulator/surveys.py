"""Recommendation surveys twice a year. Heavy and healthy users answer more, so answers are no sample."""

from __future__ import annotations

import numpy as np
import pandas as pd

from whychurn.sources.simulator import world
from whychurn.sources.simulator.accounts import Accounts
from whychurn.sources.simulator.calendar import dates, times
from whychurn.sources.simulator.history import History
from whychurn.sources.simulator.settings import PATHS_FROM, SURVEYS_FROM, CompanySettings

EVERY_DAYS = 182
ANSWER_WITHIN = 10


def survey_table(
    settings: CompanySettings,
    accounts: Accounts,
    history: History,
    service: np.ndarray,
    names: tuple[np.ndarray, np.ndarray],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Return the invitations with their answers, where there are any.

    Whether somebody answers depends on use and on the last rating of support; the score on use of the reporting
    module, open tickets and that rating. Leaving does not depend on the score.
    """
    n = len(accounts)
    phase = rng.integers(0, EVERY_DAYS, n)
    turn = np.arange(max(0, settings.days - SURVEYS_FROM) // EVERY_DAYS + 1)
    invited = SURVEYS_FROM + phase[:, None] + EVERY_DAYS * turn[None, :]
    account = np.broadcast_to(np.arange(n)[:, None], invited.shape)
    inside = invited < settings.days
    inside[inside] &= service[account[inside], invited[inside] - PATHS_FROM]
    account, day = account[inside], invited[inside]
    order = np.lexsort((day, account))
    account, day = account[order], day[order]
    known = history.at(account, day)
    size = len(day)
    unhappy = (known["last_csat"] > 0) & (known["last_csat"] <= 2)
    willing = -1.1 + 0.75 * np.log1p(known["active_days_28"]) - 0.6 * unhappy
    replies = day + rng.integers(0, ANSWER_WITHIN + 1, size)
    answers = (rng.random(size) < 1 / (1 + np.exp(-willing))) & (replies < settings.days)
    answers[answers] &= service[account[answers], replies[answers] - PATHS_FROM]
    feeling = (
        6.6 + 0.7 * np.log1p(known["uses_28_reporting"]) - 0.7 * known["open_tickets"] - 1.6 * unhappy
        + rng.normal(0, 1.7, size)
    )  # fmt: skip
    score = np.clip(np.round(feeling), 0, 10)
    user = 1 + (accounts.users[account] * rng.random(size)).astype(int)
    second = rng.integers(8 * 3600, 18 * 3600, size)
    later = np.maximum(replies * 86_400 + rng.integers(0, 86_400, size), day * 86_400 + second + 60)
    later = np.minimum(later, replies * 86_400 + 86_399)
    wording = rng.random(size)
    ids, prefix = names
    number = accounts.number[account]
    comment = np.array([_comment(value, word) for value, word in zip(score, wording, strict=True)], dtype=object)
    comment[~answers] = None
    return pd.DataFrame({
        "response_id": np.array(
            [f"R{one:06d}-{when}" for one, when in zip(number, dates(settings, day), strict=True)], dtype=object
        ),
        "account_id": ids[account],
        "user_id": np.array([f"{prefix[a]}-U{u}" for a, u in zip(account, user, strict=True)], dtype=object),
        "invited_at": times(settings, day * 86_400 + second),
        "answered_at": times(settings, later, ~answers),
        "score": pd.array(np.where(answers, score, 0).astype(int), dtype="Int64"),
        "comment": comment,
    }).assign(score=lambda frame: frame["score"].mask(~answers))  # fmt: skip


def _comment(score: float, word: float) -> str | None:
    if word > 0.3:
        return None
    band = "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"
    texts = world.COMMENTS[band]
    return texts[int(word / 0.3 * len(texts)) % len(texts)] or None
