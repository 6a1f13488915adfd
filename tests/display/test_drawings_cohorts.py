"""The page on cohorts: every number has its finding, and its sentences follow what was found."""

import re
import sys
from pathlib import Path

import pytest

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


def text_of(block: object) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", str(block.markup)))


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
