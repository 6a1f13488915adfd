"""The law of time: no row at risk may see what became known on its cut-off or later.

Held against the real builder: whatever is changed, deleted, appended or shuffled among things that nobody could know
before a day, rows whose cut-off is not after that day keep every measure, snapshots at landmarks up to that day keep
theirs, and everything dated before that day stays: which rows there are and how they end, movements of revenue, answers
and tickets. An end is decided once the allowed gap has passed without a return; until then rows may be missing from the
first day without service on, and from nowhere else.

What is not held, and why:

* Attributes of accounts are as last recorded. They carry no date, and no row can tell since when they have been so.
* ``mrr``, ``seats``, ``plan`` and ``term_months`` of a subscription carry no date of their own either: they are taken as
  agreed on its first day, and no change touches those of a known subscription. Where a company overwrites them in
  place, the rows before show what was agreed later.
* ``renewal_on`` is overwritten at each renewal: moving it forward by whole terms changes no row.
* Bands and pooled levels of declared causes are set on all rows, early and late: another future may draw the limits
  elsewhere. Recorded values are held; what models see is held where a cause is neither banded nor pooled, and elsewhere
  equal values must still share a level.
* Which measures there are depends on which columns hold a value at all, early or late. No value of another depends on it.
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

from known_before import built, dated, lost_landmarks, lost_records, lost_rows, violations
from late_changes import KINDS, LateChanges
from small_company import at, company, day, subscription, used
from world import sources_of
from worlds import random_world

from whychurn import build_panel
from whychurn.panel import spells, store
from whychurn.panel.measure import Measure

pytestmark = pytest.mark.xdist_group("law of time")

#: Seed of a world -> days after the window opens on which the future begins.
FUTURES = {0: 133, 13: 60, 99: 140}
#: Service that ends in every way there is; and two with ever longer gaps that are allowed.
STRICT = {"recognise": "cancel date", "allowed_gap_days": 5, "delinquent_after_days": 10, "inactive_after_days": 30}
CHURN = {0: {"recognise": "term end", "allowed_gap_days": 30}, 13: STRICT}
#: Never banded or pooled, whatever comes; the others are at times.
PLAIN = {"n_subscriptions": "number", "plan": "category", "quarter": "category", "use_recency": "category"}
CAUSES = {**PLAIN, "mrr": "number", "days_since_use": "category"}
#: After so long the calendar is the same again: lengths of months, and weekdays.
CALENDARS_APART = timedelta(days=28 * 365 + 7)


@pytest.fixture(scope="module")
def rows_of(tmp_path_factory):
    """Return the rows at risk of a world, as recorded."""

    def build(world):
        # Rows as recorded are the same whatever causes are declared.
        sources, study = sources_of(replace(world, causes={}), tmp_path_factory.mktemp("world"))
        with sources:
            return build_panel(sources, study).rows.read()

    return build


@pytest.fixture(scope="module")
def world_0():
    return world_of(0)


@pytest.fixture(scope="module")
def rows_0(panels, world_0):
    return panels[0].rows.drop(columns=["began_on", "stop_on"])


@pytest.fixture(scope="module")
def panels(tmp_path_factory):
    """Each world's panel as it is."""
    return {seed: built(world_of(seed), tmp_path_factory.mktemp("world")) for seed in FUTURES}


@pytest.fixture(scope="module")
def futures(tmp_path_factory):
    """Each world, the day the future begins, what was done to the future, how often by table, and the panel after."""
    found = []
    for seed, days in FUTURES.items():
        world = world_of(seed)
        since = world.observed_from + timedelta(days=days)
        for kind in KINDS:
            changes = LateChanges(world, since, seed * 1000 + days)
            after = built(changes.changed(kind), tmp_path_factory.mktemp("world"))
            found.append((world, since, kind, changes.counts, after))
    return found


def world_of(seed):
    """A world whose tables were all tracked from a declared day, which no change can move."""
    if seed == 99:
        return coming_and_going()
    begin = random_world(seed).observed_from
    tracked = {"usage": 20, "tickets": -400, "surveys": -30, "interactions": 0, "interventions": -400, "payments": -400}
    return random_world(
        seed,
        n_accounts=50,
        tracked_from={table: begin + timedelta(days=days) for table, days in tracked.items()},
        churn=CHURN[seed],
        causes=CAUSES,
        horizon=30,
    )


def coming_and_going():
    """Many customers with pauses about as long as is allowed, so that on any day some have gone and may come back."""
    draw, subscriptions = random.Random(99), []
    for number in range(150):
        start = draw.randint(-60, 30)
        for nth in range(4):
            end = start + draw.randint(10, 60)
            more = {"account_id": f"a{number:03d}", "mrr": draw.choice((10, 20.5)), "end_reason": "competitor"}
            more["renewal_on"] = day(start + 366)
            subscriptions.append(subscription(f"{number}-{nth}", start, end, **more))
            start = end + draw.randint(1, 35)
    causes = {"n_subscriptions": "number", "plan": "category"}
    world = company(to=200, lag=3, churn={"allowed_gap_days": 21})
    accounts = [{"account_id": f"a{number:03d}"} for number in range(150)]
    world = world.with_tables(accounts=accounts, subscriptions=subscriptions)
    return replace(world, seed=99, causes=causes, horizon=30)


