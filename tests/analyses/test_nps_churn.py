"""Leaving after an answer: counted by hand, null and planted effects, and companies that have little to say."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from companies import company, company_panel, company_study, settings_of

import whychurn as wc
from whychurn.analyses.answers import valid_answers
from whychurn.analyses.nps_churn.follow_up import every_answer, first_answers, last_answers

sys.path.insert(0, str(Path(__file__).parents[1] / "panel"))
from table_ledgers import ledger_sources, on, subscriptions, table_study

pytestmark = pytest.mark.xdist_group("companies")


def answers(*given: tuple) -> pd.DataFrame:
    """Rows are (account, day of the answer, score[, user])."""
    return pd.DataFrame(
        {
            "response_id": [f"r{place}" for place in range(len(given))],
            "account_id": [row[0] for row in given],
            "user_id": [row[3] if len(row) > 3 else None for row in given],
            "invited_at": [f"{on(row[1])} 07:00" for row in given],
            "answered_at": [f"{on(row[1])} {8 + place % 10:02}:00" for place, row in enumerate(given)],
            "score": [row[2] for row in given],
        }
    )


def panel_of(folder, subs, surveys):
    study = table_study(folder, tables=("surveys",))
    return study, wc.build_panel(ledger_sources(study, subs, folder, surveys=surveys), study)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    subs = subscriptions(
        ("a", 0, 100, None, "too expensive"),
        ("b", 0, None),
        ("c", 0, 60, None, "closed down"),
        ("d", 0, None),
        ("e", 10, 200, None, "too expensive"),
    )
    surveys = answers(
        ("a", 40, 3, "u1"),  # followed for 60 days, leaves
        ("a", 70, 9, "u1"),  # the next one: the first is followed for 30 days where every answer counts
        ("b", 50, 9, "u1"),
        ("b", 50, 2, "u1"),  # the same person later that day: this one counts
        ("c", 59, 8),  # on the last day of service
        ("c", 60, 0),  # on the day of leaving: counts for nothing
        ("d", 363, 10),  # two days before the window ends (2024-12-31 is day 365)
        ("e", 250, 1),  # long after
        ("e", 5, 10),  # before sign-up
    )
    return panel_of(tmp_path_factory.mktemp("ledger"), subs, surveys)


def as_rows(frame: pd.DataFrame) -> list[tuple]:
    return [(r.account_id, r.band, r.time, r.event, r.cause) for r in frame.itertuples()]


def test_first_answers_are_followed_to_leaving_or_the_end(ledger):
    study, panel = ledger
    frame = valid_answers(panel, study).frame
    assert as_rows(first_answers(frame, panel)) == [
        ("a", "detractor", 60, 1, "voluntary"),
        ("b", "detractor", 315, 0, ""),
        ("c", "passive", 1, 1, "bankruptcy"),
        ("d", "promoter", 2, 0, ""),
    ]


def test_every_answer_ends_with_the_next_and_the_last_is_found(ledger):
    study, panel = ledger
    frame = valid_answers(panel, study).frame
    assert as_rows(every_answer(frame, panel))[:2] == [
        ("a", "detractor", 30, 0, ""),
        ("a", "promoter", 30, 1, "voluntary"),
    ]
    assert [row[:3] for row in as_rows(last_answers(frame, panel))] == [("a", "promoter", 30), ("c", "passive", 1)]


def test_answers_that_do_not_count_are_counted(ledger):
    study, panel = ledger
    found = wc.analyse("nps_churn", panel, study)
    excluded = {row.level: row.estimate for row in found.where(estimand="excluded").rows()}
    assert {why: n for why, n in excluded.items() if n} == {
        "after the customer had left": 2,
        "before the customer signed up": 1,
        "a later answer of the same person on the same day": 1,
    }
    counts = found.one(estimand="answers")
    assert (counts.estimate, counts.denominator) == (5, 9)
    promoters = found.one(estimand="last_answer", level="promoter")
    assert (promoters.numerator, promoters.denominator) == (1, 1)  # c went bankrupt, e left without a valid answer
    none = found.one(estimand="no_answer")
    assert (none.numerator, none.denominator) == (1, 2)


def test_the_share_that_left_is_the_curve_by_hand(tmp_path):
    """Ten detractors: one leaves after 10 days, one after 20, one is last seen after 15; then 1 - (9/10)(7/8)."""
    ends = [10, 20, None, *[None] * 7]
    subs = subscriptions(
        *(
            (f"a{i}", 0, None if end is None else 300 + end, None, "too expensive" if end else None)
            for i, end in enumerate(ends)
        )
    )
    days = [300, 300, 350, *[300] * 7]
    surveys = answers(*((f"a{i}", day, 5) for i, day in enumerate(days)))
    study, panel = panel_of(tmp_path, subs, surveys)
    first = first_answers(valid_answers(panel, study).frame, panel)
    assert sorted(first["time"]) == [10, 15, 20, *[65] * 7]
    from whychurn.analyses.nps_churn import curves

    rows = curves.curve_rows(first, first, "churn", 0.95)
    incidence = {
        row["time"]: row["estimate"]
        for row in rows
        if row["estimand"] == "incidence" and row["term"] == "First answer" and "estimate" in row
    }
    assert incidence[0.0] == 0
    after = [share for time, share in incidence.items() if 10 <= time < 15]
    assert after and after == pytest.approx([0.1] * len(after))
    # From day 20 fewer than ten are followed: nothing is said, and the note is there.
    assert any(row.get("note", "").startswith("Fewer than 10") for row in rows)


@pytest.mark.parametrize(
    "surveys",
    [
        answers(),
        answers(("a0", 100, 10)),
        answers(*((f"a{i}", 100, 10) for i in range(40))),
        answers(*((f"a{i}", 100, 2 if i < 3 else 9) for i in range(40))),
    ],
    ids=["no answers", "one answer", "only promoters", "three detractors"],
)
def test_forty_accounts_with_little_to_say_are_noted(tmp_path, surveys):
    subs = subscriptions(
        *((f"a{i}", 0, 150 + i if i < 6 else None, None, "too expensive" if i < 6 else None) for i in range(40))
    )
    study, panel = panel_of(tmp_path, subs, surveys)
    found = wc.analyse("nps_churn", panel, study)
    assert len(found)
    told = found.table[found.table["estimand"].isin(["not_measured", "hazard_ratio", "incidence"])]
    assert len(told) and (told["note"].ne("") | told["estimate"].notna()).all()
    verdicts = found.where(estimand="verdict", term=["Score", "Change of score"])
    assert all(row.level == "not estimated" for row in verdicts.rows())
    assert len(verdicts) == (2 if len(surveys) else 0)


def test_without_surveys_and_of_flat_studies_it_says_so(root):
    frames = company().frames
    study, panel = company_study(frames, settings_of(), without=["surveys"])
    row = wc.analyse("nps_churn", panel, study).one(estimand="not_measured")
    assert "records no answers" in row.note


def direct(found, level: str, term: str = "Score"):
    return found.one(term=term, level=level, estimand="hazard_ratio", effect_kind="direct", outcome="voluntary churn")


def test_a_score_that_only_reflects_adds_nothing_and_one_that_foretells_is_found():
    study, panel = company_panel(800, 240_000, 5)
    nothing = direct(wc.analyse("nps_churn", panel, study), "detractor")
    assert nothing.conf_low < 1 < nothing.conf_high

    # The same company, in which those who are about to leave score low.
    frames = dict(company(800, 240_000, 5).frames)
    surveys = frames["surveys"].copy()
    subscribed = frames["subscriptions"].assign(ended_on=lambda frame: pd.to_datetime(frame["ended_on"]))
    ends = subscribed.groupby("account_id")["ended_on"].max()
    last = surveys["account_id"].map(ends)
    soon = (last - pd.to_datetime(surveys["answered_at"])).dt.days.between(0, 150).to_numpy(dtype=bool)
    answered = surveys["answered_at"].notna().to_numpy()
    draw = np.random.default_rng(1)
    low = answered & (soon | (draw.random(len(surveys)) < 0.1))
    score = surveys["score"].astype("Float64").where(~pd.Series(answered), 9.0)
    surveys["score"] = score.mask(pd.Series(low), 2.0).astype("Int64")
    frames["surveys"] = surveys
    study, panel = company_study(frames, settings_of(800, 240_000, 5))
    found = wc.analyse("nps_churn", panel, study)
    planted = direct(found, "detractor")
    assert planted.conf_low > 1.3
    assert found.one(estimand="logrank_trend", term="First answer").p_value < 0.01
