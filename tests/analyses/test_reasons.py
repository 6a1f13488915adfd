"""Reasons given for leaving: recounted, held against measured causes by fixed rules; hard cases are notes."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from builders import build, cause, simulate
from companies import company_panel
from said_companies import findings, no_reasons, nobody_leaves, of_small
from scipy.stats import binomtest

import whychurn as wc
from whychurn.analyses.cause_evidence import headline_of
from whychurn.analyses.cause_share import attributable_to
from whychurn.analyses.contrasts import Contrast
from whychurn.analyses.effects import EffectBook
from whychurn.analyses.reasons_measured import AGREE, CANNOT_TELL, MEASURED_MORE, STATED_MORE, _agreement
from whychurn.analyses.reasons_shares import joint_share
from whychurn.analyses.reasons_stated import departures, stated_rows
from whychurn.analyses.risk_rows import of_cause, risk_rows
from whychurn.analyses.share_differences import Share

pytestmark = pytest.mark.xdist_group("companies")

CAUSES = """
[[causes]]
column = "plan"
type = "category"
[[causes]]
column = "open_tickets"
type = "number"
bands = [1]
levels = { "0" = "none", "1+" = "one or more" }
reference = "none"
[[causes]]
column = "interactions_84"
type = "number"
"""
MAPPED = {'values = ["poor support"]': 'values = ["poor support"]\nmeasured_by = ["open_tickets"]'}


def found():
    return findings("reasons")


def small(change=None, edit=None, without=()):
    return of_small("reasons", CAUSES, change, without, edit)


def left():
    return departures(company_panel()[1])


def test_departures_without_a_reason_or_with_an_unknown_one_come_first():
    gone, rows = left(), found().table
    assert rows["estimand"].tolist()[:3] == ["reasons_recorded"] * 3
    counts = {row.level: row.numerator for row in found().where(estimand="reasons_recorded").rows()}
    raw = company_panel()[1].tables["reasons"]
    assert counts["none recorded"] == (raw["reason"] == "").sum() > 0
    assert counts["not explained by the study"] == (raw["reason"] == "other").sum() > 0
    assert sum(counts.values()) == len(gone) == company_panel()[1].accounts["event"].sum()


def test_shares_money_and_intervals_are_a_plain_recount():
    gone = left()
    said = gone[gone["reason"] != ""]
    for row in found().where(estimand="stated_share").rows():
        mine = said[said["reason"] == row.term]
        assert (row.numerator, row.denominator) == (len(mine), len(said))
        low, high = binomtest(len(mine), len(said)).proportion_ci(0.95, method="wilson")
        assert (row.conf_low, row.conf_high) == (pytest.approx(low), pytest.approx(high))
        assert found().one(estimand="amount_lost", term=row.term).estimate == pytest.approx(mine["mrr_lost"].sum())
    assert sum(row.estimate for row in found().where(estimand="stated_share").rows()) == pytest.approx(1)
    assert sum(row.estimate for row in found().where(estimand="amount_share").rows()) == pytest.approx(1)


def test_controllable_is_what_the_study_says_of_departures_and_of_money():
    gone = left()
    shares = {row.level: row for row in found().where(estimand="controllable_share").rows()}
    assert shares["not controllable"].numerator == gone["reason"].isin(["project ended", "company closed"]).sum()
    assert shares["not said"].numerator == gone["reason"].isin(["", "other"]).sum()
    money = found().one(estimand="controllable_amount_share", level="not said")
    assert money.numerator == pytest.approx(gone.loc[gone["reason"].isin(["", "other"]), "mrr_lost"].sum())


def test_years_add_up_to_all_reasons():
    rows = found().where(estimand="period_share").table
    assert rows.groupby("group")["estimate"].sum().to_numpy() == pytest.approx(1)
    assert rows["numerator"].sum() == (left()["reason"] != "").sum()
    assert found().one(estimand="period_test").p_value > 0


def test_the_measured_share_of_one_cause_is_that_of_the_cause_table():
    study, panel = company_panel()
    effect = EffectBook(of_cause(risk_rows(panel, study), "voluntary"), panel.used).effect(
        panel.candidate("event_84_price_change"), "total"
    )
    share, _ = attributable_to(effect, headline_of(effect, 0.95).contrast, study)
    row = found().one(estimand="measured_share", term="too expensive")
    assert row.estimate == pytest.approx(share.share, abs=1e-6)
    assert (row.conf_low, row.conf_high) == (
        pytest.approx(share.conf_low, abs=0.02),
        pytest.approx(share.conf_high, abs=0.02),
    )
    assert row.outcome == "voluntary churn"


def test_two_causes_of_one_model_are_taken_away_together():
    study, panel = company_panel()
    book = EffectBook(of_cause(risk_rows(panel, study), "voluntary"), panel.used)
    effects = [book.effect(panel.candidate(name), "total") for name in ("last_csat", "open_tickets")]
    assert effects[0].fit is effects[1].fit
    chosen = [(effect, headline_of(effect, 0.95).contrast) for effect in effects]
    singly = [joint_share([one], study)[0].estimate for one in chosen]
    both = joint_share(chosen, study)[0].estimate
    # Some have both signs: together they account for more than either, and for less than their sum.
    assert max(singly) < both < sum(singly)
    assert found().one(estimand="measured_share", term="poor support").estimate == pytest.approx(both, abs=1e-6)


def test_signs_are_those_of_the_last_row_at_risk():
    panel = company_panel()[1]
    rows = panel.rows.read(["account_id", "spell", "start", "stop", "event", "last_csat", "open_tickets"])
    sign = (rows["last_csat"] == "1 or 2 of 5") | (rows["open_tickets"] == "one or more")
    last = rows.assign(sign=sign)[rows["event"] == 1].set_index(["account_id", "spell"])["sign"]
    gone = left().set_index(["account_id", "spell"])
    voluntary = gone[gone["cause"] == "voluntary"]
    shown = last.reindex(voluntary.index)
    says = voluntary["reason"] == "poor support"
    one, other = (found().one(estimand=f"sign_of_{name}", term="poor support") for name in ("stating", "others"))
    assert (one.numerator, one.denominator) == (shown[says].sum(), says.sum())
    assert (other.numerator, other.denominator) == (shown[~says].sum(), (~says).sum())
    days = rows["stop"] - rows["start"]
    assert found().one(estimand="sign_of_time", term="poor support").estimate == pytest.approx(
        days[sign].sum() / days.sum()
    )


@pytest.mark.parametrize(
    ("stated", "measured", "grade"),
    [
        ((0.30, 0.25, 0.35), (0.10, 0.05, 0.15), STATED_MORE),
        ((0.10, 0.07, 0.13), (0.30, 0.22, 0.38), MEASURED_MORE),
        ((0.12, 0.09, 0.15), (0.14, 0.10, 0.19), AGREE),
        ((0.20, 0.05, 0.45), (0.15, -0.10, 0.35), CANNOT_TELL),
        ((0.20, 0.15, 0.25), (np.nan, np.nan, np.nan), CANNOT_TELL),
    ],
)
def test_verdicts_follow_from_the_intervals(stated, measured, grade):
    row = _agreement(Share(*stated, count=20, total=100), Share(*measured))
    assert row["grade"] == grade
    if grade in (STATED_MORE, MEASURED_MORE):
        assert row["conf_low"] * row["conf_high"] > 0


def test_the_only_reason_for_a_kind_of_leaving_is_not_compared():
    row = found().one(estimand="agreement", term="payment failed")
    assert (row.grade, row.estimated) == (CANNOT_TELL, False)
    assert "only reason for this kind" in row.note


def test_where_nobody_leaves_without_it_all_leavers_with_it_are_counted():
    rows = pd.DataFrame({"event": [1, 1, 0, 0]})
    effect = SimpleNamespace(book_rows=rows, fit=None, rows=None, note="")
    contrast = Contrast("yes", "no", np.nan, np.nan, 2, 2, "Nobody left.", limit=1)
    share, note = joint_share([(effect, contrast)], company_panel()[0])
    assert (share.estimate, share.count) == (1.0, 2)
    assert "2 leavers" in note


def test_reasons_that_nothing_would_show_are_blind_spots():
    rows = {row.term: row for row in found().where(estimand="blind_spot").rows()}
    assert {"project ended", "company closed", "reasons not explained"} == set(rows)
    assert rows["project ended"].numerator == (left()["reason"] == "project ended").sum()


def test_a_cause_that_is_not_recorded_leaves_its_reason_blind():
    table = small(edit=MAPPED, without=["tickets"])
    row = table.one(estimand="blind_spot", term="poor support")
    assert "is left out" in row.note
    assert not table.where(estimand="agreement").rows()


def test_a_number_without_bands_has_a_share_but_no_sign():
    edit = {'values = ["not using it"]': 'values = ["not using it"]\nmeasured_by = ["interactions_84"]'}
    table = small(edit=edit)
    row = table.one(estimand="sign_difference", term="not using it")
    assert row.grade == CANNOT_TELL and "no" not in row.level
    assert "no value that would count as not exposed" in table.one(estimand="measured_share").note


def test_no_reasons_at_all():
    table = small(no_reasons, MAPPED)
    assert table.one(estimand="reasons_recorded", level="none recorded").estimate == 1
    assert not table.where(estimand="agreement").rows()
    assert not table.where(estimand="blind_spot").rows()


def test_reasons_that_the_study_does_not_explain_are_still_counted():
    def change(frames):
        reasons = frames["subscriptions"]["end_reason"]
        frames["subscriptions"]["end_reason"] = reasons.where(reasons.isna(), "since " + reasons.astype(str))

    table = small(change, MAPPED)
    assert table.one(estimand="reasons_recorded", level="explained by the study").estimate == 0
    assert {row.group for row in table.where(estimand="stated_share").rows()} == {"unknown"}
    assert [row.term for row in table.where(estimand="blind_spot").rows()] == ["reasons not explained"]


def test_many_reasons_are_counted_together_and_half_years_stand_in_for_a_short_window():
    n = 300
    frame = pd.DataFrame(
        {
            "account_id": [f"A{i}" for i in range(n)],
            "spell": 1,
            "ended_on": pd.date_range("2024-01-05", periods=n, freq="D"),
            "reason": [f"reason {i % 200:03d}" for i in range(n)],
            "cause": "unknown",
            "mrr_lost": 1.0,
            "kind": "not explained by the study",
            "control": "not said",
        }
    )
    study = company_panel()[0]
    short = SimpleNamespace(
        window_days=400, confidence_level=0.95, currency="USD", amount_name="revenue", seed=1, horizon=study.horizon
    )
    rows = list(stated_rows(frame, short))
    shares = [row for row in rows if row["estimand"] == "stated_share"]
    assert len(shares) == 20 and shares[-1]["term"] == "181 rarer reasons"
    assert sum(row["numerator"] for row in shares) == n
    periods = {row["group"] for row in rows if row["estimand"] == "period_share"}
    assert periods == {"2024 half 1", "2024 half 2"}


def test_flat_studies_and_studies_without_departures_say_so(tmp_path):
    study, panel = build(tmp_path, simulate(300, {"a": 0.5}, seed=4), cause("a", reference="0"))
    assert "studies of tables only" in wc.analyse("reasons", panel, study).one(estimand="reasons_recorded").note

    assert "Nobody left" in small(nobody_leaves).one(estimand="reasons_recorded").note
