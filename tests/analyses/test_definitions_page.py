"""Rates by many definitions: textbook examples, a ledger counted by hand, walks that close, and what has no rate."""

from __future__ import annotations

import sys
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from itertools import combinations
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from builders import build, cause, simulate
from companies import company_panel
from said_companies import nobody_leaves, of_small
from scipy.stats import binomtest

import whychurn as wc
from whychurn.analyses.definitions import catalogue, counting, formulas, rows, walk, walking
from whychurn.analyses.definitions.catalogue import HOUSE
from whychurn.analyses.definitions.history import History
from whychurn.analyses.definitions.periods import Period, last_months, last_year, period_of
from whychurn.analyses.definitions.revenue import Revenue
from whychurn.analyses.definitions.rows import _on_the_curve
from whychurn.analyses.definitions.stays import Stays
from whychurn.analyses.definitions.walking import Walk, walk_between
from whychurn.errors import FindingsError, StudyError
from whychurn.study.tables_schema import Definition

sys.path.insert(0, str(Path(__file__).parents[1] / "panel"))
from table_ledgers import DAY_0, ledger_sources, on, subscriptions, table_study
from world import sources_of
from worlds import random_world

pytestmark = pytest.mark.xdist_group("companies")

NOVEMBER = period_of("2024-11")
OWN = "Own"
DECLARED = (
    Definition(name=OWN),
    Definition(name="Notice given", recognise="cancel date"),
    Definition(name="Any break", allowed_gap_days=0),
    Definition(name="Overdue", delinquent_after_days=30),
)
MORE = """
[[definitions]]
name = "Notice given"
recognise = "cancel date"
[[definitions]]
name = "Any break"
allowed_gap_days = 0
"""


# --- Small frames ---------------------------------------------------------------------------------------------------


def spells(*rows):
    """Rows are (account, spell, first day, end day or None), days counted from 1 January 2024."""
    frame = pd.DataFrame(rows, columns=["account_id", "spell", "started_on", "ended_on"])
    return frame.assign(
        started_on=pd.to_datetime([on(row[2]) for row in rows]), ended_on=pd.to_datetime([on(row[3]) for row in rows])
    )


def history_of(by_definition, revenue=None, movements=None):
    """Return the history of frames of spells by name of definition; the study's own is first."""
    accounts = np.sort(pd.concat(by_definition.values())["account_id"].unique().astype(object))
    stays = {name: Stays.of(frame, accounts) for name, frame in by_definition.items()}
    declared = {each.name: each for each in DECLARED}
    paid = None
    if revenue is not None:
        paid = Revenue(revenue, Stays.of(revenue, accounts), movements)
    study = SimpleNamespace(confidence_level=0.95, definition=DECLARED[0], definitions=DECLARED[1:])
    return History(accounts, stays, paid, declared, OWN, SimpleNamespace(recorded=None), study)


def rate_of(history, name, period=NOVEMBER):
    rate = next(each for each in catalogue.named_rates(history.study) if each.name == name)
    return rate.count(history, period)


def test_80_lost_of_1000_acquired_are_8_percent():
    assert formulas.lost_per_acquired(80, 1000) == 0.08
    won = [(f"n{i:04d}", 1, 310, 320 if i < 80 else None) for i in range(1000)]
    counted = rate_of(history_of({OWN: spells(*won)}), "Departures per customer won")
    assert (counted.totals, counted.rate) == ((80, 1000), 0.08)


@pytest.mark.parametrize("lost_of_opening", [20, 15])
def test_200_less_20_and_40_won_keep_90_percent_while_other_rates_are_no_complement(lost_of_opening):
    lost_of_new = 20 - lost_of_opening
    opening = [(f"o{i:03d}", 1, 0, 312 if i < lost_of_opening else None) for i in range(200)]
    won = [(f"n{i:03d}", 1, 308, 318 if i < lost_of_new else None) for i in range(40)]
    history = history_of({OWN: spells(*opening, *won)})
    facts = history.facts(OWN, NOVEMBER)
    assert [int(x.sum()) for x in (facts.opening, facts.lost, facts.new, facts.closing)] == [200, 20, 40, 220]
    assert formulas.retention(200, 220, 40) == 0.9
    assert rate_of(history, "One minus retention").rate == pytest.approx(0.1)
    assert rate_of(history, "Departures per customer won").rate == 0.5
    assert rate_of(history, HOUSE).rate == formulas.opening_lost(200, lost_of_opening) <= 0.1


