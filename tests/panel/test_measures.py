"""What measures there are, and what each kind says about companies small enough to count by hand."""

from datetime import date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from worlds import World, sources_of, study_of

from whychurn.errors import PanelError
from whychurn.panel.buckets import bucket_bounds
from whychurn.panel.intervals import Grid, Spells
from whychurn.panel.measure import LAGGED
from whychurn.panel.measure_names import column_parts
from whychurn.panel.measure_time import Tracking, windows_of
from whychurn.panel.measures import registry
from whychurn.panel.notice import make_notice
from whychurn.panel.spells import make_spells
from whychurn.panel.store import build_rows

BEGIN = date(2024, 1, 1)
ALL_TABLES = ("subscriptions", "usage", "tickets", "surveys", "interactions", "interventions", "events", "payments")


def company(tables=None, **settings):
    """One account, a customer from the first day of the window on, watched for 70 days in weeks, without lag."""
    given = {
        "accounts": [{"account_id": "a"}],
        "subscriptions": [subscription(0)],
        **(tables or {}),
    }
    defaults = {
        "seed": 0, "observed_from": BEGIN, "observed_to": BEGIN + timedelta(days=70), "interval_days": 7, "lag_days": 0,
        "churn": {}, "measures": {}, "tracked_from": {"usage": BEGIN - timedelta(days=200)}, "not_tracked": {},
    }  # fmt: skip
    return World(**{**defaults, **settings}, tables=given)


def subscription(first, end=None, **more):
    return {
        "subscription_id": f"s{first}", "account_id": "a", "started_on": BEGIN + timedelta(days=first),
        "ended_on": None if end is None else BEGIN + timedelta(days=end), **more,
    }  # fmt: skip


def usage(day, action="use", **more):
    return {
        "account_id": "a",
        "at": datetime(2024, 1, 1, 10) + timedelta(days=day),
        "action": action,
        "count": 1,
        **more,
    }


def rows_of(folder, world, *only):
    sources, study = sources_of(world, folder)
    with sources:
        make_spells(sources.connection, study, study.definition)
        make_notice(sources.connection, study)
        return build_rows(sources, study, only=only or None).read()


def values(folder, world, name):
    """One measure, None where there is no value."""
    return [None if value is None or value != value else value for value in rows_of(folder, world, name)[name]]


def test_windows_are_whole_intervals(tmp_path):
    def lengths(step):
        windows = windows_of(study_of(company(interval_days=step), tmp_path))
        return windows.w1, windows.w4, windows.w8, windows.w12

    assert lengths(7) == (7, 28, 56, 84)
    assert lengths(1) == (7, 28, 56, 84)
    assert lengths(10) == (10, 30, 60, 90)
    assert lengths(31) == (31, 31, 62, 93)


def test_the_registry_in_weeks(tmp_path):
    names = [m.name for m in registry(study_of(company(), tmp_path), ("Time & Billing",), ("price change",))]

    assert names == [
        "days_since_login", "login_recency", "logins_7", "logins_28", "logins_56", "days_since_use", "use_recency",
        "uses_28", "uses_56", "active_days_28", "use_trend", "peak_uses_28", "peak_share_28", "volume_28",
        "modules_used_28", "uses_28_time_billing", "adopted_time_billing", "share_28_time_billing",
        "days_since_use_time_billing", "active_users_28", "seat_adoption_28", "failed_28", "failed_share_28",
        "open_tickets", "tickets_84", "last_csat", "last_nps", "nps_band", "interactions_84", "interventions_84",
        "event_84_price_change", "failed_payments_84", "overdue_payments", "mrr", "seats", "plan", "n_subscriptions",
        "term_months", "days_to_renewal", "quarter", "tenure_days",
    ]  # fmt: skip


def test_windows_of_one_length_are_one_measure(tmp_path):
    names = [measure.name for measure in registry(study_of(company(interval_days=31), tmp_path), (), ())]

    assert [name for name in names if name.startswith("logins")] == ["logins_31", "logins_62"]
    assert len(set(names)) == len(names)


