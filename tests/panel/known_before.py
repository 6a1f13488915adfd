"""Two panels of companies that differ only in what became known on a day or later: where else do they differ?

Every function takes the panel before and after such a change, and says in sentences what the change must not have
reached. What a spell's end leaves open is worked out from the two panels alone: whoever has been without service for no
longer than the allowed gap may still come back, and then was never gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
from world import World, sources_of

from whychurn import build_panel
from whychurn.panel import Candidate
from whychurn.panel.landmarks import landmark_frame
from whychurn.panel.panel import FrameRows

#: What was agreed on the first day of a spell is known when the spell begins, even if that is after the cut-off.
CONTRACT = ("mrr", "seats", "plan", "n_subscriptions", "term_months", "days_to_renewal")
#: Held apart from measures: who a row is, its outcome, and money.
NOT_MEASURES = (
    "account_id", "spell", "start", "stop", "event", "cause", "start_on", "cut_off", "amount", "landmark",
    "followed_days", "began_on", "stop_on",
)  # fmt: skip
TABLES = ("movements", "mrr_monthly", "answers", "tickets")
#: What places a record in the history of its account.
PLACE = ("spell", "days_since_start", "at_risk", "after_churn")
_NEVER = pd.Timestamp("2200-01-01")


@dataclass(frozen=True)
class Built:
    """A panel in memory: rows as recorded, and as models see them; landmarks; tables of records."""

    rows: pd.DataFrame
    coded: pd.DataFrame
    candidates: Mapping[str, Candidate]
    landmarks: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]


def built(world: World, folder: Path) -> Built:
    """Build the panel of a world, with everything that is compared."""
    sources, study = sources_of(world, folder)
    with sources:
        panel = build_panel(sources, study)
        # The panel would read its files again for landmarks; the rows are the same.
        landmarks = landmark_frame(FrameRows(panel.intervals), panel.accounts, study)
        return Built(
            rows=dated(panel.rows.rows.read()),
            coded=dated(panel.intervals),
            candidates={candidate.column: candidate for candidate in panel.candidates},
            landmarks=dated(landmarks),
            tables={name: panel.tables[name] for name in TABLES},
        )


def dated(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the dates on which their spell began and their last day ended."""
    start_on, cut_off = pd.to_datetime(rows["start_on"]), pd.to_datetime(rows["cut_off"])
    began_on = start_on - pd.to_timedelta(rows["start"], unit="D")
    stop_on = began_on + pd.to_timedelta(rows["stop"], unit="D") if "stop" in rows else began_on
    return rows.assign(start_on=start_on, cut_off=cut_off, began_on=began_on, stop_on=stop_on)


def differs(both: pd.DataFrame, name: str) -> pd.Series:
    """Return which values of a column are not the same on both sides; no value equals no value.

    Sums of the same numbers in another order are the same.
    """
    old, new = both[name], both[f"{name} after"]
    same = (old == new) | (old.isna() & new.isna())
    if pd.api.types.is_float_dtype(old) and pd.api.types.is_float_dtype(new):
        same |= (old - new).abs() <= 1e-12 * old.abs()
    return ~same


def violations(
    before: pd.DataFrame, after: pd.DataFrame, since: date, without: Sequence[str] = (), keys: Sequence[str] = ()
) -> tuple[Counter[str], int]:
    """Return (measure -> rows that saw what became known from `since` on), and how many rows were held."""
    keys = ["account_id", "began_on", "start", *keys]
    both = before.merge(after, on=keys, suffixes=("", " after"), validate="1:1")
    known = pd.Timestamp(since)
    seen: Counter[str] = Counter()
    names = [name for name in before.columns if name not in keys and name not in without]
    if set(before.columns) != set(after.columns):
        seen["the names of measures"] = 1
    measured = both[both["cut_off"] <= known]
    described_on = (measured["cut_off"] - pd.Timedelta(days=1)).clip(lower=measured["began_on"])
    for name in names:
        if name in NOT_MEASURES or f"{name} after" not in both:
            continue
        wrong = differs(measured, name)
        if name in CONTRACT or name.startswith("seat_adoption"):
            wrong &= described_on < known
        seen[name] += int(wrong.sum())
    # Money is that of the row's first day.
    seen["amount"] = int(differs(both[both["start_on"] < known], "amount").sum())
    return +seen, len(measured)


