"""Signs of engagement: cut as defined, fitted as a plain model would, worded by fixed rules; hard cases are notes."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from companies import company_panel
from said_companies import findings, no_reasons, nobody_leaves, of_small

from whychurn.analyses.engagement_base import Setting
from whychurn.analyses.engagement_cells import support_effect
from whychurn.analyses.engagement_signals import signals
from whychurn.analyses.engagement_verdicts import RULES, verdict_rows
from whychurn.analyses.risk_rows import as_floats, of_cause, recorded, risk_rows
from whychurn.models import fit_cox

pytestmark = pytest.mark.xdist_group("companies")

FEW_CAUSES = """
[[causes]]
column = "plan"
type = "category"
tier = 2
[[causes]]
column = "login_recency"
type = "category"
tier = 3
reference = "0-6 days"
missing = "not recorded"
[[causes]]
column = "open_tickets"
type = "number"
tier = 4
bands = [1]
[[causes]]
column = "interventions_84"
type = "number"
tier = 4
bands = [1]
"""


def found():
    return findings("engagement")


@cache
def setting():
    study, panel = company_panel()
    return Setting.of(risk_rows(panel, study), signals(panel), panel, study)


def small(change=None, without=()):
    return of_small("engagement", FEW_CAUSES, change, without)


def test_use_that_has_halved_is_at_most_half_the_usual():
    _, panel = company_panel()
    signs = signals(panel)
    logs = as_floats(recorded(panel, ["use_trend"])["use_trend"])
    ratio = np.exp(logs)
    levels = pd.Series(signs.trend.values)
    for level, low, high in (("halved or worse", 0, 0.5), ("down", 0.5, 0.8), ("steady", 0.8, 1.25), ("up", 1.25, 9e9)):
        at = ratio[levels == level]
        assert len(at) and (at >= low - 1e-9).all() and (at <= high + 1e-9).all(), level
    assert np.isnan(logs[levels.isna()]).all() and not np.isnan(logs[levels.notna()]).any()
    assert (levels[np.isclose(logs, np.log(0.5))] == "halved or worse").all()


def test_low_use_is_below_the_median_of_the_rows_and_bands_hold_what_they_say():
    _, panel = company_panel()
    signs = signals(panel)
    raw = recorded(panel, ["uses_28", "tickets_84", "last_csat", "open_tickets"])
    uses = as_floats(raw["uses_28"])
    low = pd.Series(signs.low_use.values)
    median = np.median(uses[~np.isnan(uses)])
    assert (uses[low == "below the median"] < median).all() and (uses[low == "at or above it"] >= median).all()
    assert f"fewer than {median:g} uses" in signs.low_use.definition
    assert set(as_floats(raw["tickets_84"])[signs.tickets.values == "2 to 3"]) == {2.0, 3.0}
    assert set(as_floats(raw["last_csat"])[signs.rating.values == "1 or 2 of 5"]) == {1.0, 2.0}
    assert np.isnan(as_floats(raw["last_csat"])[signs.rating.values == "none yet"]).all()
    assert as_floats(raw["open_tickets"])[signs.open_tickets.values == "2 or more"].min() == 2
    assert (uses[signs.level.values == "no uses"] == 0).all()


def test_a_ratio_alone_is_that_of_a_plain_model_of_leaving_of_ones_own_will():
    study, panel = company_panel()
    rows = of_cause(risk_rows(panel, study), "voluntary")
    rows["sign"] = pd.Categorical(signals(panel).rating.values, ["4 or 5 of 5", "3 of 5", "1 or 2 of 5", "none yet"])
    fit = fit_cox(rows, ["sign"], "stop", "event", start="start", cluster="cluster")
    row = found().one(
        outcome="voluntary churn", group="support", term="Last rating of support", level="1 or 2 of 5",
        effect_kind="unadjusted", estimand="hazard_ratio",
    )  # fmt: skip
    assert np.log(row.estimate) == pytest.approx(fit.params["sign[T.1 or 2 of 5]"], abs=1e-7)
    assert row.std_error == pytest.approx(fit.robust_std_errors["sign[T.1 or 2 of 5]"], rel=1e-6)
    at = rows["sign"] == "1 or 2 of 5"
    assert (row.n_events, row.n_accounts) == (rows.loc[at, "event"].sum(), rows.loc[at, "account_id"].nunique())


def test_falling_use_and_level_of_use_stand_in_one_model_on_rows_with_a_usual_level():
    study, panel = company_panel()
    signs = signals(panel)
    rows = of_cause(risk_rows(panel, study), "voluntary")
    rows = rows.assign(trend=signs.trend.values, level=signs.level.values)
    known = rows[rows["trend"].notna() & rows["level"].notna()]
    row = found().one(
        outcome="voluntary churn", group="decline", term="Trend of use", level="halved or worse",
        effect_kind="direct", estimand="hazard_ratio",
    )  # fmt: skip
    assert row.n_events == known.loc[known["trend"] == "halved or worse", "event"].sum()
    assert "Uses in 28 days" in row.adjusted_for and "Plan" in row.adjusted_for
    assert "Time since the last login" not in row.adjusted_for
    beside = found().one(
        outcome="voluntary churn", group="decline beside silence", term="Trend of use", level="halved or worse",
        estimand="hazard_ratio",
    )  # fmt: skip
    assert "Time since the last login" in beside.adjusted_for


def test_support_is_adjusted_for_what_is_declared_but_not_for_itself():
    row = found().one(
        outcome="voluntary churn", group="support", term="Open tickets", level="1",
        effect_kind="total", estimand="hazard_ratio",
    )  # fmt: skip
    names = row.adjusted_for.split(", ")
    assert names.count("Last rating of support") == 1 and "Open tickets" not in names
    assert {"Attempts to save in twelve weeks", "Time since the last login", "Industry"} <= set(names)
    tickets = found().one(
        outcome="voluntary churn", group="support", term="Tickets in 84 days", level="1",
        effect_kind="total", estimand="hazard_ratio",
    )  # fmt: skip
    assert "Open tickets" not in tickets.adjusted_for and "Time since the last login" in tickets.adjusted_for


def test_the_four_cells_tell_the_same_as_main_effects_with_a_product():
    chosen = setting()
    cells = chosen.pairs.cells
    known = pd.notna(cells.values)
    rows = of_cause(chosen.rows[known].reset_index(drop=True), "voluntary")
    rows["low"] = rows[cells.column].str.contains("low use").astype(float)
    rows["some"] = (~rows[cells.column].str.startswith("no tickets")).astype(float)
    fit = fit_cox(rows, ["low", "some", "low:some"], "stop", "event", start="start", cluster="cluster")
    ours = chosen.effect(cells.candidate, [cells], (), "unadjusted", "voluntary churn", known)
    logs = {contrast.level: contrast.log_hr for contrast in ours.contrasts}
    assert logs["no tickets, low use"] == pytest.approx(fit.params["low"], abs=1e-7)
    assert logs["tickets, high use"] == pytest.approx(fit.params["some"], abs=1e-7)
    both = logs["tickets, low use"] - logs["no tickets, low use"] - logs["tickets, high use"]
    assert both == pytest.approx(fit.params["low:some"], abs=1e-7)


def test_differences_between_cells_follow_from_their_ratios():
    ours = found().where(outcome="voluntary churn", group="tickets and use")
    cell = {
        row.level: row.estimate
        for row in ours.where(estimand="hazard_ratio", effect_kind="total", term="Tickets and use").rows()
    }
    both, low, some = (cell[name] for name in ("tickets, low use", "no tickets, low use", "tickets, high use"))
    assert ours.one(term="tickets, at low use").estimate == pytest.approx(both / low)
    assert ours.one(term="low use, at tickets").estimate == pytest.approx(both / some)
    assert ours.one(estimand="interaction_ratio").estimate == pytest.approx(both / (low * some))
    assert ours.one(estimand="excess_risk").estimate == pytest.approx(both - low - some + 1)


def test_those_called_were_at_risk_by_the_hazard_that_the_model_gives_them():
    chosen = setting()
    sign = chosen.signs.saves
    effect = support_effect(chosen, sign.candidate, "voluntary churn")
    frame, name = effect.rows.frame, effect.rows.names[sign.column]
    # A second way: the model's own linear predictor, less the sign's own part.
    full = effect.fit.design.spec.get_model_matrix(frame, context=None)
    full = np.asarray(full)[:, 1:] @ effect.fit.params.to_numpy()
    own = np.where(frame[name] == "one or more", effect.contrast("one or more").log_hr, 0.0)
    hazard, days = np.exp(full - own), frame["stop"] - frame["start"]
    means = [np.average(hazard[at], weights=days[at]) for at in (frame[name] == "one or more", frame[name] == "none")]
    row = found().one(outcome="voluntary churn", estimand="expected_ratio", term="Attempts to save in twelve weeks")
    assert row.estimate == pytest.approx(means[0] / means[1], rel=1e-6)
    assert row.estimate > 1, "the simulated company calls those at risk"


def test_what_the_signs_are_about_is_one_family_per_outcome():
    rows = [row for row in found().where(estimand="hazard_ratio").rows() if row.family]
    by_outcome = {outcome: [row for row in rows if row.outcome == outcome] for outcome in ("voluntary churn", "churn")}
    for outcome, mine in by_outcome.items():
        assert 5 <= len(mine) <= 7
        assert {row.family for row in mine} == {f"what {len(mine)} signs of engagement warn of, {outcome}"}
        assert all(row.p_adjusted >= row.p_value for row in mine)


def ratio(group, term, level, kind, low, high, p_adjusted=0.01):
    return {
        "outcome": "churn", "estimand": "hazard_ratio", "group": group, "term": term, "level": level,
        "effect_kind": kind, "conf_low": low, "conf_high": high, "p_adjusted": p_adjusted,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("crude", "adjusted", "p", "grade"),
    [
        ((1.5, 2.5), (1.1, 2.0), 0.01, "warns beyond low use"),
        ((1.5, 2.5), (1.1, 2.0), 0.08, "may warn beyond low use"),
        ((1.5, 2.5), (0.9, 1.3), 0.5, "no more than low use"),
        ((0.8, 1.5), (0.9, 1.3), 0.5, "no sign"),
        ((0.8, 1.5), (0.5, 0.9), 0.01, "the reverse"),
    ],
)
def test_verdicts_on_falling_use(crude, adjusted, p, grade):
    rows = [
        ratio("decline", "Trend of use", "halved or worse", "unadjusted", *crude),
        ratio("decline", "Trend of use", "halved or worse", "direct", *adjusted, p_adjusted=p),
    ]
    assert [row["grade"] for row in verdict_rows(rows, "churn", 0.95)] == [grade]
    assert grade in RULES


@pytest.mark.parametrize(
    ("crude", "adjusted", "grade"),
    [
        ((0.9, 1.4), (0.5, 0.9), "protective, hidden"),
        ((1.1, 1.6), (0.5, 0.9), "protective, hidden"),
        ((0.5, 0.8), (0.5, 0.9), "protective"),
        ((1.1, 1.6), (0.9, 1.2), "explained"),
        ((1.1, 1.6), (1.1, 1.6), "harmful all the same"),
        ((0.9, 1.2), (0.9, 1.2), "no sign"),
    ],
)
def test_verdicts_on_calls(crude, adjusted, grade):
    rows = [
        ratio("contacts", "Saves", "some", "unadjusted", *crude),
        ratio("contacts", "Saves", "some", "total", *adjusted),
    ]
    assert [row["grade"] for row in verdict_rows(rows, "churn", 0.95)] == [grade]


def test_verdicts_on_tickets_and_use():
    rows = [
        ratio("tickets and use", "Tickets and use", "no tickets, low use", "unadjusted", 1.1, 2.0),
        ratio("tickets and use", "Tickets and use", "no tickets, low use", "total", 1.1, 2.0),
        ratio("tickets and use", "Tickets and use", "", "total", 0.3, 0.9) | {"estimand": "interaction_ratio"},
    ]
    assert [row["grade"] for row in verdict_rows(rows, "churn", 0.95)] == ["gave up", "less than multiplied"]


def test_without_tickets_use_still_speaks():
    table = small(without=["tickets"])
    missing = {row.term: row.note for row in table.where(group="not recorded").rows()}
    assert {"Open tickets", "Tickets", "Last rating of support"} == set(missing)
    assert table.where(group="decline", estimand="hazard_ratio").rows()
    assert not table.where(group="tickets and use").rows()


def test_without_usage_and_contacts_tickets_still_speak():
    table = small(without=["usage", "interactions", "interventions"])
    assert {row.term for row in table.where(group="not recorded").rows()} == {
        "Trend of use", "Level of use", "Contacts", "Attempts to save",
    }  # fmt: skip
    assert table.where(group="support", estimand="hazard_ratio", effect_kind="total").rows()
    assert not table.where(group="contacts", estimand="hazard_ratio").rows()


def test_the_same_rating_for_all_and_few_leavers_are_notes():
    def change(frames):
        frames["tickets"].loc[frames["tickets"]["csat"].notna(), "csat"] = 5

    table = small(change=change)
    rating = (
        table.where(group="support", term="Last satisfaction", estimand="hazard_ratio").rows()
        or table.where(group="support", estimand="hazard_ratio", level="none yet").rows()
    )
    assert rating
    product = table.where(group="rating and tickets", estimand="interaction_ratio").rows()
    assert all(not row.estimated and "Fewer than 5 leavers" in row.note for row in product)
    assert any("leavers per coefficient" in row.note for row in table.where(estimand="hazard_ratio").rows())


def test_nobody_left():
    assert [row.note for row in small(nobody_leaves).where(estimand="verdict").rows()] == [
        "Nobody left in the window, so nothing warned of leaving."
    ]


def test_without_reasons_there_is_one_outcome():
    assert set(small(no_reasons).where(estimand="joint_test").table["outcome"]) == {"churn"}
