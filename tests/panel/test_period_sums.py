"""Customers and revenue by calendar period: a ledger by hand, and counts by a second way over random worlds."""

import pandas as pd
import pytest
from brute_force import recurring_on
from brute_force_spells import spells_of
from table_ledgers import ledger_sources, subscriptions, table_study
from world import sources_of
from worlds import random_world

import whychurn as wc
from whychurn.errors import PanelError

# Days of 2024: 31 is 1 February, 60 is 1 March, 91 is 1 April.
SUBSCRIPTIONS = subscriptions(
    ("a", -30, 40, None, "too expensive", 50),  # there before the window, leaves on 10 February
    ("b", 0, 5, None, None, 30),  # won and lost within January, back in March
    ("b", 70, None, None, None, 45),
    ("c", 10, 45, None, None, 100),  # 100, then 60 from 15 February, then 130 from 1 March
    ("c", 45, 60, None, None, 60),
    ("c", 60, None, None, None, 130),
    ("d", -10, 31, None, None, 20),  # leaves on 1 February: a customer at the end of January
    ("e", 3, None, None, None, 0),  # a free plan is a customer
    ("f", -5, 35, None, None, 10),  # leaves and is back within February, after the allowed gap
    ("f", 50, None, None, None, 25),
)
MONEY = [
    "mrr_opening", "mrr_new", "mrr_expansion", "mrr_reactivation", "mrr_contraction", "mrr_churn", "mrr_closing",
    "mrr_after", "mrr_kept", "mrr_lost",
]  # fmt: skip
PEOPLE = ["opening", "won", "returned", "left", "closing", "lost", "won_and_left"]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sums")
    study = table_study(folder, "allowed_gap_days = 10")
    return wc.build_panel(ledger_sources(study, SUBSCRIPTIONS, folder), study).tables


def test_months_of_a_ledger_by_hand(tables):
    months = tables.sums("month").head(3)
    assert months[PEOPLE].to_numpy().tolist() == [
        # a, d, f open; b, c, e begin; b is gone again
        [3, 3, 0, 1, 5, 0, 1],
        # a, d leave; f leaves and returns, and is not lost
        [5, 0, 1, 3, 3, 2, 0],
        [3, 0, 1, 0, 4, 0, 0],
    ]
    assert months[MONEY].to_numpy().tolist() == [
        [80, 130, 0, 0, 0, 30, 180, 80, 80, 0],
        [180, 0, 0, 25, 40, 80, 85, 85, 70, 70],
        [85, 0, 70, 45, 0, 0, 200, 155, 85, 0],
    ]
    assert months["whole"].all()


def test_a_period_that_the_window_cuts_is_marked(tables):
    years = tables.sums("year")
    assert list(years["whole"]) == [False]
    assert str(years["ends_on"].iloc[0].date()) == "2024-12-31"
    quarters = tables.sums("quarter")
    assert list(quarters["whole"]) == [True, True, True, False]
    assert quarters["left"].sum() == years["left"].sum() == 4


def test_segments_add_up_to_everybody_and_a_level_without_customers_stays(tables):
    segments = pd.DataFrame(
        [(a, s, "half", "left" if a in "abc" else "right") for a in "abcdef" for s in (1, 2)]
        + [("nobody", 1, "half", "empty")],
        columns=["account_id", "spell", "segment", "level"],
    )
    split, whole = tables.sums("month", segments), tables.sums("month")
    assert list(split["level"].unique()) == ["empty", "left", "right"]
    added = split.groupby("starts_on")[[*PEOPLE, *MONEY]].sum()
    assert (added.to_numpy() == whole[[*PEOPLE, *MONEY]].to_numpy()).all()
    assert split.loc[split["level"] == "empty", [*PEOPLE, *MONEY]].sum().sum() == 0


def test_other_periods_are_refused(tables):
    with pytest.raises(PanelError, match="month, quarter, year, rolling year, last year, not by 'week'"):
        tables.sums("week")


@pytest.mark.parametrize("seed", range(6))
def test_both_ends_agree_with_customers_listed_one_by_one(tmp_path, seed):
    world = random_world(seed)
    sources, study = sources_of(world, tmp_path)
    with sources:
        tables = wc.build_panel(sources, study).tables
        bridge = tables["mrr_monthly"]
        sums = {period: tables.sums(period) for period in ("month", "quarter")}
    for one, other in (
        ("opening", "mrr_opening"),
        ("new", "mrr_new"),
        ("churn", "mrr_churn"),
        ("closing", "mrr_closing"),
    ):
        assert list(sums["month"][other]) == pytest.approx(list(bridge[one]), abs=1e-5)
    spells = spells_of(world)

    def there(day: int) -> dict[str, float]:
        """What each customer of the day before pays."""
        served = {s.account_id for s in spells if s.started_on < day and (s.ended_on is None or day <= s.ended_on)}
        return {account: recurring_on(world, account, day - 1) or 0 for account in served}

    for row in sums["quarter"].itertuples():
        first, last = there(row.starts_on.toordinal()), there(row.ends_on.toordinal())
        gone = set(first) - set(last)
        assert (row.opening, row.closing, row.lost) == (len(first), len(last), len(gone))
        after = {account: last.get(account, 0) for account in first}
        assert row.mrr_after == pytest.approx(sum(after.values()), abs=1e-5)
        assert row.mrr_kept == pytest.approx(sum(min(first[a], after[a]) for a in first), abs=1e-5)
        assert row.mrr_lost == pytest.approx(sum(first[account] for account in gone), abs=1e-5)
