"""``whychurn new`` on folders as people have them: what it does not understand, it says, with the way out."""

from __future__ import annotations

import shlex
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from click.testing import CliRunner
from company_files import HEADERS, changed, company, write, write_rows

from whychurn.cli import cli
from whychurn.errors import StudyError
from whychurn.sources import open_sources, propose_study
from whychurn.sources.propose import write_proposal
from whychurn.sources.tables.propose_answers import read_options
from whychurn.study import TableStudy, read_study


def proposed(folder: Path, kind: str = "", **options: object) -> TableStudy:
    propose_study(folder, kind=kind, options=read_options(**options) if options else None)
    study = read_study(folder)
    assert isinstance(study, TableStudy)
    return study


def asked(folder: Path, **options: object) -> str:
    with pytest.raises(StudyError) as caught:
        propose_study(folder, options=read_options(**options) if options else None)
    assert not (folder / "study.toml").exists()
    return str(caught.value)


def said(folder: Path) -> str:
    return "\n".join(write_proposal(folder).summary)


def renamed(name: str, *pairs: tuple[str, str]) -> dict[str, list[str]]:
    names = dict(pairs)
    return {**HEADERS, name: [names.get(column, column) for column in HEADERS[name]]}


def paste(message: str) -> None:
    """Run the command that a message ends with."""
    command = shlex.split(message.splitlines()[-1].removeprefix("For example: "))
    result = CliRunner().invoke(cli, command[1:], standalone_mode=False)
    assert result.exception is None, result.exception


@pytest.mark.parametrize("content", ["", "a,b\n"])
def test_an_empty_file_takes_no_other_file_with_it(tmp_path: Path, content: str) -> None:
    write(tmp_path, company())
    (tmp_path / "aaa.csv").write_text(content)
    (tmp_path / "b.csv").write_text("x,y\n")
    summary = said(tmp_path)
    assert "already exists" not in summary
    assert "- “aaa.csv”: could not be read: " in summary
    assert "- “b.csv”: could not be read: it has columns but no rows" in summary
    assert len(read_study(tmp_path).tables) == 4


def test_an_empty_sheet_takes_no_other_sheet_with_it(tmp_path: Path) -> None:
    with pd.ExcelWriter(tmp_path / "crm.xlsx") as book:
        pd.DataFrame().to_excel(book, sheet_name="empty", index=False)
        for name, rows in company().items():
            pd.DataFrame(rows, columns=HEADERS[name]).to_excel(book, sheet_name=name.removesuffix(".csv"), index=False)
    study = proposed(tmp_path)
    assert {name: table.sheet for name, table in study.tables.items()} == {
        "accounts": "clients",
        "subscriptions": "contracts",
        "usage": "activity_log",
        "tickets": "support_cases",
    }
    assert "“crm.xlsx: empty”: could not be read" in (tmp_path / "study.toml").read_text()


def test_a_workbook_of_one_table_names_its_sheets(tmp_path: Path) -> None:
    with pd.ExcelWriter(tmp_path / "crm.xlsx") as book:
        rows = [[f"C{i}", 3 + i, ("yes", "no")[i % 2]] for i in range(30)]
        pd.DataFrame(rows, columns=["customer", "tenure_months", "churned"]).to_excel(
            book, sheet_name="2024", index=False
        )
        pd.DataFrame([["churned", "left"]], columns=["x", "y"]).to_excel(book, sheet_name="notes", index=False)
    summary = said(tmp_path)
    assert "2 sheets (“2024”, “notes”); only the first, “2024”, is read" in summary
    assert "--kind tables" in summary
    assert read_study(tmp_path).kind == "flat"


def test_actions_are_known_by_their_values(tmp_path: Path) -> None:
    header = ["client", "wer", "zeitpunkt", "modul", "sonstiges"]
    files = company()
    files["activity_log.csv"] = changed(
        files["activity_log.csv"],
        4,
        lambda text: {"open report": "open", "export failed": "error"}.get(text, "sign_in"),
    )
    write(tmp_path, files, {**HEADERS, "activity_log.csv": header})
    study = proposed(tmp_path)
    assert study.tables["usage"].columns["action"] == "sonstiges"
    assert study.tables["usage"].columns["module"] == "modul"
    assert study.tables["usage"].actions == {"login": ("sign_in",), "use": ("open",), "failed": ("error",)}


def test_german_columns_are_known(tmp_path: Path) -> None:
    headers = {
        "clients.csv": ["Kundennummer", "Kunde seit", "Branche", "Mitarbeiter", "Land"],
        "contracts.csv": ["Vertragsnr", "Kundennummer", "Beginn", "Ende", "Tarif", "Betrag monatlich", "Lizenzen",
                          "Kündigungsgrund"],
        "activity_log.csv": ["Kunde", "Benutzer", "Zeitpunkt", "Modul", "Aktion"],
    }  # fmt: skip
    write(tmp_path, company(), {**HEADERS, **headers})
    study = proposed(tmp_path)
    assert study.tables["accounts"].columns == {
        "account_id": "Kundennummer", "started_on": "Kunde seit", "industry": "Branche", "employees": "Mitarbeiter",
        "region": "Land",
    }  # fmt: skip
    assert study.tables["subscriptions"].columns == {
        "subscription_id": "Vertragsnr", "account_id": "Kundennummer", "started_on": "Beginn", "ended_on": "Ende",
        "plan": "Tarif", "mrr": "Betrag monatlich", "seats": "Lizenzen", "end_reason": "Kündigungsgrund",
    }  # fmt: skip
    assert study.tables["usage"].columns == {
        "account_id": "Kunde", "at": "Zeitpunkt", "user_id": "Benutzer", "module": "Modul", "action": "Aktion",
    }  # fmt: skip


