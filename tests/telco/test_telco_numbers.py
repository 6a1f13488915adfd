"""Numbers of the telco study that others have published or that R gives, through the public verbs.

Reference: R 4.2.2, survival 3.5-3, on modeldata::wa_churn with tenure > 0 (7,032 customers) unless said otherwise.
"""

from dataclasses import replace

import pytest

from whychurn.analyses.churn_within import weighted_rows

pytestmark = pytest.mark.xdist_group("telco findings")

PUBLISHED_LOGRANK = {
    "Gender": 0.53, "Senior citizen": 109.49, "Partner": 423.54, "Dependents": 232.70, "Phone service": 0.43,
    "Multiple lines": 30.97, "Internet service": 520.12, "Online security": 1013.86, "Online backup": 821.34,
    "Device protection": 763.51, "Tech support": 989.56, "Streaming TV": 368.31, "Streaming movies": 378.43,
    "Paperless billing": 189.51, "Payment method": 865.24,
}  # fmt: skip


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("Month-to-month", (0.70309664, 0.58591547, 0.29715813)),
        ("One year", (0.99080820, 0.97827238, 0.83182608)),
        ("Two year", (1.0, 1.0, 0.98619955)),
    ],
)
def test_survival_by_contract(telco_findings, level, expected):
    curve = telco_findings("segments").where(term="Contract", estimand="survival", level=level)
    for time, value in zip((12.0, 24.0, 60.0), expected, strict=True):
        assert curve.one(time=time).estimate == pytest.approx(value, abs=5e-9)


def test_median_of_month_to_month_is_35(telco_findings):
    medians = telco_findings("segments").where(term="Contract", estimand="median")
    assert medians.one(level="Month-to-month").estimate == 35
    two_year = medians.one(level="Two year")
    assert not two_year.estimated
    assert "Not reached" in two_year.note


def test_logrank_across_contract(telco_findings):
    row = telco_findings("segments").one(term="Contract", estimand="logrank")
    assert row.statistic == pytest.approx(2352.87253826, abs=5e-9 * 2352)
    assert row.df == 2


@pytest.mark.parametrize(("term", "expected"), PUBLISHED_LOGRANK.items())
def test_logrank_with_levels_as_in_the_raw_file(telco_findings, term, expected):
    row = telco_findings("segments").one(term=term, estimand="logrank")
    assert row.statistic == pytest.approx(expected, abs=0.005)
    assert row.p_adjusted >= row.p_value


def test_contract_by_churn_counts_all_7043(telco_findings):
    row = telco_findings("crosstabs").one(term="Contract", estimand="cramers_v")
    assert row.statistic == pytest.approx(1184.59657208379, rel=1e-10)
    assert (row.df, row.n_accounts) == (2, 7043)
    assert row.estimate == pytest.approx(0.409798391825534, rel=1e-10)
    residual = telco_findings("crosstabs").one(term="Contract", estimand="adjusted_residual", level="Month-to-month")
    assert residual.estimate == pytest.approx(33.9972827968623, rel=1e-10)


def test_eleven_customers_without_tenure_leave_the_intervals_only(telco_panel):
    assert len(telco_panel.accounts) == 7043
    assert len(telco_panel.intervals) == 7032
    step = next(step for step in telco_panel.ledger if step.table == "intervals")
    assert (step.n_before, step.n_after, step.n_affected) == (7043, 7032, 11)


def test_month_to_month_with_internet(telco_findings):
    focus = telco_findings("focus")
    median = focus.one(term="Month-to-month customers with internet", estimand="median")
    assert (median.n_accounts, median.n_events, median.estimate) == (3351, 1556, 34)
    survival = focus.one(term="Month-to-month customers with internet", estimand="survival", time=12.0)
    assert survival.estimate == pytest.approx(0.695031, abs=5e-7)
    expected = {"Dependents": ("Yes", 0.71989), "Internet service": ("DSL", 0.80467),
                "Online backup": ("Yes", 0.45996), "Tech support": ("Yes", 0.52773)}  # fmt: skip
    for term, (level, ratio) in expected.items():
        row = focus.one(term=term, level=level, estimand="hazard_ratio", group="Month-to-month customers with internet")
        assert row.estimate == pytest.approx(ratio, abs=5e-6)


def test_risk_within_a_year(telco_findings):
    # Within contract: R's survfit gives these at 12 months; a two-year customer who left within one does not exist.
    risk = telco_findings("churn_within").where(estimand="risk", term="Contract")
    assert risk.one(level="Month-to-month").estimate == pytest.approx(0.29690336, abs=5e-9)
    assert risk.one(level="One year").estimate == pytest.approx(0.00919180, abs=5e-9)
    two_year = risk.one(level="Two year")
    assert two_year.estimate == 0
    assert "no interval" in two_year.note
    dropped = telco_findings("churn_within").one(estimand="risk_difference", term="Contract", level="Two year")
    assert not dropped.estimated
    assert "Nobody left" in dropped.note


