"""One fault at a time in a company without faults: it is told, with the right severity, and nothing else is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from checked_company import BEGIN, END, Frames, company, found, opened, write_study

from whychurn.panel.measures import registry
from whychurn.sources.canon import TABLES
from whychurn.sources.tables.checks import count_population
from whychurn.sources.tables.checks.declaration_checks import FAMILIES, MEASURES
from whychurn.study import read_study

pytestmark = pytest.mark.xdist_group("tables_checks")
#: What is true of the company without faults.
ALWAYS = {
    "late-entries", "tracked-from-found", "attributes-as-last-recorded", "table-missing", "column-missing",
    "recent-ends-provisional",
}  # fmt: skip


@pytest.fixture(scope="module")
def clean() -> Frames:
    return company()


@pytest.fixture
def frames(clean: Frames) -> Frames:
    """Without usage, which is slow and concerns few checks."""
    return {name: frame.copy() for name, frame in clean.items() if name != "usage"}


def test_a_company_without_faults_has_notes_only(clean: Frames, tmp_path: Path) -> None:
    told = found(clean, write_study(tmp_path))
    assert set(told) == ALWAYS
    assert {finding.severity for findings in told.values() for finding in findings} == {"note"}
    missing = {finding.table: finding.consequence for finding in told["table-missing"]}
    assert set(missing) == {"interventions", "interactions", "events", "costs"}
    assert all(TABLES[name].unlocks in consequence for name, consequence in missing.items())


def test_nothing_is_left_behind_on_the_engine(clean: Frames, tmp_path: Path) -> None:
    study = write_study(tmp_path)
    with opened(clean, study) as sources:
        before = sources.connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall()
        population = count_population(sources.connection, study)
        assert sources.connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall() == before
    assert (population.accounts, population.subscriptions, population.leavers) == (260, 266, 120)


def put(table: str, column: str, value: object, n: int = 20, first: int = 0) -> Callable[[Frames], None]:
    """A fault: this value in `n` rows from the `first` on; a callable is given the rows."""

    def spoil(frames: Frames) -> None:
        frame = frames[table]
        rows = frame.index[first : first + n]
        if column not in frame:
            frame[column] = pd.Series(None, index=frame.index, dtype=object)
        new = value(frame.loc[rows]) if callable(value) else value
        if not callable(value) and frame[column].dtype != object and not isinstance(value, float | pd.Timestamp):
            frame[column] = frame[column].astype(object)
        frame.loc[rows, column] = new

    return spoil


def days_after(column: str, days: int) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda rows: rows[column] + pd.Timedelta(days=days)


def again(frames: Frames) -> None:
    """Twenty who stay get a second subscription of the same plan."""
    new = frames["subscriptions"].iloc[120:140].assign(started_on=END - pd.Timedelta(days=100))
    new["subscription_id"] = "again-" + new["subscription_id"]
    frames["subscriptions"] = pd.concat([frames["subscriptions"], new], ignore_index=True)


def accounts_only(frames: Frames) -> None:
    extra = frames["accounts"].head(30).assign(account_id=[f"only-{n}" for n in range(30)], churned="no")
    frames["accounts"] = pd.concat([frames["accounts"], extra], ignore_index=True)


def of_leavers(table: str, column: str, when: Callable[[pd.Series], pd.Series]) -> Callable[[Frames], None]:
    """Move twenty records to leavers, on a day computed from their end."""

    def spoil(frames: Frames) -> None:
        left = frames["subscriptions"].head(20)
        rows = frames[table].index[:20]
        frames[table].loc[rows, "account_id"] = left["account_id"].to_numpy()
        moved = when(left["ended_on"]).to_numpy() - frames[table].loc[rows, column].to_numpy()
        for name in frames[table].columns:
            if name.endswith(("_at", "_on")):
                frames[table].loc[rows, name] = frames[table].loc[rows, name] + moved

    return spoil


FAULTS = {
    "end-before-start": ("caveat", 20, put("subscriptions", "ended_on", days_after("started_on", 0), 20, 130)),
    "cancelled-after-end": ("caveat", 20, put("subscriptions", "cancelled_on", days_after("ended_on", 3))),
    "reason-without-end": ("caveat", 20, put("subscriptions", "end_reason", "price", 20, 200)),
    "cancelled-still-active": ("caveat", 2, put("subscriptions", "cancelled_on", BEGIN - pd.Timedelta(days=60), 2, 200)),
    "renewal-before-start": ("caveat", 20, put("subscriptions", "renewal_on", days_after("started_on", -5))),
    "negative-mrr": ("caveat", 20, put("subscriptions", "mrr", -5.0)),
    "zero-mrr": ("caveat", 20, put("subscriptions", "mrr", 0.0)),
    "missing-mrr": ("caveat", 20, put("subscriptions", "mrr", float("nan"))),
    "no-mrr": ("note", 266, put("subscriptions", "mrr", float("nan"), 266)),
    "no-seats": ("note", 2, put("subscriptions", "seats", 0.0, 2)),
    "overlapping-subscriptions": ("caveat", 20, again),
    "flag-churned-but-active": ("caveat", 20, put("accounts", "churned", "Yes ", 20, 200)),
    "flag-active-but-ended": ("caveat", 20, put("accounts", "churned", "Active")),
    "flag-not-understood": ("note", 20, put("accounts", "churned", "perhaps")),
    "signed-up-after-subscription": ("caveat", 20, put("accounts", "started_on", days_after("started_on", 9))),
    "signed-up-long-before": ("caveat", 20, put("accounts", "started_on", days_after("started_on", -400))),
    "without-subscription": ("caveat", 30, accounts_only),
    "parent-unknown": ("note", 20, put("accounts", "parent_account_id", "nobody")),
    "parent-circular": ("note", 1, put("accounts", "parent_account_id", lambda rows: rows["account_id"], 1)),
    "tickets-after-churn": ("caveat", 20, of_leavers("tickets", "opened_at", lambda end: end + pd.Timedelta(days=1))),
    "closed-before-opened": ("caveat", 20, put("tickets", "closed_at", days_after("opened_at", -1))),
    "csat-before-opening": ("note", 2, put("tickets", "csat_at", days_after("opened_at", -1), 2)),
    "answers-after-churn": ("caveat", 20, of_leavers("surveys", "answered_at", lambda end: end)),
    "scores-not-whole": ("caveat", 20, put("surveys", "score", 8.5)),
    "answered-before-invited": ("caveat", 20, put("surveys", "answered_at", days_after("invited_at", -1))),
    "billed-after-end": ("caveat", 20, of_leavers("payments", "due_on", lambda end: end + pd.Timedelta(days=31))),
    "implausible-dates": ("caveat", 2, put("accounts", "started_on", pd.Timestamp("1970-01-01"), 2)),
    "placeholder-dates": ("caveat", 5, put("subscriptions", "ended_on", "9999-12-31", 5, 200)),
    "after-the-window": ("note", 5, put("subscriptions", "started_on", END, 5, 200)),
    "spelling-variants": ("caveat", 40, put("accounts", "industry", lambda rows: ["RETAIL", "Rétail"] * 20, 40)),
    "near-duplicates": ("note", 20, put("accounts", "industry", "Manufacturng")),
    "personal-data": ("note", 20, put("accounts", "contact", "someone@example.org")),
    "reasons-not-mapped": ("caveat", 20, put("subscriptions", "end_reason", "too slow")),
    "no-reason-given": ("note", 20, put("subscriptions", "end_reason", None)),
    "few-leavers": ("caveat", 90, put("subscriptions", "ended_on", pd.NaT, 30)),
}  # fmt: skip


#: Faults that make another fault true as well.
FOLLOW = {
    "end-before-start": {"flag-active-but-ended", "without-subscription", "cancelled-after-end", "no-reason-given"},
    "cancelled-still-active": {"no-reason-given"},
    "implausible-dates": {"signed-up-long-before"},
    "after-the-window": {"signed-up-long-before", "answered-before-sign-up"},
    "billed-after-end": {"after-the-window"},
    "few-leavers": {"flag-churned-but-active", "cancelled-still-active"},
}


@pytest.mark.parametrize("code", FAULTS)
def test_a_fault_is_told_and_no_other(code: str, frames: Frames, tmp_path: Path) -> None:
    severity, count, spoil = FAULTS[code]
    spoil(frames)
    told = found(frames, write_study(tmp_path))
    (finding,) = told[code]
    assert finding.severity == severity
    assert finding.count == count
    assert len(finding.rows) <= 3
    assert finding.problem.endswith((".", "?"))
    assert finding.action
    assert f"{count:,}" in finding.problem or code in ("no-mrr", "near-duplicates", "spelling-variants")
    assert set(told) - ALWAYS - {code} <= FOLLOW.get(code, set())


@pytest.mark.parametrize(
    ("n", "severity"),
    [(1, "note"), (2, "note"), (3, "caveat")],
)
def test_a_slip_in_up_to_one_in_a_hundred_is_a_note(n: int, severity: str, frames: Frames, tmp_path: Path) -> None:
    put("subscriptions", "mrr", -5.0, n)(frames)
    (finding,) = found(frames, write_study(tmp_path))["negative-mrr"]
    assert finding.severity == severity
    verb = "has" if n == 1 else "have"
    assert (
        f"{n} of 266 subscriptions with an amount ({n / 266:.1%}) {verb} a negative monthly amount (such as A000"
        in finding.problem
    )


def test_too_few_accounts_or_leavers_refuse(frames: Frames, tmp_path: Path) -> None:
    few = {name: frame[frame["account_id"] < "A009"] for name, frame in frames.items()}
    told = found(few, write_study(tmp_path))
    assert [told[code][0].severity for code in ("few-customers", "few-leavers")] == ["refuse", "refuse"]
    assert told["few-leavers"][0].count == 9


def test_leavers_by_use_are_not_counted_so_few_ends_refuse_nothing(frames: Frames, tmp_path: Path) -> None:
    put("subscriptions", "ended_on", pd.NaT, 115)(frames)
    study = write_study(tmp_path, churn="[churn]\ninactive_after_days = 60")
    assert found(frames, study)["few-leavers"][0].severity == "caveat"


def test_the_cancel_date_ends_service_where_the_definition_says_so(frames: Frames, tmp_path: Path) -> None:
    cancelled = frames["subscriptions"].index[200:230]
    frames["subscriptions"].loc[cancelled, "cancelled_on"] = BEGIN + pd.Timedelta(days=200)
    for churn, left in (("", 120), ('[churn]\nrecognise = "cancel date"', 150)):
        study = write_study(tmp_path, churn=churn)
        with opened(frames, study) as sources:
            # Those whose notice was given before the window opened had left by then.
            before = (frames["subscriptions"]["cancelled_on"] <= BEGIN).sum() if churn else 0
            assert count_population(sources.connection, study).leavers == left - before


def test_no_churn_before_a_day_names_the_day_and_the_chance(frames: Frames, tmp_path: Path) -> None:
    subscriptions = frames["subscriptions"]
    early = subscriptions["ended_on"] < BEGIN + pd.Timedelta(days=150)
    first = subscriptions.loc[~early, "ended_on"].min()
    subscriptions = subscriptions[~early]
    frames["subscriptions"] = subscriptions
    finding = found(frames, write_study(tmp_path))["no-churn-before"][0]
    assert finding.severity == "caveat"
    assert f"observed_from = {first:%Y-%m-%d}" in finding.action
    assert finding.day == f"{first:%Y-%m-%d}" == finding.record()["day"]
    expected = int(re.search(r"about ([\d,]+) would", finding.problem)[1])  # type: ignore[index]
    later = (~early & subscriptions["ended_on"].notna().reindex(early.index, fill_value=False)).sum()
    assert expected == pytest.approx(later * 150 / 216, rel=0.35)


def test_no_churn_after_a_day_is_the_cut_of_an_export(frames: Frames, tmp_path: Path) -> None:
    subscriptions = frames["subscriptions"]
    late = subscriptions["ended_on"] > END - pd.Timedelta(days=120)
    last = subscriptions.loc[~late, "ended_on"].max()
    subscriptions.loc[late, ["ended_on", "cancelled_on", "end_reason"]] = None
    finding = found(frames, write_study(tmp_path))["no-churn-after"][0]
    assert finding.severity == "caveat"
    assert f"observed_to = {last + pd.Timedelta(days=1):%Y-%m-%d}" in finding.action
    assert finding.day == f"{last + pd.Timedelta(days=1):%Y-%m-%d}"


def test_leaving_at_the_end_of_the_month_only_is_no_stretch_without_churn(frames: Frames, tmp_path: Path) -> None:
    ends = frames["subscriptions"]["ended_on"]
    frames["subscriptions"]["ended_on"] = ends + pd.offsets.MonthBegin(1)
    told = found(frames, write_study(tmp_path))
    assert not {"no-churn-before", "no-churn-after"} & set(told)


def test_causes_that_nobody_knows_are_told_with_a_guess(frames: Frames, tmp_path: Path) -> None:
    causes = "".join(
        f'[[causes]]\ncolumn = "{name}"\ntype = "number"\n'
        for name in ("industri", "logns_28", "uses_28_invoices", "size of firm", "days_since_login", "region")
    )
    told = found(frames, write_study(tmp_path, causes=causes))
    assert [finding.column for finding in told["unknown-cause"]] == ["industri", "logns_28", "size of firm"]
    assert "Did you mean “industry”?" in told["unknown-cause"][0].problem
    assert "Did you mean “logins”?" in told["unknown-cause"][1].problem
    assert "one-tier" in told


def test_what_counts_as_a_measure_is_what_the_panel_measures(tmp_path: Path) -> None:
    study = write_study(tmp_path)
    names = {measure.name for measure in registry(study, ("Invoices",), ("price change",))}
    assert not {name for name in names if name not in MEASURES and not name.startswith(FAMILIES)}
    assert set(MEASURES) <= names
    assert all(any(name.startswith(family) for name in names) for family in FAMILIES)


def test_declarations_worth_knowing(frames: Frames, tmp_path: Path) -> None:
    study = write_study(tmp_path, causes="")
    told = found(frames, study)
    assert "no-causes" in told
    assert "attributes-as-last-recorded" not in told
    (tmp_path / "study.toml").write_text(
        (tmp_path / "study.toml")
        .read_text(encoding="utf-8")
        .replace("lag_days = 14", "lag_days = 0")
        .replace("horizon = 90", "horizon = 3000")
        .replace('"no budget"]', '"no budget", "Preis"]')
        .replace('file = "tickets.csv"', 'file = "tickets.csv"\nallow_outside = true'),
        encoding="utf-8",
    )
    told = found(frames, read_study(tmp_path))  # type: ignore[arg-type]
    assert told["no-lag"][0].severity == "caveat"
    assert told["horizon-beyond-data"][0].severity == "caveat"
    assert "“Preis”" in told["reasons-never-seen"][0].problem
    assert told["file-outside"][0].rows == ("tickets",)


def test_a_log_that_begins_late_says_who_is_older(frames: Frames, tmp_path: Path) -> None:
    frames["tickets"] = frames["tickets"][frames["tickets"]["opened_at"] >= BEGIN + pd.Timedelta(days=120)]
    (finding,) = found(frames, write_study(tmp_path))["tracked-late"]
    subscriptions = frames["subscriptions"].drop_duplicates("account_id")
    first = frames["tickets"]["opened_at"].min().normalize()
    older = (subscriptions["started_on"] < first) & ~(subscriptions["ended_on"] <= first)
    assert (finding.table, finding.severity, finding.count) == ("tickets", "caveat", older.sum())


def test_answers_before_the_first_subscription(frames: Frames, tmp_path: Path) -> None:
    who = frames["surveys"]["account_id"].iloc[:20].map(frames["accounts"].set_index("account_id")["started_on"])
    for column, days in (("invited_at", 6), ("answered_at", 5)):
        frames["surveys"].loc[who.index, column] = who - pd.Timedelta(days=days)
    assert found(frames, write_study(tmp_path))["answered-before-sign-up"][0].count == 20


def test_scores_none_of_which_is_above_five_may_be_on_another_scale(frames: Frames, tmp_path: Path) -> None:
    asked = frames["surveys"]["score"].notna()
    frames["surveys"].loc[asked, "score"] = 5
    (finding,) = found(frames, write_study(tmp_path))["scores-on-another-scale"]
    assert (finding.severity, finding.count) == ("caveat", int(asked.sum()))
    frames["surveys"].loc[asked.idxmax(), "score"] = 6
    assert "scores-on-another-scale" not in found(frames, write_study(tmp_path))


def test_circles_of_parents_are_found_and_chains_into_them_are_not_in_them(frames: Frames, tmp_path: Path) -> None:
    accounts = frames["accounts"]
    parent = pd.Series(None, index=accounts.index, dtype=object)
    for child, above in (("A003", "A004"), ("A004", "A005"), ("A005", "A003"), ("A001", "A003"), ("A010", "A011")):
        parent[accounts["account_id"] == child] = above
    accounts["parent_account_id"] = parent
    (finding,) = found(frames, write_study(tmp_path))["parent-circular"]
    assert finding.count == 3
    assert set(finding.rows) == {"A003", "A004", "A005"}


def test_usage_outside_the_subscriptions(clean: Frames, tmp_path: Path) -> None:
    frames = dict(clean)
    usage = frames["usage"].copy()
    first = frames["subscriptions"].drop_duplicates("account_id").set_index("account_id")
    ends, starts = first["ended_on"], first["started_on"]
    rows = usage.index[usage["account_id"].isin(ends.dropna().index)][:400]
    usage.loc[rows, "at"] = usage.loc[rows, "account_id"].map(ends) + pd.Timedelta(days=8)
    early = usage.index[usage["account_id"].isin(ends.index[ends.isna()])][:100]
    usage.loc[early, "at"] = usage.loc[early, "account_id"].map(starts) - pd.Timedelta(days=8)
    frames["usage"] = usage
    told = found(frames, write_study(tmp_path))
    assert (told["usage-after-end"][0].count, told["usage-after-end"][0].severity) == (400, "caveat")
    assert (told["usage-before-start"][0].count, told["usage-before-start"][0].severity) == (100, "note")


def test_every_code_stands_in_the_documentation(root: Path) -> None:
    folder = root / "src" / "whychurn" / "sources" / "tables" / "checks"
    source = "\n".join(file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.py")))
    codes = set(re.findall(r'code="([a-z-]+)"', source)) | set(re.findall(r'RowRule\(\s*"([a-z-]+)"', source))
    assert len(codes) > 50
    documented = set(re.findall(r"`([a-z-]+)`", (root / "docs" / "verdict.md").read_text(encoding="utf-8")))
    assert not codes - documented, sorted(codes - documented)


def test_what_the_documentation_calls_a_refusal_is_all_that_refuses(root: Path) -> None:
    text = (root / "docs" / "verdict.md").read_text(encoding="utf-8").split("## Studies of tables")[1]
    rows = [re.findall(r"`([a-z-]+)`", line) for line in text.splitlines() if line.startswith("| **refuse**")]
    assert rows == [["few-customers", "few-leavers"]]
    folder = root / "src" / "whychurn" / "sources" / "tables" / "checks"
    refusing = {file.name for file in folder.glob("*.py") if '"refuse"' in file.read_text(encoding="utf-8")}
    assert refusing == {"enough_checks.py"}