def regrouped(panel):
    """Causes in bands or with pooled levels, for which limits are set on all rows."""
    return {name for name, cause in panel.candidates.items() if cause.kind != CAUSES[name] or "pooled" in cause.note}


def gap_of(world):
    return world.churn["allowed_gap_days"]


def test_no_row_sees_what_became_known_later(panels, futures):
    done, said, n_rows = Counter(), [], 0
    for world, since, kind, counts, after in futures:
        seen, n_held = violations(panels[world.seed].rows, after.rows, since)
        said += [f"world {world.seed}, {kind} from {since} on: {n} rows of {name}" for name, n in seen.items()]
        done += counts
        n_rows += n_held
    assert not said, "\n".join(said)
    assert n_rows > 2500
    tables = set(world_of(0).tables) - {"accounts"}
    assert {(table, kind): done[table, kind] for table in tables for kind in KINDS if done[table, kind] < 20} == {}


def test_no_row_is_gone_or_ends_otherwise_for_what_became_known_later(panels, futures):
    said, counts = [], Counter()
    for world, since, kind, _, after in futures:
        wrong, found = lost_rows(panels[world.seed].rows, after.rows, since, gap_of(world), world.interval_days)
        said += [f"world {world.seed}, {kind} from {since} on: {sentence}" for sentence in wrong]
        counts += found
    assert not said, "\n".join(said)
    assert counts["decided"] > 1000
    assert counts["nearer"] > 500
    assert counts["gone"] > 20, "some returns within the allowed gap lie in the future, else nothing is left open"


def test_snapshots_do_not_see_what_became_known_later(panels, futures):
    said, n_same, n_held = [], 0, 0
    for world, since, kind, _, after in futures:
        before = panels[world.seed]
        wrong, same = lost_landmarks(before, after, since, gap_of(world), world.horizon)
        known = [frame[frame["landmark"] <= pd.Timestamp(since)] for frame in (before.landmarks, after.landmarks)]
        without = regrouped(before) | regrouped(after)
        seen, n = violations(*known, world.observed_to, without, ["landmark"])
        said += [f"world {world.seed}, {kind} from {since} on: {sentence}" for sentence in [*wrong, *seen.items()]]
        n_same, n_held = n_same + same, n_held + n
    assert not said, "\n".join(said)
    assert n_same > 300
    assert n_held > 300


def test_what_models_see_changes_at_most_by_regrouping(panels, futures):
    said, moved = [], Counter()
    for world, since, kind, _, after in futures:
        before = panels[world.seed]
        without = regrouped(before) | regrouped(after)
        assert not without & set(PLAIN)
        for name, n in violations(before.coded, after.coded, since)[0].items():
            if name in without:
                moved[name] += n
            else:
                said.append(f"world {world.seed}, {kind} from {since} on: {n} rows of {name}")
        for panel in (before, after):
            for name in without:
                levels = panel.coded[name].groupby(panel.rows[name], dropna=False).nunique(dropna=False)
                said += [f"{name} has values of several levels"] if (levels > 1).any() else []
    assert not said, "\n".join(said)
    assert set(moved) == set(CAUSES) - set(PLAIN), "what is exempt needs to be"


def test_records_of_the_past_stay_where_they_are(panels, futures):
    said, held = [], Counter()
    for world, since, kind, _, after in futures:
        wrong, n = lost_records(panels[world.seed], after, since, gap_of(world))
        said += [f"world {world.seed}, {kind} from {since} on: {sentence}" for sentence in wrong]
        held += n
    assert not said, "\n".join(said)
    assert {name: n for name, n in held.items() if n < 100} == {"mrr_monthly": held["mrr_monthly"]}
    assert held["mrr_monthly"] >= 12


@pytest.mark.parametrize("kind", KINDS)
def test_the_changes_reach_rows_that_may_see_them(panels, futures, kind):
    """Else the tests above would hold for changes that touch nothing."""
    world, _, _, _, after = next(future for future in futures if future[2] == kind)
    seen, _ = violations(panels[world.seed].rows, after.rows, since=world.observed_to)
    windows = {"uses_28", "tickets_84", "interactions_84", "interventions_84", "failed_payments_84"}
    assert windows <= set(seen)
    if kind in ("change", "append"):
        assert {"open_tickets", "last_csat", "last_nps", "nps_band", "overdue_payments", "event_84_incident"} <= set(
            seen
        )
        assert {"mrr", "seats", "plan", "term_months", "days_to_renewal", "amount"} <= set(seen)


def without_leavers(panel, since):
    """The panel of somebody who knows on a day who is going to leave after it."""
    leaving = panel.rows.loc[(panel.rows["event"] == 1) & (panel.rows["stop_on"] > since), "account_id"]
    return replace(
        panel,
        rows=panel.rows[~panel.rows["account_id"].isin(leaving)],
        landmarks=panel.landmarks[~panel.landmarks["account_id"].isin(leaving)],
    )


