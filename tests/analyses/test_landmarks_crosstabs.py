"""Crosstabs at landmarks: recounted, tested as scipy and statsmodels do, two families, nothing found called more than found."""

from __future__ import annotations

from functools import cache

import companies
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

import whychurn as wc
from whychurn.analyses import landmark_crosstabs
from whychurn.analyses.landmark_measures import as_groups, groups_of, in_bands, other_measures, same_thing
from whychurn.findings import Findings
from whychurn.panel import Candidate
from whychurn.panel.candidates import MOST_LEVELS

pytestmark = pytest.mark.xdist_group("companies")


@cache
def findings() -> Findings:
    study, panel = companies.company_panel()
    return wc.analyse("crosstabs", panel, study)


def test_counts_shares_and_tests_are_those_of_the_landmarks():
    _, panel = companies.company_panel()
    at = panel.landmarks
    population = findings().one(estimand="landmarks")
    assert (population.denominator, population.n_events) == (len(at), at["event"].sum())
    assert population.n_accounts == at["account_id"].nunique() < len(at)
    assert population.estimate == at["landmark"].nunique()
    counts = pd.crosstab(at["plan"], at["event"])
    for level, (stayed, left) in counts.iterrows():
        row = findings().one(estimand="churn_share", term="Plan", level=level)
        assert (row.numerator, row.denominator) == (left, left + stayed)
        assert row.n_accounts == at.loc[at["plan"] == level, "account_id"].nunique()
        low, high = proportion_confint(left, left + stayed, method="wilson")
        assert (row.conf_low, row.conf_high) == pytest.approx((low, high), rel=1e-9)
    test = findings().one(estimand="cramers_v", term="Plan")
    expected = stats.chi2_contingency(counts, correction=False)
    assert (test.statistic, test.p_value) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-9)


def test_each_family_is_adjusted_on_its_own_and_says_its_size():
    tests = findings().where(estimand="cramers_v").table
    sizes = {}
    for declared, family in tests.groupby("declared"):
        known = family[family["p_value"].notna()]
        adjusted = multipletests(known["p_value"], method="fdr_bh")[1]
        assert known["p_adjusted"].to_numpy() == pytest.approx(adjusted, rel=1e-9)
        assert family["family"].nunique() == 1
        sizes[declared] = len(known)
        assert f" {len(known)} " in family["family"].iloc[0]
    assert sizes["found"] > 30 > sizes["in advance"] > 10


def test_what_was_found_is_to_be_confirmed_at_most(monkeypatch):
    monkeypatch.setattr(landmark_crosstabs, "WORTH_CONFIRMING", 0.5)
    study, panel = companies.company_panel()
    found = wc.analyse("crosstabs", panel, study).where(estimand="cramers_v", declared="found").table
    assert set(found["grade"]) == {"found, to be confirmed", "no clear tie"}
    assert ((found["grade"] == "found, to be confirmed") == (found["p_adjusted"] < 0.5)).all()
    assert any("Uses of" in term for term in found["term"])  # measures of modules among them
    assert set(findings().where(declared="in advance", estimand="cramers_v").table["grade"]) == {""}


def test_what_says_the_same_as_a_cause_is_not_crossed():
    left = {row.term: row.note for row in findings().where(estimand="not_crossed").rows()}
    assert "Time since the last login" in left["Days since last login"]
    assert "Time since the last use" in left["Days since last use"]
    assert "Last recommendation" in left["Last NPS answer"]
    found = set(findings().where(declared="found", estimand="cramers_v").table["term"])
    assert not found & set(left)


def test_what_compares_dates_has_no_p():
    test = findings().one(estimand="cramers_v", term="Calendar quarter")
    assert np.isnan(test.p_value)
    assert "compares dates" in test.note
    assert findings().where(estimand="churn_share", term="Calendar quarter").rows()


def test_the_renewal_is_read_as_within_the_horizon():
    levels = set(findings().where(estimand="churn_share", term="Yearly renewal").table["level"])
    assert levels == {"later", "within the next 90 days", "monthly term"}


def test_customers_without_a_value_are_not_in_the_test_of_a_found_measure():
    _, panel = companies.company_panel()
    known = panel.landmarks["share_28_api"].notna()
    row = findings().one(estimand="cramers_v", term="Share of api in 28 days")
    assert row.denominator == known.sum() < len(known)
    assert "no value" not in set(findings().where(term="Share of api in 28 days").table["level"])


