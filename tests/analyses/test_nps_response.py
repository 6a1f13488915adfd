"""Who answers: invitations counted by hand, no look-ahead, weights that move the score towards the truth, hard cases."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
from answer_ledgers import accounts, at, of_frames, service
from companies import company_panel, settings_of
from said_companies import findings, no_reasons, nobody_leaves, of_small
from scipy.stats import binomtest

import whychurn as wc
from whychurn.analyses.answer_terms import TermCoder, fit_what_can_be
from whychurn.analyses.common import clustered_share
from whychurn.analyses.last_known import last_known, last_places
from whychurn.analyses.nps_response.covariates import known_of
from whychurn.analyses.nps_response.invitations import days_to_answer, valid_invitations
from whychurn.analyses.nps_response.leaving import ANSWERED, NOT, from_landmark
from whychurn.analyses.nps_response.weighting import response_weights
from whychurn.models import fit_logistic
from whychurn.models.shares import wilson_interval
from whychurn.models.wald import normal_quantile
from whychurn.sources.simulator.block import block_count, simulate_block
from whychurn.sources.simulator.settings import BLOCK

pytestmark = pytest.mark.xdist_group("companies")

CAUSES = """
[[causes]]
column = "plan"
type = "category"
[[causes]]
column = "last_csat"
type = "number"
bands = [3]
"""


def found():
    return findings("nps_response")


@cache
def invited():
    study, panel = company_panel()
    return valid_invitations(panel, study)


def asked(*rows: tuple[str, object, object, object]) -> pd.DataFrame:
    """Rows are (account, day of the invitation, day of the answer, score); None for none."""
    made = [
        (
            f"r{i}",
            account,
            None,
            at(sent, 9) if sent is not None else None,
            at(given) if given is not None else None,
            score,
        )
        for i, (account, sent, given, score) in enumerate(rows)
    ]
    return pd.DataFrame(made, columns=["response_id", "account_id", "user_id", "invited_at", "answered_at", "score"])


def hand_made(folder, surveys, **settings):
    frames = {"accounts": accounts(["x"] * 6), "subscriptions": service(6, **settings), "surveys": surveys}
    return of_frames(folder, frames)


def test_invitations_that_do_not_count_are_counted_by_reason(tmp_path):
    study, panel = hand_made(
        tmp_path,
        asked(
            ("a0", 100, 103, 9),
            ("a0", 300, None, None),
            ("a1", -10, None, None),
            ("a2", 60, 61, 3),  # a2 left on day 50
            ("a3", 150, None, None),  # a3 signs up on day 200
            ("a3", 250, 250, 7),
            ("a4", 726, None, None),  # the window ends on day 731, and a week to answer does not fit
            ("a5", None, 400, 10),
            ("a5", 500, 490, 8),
        ),
        ends={2: 50}, begins={3: 200},
    )  # fmt: skip
    sent = valid_invitations(panel, study)
    assert sent.days_to_answer == 7
    assert {reason: count for reason, count in sent.excluded if count} == {
        "day of the invitation not known": 1, "before the window": 1, "too late to be answered within the window": 1,
        "before the customer signed up": 1, "after the customer had left": 1, "answered before it was sent": 1,
    }  # fmt: skip
    assert sent.frame["account_id"].tolist() == ["a0", "a0", "a3"]
    assert sent.frame["answered"].tolist() == [1, 0, 1]
    assert sent.frame["score"].tolist()[0] == 9 and np.isnan(sent.frame["score"][1])
    rate = wc.analyse("nps_response", panel, study).where(estimand="invitations").rows()
    assert sum(row.estimate for row in rows_but_counted(rate)) + len(sent.frame) == sent.n_sent == 9


def rows_but_counted(rows):
    return [row for row in rows if row.level != "counted"]


def test_the_usual_time_to_answer_is_in_whole_weeks():
    assert days_to_answer(pd.Series([0.0] * 95 + [9.0] * 5)) == 14
    assert days_to_answer(pd.Series([3.0] * 990 + [200.0] * 5)) == 7
    assert days_to_answer(pd.Series([200.0] * 10)) == 56
    assert days_to_answer(pd.Series([np.nan, -3.0])) == 14


def test_who_left_before_the_landmark_is_in_neither_group(tmp_path):
    study, panel = hand_made(
        tmp_path,
        asked(
            ("a0", 100, 102, 9), ("a1", 100, None, None), ("a2", 100, 101, 4), ("a3", 100, None, None), ("a4", 700, 701, 8),
        ),
        ends={1: 105, 2: 160, 3: 400},
    )  # fmt: skip
    frame, place = from_landmark(valid_invitations(panel, study), study)
    # a1 left within the week that answers take, so nobody knows whether an answer was to come.
    assert frame["account_id"].tolist() == ["a0", "a2", "a3", "a4"] and place.tolist() == [0, 2, 3, 4]
    assert frame["group"].tolist() == [ANSWERED, ANSWERED, NOT, ANSWERED]
    # Time counts from day 107 on, 180 days at most; a3 left later than that, a4 is followed to the end of the window.
    assert frame["days"].tolist() == [180.0, 53.0, 180.0, 24.0]
    assert frame["left"].tolist() == [0, 1, 0, 0]


def test_rates_are_a_recount_with_intervals_wider_for_accounts_asked_again():
    frame = invited().frame
    row = found().one(estimand="response_rate", term="All invitations")
    assert (row.numerator, row.denominator) == (frame["answered"].sum(), len(frame))
    plain = binomtest(int(row.numerator), int(row.denominator)).proportion_ci(0.95, method="wilson")
    assert row.conf_low == pytest.approx(plain.low, abs=0.01) and row.conf_high == pytest.approx(plain.high, abs=0.01)
    months = found().where(estimand="response_by_month").table
    assert months["denominator"].sum() == len(frame) and months["level"].is_monotonic_increasing
    for term in ("Industry", "Plan"):
        assert found().where(estimand="response_rate", term=term).table["denominator"].sum() == len(frame)
    # One account answering a hundred times is one account.
    low, _, twice = clustered_share(np.array([1, 1, 0, 0, 1, 1, 0, 0]), np.array(list("aabbccdd")), 0.95)
    assert twice < 5 and low < wilson_interval(0.5, 8, normal_quantile(0.95))[0]


def test_activity_is_what_answering_goes_with_most():
    rows = {row.level: row for row in found().where(estimand="response_rate", term="Active days in 28 days").rows()}
    assert rows["none"].estimate < rows["1 to 4"].estimate < rows["5 to 9"].estimate
    assert found().one(estimand="response_test", term="Active days in 28 days").p_adjusted < 1e-6


def test_what_is_known_is_the_freshest_before_the_day():
    study, panel = company_panel()
    rows = panel.rows.read(["account_id", "spell", "start_on", "cut_off", "start", "stop"])
    frame = invited().frame
    place = last_places(panel, study, frame)
    assert (place >= 0).all()
    at = rows.iloc[place].reset_index(drop=True)
    day = frame["day"].reset_index(drop=True)
    assert (at["account_id"] == frame["account_id"]).all() and (at["cut_off"] <= day).all()
    # By brute force: of all rows of the spell the last whose cut-off lies by then.
    step = max(1, len(frame) // 60)
    for i in range(0, len(frame), step):
        mine = rows[(rows["account_id"] == frame["account_id"][i]) & (rows["spell"] == frame["spell"][i])]
        assert place[i] == mine.index[mine["cut_off"] <= day[i]][-1]
    known = last_known(panel, study, frame, ["active_days_28"], recorded=True)["active_days_28"]
    whole = panel.recorded.read(["active_days_28"])["active_days_28"]
    assert known.to_numpy() == pytest.approx(whole.to_numpy()[place], nan_ok=True)


@cache
def score_of_all():
    """What each invited customer's answer adds to the score on average: drawn anew from what it depends on."""
    settings, frame = settings_of(), invited().frame
    place = frame["account_id"].str[1:].astype(int).to_numpy() - 1
    day = (frame["day"].to_numpy().astype("datetime64[D]") - settings.origin).astype(int)
    known = {name: np.zeros(len(frame)) for name in ("last_csat", "uses_28_reporting", "open_tickets")}
    for number in range(block_count(settings)):
        mine = place // BLOCK == number
        history = simulate_block(settings, number).followed.history.at(place[mine] - number * BLOCK, day[mine])
        for name, values in known.items():
            values[mine] = history[name]
    unhappy = (known["last_csat"] > 0) & (known["last_csat"] <= 2)
    mean = 6.6 + 0.7 * np.log1p(known["uses_28_reporting"]) - 0.7 * known["open_tickets"] - 1.6 * unhappy
    scores = np.clip(np.round(mean + np.random.default_rng(1).normal(0, 1.7, (400, len(mean)))), 0, 10)
    return (scores >= 9).mean(axis=0) - (scores <= 6).mean(axis=0)


