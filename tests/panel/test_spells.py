import pandas as pd
import pytest
from table_ledgers import as_days, ledger_sources, on, spells_of, subscriptions, table_study

from whychurn.panel.notice import make_notice
from whychurn.panel.spells import make_spells

END = 365  # observed_to as a day of the window


def times(spells):
    """Return (account, spell, started, entered, ended, followed to, event) of each spell."""
    ended = spells["ended_on"].astype(object).where(spells["ended_on"].notna(), None)
    columns = ["account_id", "spell", "started_on", "entered_on"]
    return list(zip(*(spells[name] for name in columns), ended, spells["followed_to"], spells["event"], strict=True))


def causes(spells):
    known = spells["controllable"].astype(object).where(spells["controllable"].notna(), None)
    return list(zip(spells["cause"], spells["reason"], known, strict=True))


def payments(*rows):
    """Rows are (account, due day, day of payment or None[, amount])."""
    return pd.DataFrame(
        {
            "account_id": [row[0] for row in rows],
            "due_on": [on(row[1]) for row in rows],
            "paid_on": [on(row[2]) for row in rows],
            "amount": [row[3] if len(row) > 3 else 100.0 for row in rows],
        }
    )


def uses(account, *days, action="use"):
    return pd.DataFrame({"account_id": account, "at": [f"{on(day)} 10:00" for day in days], "action": action})


def test_an_open_subscription_is_followed_to_the_end_of_the_window(tmp_path):
    assert times(spells_of(tmp_path, subscriptions(("a", 10, None)))) == [("a", 1, 10, 10, None, END, 0)]


def test_cancelling_one_of_two_subscriptions_is_no_churn(tmp_path):
    spells = spells_of(tmp_path, subscriptions(("a", 0, 50), ("a", 20, None)))
    assert times(spells) == [("a", 1, 0, 0, None, END, 0)]


def test_overlapping_subscriptions_end_with_the_last(tmp_path):
    spells = spells_of(tmp_path, subscriptions(("a", 0, 90), ("a", 10, 40), ("a", 20, 60)))
    assert times(spells) == [("a", 1, 0, 0, 90, 90, 1)]


def test_switching_plan_on_the_same_day_is_no_churn_even_with_no_gap_allowed(tmp_path):
    spells = spells_of(tmp_path, subscriptions(("a", 0, 50), ("a", 50, None)), "allowed_gap_days = 0")
    assert times(spells) == [("a", 1, 0, 0, None, END, 0)]


@pytest.mark.parametrize(("gap", "one_spell"), [(20, True), (30, True), (31, False), (45, False)])
def test_a_return_within_the_allowed_gap_goes_on_and_a_later_one_is_a_new_spell(tmp_path, gap, one_spell):
    spells = spells_of(tmp_path, subscriptions(("a", 0, 50), ("a", 50 + gap, 200)), "allowed_gap_days = 30")
    two = [("a", 1, 0, 0, 50, 50, 1), ("a", 2, 50 + gap, 50 + gap, 200, 200, 1)]
    assert times(spells) == ([("a", 1, 0, 0, 200, 200, 1)] if one_spell else two)


def test_the_day_that_counts_is_the_term_end_or_the_day_of_cancelling(tmp_path):
    subs = subscriptions(("a", 0, 90, 40), ("b", 0, None, 40), ("c", 0, 30, 40))
    assert [row[4] for row in times(spells_of(tmp_path, subs))] == [90, None, 30]
    assert [row[4] for row in times(spells_of(tmp_path, subs, 'recognise = "cancel date"'))] == [40, 40, 30]


def test_a_subscription_that_ends_on_its_first_day_gives_no_service(tmp_path):
    subs = subscriptions(("a", 10, 10), ("b", 10, 9), ("c", 10, 90, 10), ("d", 10, None))
    assert set(spells_of(tmp_path, subs)["account_id"]) == {"c", "d"}
    assert set(spells_of(tmp_path, subs, 'recognise = "cancel date"')["account_id"]) == {"d"}


