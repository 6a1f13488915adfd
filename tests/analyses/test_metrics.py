"""Churn and revenue by calendar: ledgers by hand, identities in any ledger, textbook examples, and little data."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from companies import company_panel

import whychurn as wc
from whychurn import display
from whychurn.findings import Findings
from whychurn.sources.contract import IntegrityFinding

sys.path.insert(0, str(Path(__file__).parents[1] / "panel"))
from table_ledgers import ledger_sources, subscriptions, table_study

pytestmark = pytest.mark.xdist_group("companies")
PARTS = (
    "metrics_summary", "metrics_rates", "metrics_doubts", "metrics_months", "metrics_retention", "metrics_bridge",
    "metrics_changes", "metrics_segments", "metrics_reasons", "metrics_renewals", "metrics_conversion",
)  # fmt: skip


def analysed(folder, subs, churn="allowed_gap_days = 30") -> Findings:
    study = table_study(folder, churn)
    panel = wc.build_panel(ledger_sources(study, subs, folder), study)
    return wc.analyse("metrics", panel, study)


def rate(found, estimand, month):
    return found.one(estimand=estimand, method="month", term=month)


def bridge(found, month, period="month"):
    return {row.level: row.estimate for row in found.where(estimand="mrr", method=period, term=month).rows()}


# Days of 2024: 31 is 1 February, 60 is 1 March, 91 is 1 April.
LEDGER = subscriptions(
    ("up", -10, 45, None, None, 100.10),  # pays more in the middle of February
    ("up", 45, None, None, None, 150.30),
    ("both", -10, 40, None, None, 50),  # up and down within February
    ("both", 40, 50, None, None, 90),
    ("both", 50, None, None, None, 30),
    ("two", -10, None, None, None, 20),  # cancels one of two subscriptions: pays less, does not leave
    ("two", -10, 42, None, "too expensive", 15),
    ("gap20", -10, 35, None, None, 10),  # back after 20 days: never left
    ("gap20", 55, None, None, None, 10),
    ("gap45", -10, 35, None, "too expensive", 40),  # back after 45 days: left in February, returns in March
    ("gap45", 80, None, None, None, 60),
    ("annual", -10, None, None, None, 2000 / 12),
    ("free", -10, None, None, None, 0),
)  # fmt: skip


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    return analysed(tmp_path_factory.mktemp("metrics"), LEDGER)


def test_february_by_hand(ledger):
    opening = 100.10 + 50 + 35 + 10 + 40 + 2000 / 12
    churn = rate(ledger, "customer_churn", "2024-02")
    assert (churn.numerator, churn.denominator) == (1, 7)  # gap45; free is a customer
    kept = rate(ledger, "grr", "2024-02")
    assert kept.numerator == pytest.approx(100.10 + 30 + 20 + 10 + 2000 / 12, abs=0.01)
    assert kept.denominator == pytest.approx(opening, abs=0.01)
    net = rate(ledger, "nrr", "2024-02")
    assert net.numerator == pytest.approx(150.30 + 30 + 20 + 10 + 2000 / 12, abs=0.01)
    assert rate(ledger, "mrr_churn", "2024-02").numerator == pytest.approx(40)
    steps = bridge(ledger, "2024-02")
    assert steps["expansion"] == pytest.approx(50.20 + 40)
    assert steps["contraction"] == pytest.approx(-(60 + 15))
    assert steps["churn"] == pytest.approx(-40)
    assert steps["closing"] == pytest.approx(opening + 90.20 - 75 - 40, abs=0.01)


def test_a_return_after_the_gap_is_a_return_and_before_it_is_none(ledger):
    assert bridge(ledger, "2024-03")["reactivation"] == pytest.approx(60)
    assert bridge(ledger, "2024-03")["new"] == 0
    counts = {row.level: row.estimate for row in ledger.where(estimand="customers", method="year").rows()}
    assert (counts["left"], counts["returned"], counts["won"]) == (1, 1, 0)
    # Over the year nobody is lost: gap45 is back, and counts with the smaller of 40 and 60.
    year = ledger.one(estimand="customer_churn", method="year")
    assert year.numerator == 0
    assert "may" in year.note or "part" in year.note  # 2024 has a last day that the window does not hold


def test_losing_ten_small_customers_and_one_large_one(tmp_path):
    """Ten customers at 10 and one at 200: losing the one is 9.1% of customers and 66.7% of revenue, the ten the rest."""
    small = [(f"s{i}", -10, 40, None, "too expensive", 10) for i in range(10)]
    found = analysed(tmp_path, subscriptions(*small, ("large", -10, 70, None, "missing feature", 200)))
    february = rate(found, "customer_churn", "2024-02"), rate(found, "mrr_churn", "2024-02")
    assert [row.estimate for row in february] == pytest.approx([10 / 11, 1 / 3])
    march = rate(found, "customer_churn", "2024-03"), rate(found, "mrr_churn", "2024-03")
    assert [row.estimate for row in march] == pytest.approx([1, 1])
    nobody = rate(found, "customer_churn", "2024-04")
    assert not nobody.estimated and "Nobody was a customer" in nobody.note


def test_retention_of_customers_leaves_new_ones_out(tmp_path):
    """200 at the start, 20 lost, 40 won: 220 at the end, and 90% retention."""
    rows = [(f"a{i}", -10, 45 if i < 20 else None, None, "too expensive" if i < 20 else None) for i in range(200)]
    rows += [(f"n{i}", 40, None) for i in range(40)]
    found = analysed(tmp_path, subscriptions(*rows))
    kept = rate(found, "customer_retention", "2024-02")
    assert kept.estimate == pytest.approx(0.9)
    assert rate(found, "customer_churn", "2024-02").estimate == pytest.approx(0.1)
    counts = {
        row.level: row.estimate for row in found.where(estimand="customers", method="month", term="2024-02").rows()
    }
    assert counts == {
        "opening": 200,
        "won": 40,
        "returned": 0,
        "left": 20,
        "lost": 20,
        "won_and_left": 0,
        "closing": 220,
    }


@pytest.mark.parametrize("seed", range(3))
def test_identities_hold_in_any_ledger(tmp_path, seed):
    draw = random.Random(seed)
    rows = []
    for account in range(50):
        day = draw.randint(-100, 300)
        for _ in range(draw.randint(1, 5)):
            length = draw.randint(1, 120)
            rows.append((f"a{account}", day, day + length, None, None, draw.choice((10.1, 19.99, 0, 300))))
            day += length + draw.randint(-20, 60)
    found = analysed(tmp_path, subscriptions(*rows))
    assert all(row.grade == "closes" and row.estimate == 0 for row in found.where(estimand="bridge_gap").rows())
    table = found.table
    for period in ("month", "quarter", "year"):
        wide = table[(table["method"] == period) & (table["estimand"].isin(
            ["grr", "nrr", "gross_churn", "net_churn", "customer_churn", "customer_retention"]
        ))].pivot(index="term", columns="estimand", values="estimate")  # fmt: skip
        known = wide.dropna()
        assert len(known)
        assert known["grr"].between(0, 1).all() and (known["grr"] <= known["nrr"] + 1e-12).all()
        for kept, lost in (("grr", "gross_churn"), ("nrr", "net_churn"), ("customer_retention", "customer_churn")):
            assert (known[kept] + known[lost]).to_numpy() == pytest.approx([1] * len(known))
    months = [bridge(found, row.term) for row in found.where(estimand="grr", method="month").rows()]
    year = next(iter(found.where(estimand="grr", method="year").rows()))
    moved = sum(sum(value for step, value in month.items() if step not in ("opening", "closing")) for month in months)
    whole = bridge(found, year.term, "year")
    assert whole["closing"] - whole["opening"] == pytest.approx(moved, abs=1e-6)


def test_groups_add_up_to_everybody():
    study, panel = company_panel()
    found = wc.analyse("metrics", panel, study)
    everybody = found.one(estimand="customer_churn", method="last year")
    table = found.where(estimand="segment_customer_churn").table
    for _, part in table.groupby("term"):
        assert part["denominator"].sum() == everybody.denominator
        assert part["numerator"].sum() == everybody.numerator
    reasons = found.where(estimand="reason_customers", group="reason").table
    assert reasons["numerator"].sum() == everybody.numerator


@pytest.mark.parametrize("young_leave", [True, False], ids=["new ones leave", "old ones leave"])
def test_first_year_against_longer_by_hand(tmp_path, young_leave):
    """60 customers of 100 days and 40 of 500 days when the year begins; 30 of one kind leave, of the other none."""
    leaves = {"young": 30 if young_leave else 0, "old": 0 if young_leave else 30}
    rows = [
        (f"{kind}{i}", -day, 200 if i < leaves[kind] else None)
        for kind, day, n in (("young", 100, 60), ("old", 500, 40))
        for i in range(n)
    ]
    # Two come and leave within the year, one returns and leaves: none of them is in the yearly rate.
    rows += [("brief1", 50, 120), ("brief2", 50, 150), ("brief3", 40, 90), ("brief3", 150, 200)]
    found = analysed(tmp_path, subscriptions(*rows))
    assert found.one(estimand="in_first_year").estimate == pytest.approx(0.6)
    rates = {row.level: (row.numerator, row.denominator) for row in found.where(estimand="churn_by_first_year").rows()}
    assert rates == {"in their first year": (leaves["young"], 60), "longer than a year": (leaves["old"], 40)}
    apart = found.one(estimand="first_year_difference")
    assert apart.estimate == pytest.approx(0.5 if young_leave else -0.75)
    assert (apart.conf_low > 0) is young_leave and (apart.conf_high < 0) is not young_leave
    assert found.one(estimand="came_and_went").estimate == 4
    assert found.one(estimand="customer_churn", method="last year").numerator == 30


def test_periods_outside_the_days_on_which_departures_are_recorded_say_so(tmp_path):
    study = table_study(tmp_path, "allowed_gap_days = 30")
    panel = wc.build_panel(ledger_sources(study, LEDGER, tmp_path), study)
    doubts = [
        IntegrityFinding("no-churn-before", "caveat", "subscriptions", "Few left.", day="2024-02-10"),
        IntegrityFinding("no-churn-after", "caveat", "subscriptions", "Few left.", day="2024-11-20"),
    ]
    found = wc.analyse("metrics", replace(panel, integrity=tuple(doubts)), study)
    notes = {row.term: row.note for row in found.where(estimand="customer_churn", method="month").rows()}
    assert "Departures before 2024-02-10 seem not to be recorded" in notes["2024-02"]
    assert "seem not to be recorded" not in notes["2024-03"] + notes["2024-10"]
    assert "Departures from 2024-11-20 on seem not to be recorded" in notes["2024-11"]


@pytest.mark.parametrize(
    "subs",
    [
        subscriptions(*((f"a{i}", i % 28, None) for i in range(40))),
        subscriptions(*((f"a{i}", -50, 30 + i, None, "too expensive") for i in range(40))),
        subscriptions(*((f"a{i}", -10 - i, None, None, None, None) for i in range(40))),
        subscriptions(*((f"a{i}", 350, None) for i in range(40))),
    ],
    ids=["nobody leaves", "all leave", "no revenue", "all came last week"],
)
def test_companies_of_which_little_can_be_told_still_have_a_page(tmp_path, subs):
    found = analysed(tmp_path, subs)
    page = "".join(str(getattr(display, part)(found).markup) for part in PARTS)
    assert len(page) > 500
    assert "nan" not in page.lower().split()