def test_weighting_moves_the_score_towards_that_of_all_invited():
    raw, weighted = (
        found().one(estimand="nps", term="All answers", level=level) for level in ("as answered", "weighted")
    )
    shift = found().one(estimand="nps_shift", term="All answers")
    assert shift.estimate == pytest.approx(weighted.estimate - raw.estimate)
    assert shift.conf_high < 0
    assert weighted.conf_low < score_of_all().mean() < weighted.conf_high
    # Chance in the answers themselves is larger than the bias here; without it, most of the bias must be gone.
    study, panel = company_panel()
    weights, _, _ = response_weights(invited(), known_of(panel, study, invited().frame))
    expected = weights.mean(score_of_all())
    truth = score_of_all().mean()
    assert expected.raw - truth > 0.02
    assert abs(expected.weighted - truth) < 0.4 * abs(expected.raw - truth)


def test_raw_scores_are_a_recount_and_weights_balance_what_they_are_made_of():
    frame = invited().frame
    given = frame["score"].dropna()
    raw = found().one(estimand="nps", term="All answers", level="as answered")
    assert raw.estimate == pytest.approx((given >= 9).mean() - (given <= 6).mean())
    assert raw.denominator == len(given)
    apart = found().where(estimand="balance_difference").table
    before, after = (
        apart[apart["group"] == group]["estimate"].abs().max() for group in ("answered", "answered, weighted")
    )
    assert before > 0.15 and after < 0.05
    effective = found().one(estimand="effective_answers")
    assert 0.5 * effective.denominator < effective.estimate < effective.denominator
    assert found().one(estimand="weights_cut").estimate == 0


