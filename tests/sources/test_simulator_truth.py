"""A Cox model of the very rows on which the hazards acted finds what truth.json says, and nothing else."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from whychurn.models import fit_cox
from whychurn.sources.simulator import CompanySettings, Effects, simulate_company
from whychurn.sources.simulator.truth import ACTS_ON
from whychurn.sources.simulator.world import ASIA_PACIFIC, FINANCE, MEDICAL_DEVICES, PARTNER

pytestmark = pytest.mark.xdist_group("simulated truth")

SETTINGS = CompanySettings(n_accounts=6000, events=2_400_000, dirty=False, seed=2)


def covariates(rows: pd.DataFrame) -> pd.DataFrame:
    """Code the kept measures as truth.json says."""
    quiet = rows["days_since_login"]
    coded = {
        "medical_devices": rows["industry"] == MEDICAL_DEVICES,
        "finance": rows["industry"] == FINANCE,
        "starter": rows["plan"] == 0,
        "enterprise": rows["plan"] == 2,
        "annual_term": rows["annual"],
        "renewal": rows["days_to_renewal"].between(15, 21),
        "login_7_13": quiet.between(7, 13),
        "login_14_29": quiet.between(14, 29),
        "login_30": (quiet >= 30) | rows["dormant"],
        "login_never": rows["never"],
        "reporting": np.log1p(rows["uses_28_reporting"]),
        "open_tickets": rows["open_tickets"],
        "low_csat": rows["last_csat"].between(1, 2),
        "price_change": rows["event_84_price_change"],
        "competitor_offer": rows["event_84_competitor_offer"],
        "intervention": rows["interventions_84"] > 0,
        "mobile": np.log1p(rows["uses_28_mobile"]),
        "interactions": rows["interactions_84"],
        "asia_pacific": rows["region"] == ASIA_PACIFIC,
        "partner_channel": rows["channel"] == PARTNER,
        "incident": rows["event_84_incident"],
    }
    frame = pd.DataFrame({name: np.asarray(values, dtype=float) for name, values in coded.items()})
    return frame.assign(
        start=rows["start"].to_numpy(), stop=rows["stop"].to_numpy(), left=(rows["cause"] == 1).to_numpy(dtype=int)
    )


@pytest.fixture(scope="module")
def company():
    return simulate_company(SETTINGS, keep_rows=True, with_usage=False)


@pytest.fixture(scope="module")
def frame(company):
    return covariates(company.rows)


@pytest.fixture(scope="module")
def full_fit(frame):
    return fit_cox(frame, list(ACTS_ON), "stop", "left", start="start")


@pytest.mark.parametrize("name", [field.name for field in fields(Effects)])
def test_the_model_finds_the_planted_effect_and_no_other(full_fit, name):
    planted = getattr(SETTINGS.effects, name)
    distance = (full_fit.params[name] - planted) / full_fit.std_errors[name]
    assert abs(distance) < 3.5


def test_errors_are_small_enough_to_mean_something(full_fit):
    assert (full_fit.std_errors < 0.25).all()
    for name in ("medical_devices", "login_30", "open_tickets", "low_csat", "price_change", "renewal"):
        assert full_fit.params[name] > 3.5 * full_fit.std_errors[name]


def test_industry_acts_through_usage_as_well(frame, full_fit):
    total = fit_cox(frame, ["medical_devices", "finance"], "stop", "left", start="start").params
    assert total["medical_devices"] > full_fit.params["medical_devices"] + 0.05
    assert total["finance"] < full_fit.params["finance"] - 0.05


def test_leaving_and_other_causes_come_at_the_rates_written_down(company):
    rows = company.rows
    expected = (rows["hazard"] * (rows["stop"] - rows["start"])).sum()
    left = (rows["cause"] == 1).sum()
    # Some of those who leave are back within the allowed gap, which is no churn.
    assert left == pytest.approx(expected, rel=0.03 + 3 / np.sqrt(expected))
    assert left < expected * 1.05
    assert (rows["cause"] == 2).sum() > 100 and (rows["cause"] == 3).sum() > 50


def test_unpaid_charges_do_not_depend_on_usage(frame, company):
    unpaid = frame.assign(left=(company.rows["cause"] == 2).to_numpy(dtype=int))
    terms = ["starter", "enterprise", "login_30", "reporting", "medical_devices"]
    fit = fit_cox(unpaid, terms, "stop", "left", start="start")
    for name in ("login_30", "reporting", "medical_devices"):
        assert abs(fit.params[name]) < 3.5 * fit.std_errors[name]
    assert fit.params["starter"] > 0


def test_a_null_candidate_can_be_given_an_effect():
    effects = replace(SETTINGS.effects, asia_pacific=0.8)
    company = simulate_company(replace(SETTINGS, n_accounts=2500, effects=effects), keep_rows=True, with_usage=False)
    fit = fit_cox(covariates(company.rows), list(ACTS_ON), "stop", "left", start="start")
    assert abs(fit.params["asia_pacific"] - 0.8) < 3.5 * fit.std_errors["asia_pacific"]
    assert "region" not in company.truth["null_candidates"]
    assert any(effect["measure"] == "region" for effect in company.truth["effects"])


def test_every_effect_of_the_settings_has_its_measure():
    assert set(ACTS_ON) == {field.name for field in fields(Effects)}


def test_calls_go_to_those_at_risk(frame, full_fit):
    """Crudely they look harmful, or useless; within what decides who is called they help."""
    crude = fit_cox(frame, ["intervention"], "stop", "left", start="start")
    assert crude.params["intervention"] > full_fit.params["intervention"] + 0.15
