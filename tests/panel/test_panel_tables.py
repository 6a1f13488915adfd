import numpy as np
import pandas as pd
import pytest
from table_ledgers import as_days, ledger_sources, on, subscriptions, table_study

import whychurn as wc
from whychurn.errors import PanelError
from whychurn.panel.candidates import MISSING_LEVEL
from whychurn.panel.coding import code_candidate
from whychurn.study import Cause

CAUSES = """
[[causes]]
column = "industry"
type = "category"
[[causes]]
column = "mrr"
type = "number"
per = 10
[[causes]]
column = "plan"
type = "category"
[[causes]]
column = "login_recency"
type = "category"
[[causes]]
column = "uses_28_invoices"
type = "number"
[[causes]]
column = "tenure_days"
type = "number"
"""


def ledger():
    subs = subscriptions(
        ("a", -30, 100, None, "too expensive", 50),
        ("a", 10, 60, None, None, 20),
        ("b", 0, 50, None, "closed down", 30),
        ("b", 200, None, None, None, 40),
        ("c", 20, None, None, None, 70),
        ("d", -90, -20, None, None, 10),
    )
    return subs.assign(plan=["pro", "pro", None, "basic", "basic", "pro"])


ACCOUNTS = pd.DataFrame(
    {
        "account_id": [*"abcde"],
        "industry": ["law", "law", None, "tax", "tax"],
        "employees": [3.0, 40.0, None, 1.0, 1.0],
        "churned": ["yes", "no", "no", "yes", "no"],
        "event": ["x", "y", "z", "x", "y"],
        "Shoe size": ["38", None, "45", "38", "38"],
    }
)


def panel_of(folder, causes=CAUSES, subs=None, **frames):
    study = table_study(folder, more=causes, tables=tuple(frames))
    sources = ledger_sources(study, ledger() if subs is None else subs, folder, accounts=ACCOUNTS, **frames)
    return wc.build_panel(sources, study)


@pytest.fixture(scope="module")
def panel(tmp_path_factory):
    return panel_of(tmp_path_factory.mktemp("panel"))


def test_accounts_hold_one_row_per_spell_with_its_times(panel):
    accounts = as_days(panel.accounts)
    assert list(zip(accounts["account_id"], accounts["spell"], strict=True)) == [("a", 1), ("b", 1), ("b", 2), ("c", 1)]
    assert list(accounts["started_on"]) == [-30, 0, 200, 20]
    assert list(accounts["entered_on"]) == [0, 0, 200, 20]
    assert list(accounts["followed_to"]) == [100, 50, 365, 365]
    assert list(accounts["duration"]) == [130, 50, 165, 345]
    assert list(accounts["entry"]) == [30, 0, 0, 0]
    assert list(accounts["event"]) == [1, 1, 0, 0]
    assert list(accounts["controllable"]) == [True, False, None, None]


def test_the_amount_is_the_revenue_of_the_last_day_at_risk(panel):
    assert list(panel.accounts["amount"]) == [50, 30, 40, 70]


def test_the_amount_is_carried_through_a_gap_and_unknown_where_none_was_recorded(tmp_path):
    subs = subscriptions(("a", 0, 360), ("a", 370, None), ("b", 0, None)).assign(mrr=[5.0, 7.0, None])
    amounts = panel_of(tmp_path, "", subs).accounts["amount"]
    assert amounts.iloc[0] == 5
    assert np.isnan(amounts.iloc[1])


def test_within_a_gap_the_contract_is_the_one_that_ended_last(tmp_path):
    subs = subscriptions(
        ("a", 0, 70, None, None, 5), ("a", 0, 70, None, None, 2), ("a", 0, 35, None, None, 90),
        ("a", 95, 120, None, None, 400), ("z", 0, None),
    ).assign(
        plan=["pro", "basic", "free", "max", "pro"], seats=[3, 4, 50, 600, 1], term_months=[1, 1, 24, 36, None],
        renewal_on=[on(31), on(31), None, None, None],
    )  # fmt: skip
    rows = as_days(panel_of(tmp_path, "", subs).intervals)
    rows = rows[rows["account_id"] == "a"].set_index("start_on")
    gap = rows.loc[[70, 77, 84, 91]]
    assert set(gap["amount"]) == {7}
    gap = rows.loc[[84, 91, 98]]  # a lag of seven days: what is known up to days 76, 83 and 90
    assert gap[["mrr", "seats", "n_subscriptions", "term_months", "plan"]].drop_duplicates().values.tolist() == [
        [7, 7, 2, 1, "pro"]
    ]
    assert list(gap["days_to_renewal"]) == [91 - 76, 91 - 83, 91 - 90]  # as if it had gone on: renewed on day 91
    assert list(rows.loc[[98, 105], "amount"]) == [400, 400]
    assert rows.loc[105, "mrr"] == 400
    assert rows.loc[105, "n_subscriptions"] == 1