def test_leaving_is_counted_from_the_landmark_and_less_apart_once_use_is_held_equal():
    study, _ = company_panel()
    frame, _ = from_landmark(invited(), study)
    counts = {row.level: row for row in found().where(estimand="at_landmark").rows()}
    assert counts[ANSWERED].estimate + counts[NOT].estimate == len(frame)
    crude, adjusted = (found().one(estimand="hazard_ratio", effect_kind=kind) for kind in ("unadjusted", "adjusted"))
    # Answering does nothing to leaving in the simulator: what is seen is use.
    assert crude.estimate < adjusted.estimate
    assert adjusted.conf_low < 1 < adjusted.conf_high and "Time as a customer" in adjusted.adjusted_for


def test_as_many_terms_as_answers_allow():
    study, panel = company_panel()
    few = known_of(panel, study, invited().frame.head(120).reset_index(drop=True))
    assert sum(term.width for term in few.coded.terms) <= 6
    assert any("Too few answers" in why for _, why in few.coded.left)


def test_repeated_columns_and_columns_that_sort_the_outcome_leave_with_a_note():
    random = np.random.default_rng(4)
    x = pd.Series(random.normal(size=200))
    coder = TermCoder(x.index)
    coder.number("x", "X", x)
    coder.number("again", "X again", 3 * x + 1)
    coder.number("same", "Constant", pd.Series(2.0, x.index))
    coder.category("half", "Half", pd.Series(np.where(x > 0, "up", "down")))
    coded = coder.coded()
    assert [term.label for term in coded.terms] == ["X", "Half"]
    assert dict(coded.left)["X again"].startswith("It says what")
    frame = coded.frame.assign(y=(x > 0).astype(int))
    fit, left, note = fit_what_can_be(lambda names: fit_logistic(frame, names, "y"), coded)
    assert not note and fit is not None and left.names == []
    assert "sorts the answers" in dict(left.left)["Half"]


def everybody_answers(frames):
    surveys = frames["surveys"]
    frames["surveys"] = surveys[surveys["answered_at"].notna()].reset_index(drop=True)


def nobody_answers(frames):
    frames["surveys"] = frames["surveys"].assign(answered_at=None, score=None)


def no_invitations(frames):
    frames["surveys"] = frames["surveys"].drop(columns="invited_at")


def test_where_everybody_answers_there_is_nothing_to_weight():
    table = of_small("nps_response", CAUSES, everybody_answers)
    assert table.one(estimand="response_rate", term="All invitations").estimate == 1
    row = table.one(estimand="nps", term="All answers", level="weighted")
    assert not row.estimated and "too few" in row.note
    assert table.one(estimand="nps", term="All answers", level="as answered").estimated


def test_where_nobody_answers_there_is_no_score():
    table = of_small("nps_response", CAUSES, nobody_answers)
    assert table.one(estimand="response_rate", term="All invitations").estimate == 0
    assert "too few" in table.one(estimand="nps", term="All answers", level="as answered").note
    assert "nothing to compare" in table.one(estimand="hazard_ratio", effect_kind="adjusted").note


@pytest.mark.parametrize(
    ("change", "without", "note"),
    [(None, ["surveys"], "no surveys"), (no_invitations, [], "day of the invitation not known")],
)
def test_without_invitations_the_page_says_so(change, without, note):
    table = of_small("nps_response", CAUSES, change, without=without)
    assert note in table.one(estimand="invitations").note


@pytest.mark.parametrize(("change", "without"), [(nobody_leaves, ()), (no_reasons, ("usage", "tickets"))])
def test_what_else_is_missing_breaks_nothing(change, without):
    table = of_small("nps_response", CAUSES, change, without=without)
    assert table.one(estimand="response_rate", term="All invitations").estimated
