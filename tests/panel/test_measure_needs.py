"""What was never recorded is neither zero nor "never": its measures do not exist, and whoever asks for one is told."""

from datetime import datetime, timedelta

import pytest
from test_measures import BEGIN, company, subscription, usage
from worlds import sources_of

from whychurn import build_panel
from whychurn.errors import PanelError
from whychurn.panel.measures import measures_of

#: Every value that a measure can need, once.
FULL = {
    "subscriptions": [
        subscription(0, plan="Pro", mrr=10, seats=4, term_months=12, renewal_on=BEGIN + timedelta(days=366))
    ],
    "usage": [
        usage(1, module="m", user_id="u", value=1.5), usage(2, "login", module="m"), usage(3, "failed", module="m"),
    ],
    "tickets": [
        {"ticket_id": "t", "account_id": "a", "opened_at": datetime(2024, 1, 2), "closed_at": datetime(2024, 1, 3),
         "csat": 4}
    ],
    "surveys": [{"response_id": "r", "account_id": "a", "answered_at": datetime(2024, 1, 4), "score": 8}],
    "payments": [
        {"account_id": "a", "due_on": BEGIN, "amount": 5, "paid_on": BEGIN, "failed_on": BEGIN + timedelta(days=1)}
    ],
}  # fmt: skip


def names_of(folder, world):
    sources, study = sources_of(world, folder)
    with sources:
        return [measure.name for measure in measures_of(sources.connection, study, sources.tables)]


def test_a_table_that_is_not_there_takes_its_measures_along(tmp_path):
    assert names_of(tmp_path, company({"subscriptions": FULL["subscriptions"]})) == [
        "mrr",
        "seats",
        "plan",
        "n_subscriptions",
        "term_months",
        "days_to_renewal",
        "quarter",
        "tenure_days",
    ]


#: An emptied column (or the rows of an action), and what there is not without it.
LACKING = {
    "usage:login": "days_since_login login_recency logins_7 logins_28 logins_56",
    "usage:use": "days_since_use use_recency uses_28 uses_56 use_trend peak_uses_28 peak_share_28 failed_share_28 "
    "modules_used_28 uses_28_m adopted_m share_28_m days_since_use_m",
    "usage:failed": "failed_28 failed_share_28",
    "usage.module": "modules_used_28 uses_28_m adopted_m share_28_m days_since_use_m",
    "usage.user_id": "active_users_28 seat_adoption_28",
    "usage.value": "volume_28",
    "tickets.closed_at": "open_tickets last_csat",
    "tickets.csat": "last_csat",
    "surveys.score": "last_nps nps_band",
    "surveys.answered_at": "last_nps nps_band",
    "payments.paid_on": "overdue_payments",
    "payments.failed_on": "failed_payments_84",
    "subscriptions.mrr": "mrr",
    "subscriptions.seats": "seats seat_adoption_28",
    "subscriptions.plan": "plan",
    "subscriptions.term_months": "term_months days_to_renewal",
    "subscriptions.renewal_on": "days_to_renewal",
}


@pytest.mark.parametrize("lacking", LACKING)
def test_a_column_without_a_value_takes_its_measures_along(tmp_path, lacking):
    table, _, name = lacking.replace(":", ".").partition(".")
    if ":" in lacking:
        records = [record for record in FULL[table] if record["action"] != name]
        # What else that table says stays: a person, a module, a value.
        records[0] = {**FULL[table][0], **records[0], "user_id": "u", "module": "m", "value": 1.5}
    else:
        records = [{**record, name: None} for record in FULL[table]]
    declared = {"modules": ["m"]}
    every = names_of(tmp_path / "every", company(FULL, measures=declared))
    left = names_of(tmp_path / "left", company({**FULL, table: records}, measures=declared))

    assert set(every) - set(left) == set(LACKING[lacking].split())
    assert [name for name in every if name in left] == left


def test_a_column_with_values_only_where_they_are_not_counted_is_not_recorded(tmp_path):
    ignored = usage(4, None, module="m", user_id="u", value=1.0)
    plain = [usage(1), usage(2, "login", module="m"), usage(3, "failed", module="m", user_id="u")]
    names = names_of(tmp_path, company({**FULL, "usage": [*plain, ignored]}, measures={"modules": ["m"]}))

    assert {"uses_28", "logins_28", "failed_28", "active_days_28"} <= set(names)
    assert not set(names) & {"uses_28_m", "adopted_m", "active_users_28", "seat_adoption_28", "volume_28"}


@pytest.mark.parametrize(
    ("column", "tables", "reason"),
    [
        ("open_tickets", {"tickets": [{**FULL["tickets"][0], "closed_at": None}]}, "the column closed_at of tickets"),
        ("last_csat", {}, "the table tickets"),
        ("logins_28", {"usage": [usage(1)]}, "actions named login in usage"),
        ("adopted_m", {"usage": [usage(1)]}, "the column module of usage"),
        (
            "days_to_renewal",
            {},
            "the column renewal_on of subscriptions and the column term_months of subscriptions",
        ),
    ],
)
def test_a_cause_that_is_recorded_nowhere_is_left_out_and_told(tmp_path, column, tables, reason):
    sources, study = sources_of(company(tables, causes={column: "number"}), tmp_path)
    with sources:
        panel = build_panel(sources, study)
        (candidate,) = panel.candidates

    assert not candidate.used
    assert candidate.reason == f"it needs {reason}, which the study does not have"
    assert any(candidate.reason in step.rule for step in panel.ledger)


@pytest.mark.parametrize(
    ("churn", "tables", "said"),
    [
        (
            {"delinquent_after_days": 30},
            {"payments": [{**FULL["payments"][0], "paid_on": None}]},
            r"delinquent_after_days, which needs the column paid_on of payments",
        ),
        ({"inactive_after_days": 30}, {"usage": [usage(1, "login")]}, r"needs actions named use in usage.*\[churn\]"),
    ],
)
def test_a_definition_that_rests_on_nothing_is_refused(tmp_path, churn, tables, said):
    sources, study = sources_of(company(tables, churn=churn), tmp_path)
    with sources, pytest.raises(PanelError, match=said):
        build_panel(sources, study)


def test_a_usage_table_without_a_record_says_nothing_about_use(tmp_path):
    assert not set(names_of(tmp_path, company({"usage": []}, tracked_from={}))) & {"logins_28", "use_recency"}