def test_within_a_gap_nothing_tells_of_the_subscription_that_follows(tmp_path):
    first = ("a", 0, 70, None, None, 5)
    columns = ["start_on", "amount", "mrr", "n_subscriptions"]
    found = []
    for number, following in enumerate([("a", 95, 120, None, None, 400), ("a", 99, None, 200, None, None)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        rows = as_days(panel_of(folder, "", subscriptions(first, following)).intervals)
        found.append(rows.loc[rows["start_on"] < 95, columns])
    pd.testing.assert_frame_equal(*found)


@pytest.mark.parametrize(("recognise", "ends"), [("term end", 90), ("cancel date", 40)])
def test_contract_and_amount_end_with_the_day_that_counts(tmp_path, recognise, ends):
    subs = subscriptions(("a", 0, 90, 40, None, 50), ("a", 0, None, None, None, 5), ("b", 0, 60, None, None, 9))
    subs = pd.concat([subs, subscriptions(("c", 0, 360, 35, None, 50)).assign(subscription_id="s4")])
    study = table_study(tmp_path, f'recognise = "{recognise}"')
    panel = wc.build_panel(ledger_sources(study, subs, tmp_path), study)
    rows = as_days(panel.intervals)
    mine = rows[rows["account_id"] == "a"]
    assert list(mine["amount"]) == [55 if day < ends else 5 for day in mine["start_on"]]
    assert list(mine["mrr"]) == [55 if cut - 1 < ends else 5 for cut in mine["cut_off"]]
    assert list(mine["n_subscriptions"]) == [2 if cut - 1 < ends else 1 for cut in mine["cut_off"]]
    assert list(panel.accounts["amount"]) == [5, 9, 50]


def test_attributes_are_those_columns_of_accounts_that_hold_anything_and_cannot_be_mistaken(panel):
    assert list(panel.accounts["Shoe size"]) == ["38", None, None, "45"]
    assert {"employees", "Shoe size"} <= set(panel.intervals.columns)
    assert not {"churned", "region", "channel", "parent_account_id"} & {*panel.accounts, *panel.intervals}
    assert set(panel.intervals["event"]) == {0, 1}
    assert any("column event of accounts is left out" in step.rule for step in panel.ledger)


def test_rows_carry_the_attributes_of_their_own_account(panel):
    rows = panel.rows.read(["Shoe size", "account_id", "start"])
    assert list(rows.columns) == ["Shoe size", "account_id", "start"]
    sizes = rows.groupby("account_id")["Shoe size"].agg(lambda values: set(values.dropna()))
    assert dict(sizes) == {"a": {"38"}, "b": set(), "c": {"45"}}


def test_candidates_have_no_gaps_in_rows_and_the_value_of_the_last_row_in_accounts(panel):
    assert set(panel.rows.read(["industry"])["industry"]) == {"law", MISSING_LEVEL}
    assert list(panel.accounts["industry"]) == ["law", "law", "law", MISSING_LEVEL]
    assert list(panel.accounts["plan"]) == ["pro", MISSING_LEVEL, "basic", "basic"]
    assert list(panel.accounts["mrr"]) == [50, 30, 40, 70]
    last = panel.intervals.drop_duplicates(["account_id", "spell"], keep="last")
    assert list(last["mrr"]) == [50, 30, 40, 70]
    assert panel.intervals["mrr"].max() == 70
    assert panel.candidate("mrr").per == 10


def test_all_columns_at_once_and_one_by_one_are_the_same(panel):
    for name in panel.intervals.columns:
        pd.testing.assert_series_equal(panel.rows.read([name])[name], panel.intervals[name])


def test_a_cause_that_needs_a_table_which_is_not_there_is_left_out_with_the_reason(panel):
    for column in ("login_recency", "uses_28_invoices"):
        candidate = panel.candidate(column)
        assert not candidate.used
        assert candidate.reason == "it needs the table usage, which the study does not have"
        assert set(panel.accounts[column]) == set(panel.rows.read([column])[column]) == {MISSING_LEVEL}
    assert any("login_recency" in step.rule and step.step == "column left out" for step in panel.ledger)


def test_time_as_a_customer_is_no_cause_of_its_own(panel):
    assert [candidate.column for candidate in panel.used] == ["industry", "mrr", "plan"]


def test_the_panel_knows_its_measures(panel):
    names = [measure.name for measure in panel.measures]
    assert {"mrr", "plan", "quarter"} <= set(names)
    assert set(names) <= set(panel.intervals.columns)


def test_the_ledger_goes_from_subscriptions_to_rows(panel):
    steps = {step.step: step for step in panel.ledger if step.step != "column left out"}
    assert (steps["accounts without service"].n_before, steps["accounts without service"].n_after) == (5, 4)
    assert (steps["spells over before the window"].n_before, steps["spells over before the window"].n_after) == (5, 4)
    assert (steps["intervals"].n_before, steps["intervals"].n_after) == (4, len(panel.intervals))


def test_provenance_says_how_the_panel_was_made(panel):
    facts = panel.provenance
    assert (facts["n_accounts"], facts["n_spells"], facts["n_events"], facts["n_excluded"]) == (3, 4, 2, 2)
    assert (facts["observed_from"], facts["observed_to"]) == ("2024-01-01", "2024-12-31")
    assert (facts["interval_days"], facts["lag_days"]) == (7, 7)
    assert facts["definition"]["allowed_gap_days"] == 30
    assert facts["time_unit"] == "days"


def one_cause(column, kind="number"):
    return f'[[causes]]\ncolumn = "{column}"\ntype = "{kind}"\n'


def test_an_unknown_cause_is_an_error_that_guesses_and_lists(tmp_path):
    with pytest.raises(PanelError, match=r"“emploees” is no attribute.*Did you mean “employees”.*Measures:.*mrr"):
        panel_of(tmp_path, one_cause("emploees"))


def test_a_flag_of_churn_is_no_cause(tmp_path):
    with pytest.raises(PanelError, match="“churned” is no attribute"):
        panel_of(tmp_path, one_cause("churned", "category"))


def test_text_declared_as_a_number_is_an_error_with_examples(tmp_path):
    with pytest.raises(PanelError, match=r"industry is declared as a number, but .* rows hold text, such as “law”"):
        panel_of(tmp_path, one_cause("industry"))


def test_nobody_in_the_window_is_an_error_that_says_where_they_are(tmp_path):
    subs = subscriptions(("a", -90, -20), ("b", 400, None))
    with pytest.raises(PanelError, match=r"Nobody was a customer.*1 spells? over before the window.*1 spells? that"):
        panel_of(tmp_path, "", subs)


def test_panels_of_one_sources_keep_their_own_spells(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    study, other = table_study(first), table_study(second, "allowed_gap_days = 365")
    with ledger_sources(study, ledger(), first, accounts=ACCOUNTS) as sources:
        panel = wc.build_panel(sources, study)
        assert len(wc.build_panel(sources, other).accounts) == 3
        assert list(panel.tables["movements"]["kind"]).count("churn") == 2


def test_numbers_with_gaps_are_banded_the_same_in_any_part_of_the_rows():
    values = pd.Series(np.where(np.arange(500) % 9 == 0, np.nan, np.sqrt(np.arange(500))))
    candidate, coding = code_candidate(Cause(column="x", type="number"), values)
    whole = coding(values)
    assert candidate.kind == "category"
    assert set(whole) == set(candidate.levels)
    assert (whole == MISSING_LEVEL).equals(values.isna())
    assert whole.iloc[100:140].equals(coding(values.iloc[100:140]))
    ends = values.groupby(whole).max().dropna().sort_values()
    assert [name.split()[0] for name in ends.index] == ["up", "above", "above", "above"]
    assert coding(pd.Series([1e9, -1e9])).tolist() == [ends.index[-1], ends.index[0]]


def test_levels_are_named_by_the_study_and_rare_ones_pooled_in_any_part_of_the_rows():
    codes = pd.Series(["1"] * 50 + ["0"] * 40 + [f"rare {n:02}" for n in range(15)] + [None], dtype=object)
    cause = Cause(column="x", type="category", levels={"1": "Yes", "0": "No"})
    candidate, coding = code_candidate(cause, codes)
    assert candidate.levels[:2] == ("Yes", "No")
    assert "rows at risk" in candidate.note
    assert list(coding(codes.iloc[[0, 60, 104]])) == ["Yes", "No", candidate.levels[-1]]


def test_a_number_declared_as_a_category_shows_whole_numbers_as_such():
    candidate, coding = code_candidate(Cause(column="x", type="category"), pd.Series([1.0, 2.5, 2.5, np.nan]))
    assert set(candidate.levels) == {"1", "2.5", MISSING_LEVEL}
    assert list(coding(pd.Series([np.nan, 1.0]))) == [MISSING_LEVEL, "1"]


def test_rows_are_cut_from_the_first_day_at_risk(panel):
    rows = as_days(panel.intervals)
    mine = rows[(rows["account_id"] == "a")]
    assert list(mine["start_on"])[:2] == [0, 7]
    assert list(mine["start"])[:2] == [30, 37]
    assert mine["stop"].iloc[-1] == 130
    assert list(mine["event"]) == [0] * (len(mine) - 1) + [1]
    assert on(0) == panel.intervals["start_on"].min().date()


def test_a_cause_without_any_value_says_so():
    for kind in ("number", "category"):
        candidate, _ = code_candidate(Cause(column="x", type=kind), pd.Series([None, None], dtype=object))
        assert (candidate.used, candidate.reason) == (False, "no row has a value")


def test_an_attribute_named_as_a_column_of_the_panel_is_an_error_that_says_how_to_rename_it(tmp_path):
    with pytest.raises(PanelError, match=r"“reason” is a name that the panel uses itself.*account_reason = \"reason\""):
        panel_of(tmp_path, one_cause("reason", "category"))
