"""The brute force itself, on cases small enough to be worked out by hand."""

from dataclasses import replace

import pytest
from brute_force import rows_of, spell_rows
from brute_force_measures import column_names, window_days
from small_company import FIRST, at, company, day, subscription, used


def spells(world):
    offset = FIRST.toordinal()
    return [
        (s["started_on"] - offset, None if s["ended_on"] is None else s["ended_on"] - offset, s["cause"], s["reason"])
        for s in spell_rows(world)
    ]


def measure(world, name):
    return [row["measures"][name] for row in rows_of(world)]


def test_a_short_gap_is_service_and_a_long_one_ends_the_spell():
    parts = [subscription("s1", 0, 20, end_reason="competitor"), subscription("s2", 30, 40)]
    assert spells(company(*parts)) == [(0, 40, "unknown", "")]
    parts[1]["started_on"] = day(31)
    assert spells(company(*parts)) == [(0, 20, "voluntary", "competitor"), (31, 40, "unknown", "")]


def test_leaving_one_of_two_subscriptions_is_not_leaving():
    world = company(subscription("s1", 0, 20), subscription("s2", 5))
    assert spells(world) == [(0, None, "", "")]
    assert measure(world, "n_subscriptions")[:5] == [1, 2, 2, 1, 1]


def test_the_day_of_cancelling_counts_where_the_study_says_so():
    one = subscription("s1", 0, 60, cancelled_on=day(33))
    assert spells(company(one)) == [(0, 60, "unknown", "")]
    assert spells(company(one, churn={"recognise": "cancel date"})) == [(0, 33, "unknown", "")]


def test_an_unpaid_bill_ends_service_until_it_is_paid():
    payment = {"account_id": "a", "due_on": day(10), "paid_on": day(45), "failed_on": None}
    world = company(subscription(), churn={"delinquent_after_days": 5}, payments=[payment])
    assert spells(world) == [(0, 15, "involuntary", "payment overdue"), (45, None, "", "")]
    assert spells(company(subscription(), churn={"delinquent_after_days": 35}, payments=[payment])) == [
        (0, None, "", "")
    ]


def test_who_pays_a_later_bill_is_back_and_what_is_not_due_is_no_bill():
    def bill(due, paid=None, **more):
        return {"account_id": "a", "due_on": day(due), "paid_on": paid and day(paid), "failed_on": None} | more

    def by_bills(*bills):
        return spells(company(subscription(), churn={"delinquent_after_days": 5}, payments=list(bills)))

    assert by_bills(bill(10), bill(40, 41)) == [(0, 15, "involuntary", "payment overdue"), (41, None, "", "")]
    assert by_bills(bill(10), bill(9, 41)) == [(0, 14, "involuntary", "payment overdue")]
    assert by_bills(bill(10, amount=0), bill(20, amount=-3)) == [(0, None, "", "")]
    assert by_bills(bill(10, amount=8), bill(40, 41, amount=0)) == [(0, 15, "involuntary", "payment overdue")]


def test_of_subscriptions_that_end_together_the_largest_with_a_reason_says_why():
    def why(*given):
        parts = [subscription(f"s{n}", 0, 20, mrr=mrr, end_reason=reason) for n, (mrr, reason) in enumerate(given)]
        return spells(company(*parts))[0][3]

    assert why((10, "too expensive"), (20, "competitor")) == "competitor"
    assert why((10, "too expensive"), (20, None)) == "too expensive"
    assert why((None, "too expensive"), (0, "competitor")) == "competitor"
    assert why((10, "too expensive"), (10, "competitor")) == "too expensive"


def test_in_an_allowed_gap_what_was_agreed_before_goes_on():
    parts = [subscription("s1", 0, 20), subscription("s2", 0, 13, mrr=5), subscription("s3", 28, mrr=30)]
    world = company(*parts, to=42)
    # described on days 0, 6, 13, 20, 27 and 34
    assert measure(world, "mrr") == [15, 15, 10, 10, 10, 30]
    assert [row["amount"] for row in rows_of(world)] == [15, 15, 10, 10, 30, 30]


def test_a_contract_ends_by_the_day_that_counts_as_leaving():
    parts = [subscription("s1", 0, 60, cancelled_on=day(13)), subscription("s2", mrr=5)]
    assert measure(company(*parts, to=28), "mrr") == [15, 15, 15, 15]
    assert measure(company(*parts, to=28, churn={"recognise": "cancel date"}), "mrr") == [15, 15, 5, 5]


def test_never_is_said_only_where_every_day_was_recorded():
    world = company(subscription(), to=35, usage=[used(27)])
    assert measure(world, "use_recency") == ["too new", "never yet", "never yet", "never yet", "0-6 days"]
    gone = replace(world, not_tracked={"usage": [(day(8), day(9))]})
    assert measure(gone, "use_recency") == ["too new", "never yet", None, None, "0-6 days"]
    assert measure(gone, "adopted_m") == [0, 0, None, None, 1]


