"""``whychurn new`` on dates and actions: decided by the values, asked about where they decide nothing."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from company_files import changed, company, write, written_as

from whychurn.cli import cli
from whychurn.errors import StudyError
from whychurn.sources import open_sources, propose_study
from whychurn.sources.tables.date_formats import Shape, look_at_dates, recognise
from whychurn.sources.tables.guess_words import cause_of_reason, meaning_of_action
from whychurn.sources.tables.propose_answers import read_options
from whychurn.sources.tables.sql import Bound
from whychurn.sources.tables.times import Zones, from_text
from whychurn.study import Table, TableStudy, read_study


def proposed(folder: Path, **options: object) -> TableStudy:
    propose_study(folder, options=read_options(**options) if options else None)
    study = read_study(folder)
    assert isinstance(study, TableStudy)
    return study


def asked(folder: Path, **options: object) -> str:
    with pytest.raises(StudyError) as caught:
        propose_study(folder, options=read_options(**options) if options else None)
    return str(caught.value)


def with_sign_up(folder: Path, form: str, least_day: int = 1, most_day: int = 31) -> None:
    """A company whose days of signing up are written in a form, and lie between two days of the month."""
    files = company()
    files["clients.csv"] = changed(
        files["clients.csv"],
        1,
        lambda text: written_as(form)(f"{text[:8]}{min(max(int(text[8:]), least_day), most_day):02d}"),
    )
    write(folder, files)


def format_of(table: Table, column: str) -> str:
    return table.formats.get(column, table.date_format)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("%d/%m/%Y", "%d/%m/%Y"),
        ("%m/%d/%Y", "%m/%d/%Y"),
        ("%d.%m.%y", "%d.%m.%y"),
        ("%Y-%m-%d", "iso"),
        ("%Y/%m/%d", "%Y/%m/%d"),
        ("%d %b %Y", "%d %b %Y"),
        ("%d-%B-%Y", "%d-%B-%Y"),
        ("%b %d, %Y", "%b %d, %Y"),
        ("%Y%m%d", "%Y%m%d"),
        ("%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M %p"),
        ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S"),
        ("%Y-%m-%d %H:%M:%S", "iso"),
        ("%Y-%m-%dT%H:%MZ", "iso"),
    ],
)
def test_values_decide_how_dates_are_written(form: str, expected: str) -> None:
    days = [datetime(2023, 1, 9, 7, 5) + timedelta(days=23 * k) for k in range(20)]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT unnest($days) AS c0", {"days": [d.strftime(form) for d in days]})
        found = look_at_dates(connection, "t", "c0", as_time=True)
        assert (found.format, found.n_other, found.choices) == (expected, 0, ())
        bound = Bound()
        read = from_text("c0", found.format, Zones("UTC", "UTC"), True, bound)
        assert [row[0] for row in bound.run(connection, f"SELECT {read} FROM t")] == [day.date() for day in days]


def test_what_was_decided_opens(tmp_path: Path) -> None:
    with_sign_up(tmp_path, "%d/%m/%Y")
    study = proposed(tmp_path)
    assert format_of(study.tables["accounts"], "started_on") == "%d/%m/%Y"
    with open_sources(study) as sources:
        assert not len(sources.rejects)
        gaps = sources.connection.execute(
            "SELECT count(*) FROM accounts a JOIN subscriptions s USING (account_id) "
            "WHERE a.started_on IS DISTINCT FROM s.started_on"
        ).fetchall()
    assert gaps == [(0,)]


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y"])
def test_day_and_month_in_doubt_are_asked_about(tmp_path: Path, form: str) -> None:
    with_sign_up(tmp_path, form, most_day=12)
    message = asked(tmp_path)
    assert "How are the dates of “signup_date” in “clients.csv” written: “%d/%m/%Y” or “%m/%d/%Y”?" in message
    assert "no value above 12 decides" in message
    assert "--date-format accounts.started_on=FORMAT" in message
    answer = form if form.startswith("%d") else f"accounts.started_on={form}"
    assert format_of(proposed(tmp_path, date_formats=[answer]).tables["accounts"], "started_on") == form


def test_one_value_far_down_a_long_file_decides(tmp_path: Path) -> None:
    files = company(3)
    write(tmp_path, files)
    lines = ["client,person,timestamp,feature,event"]
    lines += [f"C{i % 3:03},u1,{1 + i % 12:02}/{1 + i % 11:02}/2023 10:00,crm,login" for i in range(60_000)]
    lines[40_001] = "C001,u1,02/28/2023 10:00,crm,login"
    (tmp_path / "activity_log.csv").write_text("\n".join(lines) + "\n")
    study = proposed(tmp_path)
    assert format_of(study.tables["usage"], "at") == "%m/%d/%Y %H:%M"


def test_both_orders_in_one_column_are_told_with_counts(tmp_path: Path) -> None:
    files = company()
    rows = changed(files["clients.csv"], 1, written_as("%d/%m/%Y"))
    rows[0][1], rows[1][1], rows[2][1] = "04/25/2023", "05/26/2023", "27/03/2023"
    for row in rows[3:]:
        row[1] = f"0{1 + int(row[0][1:]) % 9}/07/2023"
    files["clients.csv"] = rows
    write(tmp_path, files)
    message = asked(tmp_path)
    assert (
        "“signup_date” in “clients.csv” mixes formats: 1 value can only be %d/%m/%Y, 2 values only %m/%d/%Y" in message
    )
    study = proposed(tmp_path, date_formats=["accounts.started_on=%d/%m/%Y"])
    assert format_of(study.tables["accounts"], "started_on") == "%d/%m/%Y"
    assert (
        "# CHECK: 2 values of 40 in “signup_date” are not written as %d/%m/%Y" in (tmp_path / "study.toml").read_text()
    )


def test_two_formats_in_one_column_are_told_with_counts(tmp_path: Path) -> None:
    files = company()
    for row in files["clients.csv"][:18]:
        row[1] = written_as("%d %b %Y")(row[1])
    write(tmp_path, files)
    message = asked(tmp_path)
    assert "mixes formats: iso 22; %d %b %Y 18 of 40 values" in message
    for row in files["clients.csv"][:15]:
        row[1] = datetime.strptime(row[1], "%d %b %Y").date().isoformat()
    write(tmp_path, files)
    assert format_of(proposed(tmp_path).tables["accounts"], "started_on") == "iso"
    text = (tmp_path / "study.toml").read_text()
    assert "# CHECK: 3 values of 40 in “signup_date” are not written as iso (%d %b %Y 3), and cannot be read." in text


@pytest.mark.parametrize(("factor", "expected"), [(1, "unix seconds"), (1000, "unix milliseconds")])
def test_unix_times_are_recognised_by_their_size(tmp_path: Path, factor: int, expected: str) -> None:
    files = company()
    files["activity_log.csv"] = changed(
        files["activity_log.csv"],
        2,
        lambda text: str(int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * factor),
    )
    write(tmp_path, files)
    study = proposed(tmp_path)
    assert format_of(study.tables["usage"], "at") == expected
    assert (
        f"# CHECK: “timestamp” holds whole numbers that read as {expected} from 2023-"
        in (tmp_path / "study.toml").read_text()
    )


def test_a_format_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    with_sign_up(tmp_path, "%d/%m/%Y", least_day=13)
    assert "40 of 40 values of “signup_date” in “clients.csv” do not fit it" in asked(
        tmp_path, date_formats=["accounts.started_on=%m/%d/%Y"]
    )


def test_times_without_an_offset_are_assumed_to_be_in_utc(tmp_path: Path) -> None:
    write(tmp_path, company())
    propose_study(tmp_path)
    assert 'time_zone = "UTC"  # CHECK: times without an offset' in (tmp_path / "study.toml").read_text()
    (tmp_path / "study.toml").unlink()
    (tmp_path / "support_cases.csv").unlink()
    propose_study(tmp_path)
    assert 'time_zone = "UTC"  # in which days begin and end' in (tmp_path / "study.toml").read_text()


def test_a_date_column_that_holds_no_dates_is_named(tmp_path: Path) -> None:
    files = company()
    files["contracts.csv"] = changed(files["contracts.csv"], 2, lambda text: "spring " + text[:4])
    write(tmp_path, files)
    message = asked(tmp_path)
    assert "Which column of “contracts.csv” is subscriptions.started_on" in message
    assert "By its name “start_date”, but 40 values of 40 are no dates." in message


def test_dates_in_the_future_do_not_stretch_the_window(tmp_path: Path) -> None:
    files = company()
    files["contracts.csv"] = changed(files["contracts.csv"], 3, lambda text: text or "9999-12-31")
    del files["activity_log.csv"], files["support_cases.csv"]
    write(tmp_path, files)
    last = max(row[3] for row in files["contracts.csv"] if row[3] < "9999")
    assert (proposed(tmp_path).observed_to - datetime.fromisoformat(last).date()).days == 1


def test_unknown_actions_are_asked_about(tmp_path: Path) -> None:
    files = company()
    files["activity_log.csv"] = changed(
        files["activity_log.csv"], 4, lambda text: {"open report": "XJ-9", "export failed": "logout"}.get(text, text)
    )
    write(tmp_path, files)
    message = asked(tmp_path)
    assert "What do these actions of “activity_log.csv” mean: “XJ-9” (160)?" in message
    command = shlex.split(message.splitlines()[-1].removeprefix("For example: "))
    assert command[-2:] == ["--other-actions", "use"]
    assert CliRunner().invoke(cli, command[1:], standalone_mode=False).exception is None
    study = read_study(tmp_path)
    assert isinstance(study, TableStudy)
    assert study.tables["usage"].actions == {"login": ("login",), "use": ("XJ-9",)}
    (tmp_path / "study.toml").unlink()
    study = proposed(tmp_path, actions=["XJ-9=failed"])
    assert study.tables["usage"].actions == {"login": ("login",), "failed": ("XJ-9",)}
    assert study.tables["usage"].other_actions == "ignore"


def test_all_questions_come_at_once_with_a_command_that_answers_them(tmp_path: Path) -> None:
    files = company()
    files["clients.csv"] = changed(files["clients.csv"], 1, lambda text: written_as("%d/%m/%Y")(text[:8] + "07"))
    files["activity_log.csv"] = changed(files["activity_log.csv"], 4, lambda text: "XJ-9")
    files["contracts.csv"].append(["S99", *files["contracts.csv"][1][1:]])
    header = {"contracts.csv": ["serial", "client_id", "start_date", "x", "edition", "monthly_fee", "licences", "why"]}
    write(tmp_path, files, header)
    message = asked(tmp_path)
    assert message.startswith("4 things cannot be told from the files")
    command = shlex.split(message.splitlines()[-1].removeprefix("For example: "))
    assert CliRunner().invoke(cli, command[1:], standalone_mode=False).exception is None
    assert read_study(tmp_path).kind == "tables"


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        ([Shape("1700000000", 9, 0, 0, "1600000000", "1700000000")], "unix seconds"),
        ([Shape("1700000000", 9, 0, 0, "0100000000", "9900000000")], ""),
        ([Shape("20230131", 9, 0, 0, "20230131", "20240229")], "%Y%m%d"),
        ([Shape("20231399", 9, 0, 0, "20231399", "20239999")], ""),
        ([Shape("2023-01", 9, 0, 0, "2023-01", "2023-12")], "%Y-%m"),
        ([Shape("5. Jan 2023", 9, 0, 0, "", "")], ""),
        ([Shape("01/02/2023", 9, 0, 0, "", ""), Shape("1/13/2023", 1, 0, 1, "", "")], "%m/%d/%Y"),
    ],
)
def test_what_counts_as_a_date(shapes: list[Shape], expected: str) -> None:
    assert recognise(shapes, as_time=True).format == expected


def test_whole_numbers_are_dates_only_under_the_name_of_one() -> None:
    assert not recognise([Shape("1700000000", 9, 0, 0, "1600000000", "1700000000")], as_time=False).is_date


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("Payment failed", "involuntary"),
        ("credit card expired", "involuntary"),
        ("non-payment", "involuntary"),
        ("Insolvency", "bankruptcy"),
        ("closed the business", "bankruptcy"),
        ("missing payment module", "voluntary"),
        ("price", "voluntary"),
        ("acquired by another company", "voluntary"),
    ],
)
def test_causes_by_the_words_of_a_reason(reason: str, cause: str) -> None:
    assert cause_of_reason(reason) == cause


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("user_login", "login"), ("LoggedIn", "login"), ("session_start", "login"), ("login_failed", "failed"),
        ("page_view", "use"), ("Report exported", "use"), ("logout", "ignore"), ("XJ-9", ""),
    ],
)  # fmt: skip
def test_meanings_by_the_words_of_an_action(value: str, meaning: str) -> None:
    assert meaning_of_action(value) == meaning