def test_late_entry_starts_at_the_first_day_of_service_and_enters_with_the_window(tmp_path):
    assert times(spells_of(tmp_path, subscriptions(("a", -100, 20)))) == [("a", 1, -100, 0, 20, 20, 1)]


def test_a_spell_before_the_window_is_counted_but_not_at_risk(tmp_path):
    spells = spells_of(tmp_path, subscriptions(("a", -300, -200), ("a", 5, None)))
    assert times(spells) == [("a", 2, 5, 5, None, END, 0)]


@pytest.mark.parametrize(
    ("started", "ended", "expected"),
    [
        (-50, 0, []),  # gone before the first day
        (-50, 1, [("a", 1, -50, 0, 1, 1, 1)]),
        (50, END - 1, [("a", 1, 50, 50, END - 1, END - 1, 1)]),
        (50, END, [("a", 1, 50, 50, None, END, 0)]),  # seen to serve on the last day
        (50, END + 9, [("a", 1, 50, 50, None, END, 0)]),
        (END - 1, None, [("a", 1, END - 1, END - 1, None, END, 0)]),
        (END, None, []),
    ],
)
def test_edges_of_the_window(tmp_path, started, ended, expected):
    # Another account is always there, so that the ledger of the account in question may be empty.
    spells = spells_of(tmp_path, subscriptions(("a", started, ended), ("z", 0, None)))
    assert [row for row in times(spells) if row[0] == "a"] == expected


def test_a_payment_overdue_for_good_is_involuntary_churn(tmp_path):
    subs = subscriptions(("a", 0, 300, None, "too expensive"))
    churn = "delinquent_after_days = 15\nallowed_gap_days = 10"
    spells = spells_of(tmp_path, subs, churn, payments=payments(("a", 30, None)))
    assert times(spells) == [("a", 1, 0, 0, 45, 45, 1)]
    assert causes(spells) == [("involuntary", "payment overdue", None)]


def test_a_payment_made_late_returns_the_customer_and_one_in_time_changes_nothing(tmp_path):
    subs = subscriptions(("a", 0, None), ("b", 0, None), ("c", 0, None))
    paid = payments(("a", 30, 80), ("b", 30, 45), ("c", 30, 55))
    spells = spells_of(tmp_path, subs, "delinquent_after_days = 15\nallowed_gap_days = 10", payments=paid)
    assert times(spells) == [
        ("a", 1, 0, 0, 45, 45, 1),
        ("a", 2, 80, 80, None, END, 0),
        ("b", 1, 0, 0, None, END, 0),  # paid on the very day it would have counted
        ("c", 1, 0, 0, None, END, 0),  # away for exactly the allowed gap
    ]


def test_payments_that_overlap_keep_a_customer_away_until_the_last_is_paid(tmp_path):
    paid = payments(("a", 30, 80), ("a", 60, 120))
    spells = spells_of(
        tmp_path, subscriptions(("a", 0, None)), "delinquent_after_days = 0\nallowed_gap_days = 5", payments=paid
    )
    assert [row[2:5] for row in times(spells)] == [(0, 0, 30), (120, 120, None)]


@pytest.mark.parametrize(
    ("bills", "away"),
    [
        ([(30, None), (61, 62)], [(40, 62)]),  # the bill of day 30 is never paid, the next one is
        ([(30, None), (61, 35)], []),  # the next one is paid in advance
        ([(30, None), (61, None), (91, 95)], [(40, 95)]),
        ([(30, None), (30, 32)], [(40, None)]),  # another bill of the same day says nothing about this one
        ([(0, 2), (30, None)], [(40, None)]),
        ([(30, 50), (61, 90)], [(40, 50), (71, 90)]),
        ([(30, None), (61, 62, 0.0), (91, 92, -20.0)], [(40, None)]),  # a credit is no payment
    ],
)
def test_who_pays_a_later_bill_is_no_longer_gone(tmp_path, bills, away):
    churn = "delinquent_after_days = 10\nallowed_gap_days = 0"
    paid = payments(*(("a", *bill) for bill in bills))
    spells = spells_of(tmp_path, subscriptions(("a", 0, None)), churn, payments=paid)
    ends, starts = [gone for gone, _ in away], [back for _, back in away if back is not None]
    assert [row[2] for row in times(spells)] == [0, *starts]
    assert [row[4] for row in times(spells)] == (ends if away and away[-1][1] is None else [*ends, None])


