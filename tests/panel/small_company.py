"""A company of one customer, written by hand; days are counted from the first day of the window."""

from datetime import date, datetime, timedelta

from world import World

FIRST = date(2024, 1, 1)


def day(number):
    """The n-th day of the window, from 0."""
    return FIRST + timedelta(days=number)


def at(number, hour=12):
    return datetime(2024, 1, 1, hour) + timedelta(days=number)


def subscription(name="s1", start=0, end=None, **more):
    plain = {
        "subscription_id": name, "account_id": "a", "started_on": day(start), "plan": "Pro", "mrr": 10, "seats": 4,
        "ended_on": None if end is None else day(end), "term_months": 12, "renewal_on": None, "cancelled_on": None,
        "end_reason": None,
    }  # fmt: skip
    return plain | more


def used(number, action="use", **more):
    plain = {"account_id": "a", "at": at(number), "user_id": "u", "module": "m", "action": action, "count": 1}
    return plain | {"value": None} | more


def company(*subscriptions, to=70, lag=0, churn=None, **tables):
    return World(
        seed=0, observed_from=FIRST, observed_to=day(to), interval_days=7, lag_days=lag,
        churn={"recognise": "term end", "allowed_gap_days": 10} | (churn or {}), measures={},
        tracked_from={name: day(-200) for name in tables if name != "events"}, not_tracked={},
        tables={"accounts": [{"account_id": "a"}], "subscriptions": list(subscriptions), **tables},
    )  # fmt: skip
