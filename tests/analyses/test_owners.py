"""Accounts under one parent are one cluster."""

import duckdb
import pandas as pd
import pytest
from companies import company, company_study, settings_of

from whychurn.analyses.answers import valid_answers
from whychurn.analyses.nps.ratings import valid_ratings
from whychurn.analyses.nps_response.invitations import valid_invitations
from whychurn.analyses.risk_rows import CLUSTER, risk_rows
from whychurn.panel.owners import owners

pytestmark = pytest.mark.xdist_group("companies")


def owned(*pairs):
    with duckdb.connect() as connection:
        accounts = pd.DataFrame(pairs, columns=["account_id", "parent_account_id"]).astype(object)
        connection.register("accounts", accounts)
        return dict(owners(connection).itertuples(index=False))


def test_the_topmost_parent_owns():
    assert owned(("a", None), ("b", "a"), ("c", "b"), ("d", "elsewhere"), ("e", "elsewhere"), ("f", "f")) == {
        "b": "a",
        "c": "a",
        "d": "elsewhere",
        "e": "elsewhere",
    }


def test_a_circle_is_one_cluster():
    found = owned(("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"))
    assert len(set(found.values())) == 1
    assert sorted(found) == ["a", "b", "c", "d"]


def test_rows_of_accounts_under_one_parent_share_a_cluster():
    frames = dict(company().frames)
    names = sorted(frames["accounts"]["account_id"])
    frames["accounts"] = frames["accounts"].assign(
        parent_account_id=frames["accounts"]["account_id"].map(dict.fromkeys(names[1:40], names[0]))
    )
    study, panel = company_study(frames, settings_of())
    rows = risk_rows(panel, study)
    group = rows["account_id"].isin(names[:40])
    assert rows.loc[group, "account_id"].nunique() > 5
    assert rows.loc[group, CLUSTER].nunique() == 1
    others = rows[~group]
    assert others[CLUSTER].nunique() == others["account_id"].nunique()
    assert not set(others[CLUSTER]) & set(rows.loc[group, CLUSTER])


def test_answers_and_ratings_of_accounts_under_one_parent_share_a_cluster():
    frames = dict(company().frames)
    names = sorted(frames["accounts"]["account_id"])
    frames["accounts"] = frames["accounts"].assign(
        parent_account_id=frames["accounts"]["account_id"].map(dict.fromkeys(names[1:40], names[0]))
    )
    study, panel = company_study(frames, settings_of())
    asked = valid_invitations(panel, study).frame
    for frame in (valid_answers(panel, study).frame, valid_ratings(panel, study).frame, asked):
        group = frame["account_id"].isin(names[:40])
        assert frame.loc[group, "account_id"].nunique() > 5
        assert frame.loc[group, "cluster"].nunique() == 1
        assert frame.loc[~group, "cluster"].nunique() == frame.loc[~group, "account_id"].nunique()
