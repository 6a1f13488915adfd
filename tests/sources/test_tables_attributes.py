"""Attributes carry no dates, so those that know the outcome must be found by their values."""

import numpy as np
import pandas as pd
import pytest

import whychurn as wc
from whychurn.sources.from_frames import sources_from_frames
from whychurn.sources.tables.attributes import attribute_columns, detect_attributes

STUDY = """
[study]
name = "x"
kind = "tables"
observed_from = 2024-01-01
observed_to = 2025-01-01
lag_days = 7
horizon = 90
[tables.accounts]
file = "a.csv"
[tables.subscriptions]
file = "s.csv"
"""
CAUSES = {"status": "category", "industry": "category", "lifetime_logins": "number", "region": "category"}


@pytest.fixture
def sources(tmp_path):
    rng = np.random.default_rng(3)
    n = 400
    started = pd.to_datetime("2022-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D")
    left = rng.random(n) < 0.3
    days = rng.integers(30, 1000, n)
    ended = pd.Series(np.where(left, started + pd.to_timedelta(days, "D"), None))
    ended = pd.to_datetime(ended).where(pd.to_datetime(ended) < "2025-01-01")
    tenure = (ended.fillna(pd.Timestamp("2025-01-01")) - started).dt.days
    accounts = pd.DataFrame(
        {
            "account_id": [f"a{i}" for i in range(n)],
            "industry": rng.choice(["Finance", "Health"], n),
            "region": None,
            "status": np.where(ended.notna(), "cancelled", "active"),
            "lifetime_logins": tenure * 2.0 + rng.integers(0, 5, n),
        }
    )
    subscriptions = pd.DataFrame(
        {
            "subscription_id": accounts["account_id"],
            "account_id": accounts["account_id"],
            "started_on": started,
            "ended_on": ended,
        }
    )
    causes = "".join(f'[[causes]]\ncolumn = "{name}"\ntype = "{kind}"\n' for name, kind in CAUSES.items())
    (tmp_path / "study.toml").write_text(STUDY + causes, encoding="utf-8")
    study = wc.read_study(tmp_path)
    with sources_from_frames(study, {"accounts": accounts, "subscriptions": subscriptions}, tmp_path) as opened:
        yield opened, study


def test_attributes_are_those_with_values(sources):
    opened, _ = sources
    assert attribute_columns(opened.connection) == {
        "industry": "category",
        "status": "category",
        "lifetime_logins": "number",
    }


def test_columns_that_know_the_outcome_are_found(sources):
    opened, study = sources
    detections, findings = detect_attributes(opened.connection, study)
    assert [late.column for late in detections.known_after] == ["status"]
    assert [total.column for total in detections.accumulating] == ["lifetime_logins"]
    assert {finding.code for finding in findings} >= {"known-only-after-leaving", "accumulates-with-tenure"}
    assert not any(finding.column == "industry" for finding in findings)


def test_leaving_is_by_the_day_that_the_study_counts(sources, tmp_path):
    """Where only the day of cancelling is recorded, a column that knows who left is found all the same."""
    opened, study = sources
    given = {name: opened.frame(name).drop(columns="row_number", errors="ignore") for name in study.tables}
    given["subscriptions"] = given["subscriptions"].assign(cancelled_on=lambda t: t["ended_on"], ended_on=pd.NaT)
    text = (tmp_path / "study.toml").read_text(encoding="utf-8")
    (tmp_path / "study.toml").write_text(text + '[churn]\nrecognise = "cancel date"\n', encoding="utf-8")
    study = wc.read_study(tmp_path)
    with sources_from_frames(study, given, tmp_path) as cancelled:
        detections, _ = detect_attributes(cancelled.connection, study)
    assert [late.column for late in detections.known_after] == ["status"]


def test_an_attribute_may_be_called_as_the_detectors_call_their_own(tmp_path):
    n = 200
    rng = np.random.default_rng(5)
    accounts = pd.DataFrame({"account_id": [f"a{i}" for i in range(n)], "tenure": rng.choice(["short", "long"], n)})
    ends = pd.Series(pd.Timestamp("2024-06-01"), range(n)).where(rng.random(n) < 0.3)
    subscriptions = accounts[["account_id"]].assign(
        subscription_id=accounts["account_id"], started_on=pd.Timestamp("2023-01-01"), ended_on=ends
    )
    text = STUDY + '[[causes]]\ncolumn = "tenure"\ntype = "category"\nreference = "short"\n'
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    study = wc.read_study(tmp_path)
    with sources_from_frames(study, {"accounts": accounts, "subscriptions": subscriptions}, tmp_path) as opened:
        detections, findings = detect_attributes(opened.connection, study)
    assert not detections.known_after and not findings
