"""Levels of different causes that hold on the same rows are one; causes that repeat another leave."""

import numpy as np
import pandas as pd
import pytest

from whychurn.panel.aliases import LevelCodes, with_aliases
from whychurn.panel.candidates import Candidate


def category(column, levels, **more):
    return Candidate(column, column.title(), "category", 1, column, levels=levels, reference=levels[0], **more)


def resolved(frame, candidates):
    codes = {name: LevelCodes.of(frame[name]) for name in frame}
    return {candidate.column: candidate for candidate in with_aliases(candidates, codes)}


@pytest.fixture
def frame():
    rng = np.random.default_rng(1)
    term = np.where(rng.random(4000) < 0.5, "1", "12")
    renewal = np.where(term == "1", "(missing)", np.where(rng.random(4000) < 0.1, "soon", "later"))
    return pd.DataFrame({"term": term, "renewal": renewal, "region": rng.choice(["north", "south"], 4000)})


def test_a_missing_level_that_another_cause_explains_is_merged_whatever_the_order(frame):
    term = category("term", ("1", "12"))
    renewal = category("renewal", ("later", "soon", "(missing)"))
    region = category("region", ("north", "south"))
    for order in ([term, renewal, region], [renewal, region, term]):
        found = resolved(frame, order)
        (merge,) = found["renewal"].merged
        assert (merge.level, merge.into, merge.because_column, merge.because_level) == (
            "(missing)",
            "later",
            "term",
            "1",
        )
        assert found["term"].merged == found["region"].merged == ()
        assert all(candidate.used for candidate in found.values())


def test_nearly_the_same_rows_count_and_clearly_different_ones_do_not(frame):
    nearly = frame["renewal"].where(frame.index % 1000 != 0, "later")
    clearly = frame["renewal"].where(frame.index % 20 != 0, "later")
    for values, expected in ((nearly, 1), (clearly, 0)):
        found = resolved(
            frame.assign(renewal=values),
            [category("term", ("1", "12")), category("renewal", ("later", "soon", "(missing)"))],
        )
        assert len(found["renewal"].merged) == expected


def test_a_cause_that_says_the_same_in_other_words_is_left_out(frame):
    frame = frame.assign(contract=frame["term"].map({"1": "monthly", "12": "yearly"}))
    found = resolved(frame, [category("term", ("1", "12")), category("contract", ("monthly", "yearly"))])
    assert found["term"].used
    assert not found["contract"].used
    assert "repeats Term level by level" in found["contract"].reason


def test_of_two_equal_levels_the_later_declared_gives_way(frame):
    other = np.where(frame["renewal"] == "soon", "call", np.where(frame["region"] == "north", "mail", "none"))
    found = resolved(
        frame.assign(play=other),
        [category("renewal", ("later", "soon", "(missing)")), category("play", ("none", "call", "mail"))],
    )
    assert [merge.level for merge in found["play"].merged] == ["call"]
    assert found["renewal"].merged == ()
