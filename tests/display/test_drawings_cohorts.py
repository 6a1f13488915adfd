"""The page on cohorts: every number has its finding, and its sentences follow what was found."""

import re
import sys
from pathlib import Path

import pytest
from as_read import text_of

from whychurn import display
from whychurn.findings import Findings

sys.path.insert(0, str(Path(__file__).parents[1] / "analyses"))
from companies import company_panel

import whychurn as wc

pytestmark = pytest.mark.xdist_group("companies")
PARTS = (
    "cohort_summary", "cohort_customers", "cohort_months", "cohort_revenue", "cohort_curves", "cohort_ratios",
    "cohort_periods", "cohort_layers",
)  # fmt: skip


@pytest.fixture(scope="module")
def found() -> Findings:
    study, panel = company_panel()
    return wc.analyse("cohorts", panel, study)


def test_no_number_stands_without_its_finding(found):
    html = "".join(str(getattr(display, name)(found).markup) for name in PARTS)
    known = {row.id for row in found.rows()}
    sources = set(re.findall(r'data-finding="([^".]*)', html)) - {""}
    assert len(sources) > 60 and sources <= known


def test_the_headline_says_what_the_interval_allows(found):
    rows = found.where(estimand="hazard_ratio").table
    own = rows["term"].str.startswith("Sign-up by") & rows["estimate"].notna()

    def told(low: float, estimate: float, high: float, grade: str) -> str:
        table = found.table.copy()
        at = rows.index[own]
        keys = set(rows.loc[at, "level"])
        place = table["level"].isin(keys) & (table["estimand"] == "hazard_ratio") & table["estimate"].notna()
        table.loc[place, ["conf_low", "estimate", "conf_high"]] = [low, estimate, high]
        table.loc[place, "grade"] = grade
        return text_of(display.cohort_summary(Findings(table, found.provenance)))

    assert "more slowly" in told(0.3, 0.5, 0.7, "more slowly") or "0.50 times" in told(0.3, 0.5, 0.7, "more slowly")
    assert "cannot be told yet" in told(0.5, 1.0, 2.0, "no clear difference")


def test_cohorts_that_kept_the_same_share_have_no_lowest_and_highest(found):
    table = found.table.copy()
    kept = (table["estimand"] == "customers_kept") & table["estimate"].notna()
    table.loc[kept, ["conf_low", "estimate", "conf_high"]] = [0.8, 1.0, 1.0]
    said = text_of(display.cohort_customers(Findings(table, found.provenance)))
    assert "100% of customers are still there in every cohort that has reached that age; over all ages" in said
    assert "from 100%" not in said


def test_curves_of_which_too_few_are_followed_name_no_age(found):
    table = found.table.copy()
    table.loc[table["estimand"] == "survival", "denominator"] = 3
    said = text_of(display.cohort_curves(Findings(table, found.provenance)))
    assert "too few are followed to compare them" in said and "after 0 months" not in said


def test_years_do_not_run_into_each_other_on_a_phone(found):
    narrow = re.findall(r"<svg.*?</svg>", str(display.cohort_layers(found).markup), flags=re.S)[1]
    assert 1 <= len(re.findall(r"Dec \d{4}", narrow)) <= 2


def test_months_are_not_broken_in_two(found):
    said = str(display.cohort_months(found).markup)
    assert re.search(r'white-space:nowrap">2024-\d\d<', said) and not re.search(r">20\d\d-\d\d</t[hd]>", said)


def test_layers_are_shares_of_all(found):
    said = str(display.cohort_layers(found).markup)
    rows = [row for row in found.where(estimand="layer_customers").rows() if row.estimate]
    last = [row for row in rows if row.time == rows[-1].time]
    assert all(f">{100 * row.estimate / row.denominator:.0f}%</data>" in said for row in last)
    assert ">0</data>" not in said, "no layer stands before its customers came"
