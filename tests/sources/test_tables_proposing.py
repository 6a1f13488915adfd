"""``whychurn new`` for a folder of several tables: which file is what, and a file that loads."""

from __future__ import annotations

import shlex
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner
from company_files import HEADERS, changed, company, write, write_rows

from whychurn.cli import cli
from whychurn.errors import StudyError
from whychurn.sources import open_sources, propose_study
from whychurn.sources.tables.propose_answers import read_options
from whychurn.study import TableStudy, read_study


def proposed(folder: Path, **options: object) -> TableStudy:
    propose_study(folder, options=read_options(**options) if options else None)
    study = read_study(folder)
    assert isinstance(study, TableStudy)
    return study


def asked(folder: Path, **options: object) -> str:
    with pytest.raises(StudyError) as caught:
        propose_study(folder, options=read_options(**options) if options else None)
    assert not (folder / "study.toml").exists()
    return str(caught.value)


def test_foreign_names_become_those_of_the_contract(tmp_path: Path) -> None:
    write(tmp_path, company())
    study = proposed(tmp_path)
    files = {name: table.file for name, table in study.tables.items()}
    assert files == {
        "accounts": ("clients.csv",),
        "subscriptions": ("contracts.csv",),
        "usage": ("activity_log.csv",),
        "tickets": ("support_cases.csv",),
    }
    assert study.tables["subscriptions"].columns == {
        "subscription_id": "contract_id",
        "account_id": "client_id",
        "started_on": "start_date",
        "ended_on": "end_date",
        "plan": "edition",
        "mrr": "monthly_fee",
        "seats": "licences",
        "end_reason": "churn_reason",
    }
    assert study.tables["usage"].columns == {
        "account_id": "client",
        "at": "timestamp",
        "user_id": "person",
        "module": "feature",
        "action": "event",
    }
    assert study.tables["usage"].actions == {
        "login": ("login",),
        "use": ("open report",),
        "failed": ("export failed",),
    }
    assert (study.lag_days, study.interval_days, study.horizon) == (14, 7, 90)
    assert study.definition.allowed_gap_days == 30


def test_what_is_proposed_opens(tmp_path: Path) -> None:
    write(tmp_path, company())
    with open_sources(proposed(tmp_path)) as sources:
        assert sources.tables == {"accounts": 40, "subscriptions": 40, "usage": 480, "tickets": 40}
        codes = {finding.code for finding in sources.integrity}
        assert not codes & {"unknown-cause", "reasons-not-mapped", "reasons-never-seen", "unnamed-actions"}
        assert not len(sources.rejects)
        kinds = dict(sources.connection.execute("SELECT action, count(*) FROM usage GROUP BY 1").fetchall())
    assert kinds == {"login": 160, "use": 160, "failed": 160}