def test_every_measure_can_be_described(tmp_path):
    measures = registry(study_of(company(), tmp_path), ("m",), ("k",))

    assert all(measure.label and measure.description.endswith(".") for measure in measures)
    assert {measure.group for measure in measures} == LAGGED | {"contract", "calendar"}
    assert [measure.name for measure in measures if measure.kind == "category"] == [
        "login_recency", "use_recency", "nps_band", "plan", "quarter",
    ]  # fmt: skip


def test_too_many_modules_are_refused_and_the_setting_named(tmp_path):
    world = company({"usage": [usage(1, module=f"m{n}") for n in range(41)]})
    with pytest.raises(PanelError, match=r"names 41 modules .*\[measures\] modules"):
        rows_of(tmp_path, world)

    declared = company(dict(world.tables), measures={"modules": ["m3", "m1"]})
    names = [name for name in rows_of(tmp_path, declared) if name.startswith("uses_28_")]
    assert names == ["uses_28_m3", "uses_28_m1"]


def test_too_many_kinds_of_events_are_refused(tmp_path):
    events = [{"account_id": None, "at": datetime(2024, 1, 5), "kind": f"k{n}"} for n in range(41)]
    with pytest.raises(PanelError, match="41 kinds"):
        rows_of(tmp_path, company({"events": events}))


def test_names_that_become_one_are_numbered_in_alphabetical_order():
    assert column_parts(["b!", "B?", "b 2", "--"]) == {"b!": "b__2", "B?": "b_", "b 2": "b_2", "--": "_"}
    assert column_parts(["x_2", "x 2"]) == {"x_2": "x_2_2", "x 2": "x_2"}


def test_a_window_holds_whole_intervals_and_what_was_before_the_window_of_the_study(tmp_path):
    world = company(
        {
            "subscriptions": [subscription(-100)],
            "usage": [usage(-1), usage(-28), usage(-29), usage(0), usage(6), usage(7)],
        }
    )

    assert values(tmp_path, world, "uses_28") == [2, 3, 4, 4, 3, 1, 0, 0, 0, 0]


def test_people_are_counted_once_in_a_window(tmp_path):
    records = [usage(0, user_id="u"), usage(1, user_id="u"), usage(8, user_id="u"), usage(30, user_id="u")]
    records += [usage(2, user_id="v", action="login"), usage(3, user_id="w", action="failed"), usage(3, user_id=None)]

    assert values(tmp_path, company({"usage": records}), "active_users_28") == [0, 2, 2, 2, 2, 1, 1, 1, 1, 0]


def test_active_days_are_different_days(tmp_path):
    records = [usage(0), usage(0, action="login"), usage(1), usage(1, action="failed"), usage(6, action="failed")]

    assert values(tmp_path, company({"usage": records}), "active_days_28") == [0, 2, 2, 2, 2, 0, 0, 0, 0, 0]


def test_usage_of_an_earlier_spell_is_seen_by_the_next(tmp_path):
    world = company(
        {"subscriptions": [subscription(0, 10), subscription(45)], "usage": [usage(9), usage(40)]},
        churn={"allowed_gap_days": 5},
    )
    frame = rows_of(tmp_path, world, "uses_28", "uses_56", "days_since_use")

    assert frame["spell"].tolist() == [1, 1, 2, 2, 2, 2]
    assert frame["uses_28"].tolist() == [0, 0, 1, 1, 1, 1]
    assert frame["uses_56"].tolist() == [0, 0, 2, 2, 2, 1]
    assert frame["days_since_use"].fillna(-1).tolist() == [-1, -1, 4, 11, 18, 25]


def test_the_lag_hides_what_is_too_new(tmp_path):
    world = company({"usage": [usage(0), usage(8)]}, lag_days=14)

    assert values(tmp_path, world, "uses_28") == [0, 0, 0, 1, 2, 2, 2, 1, 0, 0]
    assert values(tmp_path, world, "use_recency")[:5] == ["too new", "too new", "too new", "0-6 days", "0-6 days"]


