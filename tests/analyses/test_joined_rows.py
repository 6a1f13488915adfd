"""Joining neighbouring rows that a model cannot tell apart leaves the fit as it was."""

import numpy as np
import pandas as pd
import pytest
from companies import company_panel

from whychurn.analyses.joined_rows import JoinedRows
from whychurn.analyses.risk_rows import risk_rows
from whychurn.models import fit_cox

pytestmark = pytest.mark.xdist_group("companies")


def rows_of(spells):
    """Rows of one account each: (account, start, stop, event, plan)."""
    return pd.DataFrame(spells, columns=["account_id", "start", "stop", "event", "plan"]).assign(spell=1, cause="")


def test_only_rows_that_follow_upon_one_another_and_agree_are_joined():
    rows = rows_of(
        [
            ("a", 0, 7, 0, "x"), ("a", 7, 14, 0, "x"), ("a", 14, 21, 0, "y"), ("a", 28, 35, 1, "y"),
            ("b", 0, 7, 0, "y"), ("b", 7, 9, 1, "y"), ("b", 9, 12, 0, "y"),
        ]
    )  # fmt: skip
    joined = JoinedRows(rows).on(["plan"], kept=["cause"])
    assert joined[["account_id", "start", "stop", "event", "plan"]].to_numpy().tolist() == [
        ["a", 0, 14, 0, "x"], ["a", 14, 21, 0, "y"], ["a", 28, 35, 1, "y"], ["b", 0, 9, 1, "y"], ["b", 9, 12, 0, "y"],
    ]  # fmt: skip


def test_a_spell_that_begins_where_another_account_ends_is_its_own():
    rows = rows_of([("a", 0, 7, 0, "x"), ("b", 7, 14, 0, "x")])
    assert len(JoinedRows(rows).on(["plan"])) == 2


def test_some_of_the_rows_are_joined_as_if_there_were_no_others():
    rows = rows_of([("a", 0, 7, 0, "x"), ("a", 7, 14, 0, "y"), ("a", 14, 21, 0, "x"), ("b", 0, 7, 0, "x")])
    where = np.array([True, False, True, True])
    joined = JoinedRows(rows).among(where).on(["plan"])
    expected = JoinedRows(rows[where].reset_index(drop=True)).on(["plan"])
    pd.testing.assert_frame_equal(joined, expected)
    assert len(joined) == 3


def test_the_fit_is_the_same_with_its_clusters():
    study, panel = company_panel()
    rows = risk_rows(panel, study)
    terms = ["plan", "open_tickets", "interactions_84"]
    joined = JoinedRows(rows).on(terms, kept=["cluster"])
    assert len(joined) < 0.6 * len(rows)
    assert joined["event"].sum() == rows["event"].sum()
    assert (joined["stop"] - joined["start"]).sum() == (rows["stop"] - rows["start"]).sum()
    fits = [fit_cox(frame, terms, "stop", "event", start="start", cluster="cluster") for frame in (rows, joined)]
    np.testing.assert_allclose(fits[1].params, fits[0].params, rtol=0, atol=1e-8)
    np.testing.assert_allclose(fits[1].covariance, fits[0].covariance, rtol=1e-7)
    assert fits[1].log_likelihood == pytest.approx(fits[0].log_likelihood, abs=1e-7)
