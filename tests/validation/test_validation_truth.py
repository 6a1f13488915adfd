"""What the validation takes for true of total effects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytestmark = pytest.mark.xdist_group("validation")


@pytest.fixture(scope="module")
def blocks():
    from validation.arms import ARMS, company_settings
    from whychurn.sources.simulator.block import simulate_block

    settings = company_settings(1000, 7, ARMS["default"].effects)
    return [simulate_block(settings, number, keep_rows=True) for number in range(4)]


def test_hazards_are_found_again_from_the_blocks(blocks):
    from validation.do import rows_at_risk

    for block in blocks[:2]:
        rows = rows_at_risk(block, block.accounts, block.paths)
        kept = sum(float((part["hazard"] * (part["stop"] - part["start"])).sum()) for part in block.followed.rows)
        assert (rows["hazard"] * rows["days"]).sum() == pytest.approx(kept, rel=1e-12)


def test_the_same_customers_do_the_same_again(blocks):
    from validation.do import paths_of

    again = paths_of(blocks[0], blocks[0].accounts)
    np.testing.assert_array_equal(again.activity.uses, blocks[0].paths.activity.uses)
    for mine, theirs in zip(again.dated, blocks[0].paths.dated, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_expected_departures_are_about_those_drawn(blocks):
    from validation.do import _expected, rows_at_risk

    expected = np.zeros(2)
    drawn = np.zeros(2)
    for block in blocks:
        rows = rows_at_risk(block, block.accounts, block.paths)
        expected += _expected(rows, rows["hazard"], rows["plan"], block.accounts.size[rows["position"]])
        causes = np.concatenate([part["cause"] for part in block.followed.rows])
        drawn += [(causes == 1).sum(), (causes > 1).sum()]
    assert (np.abs(drawn - expected) < 3 * np.sqrt(expected)).all()


def test_setting_a_cause_to_its_reference_moves_what_it_moves(blocks):
    from validation.do import tally

    lost = tally(blocks[0])
    for name in ("industry", "plan", "days_to_renewal", "uses_28_reporting", "login_recency", "open_tickets"):
        assert lost.lost[name] > 0
    assert lost.lost["term_months"] < 0 < lost.voluntary < lost.departures
    assert lost.lost["region"] == lost.lost["nps_band"] == 0
    assert lost.risk[0] > lost.risk[1]


def test_without_effects_nothing_goes_with_anything_but_other_causes_of_leaving():
    from validation.arms import ARMS, company_settings
    from validation.do import tally
    from whychurn.sources.simulator.block import simulate_block

    lost = tally(simulate_block(company_settings(250, 7, ARMS["null"].effects), 0))
    for name in ("industry", "term_months", "login_recency", "uses_28_reporting", "last_csat"):
        assert lost.lost[name] == pytest.approx(0, abs=1e-9)
    assert lost.risk[0] == pytest.approx(lost.risk[1])
    # Unpaid charges depend on the plan whatever is planted.
    assert 0 < lost.lost["plan"] < 0.1 * lost.departures


def test_industry_acts_beyond_its_own_effect(blocks):
    from validation.do import rows_at_risk, tally
    from whychurn.sources.simulator.world import MEDICAL_DEVICES

    block = blocks[0]
    rows = rows_at_risk(block, block.accounts, block.paths)
    medical = block.accounts.industry[rows["position"]] == MEDICAL_DEVICES
    own = (rows["hazard"] * rows["days"])[medical].sum() * -np.expm1(-block.settings.effects.medical_devices)
    assert tally(block).lost["industry"] > 1.1 * own * 0.96


def test_the_jackknife_of_a_ratio():
    from validation.do import _ratio

    value, error = _ratio([1.0, 2.0, 3.0, 6.0], [2.0, 4.0, 6.0, 12.0])
    assert value == pytest.approx(0.5) and error == pytest.approx(0.0, abs=1e-12)
    rng = np.random.default_rng(1)
    whole = np.full(400, 10.0)
    part = rng.normal(3.0, 1.0, 400)
    assert _ratio(list(part), list(whole))[1] == pytest.approx(0.1 / np.sqrt(400), rel=0.15)


def test_seeds_and_effects_are_fixed():
    from validation.arms import ARMS, FIRST_SEED, settings_of
    from whychurn.sources.simulator import Effects

    assert FIRST_SEED == 1001
    assert ARMS["default"].effects == Effects()
    assert set(ARMS["null"].effects.__dataclass_fields__) == set(Effects.__dataclass_fields__)
    assert all(getattr(ARMS["null"].effects, name) == 0 for name in Effects.__dataclass_fields__)
    first, second = settings_of(ARMS["default"], 1001), settings_of(ARMS["default"], 1001)
    assert first == second and not first[0].dirty
    assert replace(first[0], seed=1002) == settings_of(ARMS["default"], 1002)[0]