def test_counting_followed_customers_only_overstates_the_risk(telco_panel, telco_study, telco_findings):
    rows = weighted_rows(telco_panel, telco_study)
    followed = rows[(rows["weight"] > 0) & (rows["contract"] == "Month-to-month")]
    assert followed["left_within"].mean() == pytest.approx(0.3462, abs=5e-5)
    contract = telco_findings("churn_within").where(term="Contract", level="Month-to-month")
    assert contract.one(estimand="naive_risk").estimate == pytest.approx(0.3462, abs=5e-5)
    assert contract.one(estimand="naive_risk").estimate > contract.one(estimand="risk").conf_high


def test_one_pooled_censoring_curve_gives_the_kaplan_meier_risk(telco_panel, telco_study, telco_findings):
    churn = telco_study.churn.model_copy(update={"censoring_by": None})
    rows = weighted_rows(telco_panel, replace(telco_study, churn=churn))
    risk = (rows["weight"] * rows["left_within"]).sum() / rows["weight"].sum()
    assert risk == pytest.approx(0.15680045, abs=5e-9)
    assert telco_findings("churn_within").one(estimand="pooled_risk").estimate == pytest.approx(risk, rel=1e-12)


def test_total_charges_is_found_and_its_damage_shown(telco_findings, telco_panel):
    candidate = telco_panel.candidate("total_charges")
    assert not candidate.used
    assert "accumulates with tenure" in candidate.reason
    damage = telco_findings("data_quality").where(estimand="concordance")
    assert damage.one(level="with").estimate == pytest.approx(0.929, abs=0.0006)
    assert damage.one(level="without").estimate == pytest.approx(0.866, abs=0.0006)


def test_monthly_charges_never_stands_beside_the_services(telco_findings, telco_panel):
    assert "internet_service" in telco_panel.candidate("monthly_charges").determined_by
    hazards = telco_findings("hazards")
    for row in hazards.where(estimand="hazard_ratio", effect_kind="direct").rows():
        if row.term != "Monthly charges":
            assert "Monthly charges" not in row.adjusted_for
    own = hazards.one(estimand="hazard_ratio", effect_kind="total", term="Monthly charges", group="")
    assert "Internet service" not in own.adjusted_for


def test_verdict_is_usable_with_caveats(telco_panel, telco_findings):
    assert telco_panel.verdict.grade == "usable with caveats"
    reasons = " ".join(row.note for row in telco_findings("data_quality").where(estimand="reason").rows())
    assert "within the last month" in reasons
    assert "last recorded" in reasons
    money = telco_findings("causes").one(estimand="amount_of_leavers")
    assert "not per year" in money.definition


def test_merged_levels_are_in_the_ledger(telco_panel):
    merged = [step.rule for step in telco_panel.ledger if step.step == "level merged"]
    assert sum("No internet service" in rule for rule in merged) == 6
    assert sum("No phone service" in rule for rule in merged) == 1
    assert set(telco_panel.accounts["online_security"]) == {"Yes", "No", "No internet service"}


def test_causes_ranked_with_grades(telco_findings):
    causes = telco_findings("causes")
    top = causes.one(estimand="rank", term="Contract")
    assert (top.estimate, top.level, top.grade) == (1, "Month-to-month", "strong")
    assert causes.one(estimand="rank", term="Gender").grade == "no sizeable effect"
    # Among customers alike in internet service, phone goes with less churn; without adjustment it makes no difference.
    assert causes.one(estimand="rank", term="Phone service").grade == "moderate"
    assert not causes.where(estimand="attributable_share", term="Gender")
    # "No partner" rests on earlier leavers being in the file.
    partner = causes.one(estimand="rank", term="Partner")
    assert partner.grade == "weak"
    assert "Turns round if only recent leavers" in partner.note
    assert "Gone if only recent leavers" in causes.one(estimand="rank", term="Online backup").note
    shares = [
        causes.where(estimand="attributable_share", term=row.term, group="").rows()
        for row in causes.where(estimand="rank").rows()
    ]
    # Streaming TV is 0.65 in the first year and 1.56 after two: small on average only.
    assert causes.one(estimand="rank", term="Streaming TV").grade == "inconclusive"
    second = causes.one(estimand="attributable_share", term="Contract", group="if only recent leavers are in the file")
    first = causes.one(estimand="attributable_share", term="Contract", group="")
    assert (round(first.estimate, 2), round(second.estimate, 2)) == (0.85, 0.69)
    graded = [(row.grade, share[0].estimate) for row, share in zip(
        sorted(causes.where(estimand="rank").rows(), key=lambda row: row.estimate), shares, strict=True) if share]  # fmt: skip
    for grade in ("strong", "moderate", "weak"):
        inside = [share for name, share in graded if name == grade]
        assert inside == sorted(inside, reverse=True)


def test_an_effect_that_rests_on_missing_leavers_is_weak_at_most(telco_findings):
    causes = telco_findings("causes")
    for row in causes.where(estimand="rank").rows():
        if "if only recent leavers" in row.note:
            assert row.grade not in ("strong", "moderate")