def test_months_become_years_by_conversion():
    assert formulas.over_periods(0.05, 12) == pytest.approx(1 - 0.95**12)
    assert formulas.over_periods(0.0, 12) == 0
    assert formulas.over_periods(0.3, 1) == pytest.approx(0.3)


def test_a_rate_over_nobody_is_empty():
    assert np.isnan([formulas.rate(0, 0), formulas.retention(0, 3, 3), formulas.lost_per_acquired(2, 0)]).all()
    history = history_of({OWN: spells(("a", 1, 0, 100), ("b", 1, 310, None))})
    counted = rate_of(history, HOUSE)
    assert counted.totals == (0, 0) and np.isnan(counted.rate)
    assert "Nobody was a customer" in _on_the_curve(history, SimpleNamespace(source=OWN), NOVEMBER)["note"]


def test_the_day_before_the_period_decides_who_opens_it():
    history = history_of(
        {OWN: spells(("first", 1, 305, None), ("before", 1, 304, None), ("gone", 1, 0, 305), ("earlier", 1, 0, 304))}
    )
    facts = history.facts(OWN, NOVEMBER)
    assert dict(zip(history.accounts, facts.opening, strict=True)) == {
        "before": True, "earlier": False, "first": False, "gone": True,
    }  # fmt: skip
    assert dict(zip(history.accounts, facts.lost, strict=True))["gone"] == 1


def test_the_curve_without_newcomers_is_the_rate_of_opening_customers():
    frame = spells(*[(f"a{i:02d}", 1, 0, 305 + i if i < 9 else None) for i in range(40)])
    history = history_of({OWN: frame})
    row = _on_the_curve(history, SimpleNamespace(source=OWN), NOVEMBER)
    assert row["estimate"] == pytest.approx(9 / 40)
    assert row["conf_low"] < 9 / 40 < row["conf_high"]


def test_the_curve_lets_newcomers_in_on_their_day():
    # a leaves on the 2nd of four; b comes on the 5th; c leaves on the 10th, of four at risk then.
    frame = spells(("a", 1, 0, 306), ("b", 1, 309, None), ("c", 1, 0, 314), ("d", 1, 0, None), ("e", 1, 0, None))
    row = _on_the_curve(history_of({OWN: frame}), SimpleNamespace(source=OWN), NOVEMBER)
    assert row["estimate"] == pytest.approx(1 - 3 / 4 * 3 / 4)


def test_a_window_of_30_days_begins_after_a_month_of_31_and_before_one_of_28():
    october, february = period_of("2024-10"), period_of("2023-02")
    assert october.trailing().starts_on == date(2024, 10, 2)
    assert february.trailing().starts_on == date(2023, 1, 30)
    # Gone on 1 October (day 274): lost by the calendar, gone before the window.
    history = history_of({OWN: spells(("a", 1, 0, 274), ("b", 1, 0, None), ("c", 1, 274, 280), ("d", 1, 274, None))})
    assert rate_of(history, HOUSE, october).totals == (1, 2)
    assert rate_of(history, "Trailing days", october).totals == (1, 3)
    named = {rate.name: rate for rate in catalogue.named_rates(history.study)}
    walked = walk_between(history, named[HOUSE], named["Trailing days"], october)
    assert dict(zip(walked.accounts["account_id"], walked.accounts["group"], strict=True)) == {
        "a": "left before the 30 days began",
        "c": "came in the month before the 30 days began, and left",
        "d": "came in the month before the 30 days began",
    }