def open_ends(before: pd.DataFrame, after: pd.DataFrame, since: date, gap: int) -> tuple[pd.DataFrame, list[str]]:
    """Return from which day on each spell may differ, and what is wrong with those that do.

    Parameters
    ----------
    before, after : pandas.DataFrame
        Rows at risk.
    since : datetime.date
        Nothing that became known before it differs.
    gap : int
        Days without service that are allowed.

    Returns
    -------
    spells : pandas.DataFrame
        ``account_id``, ``began_on`` and ``spell`` of those that began before `since`, and ``open_from``: the first day
        on which the two panels may differ, years ahead where the two spells are the same.
    said : list of str
        An end that differs must lie in the future, or be the beginning of a gap that was still allowed when the future
        began: then one side has the end, and the other came back on that day or later.
    """
    known = pd.Timestamp(since)
    both = _spells(before).merge(
        _spells(after), on=["account_id", "began_on"], how="outer", suffixes=("", " after"), indicator=True
    )
    both = both[both["began_on"] < known]
    said = [f"{_whose(row)} is on one side only" for row in both[both["_merge"] != "both"].itertuples()]
    both = both[both["_merge"] == "both"]
    same = ~(differs(both, "followed_to") | differs(both, "event") | differs(both, "cause"))
    ends = both[["followed_to", "followed_to after"]]
    first, last = ends.min(axis=1), ends.max(axis=1)
    shorter_event = both["event"].where(both["followed_to"] < both["followed_to after"], both["event after"])
    in_gap = (first >= known - pd.Timedelta(days=gap)) & (first < last) & (last >= known) & (shorter_event == 1)
    wrong = (~same & (first < known) & ~in_gap) | differs(both, "spell") | differs(both, "entered_on")
    said += [f"{_whose(row)} had ended, or not, before {known:%Y-%m-%d}" for row in both[wrong].itertuples()]
    spells = both[["account_id", "began_on", "spell"]].assign(open_from=first.mask(same, _NEVER))
    return spells, said