def test_no_answer_yet_is_said_only_once_answers_were_recorded():
    survey = {"response_id": "r", "account_id": "a", "invited_at": None, "answered_at": at(20), "score": 3}
    world = replace(company(subscription(), to=28, surveys=[survey]), tracked_from={"surveys": day(7)})
    assert measure(world, "nps_band") == [None, None, "no answer yet", "detractor"]


def test_silence_ends_service_until_the_next_use():
    world = company(subscription(), churn={"inactive_after_days": 3}, usage=[used(2), used(30)])
    assert spells(world) == [(0, 6, "voluntary", "no use"), (30, 34, "voluntary", "no use")]
    gap = {"usage": [(day(5), day(12))]}  # days 3, 4 and 12 without use are three
    assert spells(replace(world, not_tracked=gap))[0] == (0, 13, "voluntary", "no use")
    assert spells(replace(world, not_tracked={"usage": [(day(6), day(12))]}))[0] == (0, 12, "voluntary", "no use")
    never = company(subscription(), churn={"inactive_after_days": 3}, usage=[used(2, "login")])
    assert spells(never) == [(0, 3, "voluntary", "no use")]


def test_rows_end_where_the_spell_or_the_window_ends():
    rows = rows_of(company(subscription(start=-3, end=18)))
    assert [(row["start"], row["stop"], row["event"]) for row in rows] == [(3, 10, 0), (10, 17, 0), (17, 21, 1)]
    assert [row["stop"] for row in rows_of(company(subscription(start=-3), to=15))] == [10, 17, 18]


def test_what_happens_on_the_day_of_the_cut_off_is_not_known():
    world = company(subscription(), lag=3, to=21, usage=[used(4, "login"), used(10, "login")])
    # cut-offs are days -3, 4 and 11
    assert measure(world, "days_since_login") == [None, None, 0]
    assert measure(world, "login_recency") == ["too new", "never yet", "0-6 days"]
    assert measure(world, "logins_7") == [0, 0, 2]


def test_windows_reaching_before_tracking_or_into_a_gap_are_unknown():
    world = company(subscription(), to=28, usage=[used(-1), used(9), used(15)])
    assert measure(world, "uses_28") == [1, 1, 2, 3]
    assert measure(replace(world, tracked_from={"usage": day(-14)}), "uses_28") == [None, None, 2, 3]
    gone = replace(world, not_tracked={"usage": [(day(10), day(12))]})
    assert measure(gone, "uses_28") == [1, 1, None, None]
    assert measure(gone, "days_since_use") == [0, 7, 4, 5], "within a week it was, gap or not"
    assert measure(replace(world, not_tracked={"usage": [(day(3), day(6))]}), "days_since_use") == [0, None, 4, 5]


def test_under_notice_nothing_newer_than_the_notice_is_used():
    one = subscription("s1", 0, 40, cancelled_on=day(16))
    world = company(one, to=42, usage=[used(number) for number in (1, 8, 15, 17, 18, 19, 30)])
    rows = rows_of(world)
    assert [row["under_notice"] for row in rows] == [0, 0, 0, 1, 1, 1]
    assert measure(world, "uses_28") == [0, 1, 2, 2, 2, 2]
    assert measure(world, "n_subscriptions") == [1, 1, 1, 1, 1, 1]
    early = company(subscription("s1", -20, 40, cancelled_on=day(-9)), to=14, usage=[used(1)])
    assert measure(early, "uses_28") == [None, None]
    assert measure(early, "mrr") == [10, 10]


def test_a_ticket_is_open_until_the_day_after_it_closed_and_its_answer_counts_when_given():
    ticket = {
        "ticket_id": "t", "account_id": "a", "opened_at": at(3), "closed_at": at(14), "csat": 5, "csat_at": at(21),
    }  # fmt: skip
    world = company(subscription(), to=35, tickets=[ticket])
    assert measure(world, "open_tickets") == [0, 1, 1, 0, 0]
    assert measure(world, "last_csat") == [None, None, None, None, 5]


def test_the_use_trend_compares_like_with_like():
    world = company(subscription(start=-90), to=7, usage=[used(-1), used(-2), used(-40), used(-80)])
    [trend] = measure(world, "use_trend")
    assert trend == pytest.approx(0.4054651081)  # ln((2 + 1) / (2 / 2 + 1))


@pytest.mark.parametrize(("step", "expected"), [(1, (7, 28, 56, 84)), (5, (10, 30, 60, 85)), (30, (30, 30, 60, 90))])
def test_windows_are_whole_steps(step, expected):
    assert tuple(window_days(step).values()) == expected


def test_column_names_differ():
    assert column_names(["time-billing", "Time & Billing"]) == {
        "Time & Billing": "time_billing",
        "time-billing": "time_billing_2",
    }
