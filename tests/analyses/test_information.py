"""What departures say about a level, how fits give way, and how far ranks could move."""

from __future__ import annotations

import gc
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from whychurn.analyses.fits import fit_rows
from whychurn.analyses.information import LEAST, uninformative_levels
from whychurn.analyses.once import once_per_panel
from whychurn.analyses.rank_limits import rank_limits
from whychurn.analyses.rows import UNINFORMATIVE, model_rows
from whychurn.models import fit_cox
from whychurn.models.cox import AttributableFraction
from whychurn.panel import Candidate


def category(column, levels):
    return Candidate(column, column.title(), "category", 1, column, levels=levels, reference=levels[0])


@pytest.fixture
def rows():
    rng = np.random.default_rng(2)
    n = 1500
    plan = rng.choice(["team", "starter"], n)
    stop = np.ceil(rng.exponential(np.where(plan == "starter", 150, 300)))
    frame = pd.DataFrame({"account_id": np.arange(n), "start": 0.0, "stop": stop, "event": 1, "plan": plan})
    frame.loc[frame["stop"] > 400, ["stop", "event"]] = [400.0, 0]
    return frame.assign(amount=1.0)


def test_information_is_that_of_a_cox_model_at_zero(rows):
    """Near a ratio of one the inverse of a fit's variance is the sum of p (1 - p) over departures."""
    level = (rows["plan"] == "starter").astype(float)
    events = rows.loc[rows["event"] == 1, "stop"].to_numpy()
    by_hand = sum(p * (1 - p) for p in (level[rows["stop"] >= time].mean() for time in events))
    tiny = fit_cox(rows.assign(x=level), ["x"], time="stop", event="event", ties="breslow")
    assert by_hand == pytest.approx(1 / tiny.std_errors["x"] ** 2, rel=0.2)
    assert by_hand > LEAST
    assert uninformative_levels(rows, [category("plan", ("team", "starter"))]) == {}


def test_levels_that_say_nothing_are_counted_with_the_reference(rows):
    # At one level customers are in their first days only, and nearly all who are that young are at it.
    young = rows["stop"] <= 3
    rows = rows.assign(age=np.where(young & (rows.index % 50 != 0), "too new", "known"))
    early = rows[young].assign(stop=2.0)
    rows = pd.concat([rows, early], ignore_index=True)
    rows["rare"] = np.where(rows.index == rows.index[rows["event"] == 1][0], "one", "others")
    causes = [category("plan", ("team", "starter")), category("rare", ("others", "one"))]
    assert uninformative_levels(rows, causes) == {"rare": ("one",)}
    coded = model_rows(rows, causes, pooled={"rare": ("one",)})
    assert next(left.note for left in coded.left if left.column == "rare") == UNINFORMATIVE
    fit, note, _ = fit_rows(coded)
    assert fit is not None and not note


def test_a_rare_state_with_a_large_ratio_is_seen_by_its_departures(rows):
    rng = np.random.default_rng(4)
    hit = rows.index[(rows["event"] == 1).to_numpy() & (rng.random(len(rows)) < 0.02)]
    rows = rows.assign(renewal="later")
    # A row of a day each, ending in a departure.
    rows.loc[hit, "start"] = rows.loc[hit, "stop"] - 1
    rows.loc[hit, "renewal"] = "this week"
    assert len(hit) >= 5
    assert uninformative_levels(rows, [category("renewal", ("later", "this week"))]) == {}


def test_the_reference_stays_first_when_a_level_gives_way(rows):
    rng = np.random.default_rng(5)
    size = rng.choice(["small", "medium", "big"], len(rows))
    twin = np.where(size == "big", "big too", np.where(rng.random(len(rows)) < 0.5, "x", "y"))
    rows = rows.assign(size=size, twin=twin)
    causes = [category("size", ("small", "big", "medium")), category("twin", ("y", "x", "big too"))]
    fit, note, fitted = fit_rows(model_rows(rows, causes))
    assert fit is not None and not note
    assert fitted.levels("twin")[0] == fitted.references["twin"] == "y"
    assert any(left.column == "twin" and "counted with the reference" in left.note for left in fitted.left)


def cause(share, influence, grade="strong"):
    fraction = AttributableFraction(
        share, 0.0, 0.0, 1.0, 0.0, np.nan, np.nan, np.nan, np.nan, 0.95, 500, np.asarray(influence, dtype=float)
    )
    return SimpleNamespace(share=fraction, units=np.arange(len(influence)), grade=grade)


def test_ranks_move_as_far_as_shares_overlap():
    rng = np.random.default_rng(1)
    study = SimpleNamespace(seed=1, confidence_level=0.95)
    noise = rng.normal(0, 0.05 / np.sqrt(400), (4, 400))
    apart = [cause(0.6, noise[0]), cause(0.2, noise[1]), cause(0.19, noise[2]), cause(0.5, noise[3], "weak")]
    limits = [(found["conf_low"], found["conf_high"]) for found in rank_limits(apart, study)]
    assert limits == [(1, 1), (2, 3), (2, 3), (4, 4)]
    # The same customers behind both: whatever moves one moves the other, so the order stands.
    together = [cause(0.3, noise[0]), cause(0.29, noise[0])]
    assert [(found["conf_low"], found["conf_high"]) for found in rank_limits(together, study)] == [(1, 1), (2, 2)]


def test_answers_are_kept_for_one_panel_and_go_with_it():
    asked = []

    class Anything:
        pass

    @once_per_panel
    def compute(panel, study):
        asked.append(study.digest)
        return object()

    first, study = Anything(), SimpleNamespace(digest="a")
    assert compute(first, study) is compute(first, study)
    compute(first, SimpleNamespace(digest="b"))
    compute(Anything(), study)
    assert asked == ["a", "b", "a"]
    del first
    gc.collect()
