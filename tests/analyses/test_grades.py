from dataclasses import replace

import pytest

from whychurn.analyses.grades import ORDER, RULES, Evidence, grade

STRONG = Evidence(intervals=((1.5, 2.5),), p_adjusted=0.001, directions=(1, 1), sign_unadjusted=1, sign_adjusted=1)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "strong"),
        ({"intervals": ((0.3, 0.6),), "directions": (-1, -1), "sign_unadjusted": -1, "sign_adjusted": -1}, "strong"),
        ({"p_adjusted": 0.02}, "moderate"),
        ({"intervals": ((1.1, 2.5),)}, "moderate"),  # reaches into 0.8 to 1.25
        ({"directions": (1, -1)}, "moderate"),
        ({"directions": (1, 0)}, "moderate"),
        ({"directions": ()}, "moderate"),
        ({"sign_unadjusted": -1}, "moderate"),
        ({"p_adjusted": 0.1}, "weak"),
        ({"declared": False}, "weak"),
        ({"second_reading": 1}, "strong"),
        ({"second_reading": 0}, "weak"),
        ({"second_reading": -1}, "weak"),
        ({"data_refused": True}, "weak"),
        ({"p_adjusted": 0.3}, "inconclusive"),
        ({"p_adjusted": float("nan")}, "inconclusive"),
        ({"separable": False}, "inconclusive"),
        ({"intervals": ()}, "inconclusive"),
        ({"intervals": ((0.9, 1.1),), "p_adjusted": 0.9}, "no sizeable effect"),
        # A tiny p does not promote a negligible effect.
        ({"intervals": ((1.02, 1.2),), "p_adjusted": 1e-12}, "no sizeable effect"),
        # One level inside the limits is not enough: all must be.
        ({"intervals": ((0.9, 1.1), (0.7, 1.9)), "p_adjusted": 0.9}, "inconclusive"),
    ],
)
def test_rules(change, expected):
    assert grade(replace(STRONG, **change)) == expected


def test_every_grade_has_its_printed_rule():
    assert set(RULES) == set(ORDER)
