import numpy as np

from whychurn.analyses.second_opinion import digits


def test_lifelines_and_statsmodels_agree_on_telco(telco_findings):
    found = telco_findings("second_opinion")
    agreed = {row.method: row.estimate for row in found.where(estimand="digits_agreed").rows()}
    assert agreed["statsmodels"] >= 5
    assert agreed["lifelines"] >= 4
    ours, theirs = (found.one(estimand="survival", method=name).estimate for name in ("whychurn", "lifelines"))
    assert abs(ours - theirs) < 1e-10


def test_known_differences_are_shown_with_their_reason(telco_findings):
    found = telco_findings("second_opinion")
    for estimand, library, least in [
        ("ph_statistic", "lifelines", 1.0),
        ("late_entry_coefficient", "statsmodels", 0.05),
        ("mean_lifetime_std_error", "lifelines", 3.0),
    ]:
        pair = {row.method: row for row in found.where(estimand=estimand).rows()}
        assert set(pair) == {"whychurn", library}
        assert abs(pair[library].estimate - pair["whychurn"].estimate) > least
        assert library in pair[library].note


def test_digits():
    assert digits(np.array([0.0])) == 6
    assert digits(np.array([0.00012])) == 3
    assert digits(np.array([3.0])) == 0