def test_a_window_that_touches_a_gap_or_the_time_before_tracking_has_no_value(tmp_path):
    gap = {"usage": [(BEGIN + timedelta(days=20), BEGIN + timedelta(days=22))]}
    world = company({"usage": [usage(1)]}, tracked_from={"usage": BEGIN}, not_tracked=gap)
    logged_in = world.with_tables(usage=[usage(1, "login")])

    assert values(tmp_path / "logins", logged_in, "logins_7") == [None, 1, 0, None, None, 0, 0, 0, 0, 0]
    assert values(tmp_path, world, "uses_28") == [None] * 8 + [0, 0]
    assert values(tmp_path, world, "days_since_use") == [None, 5, 12, *[None] * 5, 54, 61]


def test_a_gap_hides_only_what_another_band_would_say(tmp_path):
    def told(gap, name):
        world = company({"usage": [usage(1, module="m")]}, not_tracked={"usage": gap})
        return values(tmp_path / f"{len(gap)} {name}", world, name)[:7]

    days = [None, 5, 12, 19, 26, 33, 40]
    assert told([], "days_since_use") == days
    # Unrecorded on days 5 and 20: by the cut-off of day 7 the one is within a week anyway, by that of day 14 it is not.
    gaps = [(BEGIN + timedelta(days=day), BEGIN + timedelta(days=day + 1)) for day in (5, 20)]
    assert told(gaps[:1], "days_since_use") == [None, 5, 12, 19, 26, None, 40]
    assert told(gaps, "days_since_use_m") == [None, 5, 12, None, None, None, None]
    assert told(gaps, "use_recency") == ["too new", "0-6 days", "7-13 days", None, None, None, None]


def test_never_needs_a_record_without_a_gap_since_the_customer_came(tmp_path):
    def told(name, first, last, **settings):
        gap = {"usage": [(BEGIN + timedelta(days=first), BEGIN + timedelta(days=last))]}
        other = {**usage(0, module="m"), "account_id": "b"}
        return values(tmp_path / f"{name} {first}", company({"usage": [other]}, not_tracked=gap, **settings), name)[:4]

    assert told("use_recency", 8, 9) == ["too new", "never yet", None, None]
    assert told("adopted_m", 8, 9) == [0, 0, None, None]
    assert told("adopted_m", -3, 0) == [0, 0, 0, 0], "a gap before the customer came hides nothing"
    assert told("adopted_m", -3, 1) == [0, None, None, None]


def test_a_gap_that_ends_at_the_window_does_not_touch_it():
    tracking = Tracking(0, ((10, 14),))

    assert tracking.throughout(np.array([10, 11, 20, 21, 7, 6]), 7).tolist() == [True, False, False, True, True, False]


def test_under_notice_measures_stand_still_and_the_contract_does_not(tmp_path):
    cancelled = subscription(0, 60, cancelled_on=BEGIN + timedelta(days=30), mrr=10)
    world = company({"subscriptions": [cancelled], "usage": [usage(day) for day in range(60)]})
    frame = rows_of(tmp_path, world, "uses_28", "n_subscriptions", "tenure_days")

    assert frame["under_notice"].tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1]
    assert frame["uses_28"].tolist() == [0, 7, 14, 21, 28, 28, 28, 28, 28]
    assert frame["tenure_days"].tolist() == list(range(0, 63, 7))


def test_notice_given_before_anything_was_known_leaves_no_value(tmp_path):
    cancelled = subscription(0, 40, cancelled_on=BEGIN + timedelta(days=2))
    frame = rows_of(tmp_path, company({"subscriptions": [cancelled], "usage": [usage(0)]}, lag_days=3), "uses_28")

    # The row that begins on day 0 has the cut-off before the notice: later rows stand still there.
    assert frame["under_notice"].tolist() == [0, 1, 1, 1, 1, 1]
    assert frame["uses_28"].tolist() == [0] * 6

    world = company(
        {"subscriptions": [subscription(-40, 40, cancelled_on=BEGIN - timedelta(days=30))], "usage": [usage(0)]}
    )
    assert values(tmp_path, world, "uses_28") == [None] * 6