def test_the_text_is_short_of_breath_and_the_same_each_time(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        write(tmp_path / name / "study", company())
        texts.append(propose_study(tmp_path / name / "study").read_text())
    assert texts[0] == texts[1]
    long = [line for line in texts[0].splitlines() if len(line) > 120 and line.startswith("#")]
    assert not long


def test_the_window_and_the_first_records_are_explained(tmp_path: Path) -> None:
    files = company()
    write(tmp_path, files)
    study = proposed(tmp_path)
    moments = [row[2][:10] for row in files["activity_log.csv"]]
    assert study.observed_from == date.fromisoformat(min(moments))
    latest = max([*moments, *(row[3][:10] for row in files["support_cases.csv"])])
    assert (study.observed_to - date.fromisoformat(latest)).days == 1
    text = (tmp_path / "study.toml").read_text()
    assert "# the day after the last record in" in text
    assert f"# tracked_from = {min(moments)}  # the first record" in text


def test_reasons_are_listed_with_counts_and_sorted_by_their_words(tmp_path: Path) -> None:
    write(tmp_path, company())
    study = proposed(tmp_path)
    assert {reason.values: (reason.cause, reason.controllable) for reason in study.reasons} == {
        ("Too expensive",): ("voluntary", None),
        ("Card declined",): ("involuntary", None),
        ("Went out of business",): ("bankruptcy", None),
    }
    text = (tmp_path / "study.toml").read_text()
    assert 'values = ["Too expensive"]  # 5 subscriptions' in text
    assert text.count("# controllable = true  # CHECK: true or false") == 3


def test_with_scores_and_modules_the_study_is_asked_what_it_expects(tmp_path: Path) -> None:
    files, headers = company(), dict(HEADERS)
    write(tmp_path / "without", files)
    assert "[recommending]" not in propose_study(tmp_path / "without").read_text()
    files["nps_survey.csv"] = [
        [f"R{i}", f"C{i:03}", f"2024-0{1 + i % 9}-02 09:00", f"2024-0{1 + i % 9}-03 10:00", str(i % 11)]
        for i in range(40)
    ]
    headers["nps_survey.csv"] = ["response_id", "client_id", "invited_at", "answered_at", "nps"]
    write(tmp_path / "with", files, headers)
    place = propose_study(tmp_path / "with")
    text = place.read_text()
    assert read_study(place).recommending.driver == ""
    place.write_text(text.replace("# [recommending]\n# driver", "[recommending]\ndriver"))
    assert read_study(place).recommending.driver in ("crm", "tax")


def test_many_reasons_stand_together(tmp_path: Path) -> None:
    files = company(150)
    reasons = (f'said "{i}" of it' for i in range(1000))
    files["contracts.csv"] = changed(files["contracts.csv"], 7, lambda text: next(reasons) if text else "")
    write(tmp_path, files)
    study = proposed(tmp_path)
    assert [(len(reason.values), reason.cause) for reason in study.reasons] == [(50, "voluntary")]


def test_causes_are_attributes_and_measures_of_the_tables_there_are(tmp_path: Path) -> None:
    files = company()
    for i, row in enumerate(files["clients.csv"]):
        row += ["same", f"Firm {i}", "active", ["a", "b"][i % 2]]
    header = [*HEADERS["clients.csv"], "currency", "name", "account_status", "Sales Team"]
    write(tmp_path, files, {**HEADERS, "clients.csv": header})
    study = proposed(tmp_path)
    causes = {cause.column: cause for cause in study.causes}
    assert list(causes) == [
        "industry", "employees", "Sales Team", "plan", "mrr", "seats", "login_recency", "uses_28", "use_trend",
        "seat_adoption_28", "modules_used_28", "failed_share_28", "tickets_84", "open_tickets", "last_csat",
    ]  # fmt: skip
    assert (causes["industry"].reference, causes["industry"].tier) == ("Legal", 1)
    assert (causes["plan"].tier, causes["login_recency"].tier) == (2, 3)
    text = (tmp_path / "study.toml").read_text()
    assert "“currency”: it has the same value" in text
    assert "“name”: it is different for nearly every customer" in text
    assert "“account_status”: by its name it may be known only after leaving" in text


def test_files_that_fit_nothing_are_listed(tmp_path: Path) -> None:
    write(tmp_path, company())
    write_rows(tmp_path / "weather.csv", ["station", "temperature"], [["a", "1"], ["b", "2"]])
    (tmp_path / "broken.csv").write_bytes(b"PAR1" + bytes(range(200)))
    result = CliRunner().invoke(cli, ["new", str(tmp_path)], standalone_mode=False)
    assert result.exception is None
    text = (tmp_path / "study.toml").read_text()
    assert "# - “weather.csv”: 2 rows; no table of the contract" in text
    assert "# - “broken.csv”: could not be read: it is a Parquet file" in text
    assert "- “weather.csv”: 2 rows; no table of the contract" in result.output
    assert "- “broken.csv”: could not be read: it is a Parquet file" in result.output
    assert "accounts       clients.csv (40 rows)" in result.output
    assert "whychurn check" in result.output


def test_an_existing_study_is_never_touched(tmp_path: Path) -> None:
    write(tmp_path, company())
    (tmp_path / "study.toml").write_text("mine")
    with pytest.raises(StudyError, match="left alone"):
        propose_study(tmp_path)
    assert (tmp_path / "study.toml").read_text() == "mine"


def test_two_files_that_claim_to_be_the_accounts_are_asked_about(tmp_path: Path) -> None:
    files = company()
    write(tmp_path, files)
    write_rows(tmp_path / "customers.csv", HEADERS["clients.csv"], files["clients.csv"])
    message = asked(tmp_path)
    assert "Which file is the table accounts, one row per customer: “clients.csv”, “customers.csv”?" in message
    command = shlex.split(message.splitlines()[-1].removeprefix("For example: "))
    assert command == ["whychurn", "new", str(tmp_path), "--table", "accounts=clients.csv"]
    study = proposed(tmp_path, tables=["accounts=customers.csv"])
    assert study.tables["accounts"].file == ("customers.csv",)
    assert "“clients.csv”" in (tmp_path / "study.toml").read_text().split("# Files not used")[1]


def test_without_subscriptions_they_are_asked_for(tmp_path: Path) -> None:
    files = company()
    del files["contracts.csv"]
    write(tmp_path, files)
    message = asked(tmp_path)
    assert "Which file is the table subscriptions" in message
    assert "the subscription (subscription_id)" in message


def test_a_missing_key_is_asked_for_and_candidates_are_named(tmp_path: Path) -> None:
    files = company()
    files["contracts.csv"].append(["S99", *files["contracts.csv"][1][1:]])
    header = ["serial", *HEADERS["contracts.csv"][1:]]
    write(tmp_path, files, {**HEADERS, "contracts.csv": header})
    message = asked(tmp_path)
    assert "Which column of “contracts.csv” is subscriptions.subscription_id (the subscription)?" in message
    assert "Candidates: “serial”" in message
    study = proposed(tmp_path, columns=["subscriptions.subscription_id=serial"])
    assert study.tables["subscriptions"].columns["subscription_id"] == "serial"


def test_the_customer_is_found_by_whom_the_values_name(tmp_path: Path) -> None:
    files = company()
    header = ["who", *HEADERS["activity_log.csv"][1:]]
    write(tmp_path, files, {**HEADERS, "activity_log.csv": header})
    assert proposed(tmp_path).tables["usage"].columns["account_id"] == "who"


def test_a_file_called_events_is_judged_by_its_rows(tmp_path: Path) -> None:
    files = company()
    log = files.pop("activity_log.csv")
    write(tmp_path, files)
    write_rows(tmp_path / "events.csv", HEADERS["activity_log.csv"], log)
    news = [[f"C{i:03}" if i % 2 else "", f"2023-09-{10 + i}", "price change"] for i in range(12)]
    write_rows(tmp_path / "news.csv", ["client_id", "date", "type"], news)
    study = proposed(tmp_path)
    assert study.tables["usage"].file == ("events.csv",)
    assert study.tables["events"].file == ("news.csv",)


def test_ends_after_the_last_record_are_pointed_out(tmp_path: Path) -> None:
    files = company()
    files["contracts.csv"][0][3] = "2025-06-01"
    write(tmp_path, files)
    assert proposed(tmp_path).observed_to < date(2025, 6, 1)
    assert "# CHECK: subscriptions end up to 2025-06-01" in (tmp_path / "study.toml").read_text()


def test_broken_keys_and_references_are_pointed_out(tmp_path: Path) -> None:
    files = company()
    files["contracts.csv"].append(["S3", "C003", "2023-05-01", "", "Pro", "9", "1", ""])
    files["support_cases.csv"][0][1] = "nobody"
    write(tmp_path, files)
    proposed(tmp_path)
    text = (tmp_path / "study.toml").read_text()
    assert "# CHECK: 1 value of the key “contract_id” stands in several rows that differ." in text
    assert "# CHECK: 1 of 40 rows name a customer that accounts does not have." in text


def test_a_database_is_looked_into(tmp_path: Path) -> None:
    tmp_path.joinpath("shop.duckdb").unlink(missing_ok=True)
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        for name, rows in company().items():
            frame = pd.DataFrame(rows, columns=HEADERS[name]).replace("", None)
            for column in ("signup_date", "start_date", "end_date", "timestamp", "created_at", "resolved_at"):
                if column in frame:
                    frame[column] = pd.to_datetime(frame[column])
            connection.register("frame", frame)
            connection.execute(f'CREATE TABLE "{name.removesuffix(".csv")}" AS SELECT * FROM frame')
    study = proposed(tmp_path)
    assert study.database is not None
    assert study.database.file == "shop.duckdb"
    assert {name: table.table for name, table in study.tables.items()} == {
        "accounts": "clients",
        "subscriptions": "contracts",
        "usage": "activity_log",
        "tickets": "support_cases",
    }
    with open_sources(study) as sources:
        assert sources.tables["usage"] == 480


def test_files_of_one_kind_in_a_folder_are_one_table(tmp_path: Path) -> None:
    files = company()
    log = files.pop("activity_log.csv")
    write(tmp_path, files)
    (tmp_path / "usage").mkdir()
    for part in range(3):
        write_rows(tmp_path / "usage" / f"part-{part}.csv", HEADERS["activity_log.csv"], log[part::3])
    study = proposed(tmp_path)
    assert study.tables["usage"].file == ("usage/*.csv",)
    assert 'file = "usage/*.csv"  # 480 rows' in (tmp_path / "study.toml").read_text()
    with open_sources(study) as sources:
        assert sources.tables["usage"] == 480


def test_sheets_of_a_workbook_are_tables(tmp_path: Path) -> None:
    with pd.ExcelWriter(tmp_path / "crm.xlsx") as book:
        for name, rows in company().items():
            pd.DataFrame(rows, columns=HEADERS[name]).to_excel(book, sheet_name=name.removesuffix(".csv"), index=False)
    propose_study(tmp_path, kind="tables")
    study = read_study(tmp_path)
    assert isinstance(study, TableStudy)
    assert study.tables["accounts"].file == ("crm.xlsx",)
    assert study.tables["accounts"].sheet == "clients"
    with open_sources(study) as sources:
        assert sources.tables["subscriptions"] == 40


def test_other_ways_of_writing_a_file_are_seen(tmp_path: Path) -> None:
    files = company()
    files["clients.csv"] = changed(files["clients.csv"], 2, lambda text: "Käse" if text == "Legal" else text)
    files["clients.csv"][1][2] = "NULL"
    write(tmp_path, files)
    rows = [HEADERS["clients.csv"], *files["clients.csv"]]
    rows = [[*row[:3], f"{row[3]},5" if i else row[3], row[4]] for i, row in enumerate(rows)]
    (tmp_path / "clients.csv").write_bytes("\r\n".join(";".join(row) for row in rows).encode("cp1252"))
    study = proposed(tmp_path)
    table = study.tables["accounts"]
    assert (table.encoding, table.delimiter, table.decimal) == ("cp1252", ";", ",")
    assert table.null_values == ("", "NA", "NULL")
    with open_sources(study) as sources:
        levels = sources.connection.execute("SELECT DISTINCT industry FROM accounts ORDER BY 1").fetchall()
    assert {level for (level,) in levels} == {"Käse", "Dental", "Retail", None}


def test_kind_forces_one_or_the_other(tmp_path: Path) -> None:
    write(tmp_path, company())
    with pytest.raises(StudyError, match="holds 4 data files"):
        propose_study(tmp_path, kind="flat")
    with pytest.raises(StudyError, match="neither flat nor tables"):
        propose_study(tmp_path, kind="wide")
    with pytest.raises(StudyError, match="are about one row per customer"):
        propose_study(tmp_path, kind="tables", tenure="x")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tables": ["account=clients.csv"]}, "Did you mean “accounts”"),
        ({"tables": ["accounts"]}, "not of the form NAME=FILE"),
        ({"columns": ["accounts.industrie=sector"]}, "Did you mean “industry”"),
        ({"date_formats": ["accounts.started_on=dmy"]}, "“dmy” is no format"),
        ({"actions": ["login=enter"]}, "is none of login, use, failed and ignore"),
        ({"other_actions": "all"}, "neither use nor ignore"),
    ],
)
def test_answers_that_cannot_be_read(options: dict[str, list[str]], expected: str) -> None:
    with pytest.raises(StudyError) as caught:
        read_options(**options)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tables": ["accounts=clint.csv"]}, "no file or table “clint.csv”"),
        ({"columns": ["accounts.industry=sectr"]}, "has no column “sectr”. Did you mean “sector”"),
        ({"columns": ["surveys.score=x"]}, "no file is the table surveys"),
        ({"actions": ["dance=use"]}, "“dance” does not occur"),
    ],
)
def test_answers_that_do_not_fit_the_files(tmp_path: Path, options: dict[str, list[str]], expected: str) -> None:
    write(tmp_path, company(4))
    assert expected in asked(tmp_path, **options)
