"""Companies that break naive code. Every analysis of tables must answer or say why not, and every page must draw it."""

from __future__ import annotations

import numpy as np
import pytest
from companies import company, company_study, settings_of
from table_pages import TABLE_PAGES

import whychurn as wc
from whychurn import display
from whychurn.display.leadership import render_index
from whychurn.findings import Findings

pytestmark = pytest.mark.xdist_group("companies")

SMALL = (120, 30_000, 5)
LOGS = ("usage", "tickets", "surveys", "interventions", "interactions", "events", "payments", "costs")
CAUSES = """
[[causes]]
column = "industry"
label = "Industry"
type = "category"
tier = 1
reference = "Software"
compare = "Medical devices"

[[causes]]
column = "channel"
label = "Channel"
type = "category"
tier = 1

[[causes]]
column = "plan"
label = "Plan"
type = "category"
tier = 2
reference = "Team"

[[causes]]
column = "login_recency"
label = "Silence"
type = "category"
tier = 3
group = "silence"
reference = "0-6 days"
compare = "30+ days"

[[causes]]
column = "uses_28_reporting"
label = "Reporting"
type = "number"
tier = 3
bands = [1, 5]
reference = "5+"
compare = "0"

[[causes]]
column = "open_tickets"
label = "Open tickets"
type = "number"
tier = 4
per = 1
"""


def frames():
    return company(*SMALL).frames


def nobody_leaves(tables):
    return {
        **tables,
        "subscriptions": tables["subscriptions"].assign(ended_on=None, cancelled_on=None, end_reason=None),
    }


def forty(tables):
    kept = set(tables["accounts"]["account_id"].iloc[:40])
    return {
        name: t[t["account_id"].isin(kept) | t["account_id"].isna()] if "account_id" in t else t
        for name, t in tables.items()
    }


def levels(tables):
    accounts = tables["accounts"]
    return {**tables, "accounts": accounts.assign(channel=[f"way {i % 100}" for i in range(len(accounts))])}


def one_level(tables):
    return {**tables, "accounts": tables["accounts"].assign(channel="Inbound")}


def separated(tables):
    ended = tables["subscriptions"]
    gone = set(ended.loc[ended["ended_on"].notna(), "account_id"])
    accounts = tables["accounts"]
    return {
        **tables,
        "accounts": accounts.assign(channel=np.where(accounts["account_id"].isin(gone), "Partner", "Inbound")),
    }


def no_reasons(tables):
    return {**tables, "subscriptions": tables["subscriptions"].assign(end_reason=None)}


#: What is wrong with the company, and the tables it lacks. Each runs everything, so misfortunes come together.
CASES = {
    "nobody leaves, one level": (lambda tables: nobody_leaves(one_level(tables)), ()),
    "forty customers with a level each": (lambda tables: forty(levels(tables)), ()),
    "perfect separation, no reasons": (lambda tables: no_reasons(separated(tables)), ()),
    "only accounts and subscriptions": (lambda tables: tables, LOGS),
}


@pytest.mark.parametrize("case", CASES)
def test_every_analysis_answers_and_every_page_is_drawn(case):
    change, without = CASES[case]
    study, panel = company_study(change(frames()), settings_of(*SMALL), causes=CAUSES, without=without)
    parts, html = [], []
    for name, drawings in TABLE_PAGES.items():
        found = wc.analyse(name, panel, study)
        parts.append(found)
        html += [str(getattr(display, draw)(found).markup) for draw in drawings]
    findings = Findings.concat(parts)
    pages = [{"name": f"01_{name}", "title": name, "href": f"01_{name}.html", "summary": ""} for name in TABLE_PAGES]
    html.append(str(render_index(findings, pages)))
    text = "".join(html)
    assert "&lt;d" not in text  # markup escaped twice would show as text
    assert "nan" not in text.replace("finance", "").replace("Finance", "").lower().split()
    causes = findings.where(analysis="causes")
    assert len(causes.where(estimand="rank")) + len(causes.where(estimand="left_out")) == 6
    if case.startswith("nobody"):
        assert not findings.where(estimand="attributable_share").rows()
    if case == "only accounts and subscriptions":
        assert "usage" in causes.one(estimand="left_out", term="Silence").note
