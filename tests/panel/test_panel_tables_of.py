import random

import pandas as pd
import pytest
from brute_force import recurring_on
from brute_force_spells import spells_of
from table_ledgers import as_days, ledger_sources, on, subscriptions, table_study
from world import sources_of
from worlds import random_world

import whychurn as wc
from whychurn.errors import PanelError
from whychurn.panel.movements import KINDS

SUBSCRIPTIONS = subscriptions(
    ("a", -30, 100, None, "too expensive", 50),  # a: 50, then 70, then 50, then gone on day 100
    ("a", 10, 60, None, None, 20),
    ("b", 0, 50, None, "closed down", 30),  # b: new on day 0, gone on day 50, back on day 200 with more
    ("b", 200, None, None, None, 40),
    ("c", 20, 120, None, None, 70),  # c: changes to a cheaper plan after a gap that is allowed
    ("c", 140, None, None, None, 60),
    ("d", -90, -20, None, None, 10),  # gone before the window
    ("e", 5, None, None, None, 0),  # pays nothing, then something
    ("e", 30, None, None, None, 15),
)


def frames():
    return {
        "surveys": pd.DataFrame(
            {
                "response_id": ["r1", "r2", "r3", "r4", "r5"],
                "account_id": ["a", "a", "b", "c", "d"],
                "invited_at": [f"{on(day)} 08:00" for day in (20, 90, 55, 15, 30)],
                "answered_at": [f"{on(30)} 09:00", f"{on(105)} 09:00", None, f"{on(19)} 23:00", f"{on(40)} 09:00"],
                "score": [9, 3, None, 8, 6],
            }
        ),
        "tickets": pd.DataFrame(
            {
                "ticket_id": ["t1", "t2", "t3"],
                "account_id": ["a", "a", "b"],
                "opened_at": [f"{on(day)} 12:00" for day in (5, 5, 200)],
            }
        ),
        "events": pd.DataFrame(
            {
                "account_id": ["b", None],
                "at": [f"{on(10)} 12:00", f"{on(11)} 12:00"],
                "kind": ["sponsor left", "price change"],
            }
        ),
    }


def tables_of(folder, subs, churn="", **given):
    study = table_study(folder, churn, tables=tuple(given))
    return wc.build_panel(ledger_sources(study, subs, folder, **given), study).tables


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return tables_of(tmp_path_factory.mktemp("tables"), SUBSCRIPTIONS, **frames())


def test_movements_follow_recurring_revenue_from_day_to_day(tables):
    table = as_days(tables["movements"])
    columns = ["account_id", "on", "kind", "mrr_before", "mrr_after", "reason", "cause"]
    assert [tuple(row) for row in table[columns].itertuples(index=False)] == [
        ("a", 10, "expansion", 50, 70, "", ""),
        ("a", 60, "contraction", 70, 50, "", ""),
        ("a", 100, "churn", 50, 0, "too expensive", "voluntary"),
        ("b", 0, "new", 0, 30, "", ""),
        ("b", 50, "churn", 30, 0, "closed down", "bankruptcy"),
        ("b", 200, "reactivation", 0, 40, "", ""),
        ("c", 20, "new", 0, 70, "", ""),
        ("c", 140, "contraction", 70, 60, "", ""),
        ("e", 30, "expansion", 0, 15, "", ""),
    ]


def test_the_bridge_of_each_month_closes_and_opens_the_next(tables):
    bridge = tables["mrr_monthly"]
    assert len(bridge) == 12
    assert bridge["opening"].iloc[0] == 50
    assert bridge["closing"].iloc[-1] == 40 + 60 + 15
    change = bridge["new"] + bridge["expansion"] + bridge["reactivation"] - bridge["contraction"] - bridge["churn"]
    assert ((bridge["opening"] + change - bridge["closing"]).abs() < 1e-9).all()
    assert list(bridge["opening"].iloc[1:]) == list(bridge["closing"].iloc[:-1])
    sums = tables["movements"].assign(by=lambda t: (t["mrr_after"] - t["mrr_before"]).abs()).groupby("kind")["by"].sum()
    assert {kind: bridge[kind].sum() for kind in KINDS} == dict(sums)


