from __future__ import annotations

import pytest
from tables_folder import Folder, codes

from whychurn.errors import SourceError


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def usage(folder, texts, settings="", quote=""):
    body = "".join(f"a1,{quote}{text}{quote}\n" for text in texts)
    folder.write("usage", "account_id,at\n" + body, settings)
    with folder.open() as sources:
        return sources, [None if value != value else str(value) for value in sources.frame("usage")["at"]]


def ended(folder, texts, settings=""):
    body = "".join(f"s{i},a{i},2023-01-01,{text}\n" for i, text in enumerate(texts, start=1))
    folder.write("subscriptions", "subscription_id,account_id,started_on,ended_on\n" + body, settings)
    with folder.open() as sources:
        frame = sources.frame("subscriptions")
        return sources, [None if value != value else str(value.date()) for value in frame["ended_on"]]


def test_a_day_that_could_be_two_days_is_unreadable_and_the_fix_names_both_formats(folder):
    sources, days = ended(folder, ["03/04/2024", "2024-05-06"])
    assert days == [None, "2024-05-06"]
    found = next(one for one in sources.integrity if one.code == "unreadable-values")
    assert (found.severity, found.column, found.count) == ("refuse", "ended_on", 1)
    assert '"%d/%m/%Y"' in found.action
    assert '"%m/%d/%Y"' in found.action
    assert "still active" in found.consequence


@pytest.mark.parametrize(("written", "day"), [("%d/%m/%Y", "2024-04-03"), ("%m/%d/%Y", "2024-03-04")])
def test_a_declared_format_says_which_day_is_meant(folder, written, day):
    assert ended(folder, ["03/04/2024"], f'formats = {{ ended_on = "{written}" }}')[1] == [day]


@pytest.mark.parametrize(
    "text",
    ["2024-02-30", "2024-13-01", "2024-1-5", "24-01-05", "0000-00-00", "0001-01-01", "45000", "infinity", "today"],
)
def test_iso_takes_no_day_that_does_not_exist_and_no_other_way_to_write_one(folder, text):
    sources, days = ended(folder, [text, "2024-05-06"])
    assert days == [None, "2024-05-06"]
    reject = sources.rejects.iloc[0]
    assert (reject["scope"], reject["column"], reject["value"], reject["line"]) == ("value", "ended_on", text, 2)


def test_a_day_far_ahead_that_stands_for_never_is_kept(folder):
    assert ended(folder, ["9999-12-31"])[1] == ["9999-12-31"]


def test_times_with_an_offset_are_converted_and_those_without_are_local(folder):
    folder.zone = "Europe/Berlin"
    sources, times = usage(
        folder,
        ["2024-07-01T10:00:00Z", "2024-07-01 10:00", "2024-07-01T10:00:00.25-05:00", "2024-07-01 10:00 +0200",
         "2024-07-01 10:00:00 UTC", "2024-07-01"],
    )  # fmt: skip
    assert times == [
        "2024-07-01 12:00:00", "2024-07-01 10:00:00", "2024-07-01 17:00:00.250000", "2024-07-01 10:00:00",
        "2024-07-01 12:00:00", "2024-07-01 00:00:00",
    ]  # fmt: skip
    assert codes(sources)["mixed-offsets"] == "caveat"


def test_times_that_all_have_an_offset_raise_no_doubt(folder):
    sources, _ = usage(folder, ["2024-07-01T10:00:00Z", "2024-07-01T10:00:00+02:00"])
    assert "mixed-offsets" not in codes(sources)


def test_the_clock_change_is_respected(folder):
    folder.zone = "Europe/Berlin"
    texts = ["2024-03-31T00:59:59Z", "2024-03-31T01:00:00Z", "2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z"]
    assert usage(folder, texts)[1] == [
        "2024-03-31 01:59:59", "2024-03-31 03:00:00", "2024-10-27 02:30:00", "2024-10-27 02:30:00",
    ]  # fmt: skip


def test_local_times_of_another_zone_are_converted_and_days_alone_are_not(folder):
    folder.zone = "Europe/Berlin"
    times = usage(folder, ["2024-07-01 20:00", "2024-07-01"], 'time_zone = "America/New_York"')[1]
    assert times == ["2024-07-02 02:00:00", "2024-07-01 00:00:00"]


def test_a_day_column_takes_the_day_of_the_study_zone(folder):
    folder.zone = "Europe/Berlin"
    days = ended(folder, ["2024-06-30T23:30:00Z", "2024-06-30T12:00:00", "2024-07-01 00:00:00"])[1]
    assert days == ["2024-07-01", "2024-06-30", "2024-07-01"]


def test_midnight_in_a_day_column_is_a_day_whatever_the_zone(folder):
    folder.zone = "America/New_York"
    assert ended(folder, ["2024-07-01 00:00:00"], 'time_zone = "UTC"')[1] == ["2024-07-01"]


def test_unix_times_are_instants(folder):
    folder.zone = "Europe/Berlin"
    seconds = usage(folder, ["1719828000", "1719828000.5"], 'date_format = "unix seconds"')[1]
    assert seconds == ["2024-07-01 12:00:00", "2024-07-01 12:00:00.500000"]
    assert usage(folder, ["1719828000000"], 'date_format = "unix milliseconds"')[1] == ["2024-07-01 12:00:00"]


def test_milliseconds_declared_as_seconds_are_unreadable_rather_than_far_away(folder):
    sources, times = usage(folder, ["1719828000000", "1719828000"], 'date_format = "unix seconds"')
    assert times == ["2024-07-01 10:00:00"]
    assert codes(sources, "usage")["rows-set-aside"] == "refuse"


def test_a_format_never_reads_over_an_offset(folder):
    folder.zone = "Europe/Berlin"
    settings = 'date_format = "%d.%m.%Y %H:%M"'
    sources, times = usage(folder, ["01.07.2024 10:00", "01.07.2024 10:00+02:00"], settings)
    assert times == ["2024-07-01 10:00:00"]
    assert sources.rejects["value"].tolist() == ["01.07.2024 10:00+02:00"]


@pytest.mark.parametrize("written", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S%z"])
def test_a_format_with_an_offset_converts(folder, written):
    folder.zone = "Europe/Berlin"
    assert usage(folder, ["2024-07-01T10:00:00Z"], f'date_format = "{written}"')[1] == ["2024-07-01 12:00:00"]


@pytest.mark.parametrize(
    "written", ["dd/mm/yyyy", "%H:%M", "%Q %Y %m", "%d.%m.%Y %H:%M CET", "%d.%m.%Y %H:%M %Z", "%Y-%m-%d %H:%M +02"]
)
def test_a_format_that_cannot_be_obeyed_is_refused_by_name(folder, written):
    with pytest.raises(SourceError, match=r"tables\.usage\.date_format"):
        usage(folder, ["2024-07-01 10:00"], f'date_format = "{written}"')


def test_a_month_alone_is_its_first_day(folder):
    folder.write("costs", "period,service_cost\n2024-03,5\n", 'formats = { period = "%Y-%m" }')
    with folder.open() as sources:
        assert str(sources.frame("costs")["period"][0].date()) == "2024-03-01"
