"""The law of time: no row at risk may see what became known on its cut-off or later.

Held against the real builder: whatever is changed, deleted, appended or shuffled among things that nobody could know
before a day, rows whose cut-off is not after that day keep every measure.
"""

import random
import sys
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "panel"))

from late_changes import KINDS, LateChanges
from small_company import at, company, day, subscription, used
from world import sources_of
from worlds import random_world

from whychurn import build_panel
from whychurn.panel import store
from whychurn.panel.measure import Measure

pytestmark = pytest.mark.xdist_group("law of time")

#: Seed of a world -> days after the window opens on which the future begins.
FUTURES = {0: (70, 133), 13: (60,)}
#: Service that ends in every way there is.
STRICT = {"recognise": "cancel date", "allowed_gap_days": 5, "delinquent_after_days": 10, "inactive_after_days": 30}
#: What was agreed on the first day of a spell is known when the spell begins, even if that is after the cut-off.
CONTRACT = ("mrr", "seats", "plan", "n_subscriptions", "term_months", "days_to_renewal")
NOT_MEASURES = ("account_id", "spell", "start", "stop", "event", "cause", "start_on", "cut_off", "amount")


@pytest.fixture(scope="module")
def rows_of(tmp_path_factory):
    """Return the rows at risk of a world."""

    def build(world):
        sources, study = sources_of(world, tmp_path_factory.mktemp("world"))
        with sources:
            return build_panel(sources, study).intervals

    return build


@pytest.fixture(scope="module")
def world_0():
    return world_of(0)


@pytest.fixture(scope="module")
def rows_0(rows_of, world_0):
    return rows_of(world_0)


def world_of(seed):
    """A world whose tables were all tracked from a declared day, which no change can move."""
    begin = random_world(seed).observed_from
    tracked = {"usage": 20, "tickets": -400, "surveys": -30, "interactions": 0, "interventions": -400, "payments": -400}
    return random_world(
        seed,
        n_accounts=30,
        tracked_from={table: begin + timedelta(days=days) for table, days in tracked.items()},
        **({"churn": STRICT} if seed == 13 else {}),
    )


def with_keys(rows):
    start_on, cut_off = pd.to_datetime(rows["start_on"]), pd.to_datetime(rows["cut_off"])
    began_on = start_on - pd.to_timedelta(rows["start"], unit="D")
    return rows.assign(start_on=start_on, cut_off=cut_off, began_on=began_on)


def violations(before, after, since):
    """Return (name of a measure -> rows that saw what became known from `since` on), and how many rows were held."""
    keys = ["account_id", "began_on", "start"]
    both = with_keys(before).merge(with_keys(after), on=keys, suffixes=("", " after"))
    both = both[both["cut_off"] <= pd.Timestamp(since)]
    described_on = (both["cut_off"] - pd.Timedelta(days=1)).where(both["cut_off"] > both["began_on"], both["began_on"])
    seen = Counter()
    for name in [name for name in before.columns if f"{name} after" in both and name not in NOT_MEASURES]:
        old, new = both[name], both[f"{name} after"]
        differs = ~((old == new) | (old.isna() & new.isna()))
        if name in CONTRACT or name.startswith("seat_adoption"):
            differs &= described_on < pd.Timestamp(since)
        if differs.any():
            seen[name] = int(differs.sum())
    return seen, len(both)


def changed_worlds():
    """Yield each world, the day the future begins, what was done to the future, and the world after it."""
    for seed, futures in FUTURES.items():
        world = world_of(seed)
        for days in futures:
            since = world.observed_from + timedelta(days=days)
            for kind in KINDS:
                changes = LateChanges(world, since, seed * 1000 + days)
                yield world, since, kind, changes.changed(kind), changes.counts