def test_periods_are_read_and_complete_ones_found():
    assert [period_of(text).days for text in ("2024-02", "2024-Q1", "2024")] == [29, 91, 366]
    assert [period_of(text).label for text in ("2024-02", "2024-Q1", "2024")] == ["February 2024", "2024-Q1", "2024"]
    months = last_months(date(2024, 1, 15), date(2024, 5, 20))
    assert [month.label for month in months] == ["February 2024", "March 2024", "April 2024"]
    assert len(last_months(date(2020, 1, 1), date(2024, 1, 1))) == 12
    assert last_months(date(2024, 1, 15), date(2024, 2, 20)) == []
    assert last_year(date(2024, 1, 1), date(2025, 1, 1)) == period_of("2024")
    assert last_year(date(2024, 1, 2), date(2025, 6, 1)) is None
    for text in ("2024-13", "24-01", "2024-Q5", "last month"):
        with pytest.raises(StudyError, match="is no period"):
            period_of(text)


# --- Random ledgers -------------------------------------------------------------------------------------------------


def random_spells(draw, n, stretch=1.0):
    """Return spells of n accounts over 2024 and the years before, with returns."""
    rows = []
    for i in range(n):
        day, spell = int(draw.integers(-200, 360)), 1
        while day < 366:
            end = day + 1 + int(draw.exponential(90 * stretch))
            rows.append((f"a{i:03d}", spell, day, end if end < 366 else None))
            day, spell = end + 1 + int(draw.exponential(40)), spell + 1
    return spells(*rows)


def random_revenue(draw, frame):
    """Give every spell an amount and changes of it."""
    movements, amounts = [], []
    for row in frame.itertuples():
        level = float(draw.integers(0, 5)) * 25
        begin, end = (row.started_on, row.ended_on if pd.notna(row.ended_on) else pd.Timestamp(on(366)))
        changes = [(begin, "new" if row.spell == 1 else "reactivation", 0.0, level)]
        for _ in range(int(draw.integers(0, 3))):
            day = changes[-1][0] + timedelta(days=int(draw.integers(1, 60)))
            after = float(draw.integers(0, 5)) * 25
            if day >= end or after == level:
                break
            changes.append((day, "expansion" if after > level else "contraction", level, after))
            level = after
        if pd.notna(row.ended_on):
            changes.append((end, "churn", level, 0.0))
        amounts.append(level)
        movements += [(row.account_id, row.spell, *change) for change in changes if change[2] != change[3]]
    columns = ["account_id", "spell", "on", "kind", "mrr_before", "mrr_after"]
    moved = pd.DataFrame(movements, columns=columns)
    return frame.assign(amount=amounts), moved[moved["on"] >= pd.Timestamp(DAY_0)].reset_index(drop=True)


@cache
def random_history(seed):
    draw = np.random.default_rng(seed)
    own = random_spells(draw, 60)
    revenue, movements = random_revenue(draw, own)
    others = {each.name: random_spells(draw, 60, 0.8) for each in DECLARED[1:]}
    return history_of({OWN: own, **others}, revenue, movements)


SEEDS = range(6)
SOME_PERIODS = [period_of(text) for text in ("2024-02", "2024-10", "2024-Q3", "2024")]


@pytest.mark.parametrize("seed", SEEDS)
def test_identities_of_random_ledgers(seed):
    history = random_history(seed)
    for period in SOME_PERIODS:
        for name in history.stays:
            facts = history.facts(name, period)
            assert (facts.opening + facts.new + facts.reactivated - facts.lost == facts.closing).all()
            assert ((facts.time >= 0) & (facts.time <= 1)).all()
        house = rate_of(history, HOUSE, period)
        gone, opening = house.totals
        assert formulas.rate(opening - gone, opening) + house.rate == pytest.approx(1, abs=1e-12)
        assert 0 <= house.rate <= 1
        money = history.money(period)
        came = money.opening + money.new + money.expansion + money.reactivation
        np.testing.assert_allclose(came - money.contraction - money.churn, money.closing, atol=1e-9)
        gross, departed = (
            rate_of(history, "Gross revenue churn", period),
            rate_of(history, "Revenue of departures only", period),
        )
        assert departed.rate <= gross.rate and rate_of(history, "Net revenue churn", period).rate <= gross.rate
        assert 0 <= rate_of(history, "One minus gross retention", period).rate <= 1


