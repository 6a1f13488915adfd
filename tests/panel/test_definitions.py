import pandas as pd
import pytest
from table_ledgers import as_days, ledger_sources, on, subscriptions, table_study

from whychurn.panel.definitions import definition_differences, definitions, spells_by_definition
from whychurn.panel.spells import make_spells

MORE = """
[[definitions]]
name = "Day of cancelling"
recognise = "cancel date"
[[definitions]]
name = "Strict"
allowed_gap_days = 5
[[definitions]]
name = "Unpaid"
delinquent_after_days = 20
"""
SUBSCRIPTIONS = subscriptions(
    ("a", 0, 90, 40, "too expensive"),  # notice of 50 days
    ("b", 0, 50, None, "closed down"),
    ("b", 60, None),  # back after 10 days
    ("c", 0, None),  # stops paying
    ("d", 0, None),  # nothing happens
    ("e", 340, 400, 350),  # leaves within the window by one definition only
)


@pytest.fixture
def by_definition(tmp_path):
    study = table_study(tmp_path, 'name = "Own"', MORE, tables=("payments",))
    payments = pd.DataFrame({"account_id": ["c"], "due_on": [on(100)], "paid_on": [None]})
    with ledger_sources(study, SUBSCRIPTIONS, tmp_path, payments=payments) as sources:
        make_spells(sources.connection, study, study.definition)
        yield study, spells_by_definition(sources.connection, study)
        left = sources.connection.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()
        assert left == [("spells",)]


def test_definitions_stand_side_by_side(by_definition):
    study, spells = by_definition
    table = definitions(spells, study).set_index("definition")
    assert list(table.index) == ["Own", "Day of cancelling", "Strict", "Unpaid"]
    assert list(table["spells"]) == [5, 5, 6, 5]
    assert list(table["events"]) == [1, 2, 2, 2]
    assert list(table["voluntary"]) == [1, 1, 1, 1]
    assert list(table["bankruptcy"]) == [0, 0, 1, 0]
    assert list(table["involuntary"]) == [0, 0, 0, 1]
    assert list(table["unknown"]) == [0, 1, 0, 0]
    assert list(table["returns"]) == [0, 0, 1, 0]
    assert (table["accounts"] == 5).all()


def test_churn_per_100_account_years_is_events_over_time_at_risk(by_definition):
    study, spells = by_definition
    table = definitions(spells, study).set_index("definition")
    days = 90 + 365 + 365 + 365 + 25  # customers a, b, c, d, e under the study's own definition
    assert table.loc["Own", "days_at_risk"] == days
    assert table.loc["Own", "per_100_account_years"] == pytest.approx(100 * 365.25 / days)
    assert table.loc["Strict", "days_at_risk"] == days - 10


def test_accounts_about_which_definitions_disagree_are_listed_with_each_end(by_definition):
    study, spells = by_definition
    table = as_days(definition_differences(spells, study))
    assert sorted(set(table["account_id"])) == ["a", "b", "c", "e"]
    ends = {(row.account_id, row.definition): row.ended_on for row in table.itertuples()}
    assert (ends["a", "Own"], ends["a", "Day of cancelling"]) == (90, 40)
    assert pd.isna(ends["b", "Own"])
    assert ends["b", "Strict"] == 50
    assert ends["c", "Unpaid"] == 120
    assert pd.isna(ends["e", "Own"])
    assert ends["e", "Day of cancelling"] == 350
    text = {(row.account_id, row.definition): row.ends for row in table.itertuples()}
    assert text["b", "Strict"] == f"{on(50)}, still a customer"
    assert text["b", "Own"] == "still a customer"


def test_a_definition_under_which_nobody_was_at_risk_is_shown_as_such(tmp_path):
    study = table_study(tmp_path, more='[[definitions]]\nname = "Other"\nrecognise = "cancel date"')
    with ledger_sources(study, subscriptions(("a", 0, 50, 0)), tmp_path) as sources:
        make_spells(sources.connection, study, study.definition)
        spells = spells_by_definition(sources.connection, study)
    assert list(definitions(spells, study)["spells"]) == [1, 0]
    assert pd.isna(definitions(spells, study)["per_100_account_years"].iloc[1])
    assert list(definition_differences(spells, study)["ends"]) == [str(on(50)), "not at risk"]