def test_no_row_sees_what_became_known_later(rows_of):
    before = {seed: rows_of(world_of(seed)) for seed in FUTURES}
    done, said, n_rows = Counter(), [], 0
    for world, since, kind, after, counts in changed_worlds():
        seen, n_held = violations(before[world.seed], rows_of(after), since)
        said += [f"world {world.seed}, {kind} from {since} on: {n} rows of {name}" for name, n in seen.items()]
        done += counts
        n_rows += n_held
    assert not said, "\n".join(said)
    assert n_rows > 2500
    tables = set(world_of(0).tables) - {"accounts"}
    assert {(table, kind): done[table, kind] for table in tables for kind in KINDS if done[table, kind] < 30} == {}


@pytest.mark.parametrize("kind", KINDS)
def test_the_changes_reach_rows_that_may_see_them(rows_of, world_0, rows_0, kind):
    """Else the test above would hold for changes that touch nothing."""
    since = world_0.observed_from + timedelta(days=60)
    after = rows_of(LateChanges(world_0, since, 1).changed(kind))
    seen, _ = violations(rows_0, after, since=world_0.observed_to)
    windows = {"uses_28", "tickets_84", "interactions_84", "interventions_84", "failed_payments_84"}
    assert windows <= set(seen)
    if kind in ("change", "append"):
        assert {"open_tickets", "last_csat", "last_nps", "nps_band", "overdue_payments", "event_84_incident"} <= set(
            seen
        )
        assert {"mrr", "seats", "plan", "term_months", "days_to_renewal"} <= set(seen)


def plant_peeking_measure(monkeypatch, later):
    """Register a measure that counts all usage older than some days AFTER the cut-off."""

    def peek(state):
        usage, grid = state._fetch("usage"), state.grid
        mine = usage["account"][None, :] == grid.spells.account[grid.owner][:, None]
        return (mine & (usage["day"][None, :] < grid.cut[:, None] + later)).sum(axis=1)

    peeking = Measure("peeked", "Peeked", "", "Usage until after the cut-off.", "calendar", ("usage",), peek)
    honest = store.registry
    monkeypatch.setattr(store, "registry", lambda *arguments: (*honest(*arguments), peeking))


@pytest.mark.parametrize("later", [7, 1])
def test_a_measure_that_peeks_is_caught(rows_of, world_0, monkeypatch, later):
    """A count that goes beyond the cut-off is found out, if only by one day; all others pass."""
    since = world_0.observed_from + timedelta(days=70)
    plant_peeking_measure(monkeypatch, later)
    before, found = rows_of(world_0), Counter()
    for kind in ("change", "append"):
        found += violations(before, rows_of(LateChanges(world_0, since, 5).changed(kind)), since)[0]
    assert set(found) == {"peeked"}
    assert found["peeked"] >= 2


def column(rows, name):
    return [None if pd.isna(value) else value for value in rows[name]]


def test_satisfaction_said_after_the_ticket_closed_is_not_seen_before_it_was_said(rows_of):
    ticket = {
        "ticket_id": "t", "account_id": "a", "opened_at": at(3), "closed_at": at(5), "csat": 5, "csat_at": at(21),
    }  # fmt: skip
    rows = rows_of(company(subscription(), to=35, tickets=[ticket]))
    assert column(rows, "last_csat") == [None, None, None, None, 5]


def test_a_ticket_closed_after_the_cut_off_is_still_open(rows_of):
    ticket = {
        "ticket_id": "t",
        "account_id": "a",
        "opened_at": at(3),
        "closed_at": at(14, 0),
        "csat": 2,
        "csat_at": None,
    }
    rows = rows_of(company(subscription(), to=35, tickets=[ticket]))
    assert column(rows, "open_tickets") == [0, 1, 1, 0, 0]
    assert column(rows, "last_csat") == [None, None, None, 2, 2]


def test_a_survey_is_not_seen_before_it_was_answered(rows_of):
    survey = {"response_id": "r", "account_id": "a", "invited_at": at(-9), "answered_at": at(14, 0), "score": 9}
    rows = rows_of(company(subscription(), to=28, surveys=[survey]))
    assert column(rows, "last_nps") == [None, None, None, 9]
    assert column(rows, "nps_band") == ["no answer yet"] * 3 + ["promoter"]