@pytest.mark.parametrize("seed", SEEDS)
def test_walks_between_any_two_rates_close_and_every_account_has_one_group(seed):
    history = random_history(seed)
    named = [rate for rate in catalogue.named_rates(history.study) if rate.count is not None]
    walked = 0
    for period in SOME_PERIODS[:: 1 if seed == 0 else 2]:
        for one, other in combinations(named, 2):
            found = walk_between(history, one, other, period)
            if isinstance(found, str):
                continue
            walked += 1
            assert found.accounts["account_id"].is_unique and (found.accounts["group"] != "").all()
            a, b = found.rates
            assert found.accounts["effect"].sum() == pytest.approx(b - a, abs=1e-12)
            assert found.steps()["effect"].sum() == pytest.approx(b - a, abs=1e-12)
            if found.same_unit:
                (n_1, d_1), (n_2, d_2) = (counted.totals for counted in found.counted)
                steps = found.steps()
                assert steps["numerator"].sum() == pytest.approx(n_2 - n_1, abs=1e-9)
                assert steps["denominator"].sum() == pytest.approx(d_2 - d_1, abs=1e-9)
    assert walked > 100


def test_effects_of_counts_sum_exactly():
    """In fractions, the effects of whole customers sum to the difference without any rounding."""
    history = random_history(1)
    named = {rate.name: rate for rate in catalogue.named_rates(history.study)}
    found = walk_between(history, named[HOUSE], named["“Notice given”"], period_of("2024-10"))
    (n_1, d_1), (n_2, d_2) = [tuple(Fraction(total) for total in counted.totals) for counted in found.counted]
    more = found.accounts["numerator_to"] - found.accounts["numerator_from"]
    wider = found.accounts["denominator_to"] - found.accounts["denominator_from"]
    effects = [
        (Fraction(n) * (d_1 + d_2) / 2 - Fraction(d) * (n_1 + n_2) / 2) / (d_1 * d_2)
        for n, d in zip(more, wider, strict=True)
    ]
    assert sum(effects) == n_2 / d_2 - n_1 / d_1 != 0
    assert found.accounts["effect"].tolist() == pytest.approx([float(effect) for effect in effects])


def test_a_walk_back_is_the_walk_with_the_other_sign():
    history = random_history(2)
    named = {rate.name: rate for rate in catalogue.named_rates(history.study)}
    there = walk_between(history, named[HOUSE], named["“Any break”"], SOME_PERIODS[0])
    back = walk_between(history, named["“Any break”"], named[HOUSE], SOME_PERIODS[0])
    assert there.accounts["account_id"].tolist() == back.accounts["account_id"].tolist()
    assert there.accounts["effect"].tolist() == pytest.approx((-back.accounts["effect"]).tolist())
    assert there.accounts["group"].tolist() == back.accounts["group"].tolist()


# --- A ledger by hand -----------------------------------------------------------------------------------------------

#: November has days 305 to 334. Rows are (account, first day, end day, cancelled day, reason, mrr).
LEDGER = subscriptions(
    ("stays", 0, None),
    ("break of 20", 0, 320),
    ("break of 20", 340, None),
    ("break of 45", 0, 280),
    ("break of 45", 325, None),
    ("two", 0, None, None, None, 60),
    ("two", 0, 310, None, None, 40),
    ("yearly", 200, None),
    ("free", 0, None, None, None, 0),
    ("free, left", 0, 315, None, None, 0),
    ("left", 0, 312, 300),
    ("notice", 0, 350, 330),
    ("won and lost", 306, 330),
    ("won", 310, None),
    ("overlap", 0, 200),
    ("overlap", 150, None),
)
LEDGER = LEDGER.assign(
    term_months=[12 if account == "yearly" else 1 for account in LEDGER["account_id"]],
    renewal_on=[on(200 + 365) if account == "yearly" else None for account in LEDGER["account_id"]],
)


@cache
def ledger_panel(without=()):
    folder = Path(mkdtemp(prefix="ledger-"))
    study = table_study(folder, f'name = "{OWN}"\nallowed_gap_days = 30', MORE)
    return study, wc.build_panel(ledger_sources(study, LEDGER.drop(columns=list(without)), folder), study)


