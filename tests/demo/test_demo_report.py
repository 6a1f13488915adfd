"""The simulated company from the command line to the page: written, checked, reported, rerun, looked at."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import checks
import pandas as pd
import pytest

pytestmark = pytest.mark.xdist_group("demo report")


def whychurn(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("whychurn")), *arguments]
    environment = {**os.environ, "COLUMNS": "100"}
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory, root) -> Path:
    folder = tmp_path_factory.mktemp("company") / "demo"
    done = whychurn(root, "demo", str(folder), "--accounts", "400", "--events", "60000")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def demo_report(demo, tmp_path_factory, root) -> Path:
    out = tmp_path_factory.mktemp("built") / "demo"
    done = whychurn(root, "report", str(demo), "--out", str(out))
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def recount(demo) -> dict[str, float]:
    """Customers, departures and time at risk, counted straight from the file of subscriptions.

    Service ends with the term; breaks of up to 30 days are none; days count from 2023-01-01 to 2025-12-31.
    """
    begin, end = pd.Timestamp("2023-01-01"), pd.Timestamp("2026-01-01")
    known = set(pd.read_csv(demo / "accounts.csv")["account_id"])
    subs = pd.read_csv(demo / "subscriptions.csv", parse_dates=["started_on", "ended_on"]).drop_duplicates()
    customers, gone, left, days = set(), set(), 0, 0
    for account, own in subs[subs["account_id"].isin(known)].groupby("account_id"):
        periods: list[list[pd.Timestamp]] = []
        for row in own.sort_values("started_on").itertuples():
            until = pd.Timestamp.max.normalize() if pd.isna(row.ended_on) else row.ended_on
            if until <= row.started_on:
                continue
            if periods and (row.started_on - periods[-1][1]).days <= 30:
                periods[-1][1] = max(periods[-1][1], until)
            else:
                periods.append([row.started_on, until])
        for first, last in periods:
            since, until = max(first, begin), min(last, end)
            if until > since and first < end:
                customers.add(account)
                left += last < end
                gone |= {account} if last < end else set()
                days += (until - since).days
    return {"customers": len(customers), "customers left": len(gone), "left": left, "years": days / 365.25}


def findings(report: Path, analysis: str = "data_quality") -> pd.DataFrame:
    results = json.loads((report / "results.json").read_text(encoding="utf-8"))
    table = pd.DataFrame(results["findings"])
    return table[table["analysis"] == analysis]


def test_the_check_says_what_is_wrong_and_that_it_can_be_used(demo, root):
    done = whychurn(root, "check", str(demo))
    assert done.returncode == 0, done.stdout
    assert "usable with caveats" in done.stdout
    content = json.loads(whychurn(root, "check", str(demo), "--json").stdout)
    truth = json.loads((demo / "truth.json").read_text(encoding="utf-8"))
    codes = {finding["code"] for finding in content["integrity"]}
    assert {"spelling-variants", "unreadable-values", "rows-set-aside"} <= codes, (codes, truth["dirt"])
    assert "tracking-gap" not in codes, "the only gap is declared"


def test_the_page_counts_what_a_recount_of_the_file_counts(demo_report, recount):
    table = findings(demo_report)
    values = table.set_index("estimand")["estimate"]
    assert values["n_customers"] == recount["customers"]
    assert values["customer_years"] == pytest.approx(recount["years"], rel=1e-3)
    verdict = table[table["estimand"] == "verdict"].iloc[0]
    assert verdict["n_events"] == recount["left"]
    assert values["n_customers_left"] == recount["customers left"]
    rates = table[table["estimand"].isin(["churn_rate", "definition_rate"])].head(2)
    assert rates["estimate"].tolist() == [pytest.approx(100 * recount["left"] / recount["years"], rel=1e-3)] * 2
    assert rates["conf_low"].nunique() == rates["conf_high"].nunique() == 1


def test_no_month_has_more_leavers_than_customers(demo_report, recount):
    table = findings(demo_report).set_index("level")
    customers, left = (
        table.loc[table["estimand"] == f"n_{who}_in_month", "estimate"] for who in ("customers", "leavers")
    )
    assert len(customers) == len(left) == 36
    assert (left <= customers).all()
    assert left.sum() == recount["left"]


def test_the_index_answers_first_and_says_what_is_not_there(demo_report, root):
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", (demo_report / "index.html").read_text(encoding="utf-8")))
    assert "usable with caveats" in text
    for section in (
        "Why they leave",
        "What to do on Monday",
        "How sure we are",
        "What else was found",
        "Not in this report",
    ):
        assert section in text, section
    assert "associat" in text
    pages = sorted(page.stem for page in demo_report.glob("*.html") if page.stem != "index")
    expected = [
        notebook.stem
        for notebook in sorted((root / "notebooks").glob("*.ipynb"))
        if "flat" not in json.loads(notebook.read_text(encoding="utf-8"))["metadata"]["whychurn"]["needs"]
    ]
    assert pages == expected
    assert len(expected) > 15


def test_the_same_effect_reads_the_same_on_every_page(demo_report):
    keys = ["term", "level", "reference", "effect_kind"]
    kinds = ("total", "unadjusted", "direct")
    pages = []
    for analysis in ("causes", "hazards"):
        table = findings(demo_report, analysis)
        own = table[
            (table["estimand"] == "hazard_ratio") & (table["outcome"] == "churn") & table["effect_kind"].isin(kinds)
        ]
        own = own[own["group"].fillna("") == ""] if "group" in own else own
        pages.append(own.set_index(keys)["estimate"])
    both = pd.concat(pages, axis=1, join="inner").dropna()
    assert len(both) > 20
    assert (both.iloc[:, 0] == both.iloc[:, 1]).all()


def test_a_rerun_reproduces_it(demo_report, root):
    done = whychurn(root, "verify", str(demo_report))
    assert done.returncode == 0, done.stdout + done.stderr


def test_written_again_it_is_left_alone(demo, root):
    before = {path.name: path.stat().st_mtime_ns for path in demo.iterdir() if path.is_file()}
    done = whychurn(root, "demo", str(demo), "--accounts", "400", "--events", "60000")
    assert done.returncode == 0, done.stderr
    assert {path.name: path.stat().st_mtime_ns for path in demo.iterdir() if path.is_file()} == before


@pytest.mark.browser
@pytest.mark.parametrize("check", checks.ALL, ids=lambda check: check.__name__)
def test_in_a_browser(browser, demo_report, check):
    check(browser, demo_report)


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(checks.LAPTOP, "dark"), (checks.PHONE, "light")])
def test_axe_finds_nothing(browser, demo_report, width, scheme):
    checks.no_violations(browser, demo_report, width, scheme, True)