def test_a_text_with_two_hundred_levels_is_pooled():
    values = pd.Series([f"plan {k % 200}" for k in range(1_000)])
    measure = Candidate("plan", "Plan", "category", 1, "contract")
    read, texts = as_groups(measure, values)
    groups, order = groups_of(read, texts)
    assert len(order) == groups.nunique() == MOST_LEVELS
    assert any("Other" in level for level in order)
    assert as_groups(measure, pd.Series(["a"] * 10)) is None
    assert as_groups(Candidate("x", "X", "number", 1, "x"), pd.Series([3.0] * 10 + [np.nan])) is None


def test_bands_of_numbers():
    even = in_bands(pd.Series(np.arange(100.0)))
    assert even.value_counts().tolist() == [25, 25, 25, 25]
    assert set(in_bands(pd.Series([0.0, 1.0, 1.0]))) == {"0", "1"}
    common = in_bands(pd.Series([0.0] * 80 + list(np.arange(1.0, 21))))
    assert common.value_counts().to_dict() == {"0": 80, "up to 10.5": 10, "above 10.5": 10}
    both = in_bands(pd.Series([0.0] * 60 + [-1.0, -2.0, 1.0, 2.0] * 5 + [-3.0, 3.0]))
    assert set(both) == {"0", "below 0", "above 0"}
    mostly = in_bands(pd.Series([0.0] * 60 + [1.0] * 15 + [2.0, 3.0, 4.0, 5.0]))
    assert mostly.value_counts().to_dict() == {"0": 60, "up to 1": 15, "above 1": 4}
    assert set(in_bands(pd.Series([np.nan, np.nan]))) == {"no value"}


def test_bands_of_a_number_are_the_same_thing_and_others_are_not():
    rng = np.random.default_rng(3)
    days = pd.Series(rng.integers(0, 60, 500).astype(float))
    bands = pd.cut(days, [-1, 6, 13, 29, 99], labels=["a", "b", "c", "d"]).astype(str)
    cause = Candidate("recency", "Recency", "category", 1, "x", ("a", "b", "c", "d"), "a")
    frame = pd.DataFrame({"recency": bands})
    measure = Candidate("days", "Days", "number", 1, "login")
    assert same_thing(measure, days, [cause], frame, {"recency"}) == "Recency"
    assert same_thing(measure, days + rng.normal(0, 5, 500), [cause], frame, {"recency"}) == ""
    assert same_thing(measure, days, [cause], frame, set()) == ""
    renamed = bands.map({"a": "w", "b": "x", "c": "y", "d": "z"})
    text = Candidate("words", "Words", "category", 1, "login", ("w", "x", "y", "z"), "w")
    assert same_thing(text, renamed, [cause], frame, {"recency"}) == "Recency"


def test_labels_are_told_apart():
    study, panel = companies.company_panel()
    labels = [measure.label for measure in other_measures(panel)]
    assert len(set(labels)) == len(labels)
    assert not set(labels) & {cause.label for cause in panel.used}
    assert study.name


def test_studies_without_usage_and_without_landmarks():
    company = companies.company(40, 8_000)
    settings = companies.settings_of(40, 8_000)
    study, panel = companies.company_study(company.frames, settings, without=["usage"])
    found = wc.analyse("crosstabs", panel, study)
    assert found.where(estimand="cramers_v", declared="in advance").rows()
    assert not any("login" in row.term.lower() for row in found.where(estimand="cramers_v").rows())
    study, panel = companies.company_study(
        company.frames, settings, without=["usage"], edit={"horizon = 90": "horizon = 1200"}
    )
    found = wc.analyse("crosstabs", panel, study)
    assert len(found) == 1
    assert "no customer at a landmark" in found.rows()[0].note
    assert "No customer at a landmark" in wc.analyse("landmarks", panel, study).rows()[0].note


def test_nobody_leaves():
    company = companies.company(40, 8_000)
    subs = company.frames["subscriptions"].assign(ended_on=pd.NaT, cancelled_on=pd.NaT, end_reason=None)
    frames = {"accounts": company.frames["accounts"].drop(columns="churned"), "subscriptions": subs}
    lacking = [name for name in company.frames if name not in frames]
    study, panel = companies.company_study(frames, companies.settings_of(40, 8_000), without=lacking)
    found = wc.analyse("crosstabs", panel, study)
    tests = found.where(estimand="cramers_v").table
    assert len(tests) and tests["p_value"].isna().all()
    assert (found.where(estimand="churn_share").table["estimate"] == 0).all()