def test_a_log_without_actions_says_that_nothing_was_read(tmp_path: Path) -> None:
    files = company()
    files["activity_log.csv"] = changed(files["activity_log.csv"], 4, lambda text: {"login": "A1"}.get(text, "B2"))
    write(tmp_path, files, renamed("activity_log.csv", ("event", "xyz")))
    summary = said(tmp_path)
    assert "told by their words" not in summary
    assert "every row (480) counts as a use of the product" in summary
    assert "(not used: “xyz”), name it with --column usage.action=COLUMN" in summary
    assert "columns not used: “xyz”" in summary


def test_a_column_that_only_looks_like_one_is_named_with_its_values(tmp_path: Path) -> None:
    files = company()
    files["contracts.csv"] = changed(files["contracts.csv"], 5, lambda text: f"${text}")
    write(tmp_path, files, renamed("contracts.csv", ("monthly_fee", "MRR"), ("churn_reason", "warum")))
    summary = said(tmp_path)
    text = " ".join((tmp_path / "study.toml").read_text().replace("\n#", "").split())
    for where in (summary, text):
        assert (
            "mrr is not recognised: the column “MRR” looks like it, but 40 of its 40 values are no numbers (“$50.5”"
            in where
        )
    absent = text.split("Not in the file:", 2)[-1]
    assert "mrr (" not in absent.split("Not used")[0]
    assert "columns not used: “MRR”, “warum”" in summary
    assert "name it with --column subscriptions.end_reason=COLUMN" in text


def test_tables_of_all_schemas_are_looked_at(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as connection:
        connection.execute("CREATE SCHEMA crm")
        for name, rows in company().items():
            frame = pd.DataFrame(rows, columns=HEADERS[name]).replace("", None)
            connection.register("frame", frame)
            schema = "crm" if name in ("clients.csv", "contracts.csv") else "main"
            connection.execute(f'CREATE TABLE {schema}."{name.removesuffix(".csv")}" AS SELECT * FROM frame')
    study = proposed(tmp_path)
    places = {name: table.table for name, table in study.tables.items()}
    assert places == {
        "accounts": "crm.clients", "subscriptions": "crm.contracts", "usage": "activity_log", "tickets": "support_cases",
    }  # fmt: skip
    with open_sources(study) as sources:
        assert sources.tables["subscriptions"] == 40
    (tmp_path / "study.toml").unlink()
    study = proposed(tmp_path, tables=["accounts=crm.clients", "usage=main.activity_log"])
    assert study.tables["accounts"].table == "crm.clients"


def test_a_column_is_proposed_once_and_the_command_works(tmp_path: Path) -> None:
    files = company()
    files["contracts.csv"] = [[*row[:3], row[3] or "2030-01-01", *row[4:]] for row in files["contracts.csv"]]
    write(tmp_path, files, renamed("contracts.csv", ("start_date", "x"), ("end_date", "y")))
    message = asked(tmp_path)
    assert message.splitlines()[-1].endswith("--column subscriptions.started_on=x --column subscriptions.ended_on=y")
    paste(message)
    assert (tmp_path / "study.toml").exists()


def test_what_has_no_candidate_is_named_as_missing(tmp_path: Path) -> None:
    files = company()
    files["contracts.csv"] = [[*row[:3], row[4]] for row in files["contracts.csv"]]
    files["activity_log.csv"] = changed(files["activity_log.csv"], 4, lambda text: "XJ-9")
    write(tmp_path, files, {**HEADERS, "contracts.csv": ["contract_id", "client_id", "x", "edition"]})
    message = asked(tmp_path, columns=["subscriptions.started_on=x"])
    assert "Missing, with nothing in the files to propose: subscriptions.ended_on." in message
    assert "subscriptions.ended_on=x" not in message


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"columns": ["subscriptions.started_on=end_date", "subscriptions.ended_on=end_date"]},
            "--column: “end_date” is said to be subscriptions.started_on and subscriptions.ended_on",
        ),
        ({"date_formats": ["accounts.industry=iso"]}, "--date-format: accounts has no column of dates “industry”"),
        ({"date_formats": ["surveys.score=iso"]}, "--date-format: no file is the table surveys"),
        ({"columns": ["usage.action="], "actions": ["login=use"]}, "--action: no column of “activity_log.csv”"),
        ({"tables": ["surveys="], "actions": ["login=use", "dance=use"]}, "--action: “dance” does not occur"),
    ],
)
def test_a_mistake_in_an_option_is_told_as_one(tmp_path: Path, options: dict[str, list[str]], expected: str) -> None:
    write(tmp_path, company(4))
    message = asked(tmp_path, **options)
    assert expected in message
    assert ".study.toml" not in message


