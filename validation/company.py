"""A simulated company as its weekly rows at risk, with the measures under the names of a panel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.panel.measure_state import _BANDS as RECENCY_BANDS
from whychurn.sources.simulator import CompanySettings, world
from whychurn.sources.simulator.block import Block, block_count, simulate_block
from whychurn.sources.simulator.company import _row_frame
from whychurn.sources.simulator.settings import LAG_DAYS, PATHS_FROM, SURVEYS_FROM
from whychurn.sources.simulator.stays import CAUSES
from whychurn.sources.simulator.tables import account_ids

WEEKS_12 = 84
RECENCY = np.array(["0-6 days", "7-13 days", "14-29 days", "30+ days", "never yet", "too new"], dtype=object)
BANDS_OF_NPS = np.array(["promoter", "passive", "detractor", "no answer yet", None], dtype=object)


@dataclass(frozen=True)
class Drawn:
    """A company drawn for validation.

    Attributes
    ----------
    settings : CompanySettings
    blocks : list of Block
        What the simulator made; counterfactuals start from them.
    frames : dict of str to pandas.DataFrame
        Tables but for usage.
    rows : pandas.DataFrame
        Weekly rows as ``simulate_company(..., keep_rows=True)`` gives them, in the order of account, spell and start.
    """

    settings: CompanySettings
    blocks: list[Block]
    frames: dict[str, pd.DataFrame]
    rows: pd.DataFrame


def draw(settings: CompanySettings) -> Drawn:
    """Draw a company: the one that ``simulate_company`` gives for these settings, with the blocks it is made of."""
    blocks = [simulate_block(settings, number, keep_rows=True) for number in range(block_count(settings))]
    tables = [block.tables() for block in blocks]
    frames = {
        name: pd.concat([part[name] for part in tables if len(part[name])] or [tables[0][name]], ignore_index=True)
        for name in ("accounts", "surveys", "payments", "tickets", "interactions", "interventions")
    }
    rows = pd.concat([_row_frame(part, block.accounts) for block in blocks for part in block.followed.rows])
    rows = rows.sort_values(["account", "spell", "start"], kind="stable", ignore_index=True)
    return Drawn(settings, blocks, frames, rows)


def panel_rows(drawn: Drawn) -> pd.DataFrame:
    """Return the rows under the names and in the types of a panel's recorded rows, without gaps in recording.

    ``tests/validation`` holds them against the panel that is built from the tables themselves.
    """
    rows, settings = drawn.rows, drawn.settings
    accounts = drawn.frames["accounts"].set_index("account_id")
    ids = account_ids(rows["account"].to_numpy())
    cut = rows["day"].to_numpy() - LAG_DAYS
    start_on = settings.origin + (rows["day"] + rows["late_by"]).to_numpy()
    names = np.array(["", *(CAUSES[code] for code in sorted(CAUSES))], dtype=object)
    month = start_on.astype("datetime64[M]").astype(np.int64)
    quarters, quarter = np.unique(month // 3, return_inverse=True)
    quiet = rows["days_since_login"].to_numpy()
    score = _nps(drawn, cut)
    frame = pd.DataFrame({
        "account_id": ids,
        "spell": rows["spell"],
        "start": rows["start"].astype(float),
        "stop": rows["stop"].astype(float),
        "event": (rows["cause"] > 0).astype(int),
        "cause": names[rows["cause"].to_numpy()],
        "amount": np.nan,
        "start_on": start_on.astype("datetime64[ns]"),
        "parent_account_id": accounts["parent_account_id"].reindex(ids).to_numpy(),
        "industry": np.array(world.INDUSTRIES, dtype=object)[rows["industry"].to_numpy()],
        "size_band": np.array(world.SIZE_BANDS, dtype=object)[rows["size"].to_numpy()],
        "region": np.array(world.REGIONS, dtype=object)[rows["region"].to_numpy()],
        "channel": np.array(world.CHANNELS, dtype=object)[rows["channel"].to_numpy()],
        "quarter": np.array([f"{1970 + q // 4}-Q{q % 4 + 1}" for q in quarters.tolist()], dtype=object)[quarter],
        "plan": np.array(world.PLANS, dtype=object)[rows["plan"].to_numpy()],
        "term_months": np.where(rows["annual"] == 1, 12.0, 1.0),
        "days_to_renewal": rows["days_to_renewal"].where(rows["days_to_renewal"] >= 0).astype(float),
        "login_recency": _recency(quiet, rows),
        "use_recency": _recency(_days_since_use(drawn, cut), rows),
        "nps_band": score,
        **_payments(drawn, ids, cut),
        "last_csat": rows["last_csat"].where(rows["last_csat"] > 0).astype(float),
    })  # fmt: skip
    for name in ("uses_28_reporting", "uses_28_mobile", "open_tickets", "interactions_84", "interventions_84",
                 "event_84_price_change", "event_84_competitor_offer", "event_84_incident"):  # fmt: skip
        frame[name] = rows[name].astype(float)
    return frame


def _recency(days: np.ndarray, rows: pd.DataFrame) -> np.ndarray:
    """Bands of full days; whoever came before the paths begin and was never seen has been silent for long."""
    old = (rows["day"] - rows["tenure"]).to_numpy() <= PATHS_FROM
    began = rows["day"].to_numpy() - LAG_DAYS > (rows["day"] - rows["tenure"]).to_numpy()
    codes = np.where(days >= 0, np.digitize(days, RECENCY_BANDS), np.where(old, 3, np.where(began, 4, 5)))
    return RECENCY[codes]


def _days_since_use(drawn: Drawn, cut: np.ndarray) -> np.ndarray:
    """Full days between the last use and the cut-off, -1 for none: as the simulator's own measure of logins."""
    account = drawn.rows["account"].to_numpy() - 1
    out = np.full(len(account), -1)
    first = 0
    for block in drawn.blocks:
        activity, service = block.paths.activity, block.followed.service
        used = (activity.uses.sum(axis=1) > 0) & service[activity.account, activity.column]
        last = np.full((service.shape[0], service.shape[1] + 1), -1, dtype=np.int32)
        last[activity.account[used], activity.column[used] + 1] = activity.column[used]
        np.maximum.accumulate(last, axis=1, out=last)
        mine = (account >= first) & (account < first + len(service))
        k = np.clip(cut[mine] - PATHS_FROM, 0, last.shape[1] - 1)
        seen = last[account[mine] - first, k]
        out[mine] = np.where(seen >= 0, k - 1 - seen, -1)
        first += len(service)
    return out


