"""Gaps, drops, late beginnings and wrong hours in the log of usage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from checked_company import Frames, company, found, write_study
from hypothesis import given, settings
from hypothesis import strategies as st

from whychurn.sources.tables.checks.gaps import find_stretches
from whychurn.sources.tables.checks.hours import find_jumps, quiet_at_work
from whychurn.sources.tables.checks.spelling_checks import one_letter_apart

pytestmark = pytest.mark.xdist_group("tables_checks_tracking")
DAYS = 52 * 7


@pytest.fixture(scope="module")
def clean() -> Frames:
    return {name: frame for name, frame in company().items() if name in ("accounts", "subscriptions", "usage")}


def without(frames: Frames, begin: str, end: str, keep: float = 0.0) -> Frames:
    """Drop usage of these days, but for a share."""
    usage = frames["usage"]
    inside = (usage["at"] >= begin) & (usage["at"] < end)
    stays = np.random.default_rng(2).random(len(usage)) < keep
    return {**frames, "usage": usage[~inside | stays]}


def working_week(level: float = 100.0, seed: int = 3) -> np.ndarray:
    """Counts of a year: busy from Monday to Friday, nothing at weekends."""
    counts = np.random.default_rng(seed).poisson(level, DAYS)
    counts[np.arange(DAYS) % 7 >= 5] = 0
    return counts


def test_a_gap_names_the_line_to_write_and_is_silent_once_it_is_written(clean: Frames, tmp_path: Path) -> None:
    frames = without(clean, "2024-03-05", "2024-03-13")
    (gap,) = found(frames, write_study(tmp_path))["tracking-gap"]
    assert (gap.severity, gap.count) == ("caveat", 8)
    assert "from 2024-03-05 to 2024-03-12 (8 days)" in gap.problem
    line = "not_tracked = [[2024-03-05, 2024-03-13]]"
    assert line in gap.action
    assert "tracking-gap" not in found(frames, write_study(tmp_path, usage=f"tracked_from = 2023-10-02\n{line}"))


def test_a_declared_gap_stays_in_the_line_to_write(clean: Frames, tmp_path: Path) -> None:
    frames = without(without(clean, "2024-03-05", "2024-03-13"), "2024-08-05", "2024-08-10")
    (gap,) = found(frames, write_study(tmp_path, usage="not_tracked = [[2024-08-05, 2024-08-12]]"))["tracking-gap"]
    assert "not_tracked = [[2024-03-05, 2024-03-13], [2024-08-05, 2024-08-12]]" in gap.action


def test_a_holiday_is_a_note(clean: Frames, tmp_path: Path) -> None:
    (gap,) = found(without(clean, "2024-05-01", "2024-05-02"), write_study(tmp_path))["tracking-gap"]
    assert gap.severity == "note"
    assert "on 2024-05-01," in gap.problem


def test_a_log_that_stops_before_the_window_ends(clean: Frames, tmp_path: Path) -> None:
    (stop,) = found(without(clean, "2024-12-02", "2025-01-01"), write_study(tmp_path))["tracking-stops"]
    assert stop.severity == "caveat"
    assert "observed_to = 2024-12-02" in stop.action


def test_a_drop_of_days_is_told_with_what_is_left(clean: Frames, tmp_path: Path) -> None:
    (drop,) = found(without(clean, "2024-06-03", "2024-06-08", keep=0.1), write_study(tmp_path))["tracking-drop"]
    assert drop.count == 5
    assert "[2024-06-03, 2024-06-08]" in drop.action


def test_half_as_much_is_no_drop(clean: Frames, tmp_path: Path) -> None:
    told = found(without(clean, "2024-06-03", "2024-06-08", keep=0.5), write_study(tmp_path))
    assert not [code for code in told if code.startswith("tracking-")]


@pytest.mark.parametrize("usage", ["", "tracked_from = 2023-01-01", "delimiter = ','"])
def test_stray_records_before_the_log_begins(usage: str, clean: Frames, tmp_path: Path) -> None:
    frames = without(clean, "2023-10-03", "2024-02-05", keep=0.0)
    stray = frames["usage"].index[frames["usage"]["at"] < "2024-01-01"]
    frames["usage"] = frames["usage"].drop(stray[5:])
    told = found(frames, write_study(tmp_path, usage=usage))
    (later,) = told["tracking-starts-later"]
    assert later.count == 5
    assert "tracked_from = 2024-02-05" in later.action
    assert ("although recording is said" in later.problem) == ("delimiter" not in usage)
    assert "tracking-gap" not in told


def test_many_gaps_end_in_one_line(clean: Frames, tmp_path: Path) -> None:
    frames = clean
    for month in range(1, 10):
        frames = without(frames, f"2024-{month:02d}-08", f"2024-{month:02d}-12")
    told = found(frames, write_study(tmp_path))
    assert len(told["tracking-gap"]) == 6
    assert told["more-gaps"][0].count == 3


def test_summer_time_is_a_note_and_another_time_zone_a_caveat(clean: Frames, tmp_path: Path) -> None:
    for hours, severity in ((1, "note"), (7, "caveat")):
        usage = clean["usage"]
        moved = usage["at"].where(usage["at"] < "2024-06-03", usage["at"] - pd.Timedelta(hours=hours))
        (jump,) = found({**clean, "usage": usage.assign(at=moved)}, write_study(tmp_path))["hours-jump"]
        assert jump.severity == severity
        assert jump.count == 1
        assert f"{-hours:+d} h on about 2024-06-0" in jump.problem


def test_work_at_night_and_days_without_hours(clean: Frames, tmp_path: Path) -> None:
    usage = clean["usage"]
    night = found({**clean, "usage": usage.assign(at=usage["at"] + pd.Timedelta(hours=11))}, write_study(tmp_path))
    assert night["night-at-work"][0].severity == "note"
    days = found({**clean, "usage": usage.assign(at=usage["at"].dt.normalize())}, write_study(tmp_path))
    assert "no-time-of-day" in days
    assert not {"night-at-work", "hours-jump"} & set(days)


def test_weekends_growth_and_decline_are_no_gaps() -> None:
    known = np.ones(DAYS, dtype=bool)
    assert find_stretches(working_week(), known) == []
    growing = np.random.default_rng(4).poisson(5 * np.exp(np.linspace(0, 4, DAYS)))
    for counts in (growing, growing[::-1]):
        assert find_stretches(counts, known) == []


def test_few_records_a_day_make_no_gap_of_a_day_but_one_of_weeks() -> None:
    counts = np.random.default_rng(5).poisson(3, DAYS)
    counts[100] = 0
    assert find_stretches(counts, np.ones(DAYS, dtype=bool)) == []
    counts[100:125] = 0
    (gap,) = find_stretches(counts, np.ones(DAYS, dtype=bool))
    assert (gap.begin, gap.end) == (100, 125)


@settings(max_examples=25)
@given(begin=st.integers(30, 300), length=st.integers(2, 60), level=st.integers(40, 400))
def test_any_gap_is_found_where_it_is(begin: int, length: int, level: int) -> None:
    counts = working_week(level)
    counts[begin : begin + length] = 0
    busy = [day for day in range(begin, begin + length) if day % 7 < 5]
    stretches = find_stretches(counts, np.ones(DAYS, dtype=bool))
    if not busy:
        assert stretches == []
        return
    (gap,) = stretches
    assert gap.silent
    assert (gap.begin, gap.end) == (busy[0], busy[-1] + 1)


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), level=st.sampled_from([0.5, 5, 50, 500]))
def test_chance_alone_makes_no_stretch_and_no_jump(seed: int, level: float) -> None:
    counts = working_week(level, seed)
    assert find_stretches(counts, np.ones(DAYS, dtype=bool)) == []
    profile = np.exp(-0.5 * ((np.arange(24) - 13) / 3) ** 2)
    by_hour = np.random.default_rng(seed).multinomial(counts, profile / profile.sum())
    assert find_jumps(by_hour) == []


def test_two_jumps_are_found_on_their_days() -> None:
    random = np.random.default_rng(6)
    profile = np.exp(-0.5 * ((np.arange(24) - 13) / 3) ** 2)
    counts = np.stack(
        [random.multinomial(300, np.roll(profile, 1 if 90 <= day < 300 else 0) / profile.sum()) for day in range(DAYS)]
    )
    assert [(jump.day, jump.hours) for jump in find_jumps(counts)] == [(90, 1), (300, -1)]
    assert quiet_at_work(counts.sum(axis=0)) is None


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [("healthcare", "heathcare", True), ("abcd", "abxd", True), ("abcd", "abcde", True), ("abcd", "xabcd", True),
     ("abcd", "abcd", False), ("abcd", "abdc", False), ("abcd", "abcdef", False), ("", "a", True)],
)  # fmt: skip
def test_one_letter_apart(first: str, second: str, apart: bool) -> None:
    assert one_letter_apart(first, second) == one_letter_apart(second, first) == apart


def test_a_gap_in_tickets_is_told_and_waves_of_surveys_are_not(clean: Frames, tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    opened = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 366 * 24, 4000), unit="h")
    tickets = pd.DataFrame({"ticket_id": np.arange(4000).astype(str), "account_id": "A200", "opened_at": opened})
    tickets = tickets[(tickets["opened_at"] < "2024-04-01") | (tickets["opened_at"] >= "2024-04-10")]
    waves = pd.Timestamp("2024-01-02") + pd.to_timedelta(random.integers(0, 4, 2000) * 91 + 1, unit="D")
    surveys = pd.DataFrame({"response_id": np.arange(2000).astype(str), "account_id": "A200", "answered_at": waves})
    told = found({**clean, "tickets": tickets, "surveys": surveys}, write_study(tmp_path))
    (gap,) = told["tracking-gap"]
    assert (gap.table, gap.count) == ("tickets", 9)
    assert "under [tables.tickets]: not_tracked = [[2024-04-01, 2024-04-10]]" in gap.action


@pytest.mark.parametrize("usage", ["tracked_from = 2030-01-01", "not_tracked = [[2020-01-01, 2030-01-01]]"])
def test_a_log_that_is_not_kept_in_the_window_at_all_has_no_gaps(usage: str, clean: Frames, tmp_path: Path) -> None:
    told = found(clean, write_study(tmp_path, usage=usage))
    assert not {"tracking-gap", "tracking-drop", "tracking-stops", "tracking-starts-later"} & set(told)