@pytest.mark.parametrize(("amount", "gone"), [(100.0, 40), (None, 40), (0.0, None), (-100.0, None)])
def test_credits_and_bills_of_nothing_are_no_debts(tmp_path, amount, gone):
    paid = payments(("a", 30, None, amount))
    spells = spells_of(tmp_path, subscriptions(("a", 0, None)), "delinquent_after_days = 10", payments=paid)
    assert [row[4] for row in times(spells)] == [gone]


def test_inactivity_is_voluntary_churn_and_use_brings_the_customer_back(tmp_path):
    subs = subscriptions(("a", 0, None, None, "card declined"))
    usage = pd.concat([uses("a", 0, 5, 15), uses("a", 30, action="login"), uses("a", 100, 101)])
    spells = spells_of(tmp_path, subs, "inactive_after_days = 10\nallowed_gap_days = 0", usage=usage)
    assert times(spells) == [
        ("a", 1, 0, 0, 26, 26, 1),  # use on day 15, none on days 16 to 25; a login is no use
        ("a", 2, 100, 100, 112, 112, 1),
    ]
    assert causes(spells) == [("voluntary", "no use", None)] * 2


def test_an_account_never_seen_in_use_counts_from_its_start_or_from_the_first_day_recorded(tmp_path):
    subs = subscriptions(("a", 0, None), ("b", 60, None), ("z", 40, 50))
    usage = uses("z", 40, 41)
    spells = spells_of(tmp_path, subs, "inactive_after_days = 10\nallowed_gap_days = 0", usage=usage)
    assert {row[0]: row[4] for row in times(spells)} == {"a": 50, "b": 70, "z": 50}


def test_use_that_comes_late_does_not_undo_the_inactivity_before_it(tmp_path):
    subs = subscriptions(("a", 0, None), ("z", 0, None))
    usage = pd.concat([uses("z", 0), uses("a", 100)])
    spells = spells_of(tmp_path, subs, "inactive_after_days = 10\nallowed_gap_days = 0", usage=usage)
    assert [row[2:5] for row in times(spells) if row[0] == "a"] == [(0, 0, 10), (100, 100, 111)]


@pytest.mark.parametrize(
    ("gaps", "gone"),
    [
        ((), 26),  # use on day 15, none on days 16 to 25
        (((20, 23),), 29),
        (((10, 18),), 28),  # what lies before the last use does not count
        (((24, 40),), 42),  # days 16 to 23, then 40 and 41
        (((20, 23), (28, 30)), 31),  # the first gap moves the end into the second
        (((20, 23), (22, 24), (23, 25)), 31),  # overlapping and touching gaps count once
        (((26, 30),), 30),  # nobody can be seen to be gone on a day that was not recorded
        (((27, 40),), 26),
    ],
)
def test_days_that_were_not_recorded_are_no_days_without_use(tmp_path, gaps, gone):
    listed = ", ".join(f"[{on(begin)}, {on(end)}]" for begin, end in gaps)
    recorded = f"tracked_from = {on(0)}\nnot_tracked = [{listed}]"
    usage = uses("a", 0, 5, 15)
    churn = "inactive_after_days = 10\nallowed_gap_days = 0"
    spells = spells_of(tmp_path, subscriptions(("a", 0, None)), churn, recorded, usage=usage)
    assert [row[4] for row in times(spells)] == [gone]


