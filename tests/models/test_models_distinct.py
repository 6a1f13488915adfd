"""`distinct_codes` is `np.unique` with places, whatever way it counts."""

import numpy as np
import pytest

from whychurn.models.distinct import distinct_codes, places_among

RANDOM = np.random.default_rng(5)


@pytest.mark.parametrize(
    "values",
    [
        RANDOM.integers(1, 1826, 5_000).astype(float),
        RANDOM.random(500),
        np.array([3.0, 3.0, -2.0]),
        np.array([]),
        np.array([5.0]),
        np.array([1e15, 1e15 + 1]),
        np.array([0.0, 1e17, 0.5]),
        np.array([-1.0, 1e300]),
    ],
    ids=["days", "continuous", "negative", "empty", "one", "large whole", "mixed", "far apart"],
)
def test_distinct_codes_equal_numpy_unique(values):
    distinct, codes = distinct_codes(values)
    expected, places = np.unique(values, return_inverse=True)
    np.testing.assert_array_equal(distinct, expected)
    np.testing.assert_array_equal(codes, places)


@pytest.mark.parametrize(
    ("distinct", "values"),
    [
        (np.array([2.0, 3.0, 7.0]), np.array([-np.inf, 0.0, 1.9, 2.0, 2.5, 3.0, 6.99, 7.0, 8.0, 1e30])),
        (np.array([2.5, 3.0]), np.array([1.0, 2.5, 2.7, 9.0])),
        (np.array([5.0]), np.array([4.0, 5.0, 6.0])),
        (np.array([]), np.array([4.0, 5.0])),
        (np.array([-1e300, 1.0, 1e300]), np.array([-1e301, 0.0, 1.0, 2.0, 1e301])),
    ],
    ids=["whole", "halves", "one", "none", "extreme"],
)
def test_places_among_equal_numpy_searchsorted(distinct, values):
    np.testing.assert_array_equal(places_among(distinct, values), np.searchsorted(distinct, values, side="right"))
