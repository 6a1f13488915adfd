"""Numbers in the bands that a study declares."""

import numpy as np
import pandas as pd
import pytest

import whychurn as wc
from whychurn.errors import StudyError
from whychurn.panel.candidates import band_names, resolve_candidate
from whychurn.panel.coding import code_candidate
from whychurn.study.schema import Cause


def cause(**more):
    return Cause(column="uses", type="number", **more)


@pytest.mark.parametrize(
    ("bands", "values", "names"),
    [
        ([1, 5], [0, 3, 9], ["0", "1-4", "5+"]),
        ([3], [0, 3], ["0-2", "3+"]),
        ([1, 2, 3], [0, 1, 2, 7], ["0", "1", "2", "3+"]),
        ([0.2, 0.5], [0.1, 0.2, 0.9], ["below 0.2", "0.2 to 0.5", "0.5 or more"]),
        ([1, 5], [0.5, 3], ["below 1", "1 to 5", "5 or more"]),
        ([0, 5], [-3, 4], ["below 0", "0 to 5", "5 or more"]),
    ],
)
def test_bands_are_named_after_what_they_hold(bands, values, names):
    assert band_names(pd.Series(values, dtype=float), cause(bands=bands)) == names


def test_a_cut_point_is_the_first_of_its_band_and_missing_has_a_name():
    declared = cause(bands=[1, 5], missing="not recorded", reference="5+", compare="0")
    values = pd.Series([0, 1, 4, 5, 80, np.nan], dtype=float)
    candidate, coded = resolve_candidate(declared, values)
    assert list(coded) == ["0", "1-4", "1-4", "5+", "5+", "not recorded"]
    assert candidate.levels == ("5+", "0", "1-4", "not recorded")
    assert (candidate.kind, candidate.reference, candidate.compare) == ("category", "5+", "0")
    assert (candidate.missing_level, candidate.n_missing, candidate.compare_declared) == ("not recorded", 1, True)


def test_any_part_of_the_rows_is_coded_as_all_of_them_also_where_bands_share_a_name():
    declared = cause(bands=[15, 22], levels={"0-14": "later", "15-21": "this week", "22+": "later"}, reference="later")
    values = pd.Series([3, 15, 21, 22, 300, np.nan], dtype=float)
    candidate, coding = code_candidate(declared, values)
    assert list(coding(values)) == ["later", "this week", "this week", "later", "later", "(missing)"]
    assert [coding(values.iloc[[place]]).iloc[0] for place in range(6)] == list(coding(values))
    assert candidate.levels == ("later", "this week", "(missing)")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("bands = [5, 1]", "the cut points must rise"),
        ("bands = [1, 5]\nper = 3", "leave out per or bands"),
        ('bands = ["a"]', "bands"),
        ('role = "nothing"', "adjustment"),
    ],
)
def test_bands_that_make_no_sense_are_told(tmp_path, line, expected):
    (tmp_path / "study.toml").write_text(
        '[study]\nname = "S"\nkind = "tables"\nhorizon = 90\nobserved_from = 2024-01-01\nobserved_to = 2025-01-01\n'
        '[tables.accounts]\nfile = "a.csv"\n[tables.subscriptions]\nfile = "s.csv"\n'
        f'[[causes]]\ncolumn = "seats"\ntype = "number"\n{line}\n',
        encoding="utf-8",
    )
    with pytest.raises(StudyError, match=expected):
        wc.read_study(tmp_path)


def test_a_category_has_no_bands(tmp_path):
    (tmp_path / "study.toml").write_text(
        '[study]\nname = "S"\nkind = "tables"\nhorizon = 90\nobserved_from = 2024-01-01\nobserved_to = 2025-01-01\n'
        '[tables.accounts]\nfile = "a.csv"\n[tables.subscriptions]\nfile = "s.csv"\n'
        '[[causes]]\ncolumn = "plan"\ntype = "category"\nbands = [1, 2]\n',
        encoding="utf-8",
    )
    with pytest.raises(StudyError, match="only a number has bands"):
        wc.read_study(tmp_path)