def _spells(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.groupby(["account_id", "began_on"], as_index=False).agg(
        spell=("spell", "first"), entered_on=("start_on", "min"), followed_to=("stop_on", "max"),
        event=("event", "max"), cause=("cause", "last"),
    )  # fmt: skip


def _whose(row: object) -> str:
    return f"the spell of {row.account_id} from {row.began_on:%Y-%m-%d} on"


def lost_rows(
    before: pd.DataFrame, after: pd.DataFrame, since: date, gap: int, step: int
) -> tuple[list[str], Counter[str]]:
    """Return what is wrong with rows that came, went, or have another outcome, and how many there were of each sort.

    Rows whose last day lies further back than the allowed gap are the same on both sides. Nearer ones are too, unless
    the end of their spell is open: rows from that day on may be missing, and the row that touches it may end there.
    """
    known = pd.Timestamp(since)
    spells, said = open_ends(before, after, since, gap)
    both = _both(before, after, ["account_id", "began_on", "start"], ["start_on", "stop_on", "event", "cause", "spell"])
    both = both[both["start_on"] < known].merge(spells.drop(columns="spell"), on=["account_id", "began_on"], how="left")
    alone = both["_merge"] != "both"
    # Where only one side has the row there is nothing to compare, and `alone` says it.
    other = ~alone & (differs(both, "stop_on") | differs(both, "event") | differs(both, "cause"))
    decided = both["start_on"] + pd.Timedelta(days=step) < known - pd.Timedelta(days=gap)
    stop_on = both[["stop_on", "stop_on after"]].min(axis=1)
    wrong = (alone & ~(both["start_on"] >= both["open_from"])) | (other & ~(stop_on >= both["open_from"]))
    wrong |= decided & (alone | other)
    said += [f"the row at {row.start} of {_whose(row)} is gone or ends otherwise" for row in both[wrong].itertuples()]
    counts = Counter({"decided": int(decided.sum()), "gone": int(alone.sum()), "nearer": int((~decided).sum())})
    return said, counts


def _both(before: pd.DataFrame, after: pd.DataFrame, keys: list[str], columns: list[str]) -> pd.DataFrame:
    """Return all rows of both sides; dates of a row that only one side has stand on both."""
    sides = (frame[[*keys, *columns]] for frame in (before, after))
    both = next(sides).merge(next(sides), on=keys, how="outer", suffixes=("", " after"), indicator=True)
    for name in columns:
        if pd.api.types.is_datetime64_any_dtype(both[name]):
            old, new = both[name], both[f"{name} after"]
            both[name], both[f"{name} after"] = old.fillna(new), new.fillna(old)
    return both


def lost_landmarks(before: Built, after: Built, since: date, gap: int, horizon: int) -> tuple[list[str], int]:
    """Return what is wrong with landmarks before `since`: who is there, and what followed if that was decided."""
    spells, _ = open_ends(before.rows, after.rows, since, gap)
    outcome = ["event", "cause", "followed_days"]
    both = _both(before.landmarks, after.landmarks, ["landmark", "account_id", "began_on", "start"], outcome)
    both = both[both["landmark"] < pd.Timestamp(since)].merge(spells, on=["account_id", "began_on"], how="left")
    alone = both["_merge"] != "both"
    other = ~alone & pd.concat([differs(both, name) for name in outcome], axis=1).any(axis=1)
    until = both["landmark"] + pd.Timedelta(days=horizon)
    wrong = (alone & ~(both["landmark"] >= both["open_from"])) | (other & ~(until >= both["open_from"]))
    said = [f"landmark {row.landmark:%Y-%m-%d} of {_whose(row)}" for row in both[wrong].itertuples()]
    return said, int((~alone & ~other).sum())


def lost_records(before: Built, after: Built, since: date, gap: int) -> tuple[list[str], Counter[str]]:
    """Return what is wrong with records of the tables dated before `since`, and how many of each table were held."""
    spells, _ = open_ends(before.rows, after.rows, since, gap)
    said, held = [], Counter()
    for name, keys, columns, old, new in _dated_records(before, after, pd.Timestamp(since), gap):
        both = old.merge(new, on=keys, how="outer", suffixes=("", " after"), indicator=True)
        wrong = both["_merge"] != "both"
        for column in columns:
            wrong |= differs(both, column)
        if "account_id" in both and "spell" in both:
            both["of"] = both["spell"].astype(float)
            ends = spells[["account_id", "spell", "open_from"]].rename(columns={"spell": "of"})
            open_from = both.merge(ends.astype({"of": float}), on=["account_id", "of"], how="left")["open_from"]
            wrong &= ~(both["day"] >= open_from)
        said += [f"{name}: {tuple(row)}" for row in both.loc[wrong, keys].itertuples(index=False)]
        held[name] += int((both["_merge"] == "both").sum())
    return said, held


def _dated_records(
    before: Built, after: Built, known: pd.Timestamp, gap: int
) -> Iterator[tuple[str, list[str], list[str], pd.DataFrame, pd.DataFrame]]:
    """Yield, for each table, what tells its rows apart, what must not differ, and the rows of both sides."""
    for name, day, keys, columns in (
        ("movements", "on", ["account_id", "spell"], ["kind", "mrr_before", "mrr_after", "reason", "cause"]),
        # Whoever has not answered yet is placed by the invitation, and by the answer later: only answers are held.
        ("answers", "answered_at", ["response_id", "account_id"], [*PLACE, "score", "band", "answered"]),
        ("tickets", "opened_at", ["ticket_id", "account_id"], [*PLACE]),
    ):
        sides = []
        for built_panel in (before, after):
            table = built_panel.tables[name]
            table = table.assign(day=pd.to_datetime(table[day]).dt.normalize())
            sides.append(table.loc[table["day"] < known, [*keys, "day", *columns]])
        yield name, [*keys, "day"], columns, *sides
    months = []
    for built_panel in (before, after):
        table = built_panel.tables["mrr_monthly"]
        over = pd.to_datetime(table["month"]) + pd.DateOffset(months=1) <= known - pd.Timedelta(days=gap)
        months.append(table[over])
    yield "mrr_monthly", ["month"], [name for name in months[0] if name != "month"], *months