def _nps(drawn: Drawn, cut: np.ndarray) -> np.ndarray:
    surveys = drawn.frames["surveys"]
    answers = surveys[surveys["score"].notna()]
    day = _days(drawn.settings, answers["answered_at"])
    order = np.lexsort((pd.to_datetime(answers["answered_at"]).to_numpy(), _numbers(answers)))
    score = answers["score"].to_numpy(dtype=float)[order]
    place = _last_before(_numbers(answers)[order], day[order], drawn.rows["account"].to_numpy(), cut)
    last = np.append(score, np.nan)[place]
    codes = np.where(np.isnan(last), 3, np.where(last >= 9, 0, np.where(last >= 7, 1, 2)))
    return BANDS_OF_NPS[np.where(cut > SURVEYS_FROM, codes, 4)]


def _payments(drawn: Drawn, ids: np.ndarray, cut: np.ndarray) -> dict[str, np.ndarray]:
    payments, settings = drawn.frames["payments"], drawn.settings
    account = drawn.rows["account"].to_numpy()
    failed = payments[payments["failed_on"].notna()]

    def before(frame: pd.DataFrame, column: str, when: np.ndarray) -> np.ndarray:
        """Return how many records of each row's account lie before a day."""
        key = np.sort(_key(_numbers(frame), _days(settings, frame[column])))
        return np.searchsorted(key, _key(account, when)) - np.searchsorted(
            key, _key(account, np.full(len(when), -(2**19)))
        )

    owed = payments[payments["amount"] > 0]
    paid = owed[owed["paid_on"].notna()]
    return {
        "failed_payments_84": (before(failed, "failed_on", cut) - before(failed, "failed_on", cut - WEEKS_12)).astype(
            float
        ),
        "overdue_payments": (before(owed, "due_on", cut) - before(paid, "paid_on", cut)).astype(float),
    }


def _last_before(account: np.ndarray, day: np.ndarray, of: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """Place of the last record of each row's account before its cut-off, -1 for none; records come in order."""
    key = _key(account, day)
    place = np.searchsorted(key, _key(of, cut)) - 1
    return np.where((place >= 0) & (np.append(account, -1)[place] == of), place, -1)


def _key(account: np.ndarray, day: np.ndarray) -> np.ndarray:
    return account.astype(np.int64) * 2**20 + day + 2**19


def _numbers(frame: pd.DataFrame) -> np.ndarray:
    return frame["account_id"].str[1:].astype(int).to_numpy()


def _days(settings: CompanySettings, texts: pd.Series) -> np.ndarray:
    return (pd.to_datetime(texts).to_numpy().astype("datetime64[D]") - settings.origin).astype(int)
