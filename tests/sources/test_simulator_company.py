"""The simulated company: the same every time, in the shape of the contract, and as dirty as it says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from whychurn.errors import SourceError
from whychurn.sources.canon import TABLES
from whychurn.sources.from_frames import sources_from_frames
from whychurn.sources.simulator import CompanySettings, Effects, simulate_company
from whychurn.sources.simulator.block import simulate_block
from whychurn.sources.simulator.settings import BLOCK
from whychurn.sources.simulator.writing import study_text
from whychurn.study import read_study

pytestmark = pytest.mark.xdist_group("simulated company")

CLEAN = CompanySettings(n_accounts=600, events=200_000, dirty=False, seed=4)
ALLOWED_GAP, LAG, STEP = 30, 14, 7


@pytest.fixture(scope="module")
def clean():
    return simulate_company(CLEAN, keep_rows=True)


@pytest.fixture(scope="module")
def dirty():
    return simulate_company(replace(CLEAN, dirty=True))


@pytest.fixture(scope="module")
def stretches(clean):
    """Spells as a reader of the subscriptions finds them: (account, first day, end or NaT)."""
    subscriptions = clean.frames["subscriptions"]
    out = []
    for account, rows in subscriptions.groupby("account_id"):
        service = sorted(
            (pd.Timestamp(s), pd.Timestamp(e) if isinstance(e, str) else pd.Timestamp.max)
            for s, e in zip(rows["started_on"], rows["ended_on"], strict=True)
        )
        spells = [list(service[0])]
        for begin, end in service[1:]:
            if (begin - spells[-1][1]).days <= ALLOWED_GAP:
                spells[-1][1] = max(spells[-1][1], end)
            else:
                spells.append([begin, end])
        out += [(account, begin, end) for begin, end in spells]
    return pd.DataFrame(out, columns=["account_id", "begin", "end"])


def test_the_same_settings_give_the_same_company(clean):
    again = simulate_company(CLEAN, keep_rows=True)
    assert again.truth == clean.truth
    for name, frame in clean.frames.items():
        pd.testing.assert_frame_equal(frame, again.frames[name])
    pd.testing.assert_frame_equal(clean.rows, again.rows)


def test_another_seed_gives_another_company(clean):
    other = simulate_company(replace(CLEAN, seed=5), with_usage=False)
    assert not other.frames["accounts"].equals(clean.frames["accounts"])


def test_a_block_is_the_same_alone_and_in_any_order(clean):
    for number in (2, 0, 1):
        block = simulate_block(CLEAN, number)
        tables = block.tables()
        ids = set(tables["accounts"]["account_id"])
        for name, frame in tables.items():
            within = clean.frames[name][clean.frames[name]["account_id"].isin(ids)].reset_index(drop=True)
            pd.testing.assert_frame_equal(within, frame, check_dtype=False)
        n_usage = sum(len(piece.account) for piece in block.usage())
        assert n_usage == clean.frames["usage"]["account_id"].isin(ids).sum()
    assert CLEAN.n_accounts > 2 * BLOCK


def test_nobody_leaves_otherwise_when_usage_is_not_laid_out(clean):
    without = simulate_company(CLEAN, with_usage=False)
    pd.testing.assert_frame_equal(without.frames["subscriptions"], clean.frames["subscriptions"])
    assert "usage" not in without.frames


def test_usage_is_about_as_much_as_asked_for(clean):
    assert len(clean.frames["usage"]) == pytest.approx(CLEAN.events, rel=0.12)


@pytest.mark.parametrize("table", list(TABLES))
def test_every_table_follows_the_contract(clean, table):
    frame, contract = clean.frames[table], TABLES[table]
    assert set(frame.columns) <= {column.name for column in contract.columns}
    assert len(frame)
    for column in contract.columns:
        if column.required:
            assert frame[column.name].notna().all()
        if column.name in frame and column.type in ("number", "score", "count"):
            known = frame[column.name].dropna().astype(float)
            assert known.between(column.low, column.high).all()
    if contract.key:
        assert frame[contract.key].is_unique
    known_accounts = set(clean.frames["accounts"]["account_id"])
    assert set(frame["account_id"].dropna()) <= known_accounts


def test_a_clean_company_loads_into_typed_tables(clean, tmp_path):
    (tmp_path / "study.toml").write_text(study_text(CLEAN), encoding="utf-8")
    work = tmp_path / ".whychurn"
    work.mkdir()
    sources = sources_from_frames(read_study(tmp_path), clean.frames, work)
    try:
        for name, frame in clean.frames.items():
            assert sources.connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] == len(frame)
        actions = sources.connection.execute("SELECT DISTINCT action FROM usage ORDER BY 1").fetchall()
        assert actions == [("failed",), ("login",), ("use",)]
    finally:
        sources.connection.close()


def test_subscriptions_tell_the_spells_that_were_drawn(clean, stretches):
    begin, end = pd.Timestamp(CLEAN.start), pd.Timestamp(CLEAN.end)
    at_risk = stretches[(stretches["end"] > begin) & (stretches["begin"] < end)]
    realised = clean.truth["realised"]
    assert len(at_risk) == realised["spells at risk"]
    events = (at_risk["end"] < end).sum()
    assert events == sum(n for name, n in realised.items() if name.startswith("events: "))
    assert events == (clean.rows["cause"] > 0).sum()


def test_notice_is_never_known_to_a_row_at_risk(clean):
    rows = clean.frames["subscriptions"]
    rows = rows[rows["cancelled_on"].notna() & (rows["end_reason"] != "add-on not needed")]
    notice = (pd.to_datetime(rows["ended_on"]) - pd.to_datetime(rows["cancelled_on"])).dt.days
    assert notice.between(0, LAG).all()
    assert (rows["cancelled_on"] >= rows["started_on"]).all()


def test_nothing_is_recorded_outside_service_or_in_the_gap(clean, stretches):
    usage = clean.frames["usage"]
    day = usage["at"].dt.normalize()
    gap = pd.Timestamp(CLEAN.day(330)), pd.Timestamp(CLEAN.day(335))
    assert not day.between(gap[0], gap[1] - pd.Timedelta(days=1)).any()
    assert day.min() >= pd.Timestamp(CLEAN.day(-92))
    last = usage.assign(day=day).groupby("account_id")["day"].max()
    ends = stretches.groupby("account_id")["end"].max()
    assert (last < ends[last.index]).all()


def test_costs_are_there_for_every_month_of_service_and_winning_costs_once(clean):
    """Also for the month in which a customer starts after its middle, in proportion to the days served."""
    costs, subscriptions = clean.frames["costs"], clean.frames["subscriptions"]
    begin = pd.Timestamp(CLEAN.start)
    starts = pd.to_datetime(clean.frames["accounts"].set_index("account_id")["started_on"])
    new = starts[starts >= begin]
    late = new[new.dt.day > 15]
    assert len(late) > 20
    won = costs[costs["acquisition_cost"] > 0].set_index("account_id")["period"]
    assert won.index.is_unique and set(won.index) == set(new.index)
    assert (pd.to_datetime(won).dt.to_period("M") == new[won.index].dt.to_period("M")).all()
    first = costs.merge(late.rename("started"), left_on="account_id", right_index=True)
    first = first[pd.to_datetime(first["period"]).dt.to_period("M") == first["started"].dt.to_period("M")]
    whole = costs[costs["account_id"].isin(late.index) & ~costs.index.isin(first.index)]
    assert 0 < first["service_cost"].median() < 0.6 * whole["service_cost"].median()
    # Nobody costs anything in a month without a day of service.
    served = subscriptions.assign(
        first=pd.to_datetime(subscriptions["started_on"]).dt.to_period("M"),
        last=(
            pd.to_datetime(subscriptions["ended_on"]).fillna(pd.Timestamp(CLEAN.end)) - pd.Timedelta(days=1)
        ).dt.to_period("M"),
    )
    told = costs.assign(month=pd.to_datetime(costs["period"]).dt.to_period("M")).merge(served, on="account_id")
    inside = told[(told["first"] <= told["month"]) & (told["month"] <= told["last"])]
    assert len(inside[["account_id", "month"]].drop_duplicates()) == len(costs)


def test_usage_is_ordered_within_accounts(clean):
    usage = clean.frames["usage"]
    assert usage["account_id"].is_monotonic_increasing
    assert usage.groupby("account_id")["at"].is_monotonic_increasing.all()


def test_kept_measures_are_those_of_the_tables(clean):
    """Recompute, from the tables, what the hazard acted on; where the panel would know it too."""
    tickets = _with_days(clean.frames["tickets"], "opened_at", "closed_at", "csat_at")
    tickets = tickets.sort_values(["csat_at", "opened_at", "ticket_id"])
    frames = {
        "tickets": tickets,
        "offers": _with_days(clean.frames["events"], "at"),
        "subscriptions": _with_days(clean.frames["subscriptions"], "started_on", "ended_on", "renewal_on"),
        "usage": _with_days(clean.frames["usage"], "at"),
    }
    of = {name: (dict(list(frame.groupby("account_id"))), frame.iloc[:0]) for name, frame in frames.items()}
    n_compared = 0
    for row in clean.rows.sample(300, random_state=1).itertuples():
        mine = {name: groups.get(f"A{row.account:06d}", none) for name, (groups, none) in of.items()}
        cut_off = pd.Timestamp(CLEAN.day(row.day - LAG))
        tickets, offered, usage = mine["tickets"], mine["offers"]["at"], mine["usage"]
        assert row.open_tickets == ((tickets["opened_at"] < cut_off) & ~(tickets["closed_at"] < cut_off)).sum()
        rated = tickets[tickets["csat_at"] < cut_off]["csat"]
        assert row.last_csat == (rated.iloc[-1] if len(rated) else 0)
        within = (offered >= cut_off - pd.Timedelta(days=84)) & (offered < cut_off)
        assert row.event_84_competitor_offer == int(within.any())
        assert row.days_to_renewal == _to_renewal(mine["subscriptions"], row)
        low = cut_off - pd.Timedelta(days=28)
        if low < pd.Timestamp(CLEAN.day(335)) and cut_off > pd.Timestamp(CLEAN.day(330)):
            continue  # the panel does not know what the log has lost
        day = usage["at"]
        used = (usage["module"] == "reporting") & (usage["action"] == "use") & (day >= low) & (day < cut_off)
        assert row.uses_28_reporting == usage.loc[used, "count"].sum()
        logins = day[(usage["action"] == "login") & (day < cut_off)]
        if len(logins) and logins.max() >= low:
            assert row.days_since_login == (cut_off - logins.max()).days - 1
            n_compared += 1
    assert n_compared > 150


def _with_days(frame, *columns):
    return frame.assign(**{name: pd.to_datetime(frame[name]).dt.normalize() for name in columns})


def _to_renewal(subscriptions, row):
    started = row.day - row.tenure
    known = pd.Timestamp(CLEAN.day(max(row.day - LAG - 1, started)))
    begins, ends, renewal = (subscriptions[name] for name in ("started_on", "ended_on", "renewal_on"))
    active = (begins <= known) & ~(ends <= known) & (renewal > known)
    return (renewal[active].min() - known).days if active.any() else -1


def test_surveys_are_answered_by_those_who_use_the_product_more(clean):
    surveys = clean.frames["surveys"]
    active = clean.frames["usage"].groupby("account_id")["at"].agg(lambda at: at.dt.normalize().nunique())
    use = surveys["account_id"].map(active).fillna(0)
    answered = surveys["answered_at"].notna()
    assert 0.2 < answered.mean() < 0.8
    assert use[answered].mean() > use[~answered].mean()
    assert surveys.loc[~answered, "score"].isna().all()


def test_the_year_of_leaving_is_plausible():
    company = simulate_company(CompanySettings(dirty=False), with_usage=False)
    realised = company.truth["realised"]
    assert 0.12 < realised["churn per customer and year"] < 0.20
    older = (company.frames["accounts"]["started_on"] < "2023-01-01").mean()
    assert 0.35 < older < 0.48
    assert realised["returns as a new spell"] > 20 and realised["returns within the allowed gap"] > 5
    subscriptions = company.frames["subscriptions"]
    contracted = subscriptions["end_reason"] == "add-on not needed"
    assert contracted.sum() > 10


def test_dirt_is_planted_as_counted(clean, dirty):
    truth, frames = dirty.truth["dirt"], dirty.frames
    found: Counter[str] = Counter()
    for table in ("subscriptions", "tickets", "payments"):
        found[f"repeated rows in {table}"] = int(frames[table].duplicated().sum())
    known = set(frames["accounts"]["account_id"])
    for table in ("interactions", "tickets"):
        strangers = ~frames[table]["account_id"].isin(known)
        found[f"{table} of accounts that do not exist"] = int(strangers.sum())
    for table, column in (("interactions", "at"), ("payments", "paid_on")):
        texts = frames[table][column].dropna()
        wrong = int(pd.to_datetime(texts.drop_duplicates(), errors="coerce").isna().sum())
        assert wrong and f"impossible dates in {table}.{column}" in truth
    found["industries spelled differently"] = int(
        (frames["accounts"]["industry"] != clean.frames["accounts"]["industry"]).sum()
    )
    found["churn flags that disagree with the subscriptions"] = int(
        (frames["accounts"]["churned"] != clean.frames["accounts"]["churned"]).sum()
    )
    found["usage after the customer left"] = len(frames["usage"]) - len(clean.frames["usage"])
    found["surveys answered after the customer left"] = len(frames["surveys"]) - len(clean.frames["surveys"])
    assert {name: truth[name] for name in found} == dict(found)
    assert (frames["subscriptions"].drop_duplicates()["mrr"] < 0).sum() == 1
    assert sum(truth.values()) < 0.01 * sum(len(frame) for name, frame in frames.items() if name != "usage")
    assert all(count > 0 for count in truth.values())
    assert clean.truth["dirt"] == {}


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"n_accounts": 3}, "n_accounts"),
        ({"years": 0}, "years"),
        ({"seed": -1}, "seed"),
        ({"leaving_per_year": 0.0}, "leaving_per_year"),
        ({"effects": Effects(login_30=float("nan"))}, "login_30"),
    ],
)
def test_impossible_settings_are_named(given, word):
    with pytest.raises(SourceError, match=word):
        CompanySettings(**given)


def test_odd_windows_work():
    settings = CompanySettings(n_accounts=40, years=1, events=0, start=pd.Timestamp("2024-02-29").date(), seed=9)
    company = simulate_company(settings, keep_rows=True)
    assert settings.end.isoformat() == "2025-02-28"
    assert company.rows["stop"].gt(company.rows["start"]).all()
    assert np.isfinite(company.rows["hazard"]).all()