@cache
def ledger():
    study, panel = ledger_panel()
    return wc.analyse("definitions", panel, study)


#: Name -> what November counts, by hand.
BY_HAND = {
    HOUSE: (2, 9),  # of stays, break of 20, two, yearly, free, free left, left, notice, overlap: free left, left
    "All departures": (3, 9),  # and won and lost
    "Without new customers’ departures": (2, 9),
    "One minus retention": (2, 9),  # 9 - (9 - 2): the return of "break of 45" makes up for "won and lost"
    "Trailing days": (2, 9),  # November has 30 days
    "New customers below the line": (3, 12),
    "Average of both ends": (3, 9),
    "Yearly contracts hidden at first": (2, 8),
    "Only who could leave": (2, 8),
    "Paying customers only": (1, 7),
    "“Notice given”": (2, 8),  # left gave notice in October; notice and free left are gone in November
    "“Any break”": (3, 9),  # and the break of 20
    "Departures per customer won": (3, 3),  # won, won and lost, the return after 45 days
    "Gross revenue churn": (240, 700),
    "Revenue of departures only": (200, 700),
    "One minus gross retention": (140, 700),
    "Net revenue churn": (240, 700),
    "Net, less returns": (140, 700),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_ledger_counted_by_hand(name):
    row = ledger().one(estimand="rate", level="month", term=name)
    assert (row.numerator, row.denominator) == BY_HAND[name]
    assert row.estimate == pytest.approx(BY_HAND[name][0] / BY_HAND[name][1])
    assert row.reference == "November 2024"


def test_time_at_risk_counts_days_of_customers_who_came_or_left():
    row = ledger().one(estimand="rate", level="month", term="Per time at risk")
    days = 7 * 30 + 10 + 7 + 24 + 25 + 10  # seven throughout; free left, left, won and lost, won, break of 45
    assert row.denominator == pytest.approx(days / 30)
    assert row.conf_low < row.estimate < row.conf_high
    yearly = ledger().one(estimand="yearly_rate")
    assert yearly.estimate == pytest.approx(100 * 3 / (days / 365.25))


def groups_of(b, a=HOUSE, period=None):
    study, panel = ledger_panel()
    accounts = walk(panel, study, a, b, period)
    return dict(zip(accounts["account_id"], accounts["group"], strict=True)), accounts


def test_notice_in_the_month_and_before_it_are_two_groups():
    groups, accounts = groups_of("Notice given")
    assert groups == {
        "notice": "gave notice in the month, still in term",
        "left": "gave notice before the month, term ended in it",
    }
    assert accounts.attrs == {
        "rate_from": pytest.approx(2 / 9),
        "rate_to": pytest.approx(2 / 8),
        "period": "November 2024",
    }
    assert accounts["effect"].sum() == pytest.approx(2 / 8 - 2 / 9)


def noticed(still):
    """Six customers give notice in October and end in November; `still` more give it in November and end in December."""
    stays = [(f"s{i}", 1, 0, None) for i in range(20)]
    old, new = [f"o{i}" for i in range(6)], [f"n{i}" for i in range(still)]
    return history_of({
        OWN: spells(*stays, *((a, 1, 0, 312) for a in old), *((a, 1, 0, 345) for a in new)),
        "Notice given": spells(*stays, *((a, 1, 0, 300) for a in old), *((a, 1, 0, 330) for a in new)),
    })  # fmt: skip


def test_notices_that_are_not_known_yet_are_said_to_lack():
    note = rows.notices_missing(noticed(0), "Notice given", NOVEMBER)
    assert note.startswith("6 customers were under notice when November 2024 began and nobody when it ended")
    assert rows.notices_missing(noticed(1), "Notice given", NOVEMBER) == ""
    assert rows.notices_missing(noticed(0), OWN, NOVEMBER) == ""


def test_a_break_of_20_days_is_leaving_only_where_no_gap_is_allowed():
    assert groups_of("Any break")[0] == {"break of 20": "left in the month, back within 30 days"}
    panel = ledger_panel()[1]
    left = panel.accounts[panel.accounts["event"] == 1]
    assert "break of 20" not in set(left["account_id"]) and "break of 45" in set(left["account_id"])
    # The return after 45 days is a reactivation, not a new customer.
    assert groups_of("One minus retention")[0] == {
        "break of 45": "came back in the month, still there",
        "won and lost": "won and lost within the month",
    }


def test_customers_of_a_month_are_told_by_what_happened_to_them():
    assert groups_of("All departures")[0] == {"won and lost": "won and lost within the month"}
    groups, _ = groups_of("New customers below the line")
    assert groups["won"] == "won in the month, still there"
    assert groups_of("Yearly contracts hidden at first")[0] == {
        "yearly": "in the first year of a yearly contract, stayed"
    }
    assert groups_of("Only who could leave")[0] == {"yearly": "contract could not end in the month"}
    assert groups_of("Paying customers only")[0] == {
        "free": "on a free plan at the start",
        "free, left": "on a free plan, left in the month",
    }


def test_from_customers_to_revenue_by_what_they_pay():
    groups, accounts = groups_of("Gross revenue churn")
    assert groups == {
        "free, left": "left, paid no more than the average customer",
        "left": "left, paid more than the average customer",
        "two": "stayed, pays less",
        "won and lost": "won and lost within the month",
    }
    effects = accounts.set_index("account_id")["effect"]
    assert effects["free, left"] == pytest.approx(-1 / 9)
    assert effects["left"] == pytest.approx(100 / 700 - 1 / 9)
    assert effects["two"] == pytest.approx(40 / 700)
    assert groups_of("Net, less returns", "Gross revenue churn")[0] == {
        "break of 45": "came back in the month, still there"
    }


def test_any_period_of_the_window_can_be_walked():
    _, accounts = groups_of("All departures", period="2024-Q3")
    assert accounts.attrs["period"] == "2024-Q3" and accounts.empty
    october = groups_of("All departures", period=period_of("2024-10"))[1]
    assert october.empty and october.attrs["rate_to"] == pytest.approx(1 / 10)


@pytest.mark.parametrize(
    ("a", "b", "period", "message"),
    [
        ("No such rate", HOUSE, None, "There is no rate 'No such rate'"),
        (HOUSE, "Survival curve", None, "read off a curve"),
        (HOUSE, "Overdue counts as gone", None, "declares no such"),
        (HOUSE, "All departures", "2025-01", "is not within"),
        (HOUSE, "All departures", "soon", "is no period"),
    ],
)
def test_what_cannot_be_walked_is_an_error_with_the_reason(a, b, period, message):
    study, panel = ledger_panel()
    with pytest.raises(StudyError, match=message):
        walk(panel, study, a, b, period)


def test_without_revenue_or_terms_their_rates_say_what_they_need():
    study, panel = ledger_panel(without=("mrr", "term_months", "renewal_on"))
    found = wc.analyse("definitions", panel, study)
    for name in ("Gross revenue churn", "Net, less returns", "Paying customers only"):
        row = found.one(estimand="rate", level="month", term=name)
        assert not row.estimated and "subscriptions.mrr" in row.note
    row = found.one(estimand="rate", level="month", term="Only who could leave")
    assert not row.estimated and "term_months" in row.note
    assert found.one(estimand="rate", level="month", term=HOUSE).estimate == pytest.approx(2 / 9)


# --- Companies ------------------------------------------------------------------------------------------------------


@cache
def found():
    study, panel = company_panel()
    return wc.analyse("definitions", panel, study)


def test_counts_are_those_of_the_sums_by_period():
    study, panel = company_panel()
    history = History.of(panel, study)
    for word in ("month", "quarter", "year"):
        sums = panel.tables.sums(word)
        for row in sums[sums["whole"]].tail(6).itertuples():
            period = Period(row.starts_on.date(), row.ends_on.date(), word, "")
            facts, money = history.facts(history.own, period), history.money(period)
            assert facts.opening.sum() == row.opening and facts.closing.sum() == row.closing
            assert (facts.new.sum(), facts.reactivated.sum(), facts.lost.sum()) == (row.won, row.returned, row.left)
            assert (facts.opening & ~facts.closing).sum() == row.lost
            for kind in ("opening", "new", "expansion", "reactivation", "contraction", "churn", "closing"):
                assert getattr(money, kind).sum() == pytest.approx(getattr(row, f"mrr_{kind}"), abs=1e-4)
            kept = np.minimum(money.opening, money.closing).sum()
            assert kept == pytest.approx(row.mrr_kept, abs=1e-4)


@pytest.mark.parametrize("seed", [2, 9, 14])
def test_random_companies_with_every_corner_of_a_table_have_rates_and_closed_walks(seed, tmp_path):
    sources, study = sources_of(random_world(seed), tmp_path)
    panel = wc.build_panel(sources, study)
    table = wc.analyse("definitions", panel, study)
    sums = panel.tables.sums().set_index("starts_on")
    house = table.one(estimand="rate", level="month", term=HOUSE)
    month = sums.loc[pd.Timestamp(last_months(study.observed_from, study.observed_to)[-1].starts_on)]
    assert (house.numerator, house.denominator) == (month["lost"], month["opening"])
    assert house.estimated == (month["opening"] > 0)


def test_a_walk_that_does_not_close_is_no_walk(monkeypatch):
    history = random_history(0)
    named = {rate.name: rate for rate in catalogue.named_rates(history.study)}
    monkeypatch.setattr(walking, "_effects", lambda first, second, same: np.full(len(first.numerator), 1e-3))
    with pytest.raises(FindingsError, match="does not close"):
        walk_between(history, named[HOUSE], named["“Any break”"], NOVEMBER)


def test_there_are_at_least_ten_rates_with_formula_and_text():
    rows = found().where(estimand="rate", level="month").rows()
    known = [row for row in rows if row.estimated]
    assert len(known) >= 18 and len({row.term for row in rows}) == len(rows)
    assert all(row.definition and row.method and row.group for row in rows)
    assert {row.term for row in found().where(estimand="tools").rows()} <= {row.term for row in rows}


def test_intervals_of_opening_cohorts_are_wilson_and_money_has_none():
    house = found().one(estimand="rate", level="month", term=HOUSE)
    low, high = binomtest(int(house.numerator), int(house.denominator)).proportion_ci(0.95, method="wilson")
    assert (house.conf_low, house.conf_high) == (pytest.approx(low), pytest.approx(high))
    assert np.isnan(found().one(estimand="rate", level="month", term="Gross revenue churn").conf_low)
    assert np.isnan(found().one(estimand="rate", level="year", term="All departures").conf_low)


def test_retention_and_conversion_stand_beside_the_rate():
    house = found().one(estimand="rate", level="month", term=HOUSE)
    assert found().one(estimand="retention").estimate + house.estimate == pytest.approx(1, abs=1e-12)
    mean = found().one(estimand="rate", level="mean of months", term=HOUSE)
    assert mean.df == 12
    assert found().one(estimand="conversion").estimate == pytest.approx(1 - (1 - mean.estimate) ** 12)
    assert "not an observation" in found().one(estimand="conversion").definition
    benchmark = found().one(estimand="benchmark")
    assert not benchmark.estimated and (benchmark.conf_low, benchmark.conf_high) == (0.03, 0.05)


def test_who_may_yet_return_within_the_allowed_gap_is_counted():
    # The records end on day 365 of the ledger: of November's leavers none is within 30 days of it.
    assert not ledger().where(estimand="may_return").rows()
    study, panel = company_panel()
    left = panel.accounts[panel.accounts["ended_on"] >= pd.Timestamp(study.observed_to) - timedelta(days=30)]
    opened = left["started_on"] < pd.Timestamp(last_months(study.observed_from, study.observed_to)[-1].starts_on)
    row = found().one(estimand="may_return")
    assert row.numerator == opened.sum() > 0 and row.df == 30
    house = found().one(estimand="rate", level="month", term=HOUSE)
    assert row.denominator == house.numerator


def test_steps_of_every_walk_sum_to_its_gap_and_the_widest_leads():
    for level in ("month", "year"):
        walks = found().where(estimand="walk", group=level).rows()
        for row in walks:
            steps = found().where(estimand="walk_step", group=level, term=row.term).table
            if row.estimated:
                assert steps["estimate"].sum() == pytest.approx(row.estimate, abs=1e-12)
                assert steps["n_accounts"].sum() == row.n_accounts
        base = {r.term for r in found().where(estimand="rate", level=level, grade="of the base").rows()}
        gaps = {row.term: abs(row.estimate) for row in walks if row.estimated and row.term in base}
        assert found().one(estimand="walk", group=level, grade="headline").term == max(gaps, key=gaps.get)


def test_examples_are_the_first_five_of_their_group():
    study, panel = company_panel()
    for step in found().where(estimand="walk_step", group="month", family="customers").rows()[:8]:
        accounts = walk(panel, study, step.reference, step.term)
        mine = accounts.loc[accounts["group"] == step.level, "account_id"].tolist()
        examples = found().one(estimand="walk_examples", group="month", term=step.term, level=step.level)
        assert examples.note == ", ".join(mine[:5]) and step.n_accounts == len(mine)


CAUSES = """
[[causes]]
column = "plan"
type = "category"
"""


def test_studies_that_have_less_keep_their_rates():
    table = of_small("definitions", CAUSES, nobody_leaves, without=["payments", "usage"])
    house = table.one(estimand="rate", level="month", term=HOUSE)
    assert (house.estimate, house.conf_low) == (0, 0) and house.conf_high > 0
    absent = table.one(estimand="rate", level="month", term="Silence counts as gone")
    assert not absent.estimated and "[[definitions]]" in absent.note
    assert table.one(estimand="rate", level="month", term="Survival curve").estimate == 0


def test_flat_studies_and_windows_without_a_month_say_so(tmp_path):
    study, panel = build(tmp_path, simulate(200, {"a": 0.5}, seed=4), cause("a", reference="0"))
    assert "studies of tables only" in wc.analyse("definitions", panel, study).one(estimand="nothing").note
    with pytest.raises(StudyError, match="studies of tables"):
        walk(panel, study, HOUSE, "All departures")


def test_a_window_without_a_whole_month_says_so(tmp_path):
    study = table_study(tmp_path)
    text = (tmp_path / "study.toml").read_text(encoding="utf-8")
    short = text.replace("observed_from = 2024-01-01", "observed_from = 2024-05-02").replace(
        "observed_to = 2024-12-31", "observed_to = 2024-06-30"
    )
    (tmp_path / "study.toml").write_text(short, encoding="utf-8")
    study = wc.read_study(tmp_path)
    panel = wc.build_panel(ledger_sources(study, LEDGER, tmp_path), study)
    assert "No complete calendar month" in wc.analyse("definitions", panel, study).one(estimand="nothing").note
    with pytest.raises(StudyError, match="No calendar month"):
        walk(panel, study, HOUSE, "All departures")


def test_a_walk_over_an_empty_rate_has_accounts_and_no_effect():
    history = history_of({OWN: spells(("a", 1, 310, None), ("b", 1, 0, 100))})
    named = {rate.name: rate for rate in catalogue.named_rates(history.study)}
    walked = walk_between(history, named[HOUSE], named["Departures per customer won"], NOVEMBER)
    assert isinstance(walked, Walk) and walked.accounts["effect"].isna().all() and len(walked.accounts) == 1


def test_negative_opening_revenue_has_no_rate():
    frame = spells(("a", 1, 0, None))
    none = pd.DataFrame(columns=["account_id", "spell", "on", "kind", "mrr_before", "mrr_after"])
    history = history_of({OWN: frame}, frame.assign(amount=-50.0), none)
    assert "below zero" in rate_of(history, "Gross revenue churn")
    free = history_of({OWN: frame}, frame.assign(amount=0.0), none)
    assert np.isnan(rate_of(free, "Gross revenue churn").rate)


def test_counting_needs_no_revenue_to_say_so():
    history = history_of({OWN: spells(("a", 1, 0, None))})
    assert counting.paying_lost(history, NOVEMBER) == counting.NO_REVENUE