def with_an_end_moved(panel, since):
    """The panel of somebody who takes an end back years later."""
    old = panel.rows["stop_on"] < since - pd.Timedelta(days=CHURN[0]["allowed_gap_days"])
    place = panel.rows.index[old & (panel.rows["event"] == 1)][0]
    rows = panel.rows.copy()
    rows.loc[place, ["event", "cause"]] = [0, ""]
    return replace(panel, rows=rows)


def with_records_moved(panel, since):
    """The panel of somebody who sorts old records anew."""
    answers, movements = panel.tables["answers"], panel.tables["movements"]
    early = pd.to_datetime(answers["answered_at"]) < since
    answers = answers.assign(after_churn=answers["after_churn"] ^ early)
    movements = movements[pd.to_datetime(movements["on"]) >= since]
    return replace(panel, tables={**panel.tables, "answers": answers, "movements": movements})


@pytest.mark.parametrize(
    ("tampered", "caught"),
    [
        (without_leavers, {"rows", "landmarks"}),
        (with_an_end_moved, {"rows"}),
        (with_records_moved, {"answers", "movements"}),
    ],
)
def test_a_panel_that_rewrites_the_past_is_caught(panels, world_0, tampered, caught):
    since, gap, before = world_0.observed_from + timedelta(days=100), gap_of(world_0), panels[0]
    after = tampered(before, pd.Timestamp(since))
    found = {"rows": lost_rows(before.rows, after.rows, since, gap, world_0.interval_days)[0]}
    found["landmarks"] = lost_landmarks(before, after, since, gap, world_0.horizon)[0]
    for sentence in lost_records(before, after, since, gap)[0]:
        found.setdefault(sentence.split(":")[0], []).append(sentence)
    assert {name for name, said in found.items() if said} == caught


def test_a_builder_that_waits_longer_for_a_return_than_it_says_is_caught(tmp_path, monkeypatch):
    honest, world = spells._make_all, world_of(99)

    def patient(connection, definition, *names):
        honest(connection, definition.model_copy(update={"allowed_gap_days": 30}), *names)

    monkeypatch.setattr(spells, "_make_all", patient)
    since = world.observed_from + timedelta(days=FUTURES[99])
    before, after = (
        built(one, tmp_path / name)
        for name, one in {"before": world, "after": LateChanges(world, since, 2).changed("delete")}.items()
    )
    said = lost_rows(before.rows, after.rows, since, gap_of(world), world.interval_days)[0]
    assert any("had ended, or not, before" in sentence for sentence in said)
    assert lost_rows(before.rows, after.rows, since, 30, world.interval_days)[0] == []


def test_renewing_again_and_again_changes_no_row(rows_of, world_0):
    """What billing systems do with the day of the next renewal, at each renewal, however many there were since.

    First renewals lie anywhere in the first term or shortly after it, on days that every month has.
    """

    def renewed(times):
        draw, records = random.Random(9), []
        for record in world_0.tables["subscriptions"]:
            day, months = None, record["term_months"]
            if months:
                first = record["started_on"] + timedelta(days=draw.randint(16, 28 * months + 10))
                first = first.replace(day=min(first.day, 28))
                day = (first + pd.DateOffset(months=months * times())).date()
            records.append(record | {"renewal_on": day})
        return world_0.with_tables(subscriptions=records)

    later = random.Random(10)
    agreed = rows_of(renewed(lambda: 0))
    same_rows(agreed, rows_of(renewed(lambda: later.randint(0, 4))))
    assert agreed["days_to_renewal"].nunique() > 100


def peeking(later):
    """A measure that counts all usage older than some days AFTER the cut-off."""

    def peek(state):
        usage, grid = state._fetch("usage"), state.grid
        mine = usage["account"][None, :] == grid.spells.account[grid.owner][:, None]
        return (mine & (usage["day"][None, :] < grid.cut[:, None] + later)).sum(axis=1)

    return Measure(f"peeked_{later}", "Peeked", "", "Usage until after the cut-off.", "calendar", ("usage",), peek)


def test_a_measure_that_peeks_is_caught(rows_of, world_0, monkeypatch):
    """A count that goes beyond the cut-off is found out, if only by one day; all others pass."""
    since = world_0.observed_from + timedelta(days=70)
    honest = store.registry
    monkeypatch.setattr(store, "registry", lambda *arguments: (*honest(*arguments), peeking(7), peeking(1)))
    before, found = dated(rows_of(world_0)), Counter()
    for kind in ("change", "append"):
        after = rows_of(LateChanges(world_0, since, 5).changed(kind))
        found += violations(before, dated(after), since)[0]
    assert set(found) == {"peeked_7", "peeked_1"}
    assert found["peeked_1"] >= 2


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
    """By 28 years, after which months and weekdays are the same: renewals are months apart, peak hours have weekdays."""
    world, shift = world_0, CALENDARS_APART

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