def test_tickets_ratings_and_answers_are_known_from_the_day_after(tmp_path):
    at = datetime(2024, 1, 1, 23, 59)
    tickets = [
        {"ticket_id": "1", "account_id": "a", "opened_at": at, "closed_at": at + timedelta(days=13), "csat": 4},
        {"ticket_id": "2", "account_id": "a", "opened_at": at + timedelta(days=7), "closed_at": None},
    ]
    surveys = [{"response_id": "r", "account_id": "a", "answered_at": at + timedelta(days=6), "score": 8}]
    world = company({"tickets": tickets, "surveys": surveys}, tracked_from={})

    frame = rows_of(tmp_path, world, "open_tickets", "last_csat", "last_nps", "nps_band").head(4)
    assert frame["open_tickets"].fillna(-1).tolist() == [-1, 1, 1, 1]
    assert frame["last_csat"].fillna(-1).tolist() == [-1, -1, 4, 4]
    assert frame["last_nps"].fillna(-1).tolist() == [-1, 8, 8, 8]
    assert frame["nps_band"].tolist() == [None, "passive", "passive", "passive"], "nobody had been asked by then"

    tracked = company({"surveys": surveys}, tracked_from={"surveys": BEGIN - timedelta(days=1)})
    assert values(tmp_path / "tracked", tracked, "nps_band")[:2] == ["no answer yet", "passive"]


def test_business_volume_does_not_depend_on_the_order_of_records(tmp_path):
    amounts = [0.1, 0.2, 0.3, 1e9, -1e9, 0.7]
    sums = [
        values(tmp_path / str(n), company({"usage": [usage(1, value=amount) for amount in given]}), "volume_28")
        for n, given in enumerate((amounts, amounts[::-1], sorted(amounts)))
    ]

    assert sums[0] == sums[1] == sums[2]


def test_a_grid_knows_which_row_sees_a_day():
    spells = Spells(
        account_id=np.array(["a", "a", "b"], dtype=object),
        spell=np.array([1, 2, 1]),
        account=np.array([0, 0, 1]),
        started=np.array([100, 200, 100]),
        entered=np.array([110, 200, 100]),
        followed=np.array([131, 215, 101]),
        event=np.array([1, 0, 0]),
        cause=np.array(["voluntary", "", ""], dtype=object),
        n_rows=np.array([3, 3, 1]),
    )
    grid = Grid(spells, step=7, lag=2, before=3)

    assert grid.cut.tolist() == [108, 115, 122, 198, 205, 212, 98]
    assert grid.stop.tolist() == [17, 24, 31, 7, 14, 15, 1]
    # A cut-off on the day itself does not see it.
    first = grid.visible_from(np.zeros(5, dtype=int), np.array([107, 108, 114, 115, 90]))
    assert first.tolist() == [0, 1, 1, 2, -2]
    record, spell = grid.copies(np.array([0, 1]))
    assert (record.tolist(), spell.tolist()) == ([0, 0, 1], [0, 1, 2])
    pair, row = grid.ranges(np.array([0, 1]), np.array([-5, 1]), np.array([2, 99]))
    assert (pair.tolist(), row.tolist()) == ([0, 0, 1, 1], [0, 1, 4, 5])


@pytest.mark.parametrize("n_buckets", [1, 2, 7, 40])
def test_buckets_are_about_equal_and_split_no_account(n_buckets):
    draw = np.random.default_rng(1)
    account = np.repeat(np.arange(30), draw.integers(1, 4, 30))
    n_rows = draw.integers(1, 50, len(account))

    bounds = bucket_bounds(n_rows, account, n_buckets)

    assert (bounds[0], bounds[-1]) == (0, len(account))
    assert bounds == sorted(set(bounds))
    assert len(bounds) - 1 <= n_buckets
    assert all(account[bound - 1] != account[bound] for bound in bounds[1:-1])
    largest = max(n_rows[low:high].sum() for low, high in pairwise(bounds))
    biggest_account = np.bincount(account, weights=n_rows).max()
    assert largest <= n_rows.sum() / n_buckets + biggest_account
