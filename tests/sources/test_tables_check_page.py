"""``whychurn check`` of a study of tables, end to end: the page and the JSON."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from checked_company import company, opened, write_study
from rich.console import Console

from whychurn.sources import CheckResult, Fingerprint, IntegrityFinding, check_study, print_check
from whychurn.sources.canon import TABLES
from whychurn.sources.check import describe_tables
from whychurn.sources.contract import ColumnProfile, LedgerStep, Verdict

pytestmark = pytest.mark.xdist_group("tables_check_page")


def page(result: CheckResult, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False, record=True)
    print_check(result, console)
    return console.export_text()


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> CheckResult:
    """A company with a gap in usage, four tickets of nobody, and a column without values."""
    folder = tmp_path_factory.mktemp("checked")
    write_study(folder)
    frames = company()
    usage, tickets = frames["usage"], frames["tickets"]
    frames["usage"] = usage[(usage["at"] < "2024-03-05") | (usage["at"] >= "2024-03-13")]
    tickets.loc[:3, "account_id"] = "nobody"
    tickets["csat_at"] = None
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return check_study(folder)


def test_the_page_says_who_when_and_how_good(checked: CheckResult) -> None:
    head = "\n".join(page(checked).splitlines()[:6])
    assert checked.exit_code == 0
    assert "260 accounts with 266 subscriptions, 120 had left by the end" in head
    assert "2024-01-01 to 2024-12-31 in steps of 7 days, measures 14 days before each" in head
    assert "Data: usable with caveats" in head


def test_the_page_says_what_was_read_and_from_when_on(checked: CheckResult) -> None:
    lines = [" ".join(line.split()) for line in page(checked).splitlines()]
    n_usage = next(read.rows for read in checked.tables if read.name == "usage")
    assert f"usage {n_usage:,} 2023-10-02 to 2024-12-31 2023-10-02" in lines
    assert any(line.startswith("tickets 196 2024-01-") and line.endswith("(found)") for line in lines)
    assert any(line.startswith("accounts 260 ") and line.endswith("throughout") for line in lines)
    for mark in checked.fingerprints:
        assert any(line.startswith(mark.file) and f"{mark.sha256[:12]}…" in line for line in lines)


def test_the_page_says_which_rows_are_not_used(checked: CheckResult) -> None:
    text = " ".join(page(checked).split())
    assert "tickets: 196 of 200 rows used; the others are listed in .whychurn/rejects-tickets.csv" in text
    assert "All rows are used of accounts, subscriptions, usage, surveys, payments." in text


def test_the_page_says_what_was_found_and_what_is_not_there(checked: CheckResult) -> None:
    text = " ".join(page(checked).split())
    assert "not_tracked = [[2024-03-05, 2024-03-13]]" in text
    found, unlocks = text.split("What further tables would unlock")
    for name in ("interventions", "interactions", "events", "costs"):
        assert TABLES[name].unlocks in " ".join(unlocks.split())
        assert TABLES[name].unlocks not in found
    assert "Next: whychurn report" in unlocks


def test_columns_stand_under_their_table(checked: CheckResult) -> None:
    columns = page(checked).split("Columns ─")[1]
    places = [columns.index(f"\n {name} ") for name in ("accounts", "subscriptions", "usage", "tickets", "payments")]
    assert places == sorted(places)
    assert next(line for line in columns.splitlines() if line.startswith(" csat_at")).split() == ["csat_at", "all"]


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_line_is_too_long_and_no_date_is_broken(width: int, checked: CheckResult) -> None:
    lines = page(checked, width).splitlines()
    assert max(map(len, lines)) <= min(width, 100)
    text = "\n".join(lines)
    for read in checked.tables:
        assert read.name in text
        assert read.first in text
        assert read.last in text


def test_json_is_complete_and_has_no_nan(checked: CheckResult) -> None:
    content = json.loads(checked.as_json(), parse_constant=pytest.fail)
    assert content["kind"] == "tables"
    assert content["window"] == ["2024-01-01", "2024-12-31"]
    assert (content["n_customers"], content["n_subscriptions"], content["n_left"]) == (260, 266, 120)
    tickets = next(table for table in content["tables"] if table["name"] == "tickets")
    assert tickets["files"] == ["tickets.csv"]
    assert tickets["rejects_file"] == ".whychurn/rejects-tickets.csv"
    assert tickets["tracked_from_declared"] is False
    assert {code for code, _ in content["unlocks"]} == {"interventions", "interactions", "events", "costs"}
    assert content["exit_code"] == 0
    assert {finding["code"] for finding in content["integrity"]} >= {"tracking-gap", "rows-set-aside", "table-missing"}


def test_a_refusal_shows_how_to_go_on(checked: CheckResult) -> None:
    refusal = IntegrityFinding("few-leavers", "refuse", "subscriptions", "Only 3 accounts left.")
    result = replace(checked, integrity=(refusal,), verdict=Verdict("refuse", (refusal.problem,)))
    text = page(result)
    assert result.exit_code == 1
    assert "1 reason to refuse" in text
    assert "--accept-risk" in text


def test_frames_without_dates_rows_or_files_make_a_page_too(tmp_path: Path) -> None:
    study = write_study(tmp_path)
    frames = company()
    frames["accounts"] = frames["accounts"].drop(columns="started_on")
    frames["tickets"] = frames["tickets"].head(0)
    del frames["usage"], frames["surveys"], frames["payments"]
    with opened(frames, study) as sources:
        text = page(describe_tables(str(tmp_path), study, sources))
    assert "no dates" in text
    assert "empty" in text
    nobody = {name: frame.head(0) for name, frame in frames.items()}
    with opened(nobody, study) as sources:
        assert "0 accounts with 0 subscriptions, 0 had left by the end of the window" in page(
            describe_tables(str(tmp_path), study, sources)
        )


def test_many_files_and_hostile_names_stay_readable(checked: CheckResult) -> None:
    marks = tuple(Fingerprint(f"usage/[red]{day}\x1b[31m.csv", "0" * 64, 10, 100) for day in range(400))
    step = LedgerStep("other actions", "usage", "[bold]kept[/bold]", 10, 10, 3)
    column = ColumnProfile("[red]x[/red]", "accounts", "category", 0, 1, (("\x1b[0m", 2),))
    text = page(replace(checked, fingerprints=marks, ledger=(step,), columns=(column,)), 100)
    assert "and 388 further files; --json lists all" in text
    assert "[red]x[/red]" in text
    assert "other actions (kept): [bold]kept[/bold]" in text
    assert "\x1b" not in text


def test_problems_are_a_page_and_no_exception(tmp_path: Path) -> None:
    write_study(tmp_path)
    result = check_study(tmp_path)
    assert result.exit_code == 1
    assert "accounts.csv" in page(result)
    frames = company()
    frames["accounts"] = frames["accounts"].rename(columns={"account_id": "acount_id"})
    for name, frame in frames.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    assert "acount_id" in page(check_study(tmp_path))


def test_ends_of_subscriptions_belong_to_their_period(tmp_path: Path) -> None:
    study, frames = write_study(tmp_path), company()
    frames["subscriptions"]["ended_on"] = frames["subscriptions"]["ended_on"].dt.strftime("%Y-%m-%d").astype(object)
    frames["subscriptions"].loc[250, "ended_on"] = "9999-12-31"
    with opened(frames, study) as sources:
        read = next(read for read in describe_tables("", study, sources).tables if read.name == "subscriptions")
    ends = pd.to_datetime(frames["subscriptions"]["ended_on"].drop(250))
    assert read.last == f"{ends.max():%Y-%m-%d}"
