"""The panel of random companies equals the one worked out by definition: spells, rows, and every measure."""

import math
from dataclasses import replace

import pandas as pd
import pytest
from brute_force import recurring_on, rows_of
from brute_force_spells import spells_of
from world import sources_of
from worlds import random_world

from whychurn import build_panel

WORLDS = range(12)
ROW = ("stop", "event", "cause", "start_on", "cut_off", "under_notice", "amount")
ATTRIBUTES = ("industry", "employees", "shoe size")
SPELL = ("started_on", "entered_on", "ended_on", "event", "cause", "reason", "controllable")


def plain(value):
    """A value of a frame in plain Python: None where there is none, a day as its ordinal."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    if hasattr(value, "toordinal"):
        return value.toordinal()
    return value.item() if hasattr(value, "item") else value


def records(frame):
    """The rows of a frame as dicts of plain values."""
    columns = {name: [plain(value) for value in frame[name]] for name in frame.columns}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def same(real, expected):
    """Whether whole numbers and texts are equal, and other numbers to nine digits; nulls equal nulls only."""
    if real is None or expected is None:
        return real is expected
    if isinstance(expected, float):
        return isinstance(real, int | float) and math.isclose(real, expected, rel_tol=1e-9, abs_tol=1e-9)
    return real == expected


def key_of(row):
    return row["account_id"], row["spell"], row.get("start", 0)


def mismatches(seed, real, expected, names, found):
    """Sentences about each value of `real` rows that is not as expected."""
    ours, theirs = {key_of(row): row for row in real}, {key_of(row): row for row in expected}
    assert len(ours) == len(real)
    assert [key_of(row) for row in real] == sorted(ours), "in the order of account, spell and time"
    said = [f"world {seed}: {key} is only in the panel" for key in sorted(ours.keys() - theirs.keys())]
    said += [f"world {seed}: {key} is missing from the panel" for key in sorted(theirs.keys() - ours.keys())]
    for key in sorted(ours.keys() & theirs.keys()):
        for name in names:
            real_value, expected_value = ours[key][name], found(theirs[key], name)
            if not same(real_value, expected_value):
                said.append(
                    f"world {seed}, account {key[0]}, spell {key[1]}, start {key[2]}, {name}: "
                    f"panel {real_value!r}, by definition {expected_value!r}"
                )
    return said


def report(said):
    assert not said, "\n".join([f"{len(said)} differences", *said[:25]])


@pytest.mark.parametrize("seed", WORLDS)
def test_the_panel_is_what_the_definitions_say(seed, tmp_path):
    world = random_world(seed)
    sources, study = sources_of(world, tmp_path)
    with sources:
        panel = build_panel(sources, study)
        accounts, intervals = records(panel.accounts), records(panel.intervals)
    spells, rows = [as_account(world, spell) for spell in spells_of(world)], rows_of(world)

    report(mismatches(seed, accounts, spells, (*SPELL, "duration", "entry", "amount"), lambda row, name: row[name]))
    report(mismatches(seed, intervals, rows, ROW, lambda row, name: row[name]))
    measures = list(rows[0]["measures"])
    assert {measure.name for measure in panel.measures} == set(measures), "a measure needs a definition here"
    report(mismatches(seed, intervals, rows, measures, lambda row, name: row["measures"][name]))
    attributes = {account["account_id"]: account for account in world.tables["accounts"]}
    for found, ours in ((accounts, spells), (intervals, rows)):
        report(mismatches(seed, found, ours, ATTRIBUTES, lambda row, name: attributes[row["account_id"]][name]))


def test_customers_show_each_candidate_as_on_their_last_row(tmp_path):
    causes = {"use_recency": "category", "plan": "category", "industry": "category", "n_subscriptions": "number"}
    sources, study = sources_of(replace(random_world(0), causes=causes), tmp_path)
    with sources:
        panel = build_panel(sources, study)
        last = panel.intervals.groupby(["account_id", "spell"], sort=True).last()
        assert panel.accounts.set_index(["account_id", "spell"])[list(causes)].equals(last[list(causes)])
    assert panel.accounts["use_recency"].nunique() > 3


def as_account(world, spell):
    return vars(spell) | {
        "duration": spell.followed_to - spell.started_on,
        "entry": spell.entered_on - spell.started_on,
        "amount": recurring_on(world, spell.account_id, spell.followed_to - 1),
    }
