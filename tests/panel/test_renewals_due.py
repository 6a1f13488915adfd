"""Contracts that came up for renewal: a ledger by hand, and the rates that follow from it."""

import pandas as pd
import pytest
from table_ledgers import DAY_0, ledger_sources, on, table_study

import whychurn as wc

# Days of 2024: 74 is 15 March. A year before, 15 March 2023, is day -292.
BEGAN, DUE = -292, 74


def contract(account, start, end=None, *, mrr=100.0, term=12, renewal=DUE, notice=None):
    return {
        "account_id": account, "started_on": on(start), "ended_on": on(end), "mrr": mrr, "term_months": term,
        "renewal_on": on(renewal), "cancelled_on": on(notice), "end_reason": None,
    }  # fmt: skip


#: What is due and renewed of each is written beside it.
LEDGER = (
    contract("goes on", BEGAN),  # 100 of 100
    contract("overwritten", BEGAN, renewal=DUE + 365),  # the column holds the next renewal: 100 of 100
    contract("ends", BEGAN, DUE),  # 0 of 100
    contract("ends late", BEGAN, DUE + 4),  # service was let run for four days: 0 of 100
    contract("ends early", BEGAN, DUE - 5),  # and stopped five days before: 0 of 100
    contract("gave notice", BEGAN, DUE, notice=40),  # cancelled before the day, served up to it: 0 of 100
    contract("stopped", BEGAN, 10),  # in the middle of the term: never came up
    contract("no day", BEGAN, renewal=None),  # nobody knows when it comes up
    contract("no length", BEGAN, term=0),  # nor here, without the length of a term
    contract("late", BEGAN, DUE),  # renewed after twenty days, which is no end, at 60: 60 of 100
    contract("late", DUE + 20, mrr=60.0, renewal=DUE + 20 + 365),
    contract("too late", BEGAN, DUE),  # after forty days: an end and a return, 0 of 100
    contract("too late", DUE + 40, renewal=DUE + 40 + 365),
    contract("less", BEGAN, DUE),  # written anew on the day at 60: 60 of 100
    contract("less", DUE, mrr=60.0, renewal=DUE + 365),
    contract("more", BEGAN, DUE),  # at 150: 100 of 100, as more is no renewal
    contract("more", DUE, mrr=150.0, renewal=DUE + 365),
    contract("one of two", BEGAN),  # two on a day, of which one ends: 100 of 140
    contract("one of two", BEGAN, DUE, mrr=40.0),
    contract("other stays", BEGAN, renewal=None),  # a further contract without a day: 0 of 40, though it stays
    contract("other stays", BEGAN, DUE, mrr=40.0),
    contract("free", BEGAN, mrr=0.0),  # nothing is due, and it stays: renewed
    contract("cents", BEGAN, DUE, mrr=33.33),  # 33.32 of 33.33
    contract("cents", DUE, mrr=33.32, renewal=DUE + 365),
    contract(
        "monthly", BEGAN, 135, mrr=10.0, term=1, renewal=-261
    ),  # due on the 15th of January to May, and ends in May
    contract("undecided", -10, mrr=10.0, renewal=350),  # due 15 days before the window ends, less than the allowed gap
)


def frames():
    table = pd.DataFrame(LEDGER)
    return table.assign(subscription_id=[f"s{place}" for place in range(len(table))])


@pytest.fixture(scope="module", params=["term end", "cancel date"])
def ledger(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("renewals")
    study = table_study(folder, f'allowed_gap_days = 30\nrecognise = "{request.param}"')
    panel = wc.build_panel(ledger_sources(study, frames(), folder), study)
    return panel, study


def due_of(panel):
    due = panel.tables["renewals"]
    return due.assign(day=(pd.to_datetime(due["due_on"]) - pd.Timestamp(DAY_0)).dt.days)


def test_each_customer_by_hand(ledger):
    due = due_of(ledger[0])
    yearly = due[due["term_months"] == 12].set_index("account_id")
    told = {account: (row.mrr_renewed, row.mrr_due, row.stays, row.renewed) for account, row in yearly.iterrows()}
    stays, gone = (True, True), (False, False)
    assert told == {
        "goes on": (100, 100, *stays), "overwritten": (100, 100, *stays), "ends": (0, 100, *gone),
        "ends late": (0, 100, *gone), "ends early": (0, 100, *gone), "gave notice": (0, 100, *gone),
        "late": (60, 100, *stays), "too late": (0, 100, *gone), "less": (60, 100, *stays), "more": (100, 100, *stays),
        "one of two": (100, 140, *stays), "other stays": (0, 40, True, False), "free": (0, 0, *stays),
        "cents": (33.32, 33.33, *stays), "undecided": (10, 10, *stays),
    }  # fmt: skip
    assert set(yearly["day"]) == {DUE, 350}
    assert dict(yearly["decided"].value_counts()) == {True: 14, False: 1}


def test_a_monthly_contract_comes_up_every_month(ledger):
    monthly = due_of(ledger[0]).query("account_id == 'monthly'")
    assert list(monthly["day"]) == [14, 45, 74, 105, 135]
    assert list(monthly["renewed"]) == [True] * 4 + [False]
    assert list(monthly["mrr_renewed"]) == [10] * 4 + [0]


def test_contracts_that_never_come_up_are_counted(ledger):
    without = ledger[0].tables["contracts_without_renewal"].set_index("term_months")
    assert (without.loc[0, "without"], without.loc[0, "contracts"]) == (1, 1)
    assert without.loc[12, "without"] == 2


def test_the_rates_follow_from_the_ledger(ledger):
    found = wc.analyse("metrics", *ledger)
    customers = {row.term: (row.numerator, row.denominator) for row in found.where(estimand="renewal_customers").rows()}
    # Of fourteen that are decided eight are renewed: goes on, overwritten, late, less, more, one of two, free, cents.
    assert customers["12-month contracts"] == (8, 14)
    assert customers["1-month contracts"] == (4, 5)
    assert customers["all terms"] == (12, 19)
    assert customers["2024 Q1"] == (8 + 3, 14 + 3)
    money = {row.term: (row.numerator, row.denominator) for row in found.where(estimand="renewal_mrr").rows()}
    kept, owed = 100 + 100 + 60 + 60 + 100 + 100 + 33.32, 10 * 100 + 140 + 40 + 33.33
    assert money["12-month contracts"] == pytest.approx((kept, owed))
    lost = found.one(estimand="renewal_amount_lost", term="12-month contracts")
    assert lost.estimate == pytest.approx(owed - kept)
    late = found.one(estimand="renewal_customers", term="2024 Q4")
    assert not late.estimated and late.grade == "not yet decided"
    untold = found.one(estimand="contracts_without_renewal", term="all terms")
    assert (untold.numerator, untold.denominator) == (3, len(LEDGER))
