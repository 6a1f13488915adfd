"""The companies of the validation are those of the simulator, and their rows are those a panel builds from the tables."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "analyses"))
from companies import company_panel, settings_of

from whychurn.sources.simulator import simulate_company

pytestmark = pytest.mark.xdist_group("companies")


@pytest.fixture(scope="module")
def drawn():
    from validation.company import draw

    return draw(settings_of())


@pytest.fixture(scope="module")
def both(drawn):
    """Rows made of the simulator's, beside those of the panel."""
    from validation.company import panel_rows

    _, panel = company_panel()
    made = panel_rows(drawn)
    built = panel.recorded.read([name for name in panel.recorded.columns if name in made])
    found = made.merge(built, on=["account_id", "spell", "start"], how="left", suffixes=("_made", ""), indicator=True)
    # Rows cut by a return within the allowed gap begin elsewhere.
    assert (found["_merge"] == "both").mean() > 0.998
    return found[found["_merge"] == "both"]


def test_rows_are_those_that_the_simulator_keeps(drawn):
    kept = simulate_company(settings_of(), keep_rows=True, with_usage=False).rows
    kept = kept.sort_values(["account", "spell", "start"], kind="stable", ignore_index=True)
    pd.testing.assert_frame_equal(kept, drawn.rows[kept.columns])


@pytest.mark.parametrize(
    ("column", "unlike"),
    [
        # Where it is another value at all: rows cut short by a break, answers of the same day, renewals within a year.
        *((name, 0.0) for name in ("industry", "size_band", "region", "channel", "quarter", "plan", "nps_band")),
        *((name, 0.0) for name in ("term_months", "open_tickets", "interactions_84", "interventions_84")),
        *((f"event_84_{name}", 0.0) for name in ("price_change", "competitor_offer", "incident")),
        *((name, 0.001) for name in ("event", "failed_payments_84", "overdue_payments", "last_csat")),
        *((name, 0.0) for name in ("login_recency", "use_recency", "uses_28_reporting", "uses_28_mobile")),
    ],
)
def test_measures_are_those_that_the_panel_knows(both, column, unlike):
    made, built = both[f"{column}_made"], both[column]
    if made.dtype == object:
        known = built.notna()
        different = made[known].astype(str) != built[known].astype(str)
    else:
        built = pd.to_numeric(built, errors="coerce")
        known = built.notna() | (column == "last_csat")
        different = made[known].fillna(-1.0) != built[known].fillna(-1.0)
    assert known.mean() > 0.9
    assert different.mean() <= unlike


def test_the_week_of_a_renewal_is_the_same(both):
    made, built = (
        pd.cut(both[name].astype(float), [-1, 14, 21, 999]) for name in ("days_to_renewal_made", "days_to_renewal")
    )
    assert (made.astype(str) == built.astype(str)).mean() > 0.999
    assert (made == pd.Interval(14, 21)).sum() > 20


def test_causes_of_leaving_are_those_recorded_but_for_empty_reasons(both):
    left = both[both["event_made"] == 1]
    stated = left["cause"] != "unknown"
    assert (left.loc[stated, "cause_made"] == left.loc[stated, "cause"]).all()
    assert stated.mean() > 0.85


def test_the_panel_of_the_rows_has_the_candidates_of_the_study(drawn):
    from validation.coded import panel_of

    _, built = company_panel()
    study, panel = panel_of(drawn)
    assert [cause.column for cause in panel.used] == [cause.column for cause in built.used]
    assert {cause.column: cause.reference for cause in panel.used} == {c.column: c.reference for c in built.used}
    assert {cause.column: cause.compare for cause in panel.used} == {c.column: c.compare for c in built.used}
    for mine, theirs in zip(panel.used, built.used, strict=True):
        assert set(mine.levels) == set(theirs.levels) - {"not recorded"}
    assert study.causes == company_panel()[0].causes


def test_a_mixed_company_is_its_parts_numbered_on():
    from validation.arms import ARMS
    from validation.arms import settings_of as parts_of
    from validation.company import draw, panel_rows
    from validation.work import draw_arm

    mixed = draw_arm("hidden", 1001)
    parts = [draw(settings) for settings in parts_of(ARMS["hidden"], 1001)]
    assert len(mixed.rows) == sum(len(part.rows) for part in parts)
    assert mixed.rows["account"].max() <= mixed.settings.n_accounts
    own = pd.concat([panel_rows(part) for part in parts], ignore_index=True)
    together = panel_rows(mixed)
    for column in ("use_recency", "nps_band", "overdue_payments", "uses_28_reporting"):
        np.testing.assert_array_equal(together[column].to_numpy(), own[column].to_numpy())
    rates = [(part.rows["cause"] == 1).sum() / (part.rows["stop"] - part.rows["start"]).sum() for part in parts]
    assert rates[1] > 2 * rates[0]