def test_a_record_that_counts_nothing_is_no_use(tmp_path):
    usage = pd.concat([uses("a", 0).assign(count=2), uses("a", 5).assign(count=0)])
    spells = spells_of(tmp_path, subscriptions(("a", 0, None)), "inactive_after_days = 10", usage=usage)
    assert [row[4] for row in times(spells)] == [11]


def test_a_subscription_that_ends_of_itself_gives_its_own_reason(tmp_path):
    """Even on the very day on which the customer would have counted as gone for want of use or payment."""
    subs = subscriptions(("a", 0, 11, None, "too expensive"), ("b", 0, 11, None, "closed down"), ("c", 0, 12))
    frames = {"usage": pd.concat([uses("a", 0), uses("b", 9), uses("c", 0)]), "payments": payments(("b", 1, None))}
    spells = spells_of(tmp_path, subs, "inactive_after_days = 10\ndelinquent_after_days = 10", **frames)
    assert [row[4] for row in times(spells)] == [11, 11, 11]
    assert [cause for cause, _, _ in causes(spells)] == ["voluntary", "bankruptcy", "voluntary"]
    assert [reason for _, reason, _ in causes(spells)] == ["too expensive", "closed down", "no use"]


def test_use_before_recording_was_complete_is_not_counted_on(tmp_path):
    subs = subscriptions(("a", -90, None))
    study = table_study(
        tmp_path, "inactive_after_days = 10\nallowed_gap_days = 0", tables=("usage",), usage="tracked_from = 2024-01-11"
    )
    with ledger_sources(study, subs, tmp_path, usage=uses("a", -80, 15)) as sources:
        make_spells(sources.connection, study, study.definition)
        spells = as_days(sources.connection.execute("SELECT * FROM spells").df())
    assert times(spells) == [("a", 1, -90, 0, 26, 26, 1)]


def test_reasons_become_causes(tmp_path):
    subs = subscriptions(
        ("a", 0, 50, None, "too expensive"),
        ("b", 0, 50, None, "closed down"),
        ("c", 0, 50, None, "card declined"),
        ("d", 0, 50, None, "moved to the moon"),
        ("e", 0, 50),
        ("f", 0, None, None, "too expensive"),
    )
    assert causes(spells_of(tmp_path, subs)) == [
        ("voluntary", "too expensive", True),
        ("bankruptcy", "closed down", False),
        ("involuntary", "card declined", None),
        ("unknown", "moved to the moon", None),
        ("unknown", "", None),
        ("", "", None),
    ]


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        ([(None, 900), ("closed down", 5)], "closed down"),  # a reason that was given before none
        ([("", 900), ("closed down", 5)], "closed down"),
        ([("too expensive", 5), ("closed down", 900)], "closed down"),  # the larger of two
        ([("too expensive", None), ("closed down", 0)], "closed down"),
        ([("too expensive", 5), ("closed down", 5)], "too expensive"),  # the first by name
        ([("too expensive", None), ("closed down", None)], "too expensive"),
        ([(None, 5), (None, 900)], ""),
    ],
)
def test_of_subscriptions_that_end_together_the_most_telling_gives_the_reason(tmp_path, ended, reason):
    subs = subscriptions(*(("a", 0, 50, None, given, mrr) for given, mrr in ended))
    assert [given for _, given, _ in causes(spells_of(tmp_path, subs))] == [reason]


def test_the_reason_is_that_of_the_subscription_that_ended_last_and_has_the_smallest_id(tmp_path):
    subs = subscriptions(
        ("a", 0, 40, None, "card declined"), ("a", 0, 50, None, "closed down"), ("a", 0, 50, None, "too expensive")
    )
    assert causes(spells_of(tmp_path, subs)) == [("bankruptcy", "closed down", False)]
    subs["subscription_id"] = ["s1", "s3", "s2"]
    assert causes(spells_of(tmp_path, subs)) == [("voluntary", "too expensive", True)]


