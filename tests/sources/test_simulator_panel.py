"""The panel of the simulated company shows, row by row, the measures on which the hazards acted."""

from __future__ import annotations

import pandas as pd
import pytest

from whychurn.panel import build_panel
from whychurn.sources.from_frames import sources_from_frames
from whychurn.sources.simulator import CompanySettings, simulate_company
from whychurn.sources.simulator.writing import study_text
from whychurn.study import read_study

pytestmark = pytest.mark.xdist_group("simulated panel")

SETTINGS = CompanySettings(n_accounts=400, events=120_000, dirty=False, seed=3)
SAME_NAME = (
    "active_days_28", "uses_28_reporting", "uses_28_mobile", "open_tickets", "interactions_84", "interventions_84",
    "event_84_price_change", "event_84_incident", "event_84_competitor_offer",
)  # fmt: skip


@pytest.fixture(scope="module")
def company():
    return simulate_company(SETTINGS, keep_rows=True)


@pytest.fixture(scope="module")
def panel(company, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    (folder / "study.toml").write_text(study_text(SETTINGS), encoding="utf-8")
    work = folder / ".whychurn"
    work.mkdir()
    study = read_study(folder)
    sources = sources_from_frames(study, company.frames, work)
    yield build_panel(sources, study)
    sources.connection.close()


@pytest.fixture(scope="module")
def both(company, panel):
    """Rows of the panel beside those of the simulator, spells interrupted by a return within the gap left out."""
    seen = panel.recorded.read()
    seen = seen.assign(account=seen["account_id"].astype(str).str[1:].astype(int))
    true = company.rows
    spell = ["account", "spell"]
    ends_of_rows = true.groupby(spell)["stop"].shift().fillna(true["start"])
    interrupted = true.loc[ends_of_rows != true["start"], spell].drop_duplicates()
    whole = true.merge(interrupted, on=spell, how="left", indicator="broken")
    true = whole[whole["broken"] == "left_only"].drop(columns="broken")
    assert len(true) > 0.95 * len(company.rows)
    return true.merge(seen, on=[*spell, "start"], how="left", suffixes=("_true", ""))


def test_spells_and_events_are_those_drawn(company, panel):
    realised = company.truth["realised"]
    assert len(panel.accounts) == realised["spells at risk"]
    drawn = sum(n for name, n in realised.items() if name.startswith("events: "))
    assert panel.accounts["event"].sum() == drawn
    causes = panel.accounts["cause"].value_counts()
    for cause in ("involuntary", "bankruptcy"):
        assert causes[cause] == realised[f"events: {cause}"]
    # Some who left by themselves gave no reason, or one that says nothing.
    assert 0.8 * realised["events: voluntary"] < causes["voluntary"] <= realised["events: voluntary"]


def test_every_row_at_risk_is_there_with_its_end(both):
    assert both["stop"].notna().all()
    assert (both["stop"] == both["stop_true"]).all()
    assert ((both["cause_true"] > 0) == (both["event"] == 1)).all()
    assert (both["under_notice"] == 0).all()


@pytest.mark.parametrize("measure", SAME_NAME)
def test_a_measure_is_the_same_wherever_the_panel_knows_it(both, measure):
    seen = pd.to_numeric(both[measure].astype(object), errors="coerce")
    known = seen.notna()
    assert known.mean() > 0.9
    assert (seen[known] == both.loc[known, f"{measure}_true"]).all()


def test_contract_states_are_the_same(both):
    plans = {"Starter": 0, "Team": 1, "Enterprise": 2}
    assert (both["plan"].astype(str).map(plans) == both["plan_true"]).all()
    assert ((both["term_months"].astype(float) == 12) == (both["annual"] == 1)).all()


def test_bands_of_login_are_the_same(both):
    quiet, band = both["days_since_login_true"], both["login_recency"].astype(str)
    for name, low, high in (("0-6 days", 0, 6), ("7-13 days", 7, 13), ("14-29 days", 14, 29), ("30+ days", 30, 9999)):
        assert (band == name).sum() > 100
        assert quiet[band == name].between(low, high).all()
    assert (quiet[band == "too new"] == -1).all()


def test_days_since_the_login_count_from_the_last_that_was_recorded(both):
    seen, true = both["days_since_login"], both["days_since_login_true"]
    known = seen.notna()
    assert known.mean() > 0.9
    assert (seen[known] >= true[known]).all()
    # Other days are those on which a login fell into the gap in recording.
    assert 0 < (seen[known] != true[known]).mean() < 0.02
