import pandas as pd
import pytest
from table_ledgers import DAY_0, as_days, ledger_sources, on, subscriptions, table_study

import whychurn as wc
from whychurn.panel.landmarks import landmark_days

SUBSCRIPTIONS = subscriptions(
    ("a", -30, 100, None, "too expensive", 50),
    ("b", 0, 50, None, "closed down", 30),
    ("b", 200, None, None, None, 40),
    ("c", 3, 334, None, "card declined", 70),
    ("d", 335, 363),
    ("e", 334, 365),
    ("f", 270, 364),  # the last day on which an end can be seen
)


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("landmarks")
    causes = '[[causes]]\ncolumn = "mrr"\ntype = "number"\n[[causes]]\ncolumn = "plan"\ntype = "category"\n'
    study = table_study(folder, more=causes)
    subs = SUBSCRIPTIONS.assign(plan=["x", None, "y", "y", "x", "x", "y"])
    return wc.build_panel(ledger_sources(study, subs, folder), study)


@pytest.fixture(scope="module")
def landmarks(panel):
    return as_days(panel.landmarks)


def test_landmarks_lie_whole_horizons_before_the_end_of_the_window(tmp_path):
    study = table_study(tmp_path)
    days = [(day - DAY_0).days for day in landmark_days(study)]
    assert days == [*range(4, 335, 30)]
    assert (study.observed_to - landmark_days(study)[-1]).days == 31, "the 30 days after it are the last 30 observed"


def test_a_landmark_on_the_first_day_of_the_window_counts(tmp_path):
    table_study(tmp_path)
    text = (tmp_path / "study.toml").read_text().replace("horizon = 30", "horizon = 91")
    (tmp_path / "study.toml").write_text(text)
    study = wc.read_study(tmp_path)
    assert landmark_days(study)[0] == study.observed_from


def test_every_spell_at_risk_on_a_landmark_has_the_row_that_holds_it(landmarks):
    expected = {
        (day, account, spell)
        for day in range(4, 335, 30)
        for account, spell, entered, followed in (
            ("a", 1, 0, 100), ("b", 1, 0, 50), ("b", 2, 200, 365), ("c", 1, 3, 334), ("e", 1, 334, 365),
            ("f", 1, 270, 364),
        )
        if entered <= day < followed
    }  # fmt: skip
    found = list(zip(landmarks["landmark"], landmarks["account_id"], landmarks["spell"], strict=True))
    assert set(found) == expected
    assert len(found) == len(expected)
    assert found == sorted(found)
    since = landmarks["landmark"] - landmarks["start_on"]
    assert ((since >= 0) & (since < 7)).all()
    assert (landmarks["cut_off"] == landmarks["start_on"] - 7).all()


def test_events_are_those_after_the_landmark_within_the_horizon(landmarks):
    outcome = {
        (row.account_id, row.spell, row.landmark): (row.event, row.followed_days, row.cause)
        for row in landmarks.itertuples()
    }
    assert outcome["a", 1, 64] == (0, 30, "")
    assert outcome["a", 1, 94] == (1, 6, "voluntary")
    assert outcome["b", 1, 34] == (1, 16, "bankruptcy")
    assert outcome["c", 1, 304] == (1, 30, "involuntary")  # on the last day of the horizon
    assert outcome["c", 1, 274] == (0, 30, "")
    assert outcome["e", 1, 334] == (0, 30, "")
    assert outcome["f", 1, 334] == (1, 30, "unknown")  # on the last day observed
    assert outcome["f", 1, 304] == (0, 30, "")
    assert landmarks["event"].sum() == 4  # customer d came and went between landmarks


def test_landmarks_carry_measures_and_candidates_as_the_rows_do(panel):
    frame = panel.landmarks
    rows = panel.intervals.set_index(["account_id", "spell", "start_on"])
    mine = rows.loc[list(zip(frame["account_id"], frame["spell"], frame["start_on"], strict=True))]
    for name in ("mrr", "plan", "tenure_days", "amount", "under_notice"):
        pd.testing.assert_series_equal(frame[name], mine[name].reset_index(drop=True), check_index=False)
    assert not frame.columns.duplicated().any()


def test_landmarks_are_made_once(panel):
    assert panel.landmarks is panel.landmarks


def test_a_horizon_longer_than_the_window_gives_an_empty_frame(tmp_path):
    table_study(tmp_path)
    text = (tmp_path / "study.toml").read_text().replace("horizon = 30", "horizon = 400")
    (tmp_path / "study.toml").write_text(text)
    study = wc.read_study(tmp_path)
    frame = wc.build_panel(ledger_sources(study, subscriptions(("a", 0, None)), tmp_path), study).landmarks
    assert len(frame) == 0
    assert {"landmark", "event", "followed_days", "mrr"} <= set(frame.columns)


def test_a_flat_study_has_no_landmarks(telco_panel):
    assert telco_panel.landmarks is None
    assert telco_panel.measures == ()
    assert on(0) == DAY_0