def test_the_bridge_closes_with_the_revenue_that_is_there(tmp_path):
    draw = random.Random(5)
    rows = []
    for account in range(40):
        day = draw.randint(-60, 300)
        for _ in range(draw.randint(1, 4)):
            length = draw.randint(1, 90)
            rows.append((f"a{account}", day, day + length, None, None, draw.choice((10.1, 19.99, 0.07, 300))))
            day += length + draw.randint(-20, 10)
    tables = tables_of(tmp_path, subscriptions(*rows), "allowed_gap_days = 0")
    for month in tables["mrr_monthly"].itertuples():
        last = (month.month + pd.offsets.MonthEnd(1)).date()
        last = min(last, on(364))
        there = sum(mrr for _, first, end, _, _, mrr in rows if on(first) <= last < on(end))
        assert month.closing == pytest.approx(there, abs=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_the_last_closing_is_the_revenue_of_those_who_are_customers_and_churn_that_of_those_who_left(tmp_path, seed):
    sources, study = sources_of(random_world(seed), tmp_path)
    with sources:
        panel = wc.build_panel(sources, study)
        bridge, movements, reasons = (panel.tables[name] for name in ("mrr_monthly", "movements", "reasons"))
    amount, gone = panel.accounts["amount"], panel.accounts["event"] == 1
    assert bridge["closing"].iloc[-1] == pytest.approx(amount[~gone].sum(), abs=1e-6)
    assert bridge["churn"].sum() == pytest.approx(amount[gone].sum(), abs=1e-6)
    assert bridge["churn"].sum() == pytest.approx(reasons["mrr_lost"].sum(), abs=1e-6)
    lost = movements[movements["kind"] == "churn"].set_index(["account_id", "spell"])["mrr_before"]
    paying = reasons[reasons["mrr_lost"] > 0].set_index(["account_id", "spell"])["mrr_lost"]
    pd.testing.assert_series_equal(lost, paying, check_names=False)


@pytest.mark.parametrize("seed", [2, 5, 6])
def test_each_closing_is_the_revenue_of_those_who_are_customers_that_day(tmp_path, seed):
    world = random_world(seed)
    sources, study = sources_of(world, tmp_path)
    with sources:
        bridge = wc.build_panel(sources, study).tables["mrr_monthly"]
    spells = spells_of(world)
    for month in bridge.itertuples():
        last = min((month.month + pd.offsets.MonthEnd(1)).toordinal(), world.observed_to.toordinal() - 1)
        there = [s.account_id for s in spells if s.started_on <= last and (s.ended_on is None or last < s.ended_on)]
        revenue = sum(recurring_on(world, account, last) or 0 for account in there)
        assert month.closing == pytest.approx(revenue, abs=1e-6), month.month


def test_the_day_of_cancelling_ends_revenue_where_it_ends_service(tmp_path):
    subs = subscriptions(("a", 0, 90, 40, None, 50), ("b", 0, 90, 40, None, 10), ("b", 0, None, None, None, 5))
    table = as_days(tables_of(tmp_path, subs, 'recognise = "cancel date"')["movements"])
    assert list(zip(table["account_id"], table["on"], table["kind"], table["mrr_after"], strict=True)) == [
        ("a", 0, "new", 50), ("a", 40, "churn", 0), ("b", 0, "new", 15), ("b", 40, "contraction", 5)
    ]  # fmt: skip


def test_reasons_hold_one_row_per_customer_who_left(tables):
    table = as_days(tables["reasons"])
    assert [tuple(row) for row in table.itertuples(index=False)] == [
        ("a", 1, 100, "too expensive", "voluntary", True, 50),
        ("b", 1, 50, "closed down", "bankruptcy", False, 30),
    ]


def test_answers_know_the_spell_and_whether_the_customer_had_left(tables):
    answers = tables["answers"].set_index("response_id")
    assert list(answers["answered"]) == [True, True, False, True, True]
    assert list(answers["band"]) == ["promoter", "detractor", None, "passive", "detractor"]
    assert answers.loc["r1", "spell"] == 1
    assert answers.loc["r1", "days_since_start"] == 60
    assert list(answers["after_churn"]) == [False, True, True, False, False]  # r3 by its invitation
    assert list(answers["at_risk"]) == [True, False, False, False, False]
    assert pd.isna(answers.loc["r4", "spell"])  # a day before the customer came
    assert pd.isna(answers.loc["r5", "spell"])  # never at risk in the window


def test_records_lie_in_the_spell_of_their_day(tables):
    tickets = tables["tickets"].set_index("ticket_id")
    assert list(tickets["spell"]) == [1, 1, 2]
    assert list(tickets["days_since_start"]) == [35, 35, 0]
    events = tables["events"]
    assert list(events["kind"]) == ["sponsor left", "price change"]
    assert events["spell"].iloc[0] == 1
    assert pd.isna(events["spell"].iloc[1])
    assert len(tables["payments"]) == 0


def test_coverage_counts_records_and_accounts_at_risk_that_have_any(tables):
    coverage = tables["coverage"].set_index(["table", "month"])
    january = coverage.loc[("tickets", pd.Timestamp("2024-01-01"))]
    assert list(january) == [2, 1, 4]  # a twice, of a, b, c, e
    answers = coverage.loc["surveys"]
    assert answers.loc["2024-02-01", "records"] == 1  # d, who is not at risk
    assert answers.loc["2024-02-01", "accounts"] == 0
    assert set(coverage.index.get_level_values("table")) == {"tickets", "surveys", "events"}
    assert (coverage.groupby("table").size() == 12).all()


def test_tables_are_known_before_they_are_made_and_made_once(tables):
    assert "movements" in tables
    assert "nothing" not in tables
    assert {"movements", "mrr_monthly", "answers", "reasons", "coverage", "definitions"} <= set(tables)
    assert len(tables) == len(list(tables))
    assert tables["reasons"] is tables["reasons"]
    with pytest.raises(KeyError):
        tables["nothing"]


def test_a_frame_asked_for_too_late_is_an_error_that_says_so(tmp_path):
    study = table_study(tmp_path)
    with ledger_sources(study, SUBSCRIPTIONS, tmp_path) as sources:
        tables = wc.build_panel(sources, study).tables
        made = tables["mrr_monthly"]
    assert tables["mrr_monthly"] is made
    with pytest.raises(PanelError, match="movements cannot be made any more: the sources were closed"):
        tables["movements"]


def test_a_company_with_two_tables_alone_has_every_frame(tmp_path):
    tables = tables_of(tmp_path, SUBSCRIPTIONS)
    sizes = {name: len(tables[name]) for name in tables}
    assert sizes["coverage"] == sizes["answers"] == sizes["tickets"] == 0
    assert sizes["definitions"] == 1
    assert sizes["definition_differences"] == 0