def test_an_option_given_twice_is_refused() -> None:
    with pytest.raises(StudyError, match=r"--column: “accounts\.industry” is given 2 times"):
        read_options(columns=["accounts.industry=a", "accounts.industry=b"])


def test_commands_can_be_pasted_whatever_the_folder_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "Müller & Söhne's data"
    write(folder, company())
    result = CliRunner().invoke(cli, ["new", str(folder)], standalone_mode=False)
    command = shlex.split(result.output.rsplit("then run: ", 1)[1])
    assert command == ["whychurn", "check", str(folder)]
    missing = CliRunner().invoke(cli, ["check", str(tmp_path / "not there")], standalone_mode=False)
    assert shlex.split(str(missing.exception).split(" with: ")[1])[-1] == str(tmp_path / "not there")


def test_the_window_ends_with_the_first_log_that_stops(tmp_path: Path) -> None:
    files = company()
    usage = max(row[2][:10] for row in files["activity_log.csv"])
    later = (date.fromisoformat(usage) + timedelta(days=3)).isoformat()
    files["support_cases.csv"][0][2:4] = [f"{later} 10:00", f"{later} 12:00"]
    write(tmp_path, files)
    summary = said(tmp_path)
    study = read_study(tmp_path)
    assert isinstance(study, TableStudy)
    assert study.observed_to == date.fromisoformat(usage) + timedelta(days=1)
    sentence = f"usage is recorded up to {usage}, tickets to {later}: the window ends where the first of them does"
    assert sentence in summary
    assert sentence in (tmp_path / "study.toml").read_text().replace("\n# ", " ")


def test_a_log_that_stopped_long_ago_does_not_end_the_window(tmp_path: Path) -> None:
    files = company()
    write(tmp_path, files)
    study = proposed(tmp_path)
    usage = max(row[2][:10] for row in files["activity_log.csv"])
    assert max(row[3][:10] for row in files["support_cases.csv"]) < "2024-01-01"
    assert study.observed_to == date.fromisoformat(usage) + timedelta(days=1)
    assert "the window ends where the first" not in (tmp_path / "study.toml").read_text()


def test_the_customers_id_serves_as_that_of_the_only_subscription(tmp_path: Path) -> None:
    files = company()
    files["contracts.csv"] = [row[1:] for row in files["contracts.csv"]]
    write(tmp_path, files, {**HEADERS, "contracts.csv": HEADERS["contracts.csv"][1:]})
    study = proposed(tmp_path)
    columns = study.tables["subscriptions"].columns
    assert columns["subscription_id"] == columns["account_id"] == "client_id"
    assert "# CHECK: no column numbers the subscriptions" in (tmp_path / "study.toml").read_text()
    with open_sources(study) as sources:
        assert sources.tables["subscriptions"] == 40


@pytest.mark.parametrize("name", ["customers.csv", "subscriptions.csv"])
def test_one_file_can_be_accounts_and_subscriptions(tmp_path: Path, name: str) -> None:
    files = company()
    header = ["id", "industry", "start_date", "end_date", "plan", "mrr", "seats", "reason"]
    rows = [
        [own[0], own[2], *bought[2:]] for own, bought in zip(files["clients.csv"], files["contracts.csv"], strict=True)
    ]
    write_rows(tmp_path / name, header, rows)
    write_rows(tmp_path / "usage.csv", HEADERS["activity_log.csv"], files["activity_log.csv"])
    study = proposed(tmp_path)
    assert study.tables["accounts"].file == study.tables["subscriptions"].file == (name,)
    columns = study.tables["subscriptions"].columns
    assert (columns["account_id"], columns["subscription_id"]) == ("id", "id")
    assert {cause.column for cause in study.causes} >= {"industry", "plan", "mrr"}
    assert "reason" not in {cause.column for cause in study.causes}
    with open_sources(study) as sources:
        assert sources.tables == {"accounts": 40, "subscriptions": 40, "usage": 480}


@pytest.mark.parametrize(("many", "ends"), [(True, "tickets"), (False, "usage")])
def test_only_a_log_of_every_day_can_be_said_to_have_stopped(tmp_path: Path, many: bool, ends: str) -> None:
    files = company()
    last = date.fromisoformat(max(row[2][:10] for row in files["activity_log.csv"]))
    days = [last - timedelta(days=4 + (i if many else 40 * i)) for i in range(300 if many else 8)]
    files["support_cases.csv"] = [
        [str(i), f"C{i % 40:03}", f"{day} 10:00", f"{day} 12:00", "bug", "low", "3"] for i, day in enumerate(days)
    ]
    write(tmp_path, files)
    assert proposed(tmp_path).observed_to == last - timedelta(days=3 if many else -1)
    assert f"the day after the last record in {ends}" in (tmp_path / "study.toml").read_text()
