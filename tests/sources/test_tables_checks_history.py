"""Where hardly anybody left although customers were there, terms that were overwritten, and days at midnight in UTC."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from checked_company import BEGIN, END, Frames, company, found, write_study
from tables_folder import Folder

from whychurn.panel.measures import registry
from whychurn.sources.canon import ACTIONS
from whychurn.sources.tables.checks.columns_checks import NEEDS
from whychurn.sources.tables.checks.leaving import BAND_DAYS, BANDS, Leaving, first_edge

pytestmark = pytest.mark.xdist_group("tables_checks_history")
EDGES = {"no-churn-before", "no-churn-after"}


@pytest.fixture(scope="module")
def clean() -> Frames:
    return company()


@pytest.fixture
def frames(clean: Frames) -> Frames:
    return {name: frame.copy() for name, frame in clean.items() if name != "usage"}


def leaving(first: np.ndarray, last: np.ndarray, length: int) -> Leaving:
    """Leavers and exposure of accounts that began and left on these days of the window, by stretches of 30 days."""
    kept = (last > 0) & (last > first)
    first, last = first[kept], last[kept]
    days = np.unique(last[last < length]).astype(np.int64)
    edges = np.unique([0, length, *range(0, length, 30), *days[:6], *(days[-6:] + 1)]).astype(np.int64)
    exposed, left = np.zeros((2, len(edges) - 1, BANDS))
    for place, (begin, end) in enumerate(pairwise(edges)):
        since, until = np.maximum(first, begin) - first, np.minimum(last, end) - first
        for band in range(BANDS):
            top = np.inf if band == BANDS - 1 else (band + 1) * BAND_DAYS
            exposed[place, band] = np.maximum(np.minimum(until, top) - np.maximum(since, band * BAND_DAYS), 0).sum()
        gone = (last >= begin) & (last < end)
        np.add.at(left[place], np.minimum((last - first)[gone].astype(int) - 1, BAND_DAYS * BANDS - 1) // BAND_DAYS, 1)
    return Leaving(edges, exposed, left, days)


def starts(random: np.random.Generator, n: int, length: int) -> np.ndarray:
    return np.where(random.random(n) < 0.4, -random.integers(1, 1500, n), random.integers(0, length, n)).astype(float)


LIVES = {
    "constant": lambda random, first: first + random.exponential(900, len(first)),
    "fading": lambda random, first: first + 900 * random.weibull(0.6, len(first)),
    "at the end of months": lambda random, first: np.ceil((first + random.exponential(900, len(first))) / 30) * 30,
    "after whole years": lambda random, first: first + 365 * random.geometric(0.3, len(first)),
    "at the end of years": lambda random, first: (first // 365 + random.geometric(0.3, len(first))) * 365 + 100,
}


@pytest.mark.parametrize("kind", LIVES)
def test_ordinary_companies_show_no_edge(kind: str) -> None:
    random = np.random.default_rng(11)
    for _ in range(25):
        n, length = int(random.integers(80, 1500)), int(random.integers(365, 1461))
        first = starts(random, n, length)
        seen = leaving(first, np.floor(LIVES[kind](random, first)), length)
        assert first_edge(seen) is None
        assert first_edge(seen.reversed()) is None


def test_a_young_company_in_which_nobody_can_leave_in_the_first_year_shows_no_edge() -> None:
    random = np.random.default_rng(12)
    first = random.integers(0, 800, 2000).astype(float)
    seen = leaving(first, first + 365 * random.geometric(0.3, 2000), 1200)
    assert seen.days[0] >= 365
    assert first_edge(seen) is None


def test_three_stray_leavers_do_not_hide_where_recording_began() -> None:
    random = np.random.default_rng(13)
    first = starts(random, 900, 1000)
    last = np.floor(LIVES["constant"](random, first))
    early = np.flatnonzero((last > 0) & (last < 360))
    kept = np.ones(900, dtype=bool)
    kept[early[3:]] = False
    edge = first_edge(leaving(first[kept], last[kept], 1000))
    assert edge is not None
    assert edge.left == 3
    assert edge.length == pytest.approx(360, abs=30)
    assert edge.rate < 0.2 * edge.rate_after


def test_one_early_leaver_is_told_with_both_rates(frames: Frames, tmp_path: Path) -> None:
    subscriptions = frames["subscriptions"]
    early = subscriptions.index[subscriptions["ended_on"] < BEGIN + pd.Timedelta(days=180)]
    frames["subscriptions"] = subscriptions.drop(early[1:])
    (finding,) = found(frames, write_study(tmp_path))["no-churn-before"]
    assert finding.problem.startswith("Only 1 account left before 2024-0")
    before, after = map(float, re.search(r"\(([\d.]+) leavers .* against ([\d.]+)\)", finding.problem).groups())  # type: ignore[union-attr]
    assert 0 < before < after / 5
    assert re.search(r"observed_from = 2024-0[67]-\d\d", finding.action)


def test_one_late_leaver_does_not_hide_the_cut_of_an_export(frames: Frames, tmp_path: Path) -> None:
    subscriptions = frames["subscriptions"]
    late = subscriptions.index[subscriptions["ended_on"] > END - pd.Timedelta(days=150)]
    subscriptions.loc[late[1:], ["ended_on", "cancelled_on", "end_reason"]] = None
    (finding,) = found(frames, write_study(tmp_path))["no-churn-after"]
    assert finding.problem.startswith("Only 1 account left after 2024-0")
    assert re.search(r"observed_to = 2024-0[78]-\d\d|observed_to = 2024-08", finding.action)


def test_the_last_ends_are_provisional_by_the_allowed_gap(frames: Frames, tmp_path: Path) -> None:
    ends = frames["subscriptions"]["ended_on"]
    for gap in (10, 60):
        (finding,) = found(frames, write_study(tmp_path, churn=f"[churn]\nallowed_gap_days = {gap}"))[
            "recent-ends-provisional"
        ]
        assert (finding.severity, finding.count) == ("note", (ends >= END - pd.Timedelta(days=gap)).sum())
        assert f"{finding.count} of 120 accounts that left" in finding.problem
    assert "recent-ends-provisional" not in found(frames, write_study(tmp_path, churn="[churn]\nallowed_gap_days = 0"))


def test_accounts_that_never_get_another_row_have_terms_overwritten(frames: Frames, tmp_path: Path) -> None:
    frames["subscriptions"] = frames["subscriptions"].head(260)
    (finding,) = found(frames, write_study(tmp_path))["terms-overwritten"]
    assert finding.severity == "caveat"
    assert f"{finding.count} accounts with more than 18 months of service, none ever had another row" in finding.problem
    assert finding.consequence.startswith(
        "The amount, the seats and the plan of a subscription may be as last recorded"
    )
    assert "one row per term" in finding.action
    young = frames["subscriptions"]["started_on"].clip(lower=BEGIN - pd.Timedelta(days=100))
    frames["subscriptions"] = frames["subscriptions"].assign(started_on=young)
    assert "terms-overwritten" not in found(frames, write_study(tmp_path))


@pytest.mark.parametrize(("late", "told"), [(13, False), (14, True)])
def test_renewals_more_than_a_term_away_are_overwritten(late: int, told: bool, frames: Frames, tmp_path: Path) -> None:
    subscriptions = frames["subscriptions"]
    days = np.where(np.arange(len(subscriptions)) < late, 366 + 16, 366 + 14)
    subscriptions["renewal_on"] = subscriptions["started_on"] + pd.to_timedelta(days, unit="D")
    codes = found(frames, write_study(tmp_path))
    assert ("terms-overwritten" in codes) == told
    if told:
        (finding,) = codes["terms-overwritten"]
        assert (finding.column, finding.count) == ("renewal_on", 14)
        assert "computed from the first term" in finding.consequence


def test_renewals_without_a_term_are_not_used(frames: Frames, tmp_path: Path) -> None:
    subscriptions = frames["subscriptions"]
    subscriptions["renewal_on"] = subscriptions["started_on"] + pd.Timedelta(days=365)
    subscriptions.loc[:9, "term_months"] = float("nan")
    (finding,) = found(frames, write_study(tmp_path))["renewal-without-term"]
    assert (finding.severity, finding.count) == ("note", 10)
    assert "10 of 266" in finding.problem


def test_events_of_one_kind_with_and_without_an_account(frames: Frames, tmp_path: Path) -> None:
    frames["events"] = pd.DataFrame(
        {
            "account_id": ["A001", None, "A002", None, "A003"],
            "at": BEGIN + pd.Timedelta(days=40),
            "kind": ["Sponsor left", "Sponsor left", "Sponsor left", "Price change", "Incident"],
        }
    )
    told = found(frames, write_study(tmp_path))["events-own-and-common"]
    assert [(one.severity, one.count) for one in told] == [("note", 1)]
    assert "1 of 3 events of the kind “Sponsor left”" in told[0].problem
    cause = '[[causes]]\ncolumn = "event_84_sponsor_left"\ntype = "number"\n'
    (caveat,) = found(frames, write_study(tmp_path, causes=cause))["events-own-and-common"]
    assert caveat.severity == "caveat"
    assert "event_84_sponsor_left" in caveat.consequence


def test_columns_without_a_value_say_what_they_cost(clean: Frames, tmp_path: Path) -> None:
    told = {one.column: one for one in found(clean, write_study(tmp_path))["column-missing"] if one.column != "action"}
    assert set(told) == {"value", "failed_on", "renewal_on"}
    frames = {
        **clean,
        "tickets": clean["tickets"].assign(closed_at=pd.NaT),
        "payments": clean["payments"].assign(paid_on=pd.NaT),
    }
    causes = '[[causes]]\ncolumn = "open_tickets"\ntype = "number"\n'
    study = write_study(tmp_path, churn="[churn]\ndelinquent_after_days = 60", causes=causes)
    told = {one.column: one for one in found(frames, study)["column-missing"]}
    assert [told[name].severity for name in ("closed_at", "paid_on", "failed_on")] == ["caveat", "caveat", "note"]
    assert "open_tickets" in told["closed_at"].consequence
    assert "delinquent_after_days" in told["paid_on"].consequence


def test_an_action_that_no_record_has_is_told(clean: Frames, tmp_path: Path) -> None:
    usage = clean["usage"]
    frames = {**clean, "usage": usage[usage["action"] == "use"]}
    told = {one.problem for one in found(frames, write_study(tmp_path))["column-missing"] if one.column == "action"}
    assert told == {f"No record of usage has the action “{action}”." for action in ("login", "failed")}
    (login,) = [one for one in found(frames, write_study(tmp_path))["column-missing"] if "“login”" in one.problem]
    assert (login.severity, "logins_28" in login.consequence) == ("caveat", True)


def test_what_columns_cost_is_what_measures_need(tmp_path: Path) -> None:
    measures = registry(write_study(tmp_path), ("Invoices",), ("price change",))
    for need in NEEDS:
        assert need.action in ("", *ACTIONS)
        matched = {measure.name for measure in measures if re.fullmatch(need.measures, measure.name)}
        held = f"usage:{need.action}" if need.action else f"{need.table}.{need.column}"
        assert matched == {measure.name for measure in measures if held in measure.values}, held


@pytest.mark.parametrize(
    ("zone", "text", "told"),
    [("America/Chicago", "T00:00:00Z", True), ("America/Chicago", " 00:00:00+00:00", True),
     ("America/Chicago", "T00:00:00-06:00", False), ("America/Chicago", "T06:00:00Z", False),
     ("America/Chicago", "", False), ("UTC", "T00:00:00Z", False), ("Europe/Berlin", "T00:00:00Z", False)],
)  # fmt: skip
def test_days_at_midnight_in_utc_are_told_where_they_become_other_days(zone, text, told, tmp_path):
    folder = Folder(tmp_path)
    folder.zone = zone
    ends = "".join(f"s{i},a{i},2023-01-01,2024-03-{i:02d}{text}\n" for i in range(1, 26))
    folder.write("subscriptions", "subscription_id,account_id,started_on,ended_on\n" + ends)
    with folder.open() as sources:
        (first,) = sources.connection.execute("SELECT min(ended_on) FROM subscriptions").fetchall()[0]
        found = [one for one in sources.integrity if one.code == "midnight-instants"]
    assert [(one.severity, one.column, one.count) for one in found] == [("caveat", "ended_on", 25)] * told
    assert (str(first) == "2024-02-29") == told
