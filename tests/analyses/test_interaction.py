"""Products and excess risks against a published example and numerical derivatives; differences of shares likewise."""

import numpy as np
import pytest

from whychurn.analyses.interaction import excess_of, ratio_of
from whychurn.analyses.share_differences import Share, difference, total


def oral_cancer():
    """Smoking and alcohol, cases and controls (Rothman & Keller 1972), as log odds ratios of both, one, the other."""
    cases = {"neither": (3, 20), "alcohol": (6, 12), "smoking": (8, 18), "both": (225, 166)}
    log_odds = {name: np.log(a / b) for name, (a, b) in cases.items()}
    variance = {name: 1 / a + 1 / b for name, (a, b) in cases.items()}
    order = ("both", "smoking", "alcohol")
    logs = np.array([log_odds[name] - log_odds["neither"] for name in order])
    covariance = np.full((3, 3), variance["neither"]) + np.diag([variance[name] for name in order])
    return logs, covariance


def test_excess_risk_as_published():
    # Hosmer & Lemeshow (1992), Epidemiology 3:452-456: RERI 3.74, 95% interval -1.84 to 9.32.
    excess = excess_of(*oral_cancer(), 0.95)
    assert excess.estimate == pytest.approx(3.74, abs=0.01)
    assert excess.conf_low == pytest.approx(-1.84, abs=0.02)
    assert excess.conf_high == pytest.approx(9.32, abs=0.02)


def test_the_product_is_one_where_ratios_multiply():
    logs, covariance = np.array([np.log(6.0), np.log(2.0), np.log(3.0)]), 0.01 * np.eye(3)
    product = ratio_of(np.array([1.0, -1.0, -1.0]), logs, covariance, 0.95)
    assert product.estimate == pytest.approx(1.0)
    assert product.std_error == pytest.approx(np.sqrt(0.03))
    assert product.p_value == pytest.approx(1.0)
    # The excess is not zero there: 6 - 2 - 3 + 1.
    assert excess_of(logs, covariance, 0.95).estimate == pytest.approx(2.0)


def test_the_error_of_an_excess_is_that_of_its_numerical_gradient():
    logs, covariance = oral_cancer()

    def value(at):
        return np.exp(at[0]) - np.exp(at[1]) - np.exp(at[2]) + 1

    step = 1e-6
    gradient = np.array([(value(logs + step * unit) - value(logs - step * unit)) / (2 * step) for unit in np.eye(3)])
    assert excess_of(logs, covariance, 0.9).std_error == pytest.approx(np.sqrt(gradient @ covariance @ gradient))


def test_newcombes_example():
    # Newcombe (1998), Statist. Med. 17:873-890, table II, method 10: 56/70 less 48/80.
    gap = difference(Share.of(56, 70, 0.95), Share.of(48, 80, 0.95))
    assert gap.estimate == pytest.approx(0.2)
    assert (gap.conf_low, gap.conf_high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))


def test_sums_widen_and_nothing_has_no_share():
    one = Share(0.2, 0.1, 0.4)
    both = total([one, one])
    assert both.estimate == pytest.approx(0.4)
    assert both.conf_low == pytest.approx(0.4 - 0.1 * np.sqrt(2))
    assert both.conf_high == pytest.approx(0.4 + 0.2 * np.sqrt(2))
    assert not Share.of(0, 0, 0.95).known
    assert Share.of(0, 5, 0.95).conf_low == 0
