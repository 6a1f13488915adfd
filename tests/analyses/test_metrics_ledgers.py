"""Ledgers by hand of what the page on churn and revenue counts beside its rates: growth by kind, failed charges, ages."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import whychurn as wc
from whychurn import display
from whychurn.analyses.common import clustered_share
from whychurn.findings import Findings
from whychurn.models.shares import wilson_interval
from whychurn.sources.contract import IntegrityFinding

sys.path.insert(0, str(Path(__file__).parents[1] / "panel"))
from table_ledgers import ledger_sources, on, subscriptions, table_study

pytestmark = pytest.mark.xdist_group("companies")


def analysed(folder: Path, subs: pd.DataFrame, years: int = 1, **frames: pd.DataFrame) -> Findings:
    """Findings of a ledger in the window of 2024, or of as many years that end with 2024."""
    folder.mkdir(exist_ok=True)
    table_study(folder, "allowed_gap_days = 30", tables=tuple(name for name in frames if name != "accounts"))
    file = folder / "study.toml"
    text = file.read_text(encoding="utf-8").replace("observed_to = 2024-12-31", "observed_to = 2025-01-01")
    text = text.replace("observed_from = 2024-01-01", f"observed_from = {2025 - years}-01-01")
    file.write_text(text, encoding="utf-8")
    study = wc.read_study(folder)
    return wc.analyse("metrics", wc.build_panel(ledger_sources(study, subs, folder, **frames), study), study)


#: account, first day, end, MRR, plan, seats
CHANGES = (
    ("users", -10, 45, 100.10, "Team", 10), ("users", 45, None, 150.15, "Team", 15),
    ("edition", -10, 45, 100, "Team", 10), ("edition", 45, None, 180, "Pro", 10),
    ("both", -10, 45, 100, "Team", 10), ("both", 45, None, 300, "Pro", 20),
    ("price", -10, 45, 100, "Team", 10), ("price", 45, None, 107, "Team", 10),
    ("dearer", -10, 45, 100, "Team", 10), ("dearer", 45, None, 110, "Team", 8),  # fewer users did not bring more
    ("module", -10, None, 100, "Team", 10), ("module", 45, None, 25, "Add-on", 10),
    ("unknown", -10, 45, 100, None, None), ("unknown", 45, None, 101, None, None),
    ("gap", -10, 45, 100, "Team", 10), ("gap", 65, None, 120, "Team", 12),  # back within the allowed gap, with more users
    # Up on 15 February and down again on 25 February: both are told.
    ("up and down", -10, 45, 50, "Team", 5), ("up and down", 45, 55, 90, "Team", 9),
    ("up and down", 55, None, 40, "Team", 4),
    ("one of two", -10, None, 60, "Team", 6), ("one of two", -10, 45, 15, "Add-on", 6),
    ("lower", -10, 45, 180, "Pro", 10), ("lower", 45, None, 100, "Team", 10),
    ("lower and fewer", -10, 45, 180, "Pro", 10), ("lower and fewer", 45, None, 50, "Team", 5),
    ("discount", -10, 45, 100, "Team", 10), ("discount", 45, None, 90, "Team", 10),
    ("moved", -10, 45, 70, "Team", 7), ("moved", 45, None, 70, "Pro", 7),  # another plan at the same price is no change
    ("leaves", -10, 45, 999, "Pro", 99), ("comes", 45, None, 888, "Pro", 88),  # neither is a change of who stays
)  # fmt: skip


def test_growth_and_shrinking_by_kind_by_hand(tmp_path):
    rows = [(account, start, end, None, None, mrr) for account, start, end, mrr, _, _ in CHANGES]
    plans = {"plan": [row[4] for row in CHANGES], "seats": [row[5] for row in CHANGES]}
    found = analysed(tmp_path, subscriptions(*rows, **plans))
    told = {
        (row.group, row.level): (row.estimate, row.n_events) for row in found.where(estimand="change_by_kind").rows()
    }
    expected = {
        ("expansion", "more users"): (50.05 + 20 + 40, 3),  # users, gap, up and down
        ("expansion", "higher edition"): (80, 1),
        ("expansion", "more users and a higher edition"): (200, 1),
        ("expansion", "price or usage"): (7 + 10, 2),  # price, dearer
        ("expansion", "more subscriptions"): (25, 1),
        ("expansion", "not recorded"): (1, 1),
        ("contraction", "fewer users"): (-50, 1),  # up and down
        ("contraction", "fewer subscriptions"): (-15, 1),
        ("contraction", "lower edition"): (-80, 1),
        ("contraction", "fewer users and a lower edition"): (-130, 1),
        ("contraction", "price or usage"): (-10, 1),
    }
    assert {key: n for key, (_, n) in told.items()} == {key: n for key, (_, n) in expected.items()}
    for key, (amount, _) in expected.items():
        assert told[key][0] == pytest.approx(amount), key
    steps = {row.level: row.estimate for row in found.where(estimand="mrr", method="last year").rows()}
    for kind in ("expansion", "contraction"):
        assert steps[kind] == pytest.approx(sum(amount for (way, _), (amount, _) in told.items() if way == kind))
        shares = found.where(estimand="change_share", group=kind).rows()
        assert sum(row.estimate for row in shares) == pytest.approx(1)


#: account, day of failing, day of paying, amount; the window ends on day 366.
CHARGES = (
    ("soon", 10, 15, 100), ("soon", 40, 47, 100),  # paid after 5 and 7 days
    ("later", 10, 18, 200), ("later", 50, 80, 50),  # after 8 and 30
    ("too late", 10, 41, 300),  # after 31
    ("never", 10, None, 400),
    ("partly", 10, 12, 60), ("partly", 10, None, 40),  # one of two charges
    ("taken back", 20, 5, 70),  # paid first, failed then: that payment recovers nothing
    ("no amount", 30, 31, None),
    ("before", -20, 3, 500),  # failed before the window
    ("last week", 362, 364, 80),  # paid, but others like it could not be followed for seven days
    ("last month", 340, None, 90),  # followed for 7 and 14 days, not for 30
    ("fine", None, 10, 1000),  # never failed
)  # fmt: skip


def test_failed_charges_by_hand(tmp_path):
    frame = pd.DataFrame(
        [{"account_id": a, "due_on": on(f if f is not None else 5), "failed_on": on(f), "paid_on": on(p), "amount": x}
         for a, f, p, x in CHARGES]
    )  # fmt: skip
    subs = subscriptions(*((account, -100, None) for account in dict.fromkeys(row[0] for row in CHARGES)))
    found = analysed(tmp_path, subs, payments=frame).where(term="the whole window")
    assert found.one(estimand="failed_charges").estimate == 12
    shares = {row.level: (row.numerator, row.denominator) for row in found.where(estimand="recovered").rows()}
    # soon twice, partly once, no amount; 14 days add one of later, 30 the other. Eleven are followed for 7 days, ten for 30.
    assert shares == {"within 7 days": (4, 11), "within 14 days": (5, 11), "within 30 days": (6, 10)}
    money = {row.level: (row.numerator, row.denominator) for row in found.where(estimand="recovered_amount").rows()}
    failed = 100 + 100 + 200 + 50 + 300 + 400 + 60 + 40 + 70
    assert money == {
        "within 7 days": (260, failed + 90), "within 14 days": (460, failed + 90), "within 30 days": (510, failed),
    }  # fmt: skip
    notes = {row.level: row.note for row in found.where(estimand="recovered").rows()}
    assert notes["within 7 days"].startswith("1 failed too late") and notes["within 30 days"].startswith(
        "2 failed too late"
    )
    # Days to being paid, of those that were: 1, 2, 2, 5, 7, 8, 30, 31.
    assert found.one(estimand="days_to_recovery").estimate == 6
    amounts = {row.level: row.estimate for row in found.where(estimand="amount_recovered").rows()}
    assert amounts["within 30 days"] == 510


# Days before 2024: -365 is 1 January 2023, -730 is 1 January 2022.
def test_churn_by_calendar_year_and_age_by_hand(tmp_path):
    subs = subscriptions(
        ("one year to the day", -365, 10),  # of 365 days: has been there one year on 1 January 2024
        ("a day less", -364, None),
        ("two years to the day", -730, None),
        ("five years", -5 * 366, -300),  # four when 2023 begins; leaves on 7 March 2023
        ("old", -9 * 366, None),
        ("new in 2024", 20, 200),  # of no age when 2024 begins
        ("returns", -900, -700, None, None, 10),  # gone, and back on 2 April 2023: age counts from then
        ("returns", -274, 300, None, None, 10),
    )
    found = analysed(tmp_path, subs, years=2)
    cells = {
        (row.term, row.level): (row.numerator, row.denominator)
        for row in found.where(estimand="churn_by_age").rows()
        if row.denominator
    }
    assert cells == {
        ("2023", "1 year"): (0, 1),  # two years to the day, in its second year then
        ("2023", "3 or 4 years"): (1, 1),
        ("2023", "5 years or more"): (0, 1),
        ("2024", "less than 1 year"): (1, 2),  # a day less, returns
        ("2024", "1 year"): (1, 1),
        ("2024", "2 years"): (0, 1),
        ("2024", "5 years or more"): (0, 1),
    }
    empty = found.one(estimand="churn_by_age", term="2023", level="2 years")
    assert not empty.estimated and empty.note == "No customer was of this age when the year began."


def test_the_rolling_year_by_hand(tmp_path):
    subs = subscriptions(
        ("stays", -800, None, None, None, 100),
        ("grows", -800, 31, None, None, 50), ("grows", 31, None, None, None, 80),  # from 1 February 2024
        ("leaves", -800, 60, None, None, 50),  # on 1 March 2024
        ("comes", -300, 91, None, None, 40),  # from 7 March 2023 to 1 April 2024
    )  # fmt: skip
    found = analysed(tmp_path, subs, years=2)
    rolling = {row.term: row for row in found.where(estimand="nrr", method="rolling year").rows()}
    kept = {row.term: row.numerator for row in found.where(estimand="grr", method="rolling year").rows()}
    told = {term[-10:]: (row.numerator, row.denominator, kept[term]) for term, row in rolling.items()}
    assert len(told) == 13  # years that end with each month of 2024, and with December 2023
    assert told["2023-12-31"] == (200, 200, 200)
    assert told["2024-01-31"] == (200, 200, 200)
    assert told["2024-02-29"] == (230, 200, 200)  # leaves stays until its last day; comes was not yet there
    assert told["2024-03-31"] == (220, 240, 190)  # leaves is gone; comes was there a year ago
    assert told["2024-04-30"] == (180, 240, 150)
    assert told["2024-12-31"] == (180, 240, 150)
    last, whole = (
        found.one(estimand="grr", method=method, term="2024-01-01 to 2024-12-31")
        for method in ("rolling year", "last year")
    )
    assert (last.estimate, last.conf_low) == (whole.estimate, whole.conf_low)


def test_odd_amounts_are_told_and_the_bridge_still_closes(tmp_path):
    """A credit as a subscription, and one that began before another of the same plan ended: both count, and both are told."""
    subs = subscriptions(
        ("credit", -50, None, None, None, 100), ("credit", -50, 200, None, None, -30),
        ("overlaps", -50, 121, None, None, 40), ("overlaps", 100, None, None, None, 45),
        ("plain", -50, None, None, None, 10),
    )  # fmt: skip
    study = table_study(tmp_path, "allowed_gap_days = 30")
    panel = wc.build_panel(ledger_sources(study, subs, tmp_path), study)
    doubts = tuple(
        IntegrityFinding(code, "caveat", "subscriptions", f"1 of 5 {what}.", "Sums are wrong by it.", count=1)
        for code, what in (("negative-mrr", "is a credit"), ("overlapping-subscriptions", "overlaps"), ("empty-column", "is none of this page"))
    )  # fmt: skip
    found = wc.analyse("metrics", replace(panel, integrity=doubts), study)
    assert all(row.grade == "closes" for row in found.where(estimand="bridge_gap").rows())
    april = {row.level: row.estimate for row in found.where(estimand="mrr", term="2024-04").rows()}
    assert (april["opening"], april["expansion"], april["contraction"]) == (
        120,
        45,
        0,
    )  # 70 + 40 + 10, then both of overlaps
    page = str(display.metrics_doubts(found).markup)
    assert "is a credit" in page and "overlaps" in page and "none of this page" not in page


#: account, parent, end, MRR before and after: three under one parent, two pairs, two alone.
FAMILIES = (
    ("a1", None, 40, 50, 0), ("a2", "a1", 40, 70, 0), ("a3", "a1", None, 30, 20),
    ("b1", "elsewhere", None, 40, 60), ("b2", "elsewhere", 40, 20, 0),
    ("c1", None, None, 100, 100), ("c2", "c1", None, 10, 5),
    ("d", None, None, 80, 80), ("e", None, 40, 60, 0),
)  # fmt: skip


def families(folder: Path, parents: bool) -> Findings:
    """Findings of nine accounts of which three are said, or not, to hold others."""
    rows = []
    for account, _, end, before, after in FAMILIES:
        reason = "too expensive" if account in ("a1", "b2") else "missing feature"
        rows.append((account, -10, end or 45, None, reason if end else None, before))
        if end is None:
            rows.append((account, 45, None, None, None, after))
    accounts = pd.DataFrame({"account_id": [row[0] for row in FAMILIES]})
    accounts["parent_account_id"] = [row[1] if parents else None for row in FAMILIES]
    return analysed(folder, subscriptions(*rows), accounts=accounts.astype(object))


def linearised(pairs: list[tuple[float, float]]) -> float:
    """Variance of the ratio of sums over (part, whole) of independent owners."""
    parts, wholes = (sum(each) for each in zip(*pairs, strict=True))
    ratio, n = parts / wholes, len(pairs)
    return sum((y - ratio * x) ** 2 for y, x in pairs) / wholes**2 * n / (n - 1)


def test_accounts_under_one_parent_are_one_cluster_in_every_interval(tmp_path):
    """Owners are a1 with a2 and a3, elsewhere, c1 with c2, d and e: five, whose sums scatter, not nine."""
    found = families(tmp_path, parents=True).where(method="last year")
    net = found.one(estimand="nrr")
    # What each owner keeps paying, and pays beyond that, of what it paid.
    kept = [(20.0, 150.0), (40.0, 60.0), (105.0, 110.0), (80.0, 80.0), (0.0, 60.0)]
    grown = [(0.0, 150.0), (20.0, 60.0), (0.0, 110.0), (0.0, 80.0), (0.0, 60.0)]
    assert (net.numerator, net.denominator) == (265, 460)
    gross, more = found.one(estimand="grr"), 20 / 460
    factor = math.exp(1.959964 * math.sqrt(linearised(grown)) / more)
    assert net.conf_low == pytest.approx(
        net.estimate - math.hypot(gross.estimate - gross.conf_low, more - more / factor), abs=1e-5
    )
    assert net.conf_high == pytest.approx(
        net.estimate + math.hypot(gross.conf_high - gross.estimate, more * factor - more), rel=1e-5
    )
    lost = [(2.0, 3.0), (1.0, 2.0), (0.0, 2.0), (0.0, 1.0), (1.0, 1.0)]
    churn = found.one(estimand="customer_churn")
    assert (churn.numerator, churn.denominator) == (4, 9)
    worth = min(4 / 9 * 5 / 9 / linearised(lost), 9)
    assert (churn.conf_low, churn.conf_high) == pytest.approx(wilson_interval(4 / 9, worth, 1.959964), abs=1e-6)
    by_hand = [
        (hit, owner) for owner, (gone, n) in enumerate(lost) for hit in [1.0] * int(gone) + [0.0] * int(n - gone)
    ]
    assert (churn.conf_low, churn.conf_high) == pytest.approx(
        clustered_share(*map(np.array, zip(*by_hand, strict=True)), 0.95)[:2]
    )
    gone = [(120.0, 150.0), (20.0, 60.0), (0.0, 110.0), (0.0, 80.0), (60.0, 60.0)]
    expensive = [(50.0, 150.0), (20.0, 60.0), (0.0, 110.0), (0.0, 80.0), (0.0, 60.0)]
    shrunk = [(10.0, 150.0), (0.0, 60.0), (5.0, 110.0), (0.0, 80.0), (0.0, 60.0)]
    for row, pairs in (
        (found.one(estimand="mrr_churn"), gone),
        (found.one(estimand="grr"), kept),
        (found.one(estimand="reason_mrr", term="too expensive"), expensive),
        (found.one(estimand="reason_mrr", group="downgraded"), shrunk),
    ):
        share = sum(y for y, _ in pairs) / 460
        worth = min(share * (1 - share) / linearised(pairs), 460**2 / sum(x * x for _, x in pairs))
        assert (row.conf_low, row.conf_high) == pytest.approx(wilson_interval(share, worth, 1.959964), abs=1e-6), (
            row.estimand
        )


def test_parents_change_intervals_and_nothing_else(tmp_path):
    with_parents, without = (families(tmp_path / str(told), told) for told in (True, False))
    for estimand in ("customer_churn", "mrr_churn", "grr", "nrr", "reason_customers", "reason_mrr"):
        pairs = zip(with_parents.where(estimand=estimand).rows(), without.where(estimand=estimand).rows(), strict=True)
        for one, other in pairs:
            assert (one.numerator, one.denominator) == (other.numerator, other.denominator)
    churn = without.one(estimand="customer_churn", method="last year")
    assert (churn.conf_low, churn.conf_high) == pytest.approx(wilson_interval(4 / 9, 9, 1.959964), abs=1e-6)
    one = with_parents.one(estimand="customer_churn", method="last year")
    assert (one.conf_low, one.conf_high) != (churn.conf_low, churn.conf_high)