def test_an_end_is_not_seen_before_it_came_and_notice_stops_the_clock(rows_of):
    parts = [subscription("s1"), subscription("s2", 0, 14, mrr=7), subscription("s3", 14, 40, mrr=1)]
    assert column(rows_of(company(*parts, to=28)), "mrr") == [17, 17, 17, 11]
    leaving = company(subscription("s1", 0, 40, cancelled_on=day(8)), to=28, usage=[used(n) for n in (1, 7, 8, 9, 15)])
    rows = rows_of(leaving)
    assert column(rows, "under_notice") == [0, 0, 1, 1]
    assert column(rows, "uses_28") == [0, 1, 1, 1]


def test_who_has_not_used_it_yet_is_told_from_who_was_not_watched(rows_of):
    world = company(subscription(), lag=7, to=21, usage=[used(13), {**used(13, "login"), "account_id": "b"}])
    rows = rows_of(world)  # cut-offs are days -7, 0 and 7
    assert column(rows, "use_recency") == ["too new", "too new", "never yet"]
    assert column(rows, "days_since_use") == [None, None, None]
    assert column(rows, "uses_28") == [0, 0, 0]
    unwatched = rows_of(replace(world, tracked_from={"usage": day(3)}))
    assert column(unwatched, "use_recency") == ["too new", "too new", None]
    assert column(unwatched, "adopted_m") == [None, None, None]
    assert column(unwatched, "uses_28") == [None, None, None]


def same_rows(rows, others, without=()):
    left, right = (frame.drop(columns=list(without)).reset_index(drop=True) for frame in (rows, others))
    pd.testing.assert_frame_equal(left, right, check_exact=False, rtol=1e-12, atol=1e-12)


def test_the_order_of_records_says_nothing(rows_of, world_0, rows_0):
    draw = random.Random(3)
    shuffled = {name: draw.sample(records, len(records)) for name, records in world_0.tables.items()}
    same_rows(rows_0, rows_of(world_0.with_tables(**shuffled)))


def test_names_of_customers_say_nothing(rows_of, world_0, rows_0):
    names = {record["account_id"]: f"Kundin {record['account_id']} GmbH & Co" for record in world_0.tables["accounts"]}
    renamed = {
        name: [record | {"account_id": names.get(record["account_id"])} for record in records]
        for name, records in world_0.tables.items()
    }
    same_rows(rows_0.assign(account_id=rows_0["account_id"].map(names)), rows_of(world_0.with_tables(**renamed)))


def test_only_the_distance_between_days_says_something(rows_of, world_0, rows_0):
    """Whole weeks, for hours of peak use have weekdays."""
    world, shift = world_0, timedelta(days=7 * 53)

    def later(value):
        return value + shift if isinstance(value, date) else value

    moved = replace(
        world,
        observed_from=world.observed_from + shift,
        observed_to=world.observed_to + shift,
        tracked_from={name: first + shift for name, first in world.tracked_from.items()},
        not_tracked={name: [(a + shift, b + shift) for a, b in gaps] for name, gaps in world.not_tracked.items()},
        tables={
            name: [{key: later(value) for key, value in record.items()} for record in records]
            for name, records in world.tables.items()
        },
    )
    days = ("start_on", "cut_off", "quarter")
    others = rows_of(moved)
    same_rows(rows_0, others, without=days)
    assert (pd.to_datetime(rows_0["cut_off"]) + shift == pd.to_datetime(others["cut_off"])).all()


@pytest.mark.parametrize("engine", [{"threads": 1, "memory_limit": "300MB"}, {"threads": 3}])
def test_the_engine_says_nothing(rows_of, world_0, rows_0, engine):
    same_rows(rows_0, rows_of(replace(world_0, engine=engine)))


def test_the_number_of_buckets_says_nothing(rows_of, world_0, rows_0, monkeypatch):
    bounds = store.bucket_bounds
    used_buckets = []

    def many(n_rows, account, n_buckets):
        used_buckets.append(bounds(n_rows, account, 9))
        return used_buckets[-1]

    monkeypatch.setattr(store, "bucket_bounds", many)
    same_rows(rows_0, rows_of(world_0))
    assert len(used_buckets[0]) == 10