def test_spell_ids_are_dense_in_the_order_of_account_and_spell(tmp_path):
    subs = subscriptions(("b", 0, 50), ("a", 0, 50), ("b", 100, 150), ("a", -300, -200))
    spells = spells_of(tmp_path, subs)
    assert list(spells["spell_id"]) == [0, 1, 2]
    assert list(zip(spells["account_id"], spells["spell"], strict=True)) == [("a", 2), ("b", 1), ("b", 2)]
    assert list(spells.columns) == [
        "spell_id", "account_id", "spell", "started_on", "entered_on", "ended_on", "followed_to", "event", "cause",
        "reason", "controllable",
    ]  # fmt: skip


def test_every_subscription_account_and_spell_that_leaves_is_in_the_ledger(tmp_path):
    subs = subscriptions(
        ("a", -50, 100), ("b", 5, 5), ("c", -90, -10), ("d", 400, None), ("e", 0, 50), ("e", 90, 350), ("f", 0, 20),
        ("f", 10, 30), ("f", 40, None),
    )  # fmt: skip
    study = table_study(tmp_path)
    accounts = pd.DataFrame({"account_id": [*"abcdefg"]})
    with ledger_sources(study, subs, tmp_path, accounts=accounts) as sources:
        ledger = {step.step: step for step in make_spells(sources.connection, study, study.definition)}
        left_over = sources.connection.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()
    counts = {name: (step.n_before, step.n_after, step.n_affected, step.examples) for name, step in ledger.items()}
    assert counts == {
        "subscriptions without a day of service": (9, 8, 1, ("s2",)),
        "accounts without service": (7, 5, 2, ("b", "g")),
        "subscriptions joined into spells": (8, 6, 8, ()),
        "spells over before the window": (6, 5, 1, ("c",)),
        "spells that begin after the window": (5, 4, 1, ("d",)),
        "spells at risk": (4, 4, 0, ()),
    }
    assert ledger["subscriptions joined into spells"].note.startswith("1 account had several subscriptions at a time")
    assert "1 gap without service" in ledger["subscriptions joined into spells"].note
    note = ledger["spells at risk"].note
    assert "1 spell began before the window and is at risk from its first day." in note
    assert "1 return after a longer gap opened a new spell." in note
    assert "1 spell ended at most 30 days before 2024-12-31 and may yet go on." in note
    assert left_over == [("spells",)]


def notice_of(folder, subs, churn=""):
    study = table_study(folder, churn)
    with ledger_sources(study, subs, folder) as sources:
        make_notice(sources.connection, study)
        frame = as_days(sources.connection.execute("SELECT * FROM notice").df())
    return [tuple(None if pd.isna(value) else value for value in row) for row in frame.itertuples(index=False)]


def test_notice_runs_from_the_day_of_cancelling_to_the_end(tmp_path):
    assert notice_of(tmp_path, subscriptions(("a", 0, 90, 40), ("b", 0, 90), ("c", 0, None, 60))) == [
        ("a", 40, 90),
        ("c", 60, None),
    ]


def test_notice_holds_only_while_every_subscription_is_cancelled(tmp_path):
    subs = subscriptions(("a", 0, 90, 40), ("a", 10, 70), ("b", 0, 90, 20), ("b", 50, 120, 60), ("b", 80, 200))
    assert notice_of(tmp_path, subs) == [("a", 70, 90), ("b", 20, 50), ("b", 60, 80)]


def test_notice_passes_from_one_cancelled_subscription_to_the_next_without_a_break(tmp_path):
    subs = subscriptions(("a", 0, 50, 40), ("a", 50, 80, 45), ("a", 100, 150, 90), ("b", 0, 30, 30), ("c", 20, 50, 5))
    assert notice_of(tmp_path, subs) == [("a", 40, 80), ("a", 100, 150), ("c", 20, 50)]


def test_there_is_no_notice_where_the_day_of_cancelling_counts(tmp_path):
    assert notice_of(tmp_path, subscriptions(("a", 0, 90, 40)), 'recognise = "cancel date"') == []
