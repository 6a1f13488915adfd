"""Levels as codes: counted, merged and coded for models as text would be."""

import numpy as np
import pandas as pd
import pytest

from whychurn.analyses.coded import Coded
from whychurn.analyses.contrasts import counts_by_level
from whychurn.analyses.effects import EffectBook
from whychurn.analyses.rows import model_rows, with_categories, with_columns
from whychurn.panel.candidates import Candidate, MergedLevel


def rows(n=600, seed=8):
    random = np.random.default_rng(seed)
    account = np.sort(random.integers(0, n // 4, n))
    start = pd.Series(account).groupby(account).cumcount().to_numpy() * 7.0
    return pd.DataFrame(
        {
            "account_id": [f"a{number}" for number in account],
            "spell": 1,
            "start": start,
            "stop": start + 7,
            "event": (random.random(n) < 0.1).astype(int),
            "cause": None,
            "amount": 1.0,
            "cluster": account,
            "plan": random.choice(["pro", "basic", "team"], n),
            "size": random.choice(["s", "m", "none"], n),
            "age": np.where(random.random(n) < 0.05, np.nan, random.normal(size=n)),
        }
    )


PLAN = Candidate("plan", "Plan", "category", 1, "plan", levels=("team", "basic", "pro"), reference="team")
SIZE = Candidate(
    "size", "Size", "category", 1, "size", levels=("s", "m", "none"), reference="s",
    merged=(MergedLevel("none", "m", "plan", "pro"),),
)  # fmt: skip
AGE = Candidate("age", "Age", "number", 1, "age", per=2.0)


@pytest.mark.parametrize("dtype", ["object", "category"])
def test_codes_count_as_text_does(dtype):
    frame = rows()
    text = frame["plan"].where(np.arange(len(frame)) % 50 > 0, None)
    coded = Coded.of(text.astype(dtype))
    accounts = pd.factorize(frame["account_id"])[0]
    assert dict(zip(coded.levels, coded.counts(), strict=True)) == text.value_counts().to_dict()
    known = text.notna().to_numpy()
    ever = Coded.of(text[known].astype(dtype))
    expected = frame[known].groupby(text[known])["account_id"].nunique().to_dict()
    assert dict(zip(ever.levels, ever.owners(accounts[known]), strict=True)) == expected
    merged = coded.merged({"pro": "basic", "absent": "team"}).values()
    assert list(pd.Series(merged).astype(object).fillna("")) == list(text.replace({"pro": "basic"}).fillna(""))
    ordered = coded.ordered(["team", "pro", "new"]).values()
    assert list(ordered.categories) == ["team", "pro", "new"]
    assert ordered.isna().sum() == (~text.isin(["team", "pro"])).sum()


def test_customers_and_departures_of_each_level():
    frame = rows()
    expected = {level: (part["account_id"].nunique(), part["event"].sum()) for level, part in frame.groupby("plan")}
    assert counts_by_level(frame, PLAN) == expected
    assert counts_by_level(with_categories(frame, [PLAN]), PLAN, pd.factorize(frame["account_id"])[0]) == expected


@pytest.mark.parametrize("categories", [False, True])
def test_rows_for_a_model_are_those_of_the_definition(categories):
    frame = rows()
    frame["event"] = frame["event"].where(frame["plan"] != "basic", 0)
    given = with_categories(frame, [PLAN, SIZE]) if categories else frame
    coded = model_rows(given, [PLAN, SIZE, AGE])
    kept = frame[frame["age"].notna() & (frame["plan"] != "basic")]
    np.testing.assert_array_equal(coded.frame["row"], kept.index)
    assert list(coded.frame["v0"]) == list(kept["plan"])
    assert list(coded.frame["v1"]) == list(kept["size"].replace({"none": "m"}))
    np.testing.assert_array_equal(coded.frame["v2"], kept["age"] / 2.0)
    assert (coded.levels("plan"), coded.levels("size"), coded.levels("age")) == (["team", "pro"], ["s", "m"], [])
    assert coded.n_incomplete == frame["age"].isna().sum()
    lost = frame[frame["age"].notna() & (frame["plan"] == "basic")]["account_id"].nunique()
    assert [(left.column, left.level, left.n_accounts, left.n_events) for left in coded.left] == [
        ("plan", "basic", lost, 0)
    ]


def test_levels_without_departures_leave_together_with_what_only_they_held():
    frame = rows()
    frame.loc[frame["size"] == "none", "plan"] = "basic"
    frame.loc[frame["plan"] == "basic", ["event", "size"]] = [0, "none"]
    frame.loc[frame["plan"] != "basic", "size"] = "s"
    coded = model_rows(frame, [PLAN, SIZE])
    assert list(coded.names) == ["plan"]
    assert [(left.column, left.level) for left in coded.left] == [("plan", "basic"), ("size", "")]


def test_a_book_reads_text_and_categories_alike_and_writes_into_neither():
    frame = rows()
    before = frame.copy(deep=True)
    books = [EffectBook(frame, [PLAN, SIZE]), EffectBook(with_categories(frame, [PLAN, SIZE]), [PLAN, SIZE])]
    for kind in ("unadjusted", "total"):
        for candidate in (PLAN, SIZE):
            one, other = (book.effect(candidate, kind) for book in books)
            assert one.contrasts == other.contrasts and one.note == other.note
    pd.testing.assert_frame_equal(frame, before)
    marked = with_columns(frame, {"event": 0})
    assert frame["event"].sum() > 0 == marked["event"].sum()
