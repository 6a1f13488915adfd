"""A renewal day is overwritten at each renewal; what it says today must not reach the rows of years ago."""

from datetime import date, timedelta

import pytest
from small_company import company, day, subscription
from world import sources_of

import whychurn as wc
from whychurn.errors import PanelError


def days_to_renewal(folder, *subscriptions, to=800):
    sources, study = sources_of(company(*subscriptions, to=to), folder)
    with sources:
        panel = wc.build_panel(sources, study)
        rows = panel.rows.read(["start", "days_to_renewal", "mrr", "n_subscriptions"])
    assert (rows["n_subscriptions"] == len(subscriptions)).all(), "a subscription cut at its renewals stays one"
    assert (rows["mrr"] == 10 * len(subscriptions)).all()
    return {int(start): ahead for start, ahead in zip(rows["start"], rows["days_to_renewal"], strict=True)}


def ahead_of(first: date, start: int) -> int:
    """Days from the last day before the row (no earlier than the first of the spell) to `first`."""
    return (first - day(max(start - 1, 0))).days


@pytest.mark.parametrize(
    "recorded",
    [
        date(2025, 1, 1),  # as agreed at the start
        date(2026, 1, 1),  # overwritten once: the customer renewed
        date(2031, 1, 1),  # and overwritten again
    ],
)
def test_a_renewal_recorded_later_says_nothing_new(tmp_path, recorded):
    told = days_to_renewal(tmp_path, subscription(term_months=12, renewal_on=recorded))
    first, second = date(2025, 1, 1), date(2026, 1, 1)
    assert told[0] == 366 == ahead_of(first, 0)
    assert told[364] == ahead_of(first, 364)
    assert told[371] == ahead_of(second, 371)
    assert told[728] == ahead_of(second, 728)


def test_a_first_renewal_before_the_end_of_the_term_sets_the_day_for_those_after_it(tmp_path):
    told = days_to_renewal(tmp_path, subscription(term_months=6, renewal_on=date(2024, 3, 31)))
    assert told[7] == ahead_of(date(2024, 3, 31), 7)
    assert told[105] == ahead_of(date(2024, 9, 30), 105)
    assert told[280] == ahead_of(date(2025, 3, 31), 280)


def test_the_nearest_renewal_of_several_subscriptions_counts(tmp_path):
    yearly = subscription("s1", term_months=12, renewal_on=date(2025, 1, 1))
    monthly = subscription("s2", term_months=1, renewal_on=date(2024, 2, 1))
    told = days_to_renewal(tmp_path, yearly, monthly, to=400)
    assert told[0] == 31
    assert told[35] == ahead_of(date(2024, 3, 1), 35)
    assert told[364] == ahead_of(date(2025, 1, 1), 364)


def test_without_a_term_nobody_can_say_when_the_renewal_was_agreed(tmp_path):
    told = days_to_renewal(tmp_path, subscription(term_months=0, renewal_on=day(0) + timedelta(days=100)), to=200)
    assert all(ahead != ahead for ahead in told.values())


def test_where_no_term_is_recorded_at_all_there_are_no_days_to_renewal(tmp_path):
    plain = subscription(term_months=None, renewal_on=day(0) + timedelta(days=100))
    with pytest.raises(PanelError, match="no column 'days_to_renewal'"):
        days_to_renewal(tmp_path, plain, to=200)
