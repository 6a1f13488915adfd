"""The detectors on data made to fool them, with the rates at which they err."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from whychurn.sources.detectors import (
    accumulating_columns,
    aliased_levels,
    detect_columns,
    determined_columns,
    duplicate_columns,
)


def customers(n: int, seed: int, effect: float = 0.5) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers who joined at any time in six years; a standard normal trait lengthens their stay."""
    rng = np.random.default_rng(seed)
    trait = rng.normal(size=n)
    life, age = rng.exponential(30, n) * np.exp(effect * trait), rng.uniform(0, 72, n)
    frame = pd.DataFrame({"tenure": np.ceil(np.minimum(life, age)), "churned": life <= age})
    return frame, trait


STATIC = {
    "price": lambda rng, z, t: 60 + 15 * z,
    "size": lambda rng, z, t: np.exp(0.8 * z),
    "seats": lambda rng, z, t: np.ceil(np.exp(1.5 + z)),
    "products": lambda rng, z, t: rng.poisson(np.exp(0.5 + 0.6 * z)),
    "flag": lambda rng, z, t: (z > 0.5).astype(float),
    "age": lambda rng, z, t: rng.uniform(18, 80, len(z)) + t / 12,
    "upsold": lambda rng, z, t: 1 + np.floor(np.log1p(t)),
}
TOTALS = {
    "charges": lambda rng, z, t: t * (60 + 15 * z),
    "tickets": lambda rng, z, t: rng.poisson(0.1 * t * np.exp(0.5 * z)),
    "logins": lambda rng, z, t: rng.poisson(5 * t * rng.gamma(2, 0.5, len(t))),
    "orders": lambda rng, z, t: rng.poisson(2 + 0.3 * t),
    "days": lambda rng, z, t: 30.4 * t,
}


def flagged(kinds: dict, n: int, repeats: int, effect: float) -> dict[str, float]:
    hits = dict.fromkeys(kinds, 0)
    for seed in range(repeats):
        frame, trait = customers(n, seed, effect)
        rng = np.random.default_rng(10_000 + seed)
        for name, make in kinds.items():
            frame[name] = np.asarray(make(rng, trait, frame["tenure"].to_numpy()), dtype=float)
        for found in accumulating_columns(frame, list(kinds)):
            hits[found.column] += 1
    return {name: count / repeats for name, count in hits.items()}


@pytest.mark.parametrize("n", [150, 1000])
def test_what_merely_goes_with_tenure_is_not_a_total(n: int) -> None:
    for effect in (0.0, 0.5, 1.0):
        rates = flagged(STATIC, n, 20, effect)
        assert max(rates.values()) <= 0.05, rates


@pytest.mark.parametrize(("n", "least"), [(150, 0.7), (1000, 1.0)])
def test_totals_are_found(n: int, least: float) -> None:
    rates = flagged(TOTALS, n, 20, 0.5)
    assert min(rates.values()) >= least, rates


def test_the_slope_of_an_exact_total_is_one() -> None:
    frame, _ = customers(2000, 1)
    frame["total"] = 7 * frame["tenure"]
    (found,) = accumulating_columns(frame, ["total"])
    assert found.slope == pytest.approx(1, abs=1e-6)
    assert found.r_squared == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("values", [0.0, 5.0, np.nan])
def test_columns_with_nothing_to_fit_are_passed_over(values: float) -> None:
    frame, _ = customers(500, 1)
    frame["x"] = values
    assert accumulating_columns(frame, ["x"]) == ()


def test_text_and_short_frames_are_passed_over() -> None:
    frame, _ = customers(50, 1)
    frame["x"], frame["y"] = frame["tenure"], "a"
    assert accumulating_columns(frame, ["x", "y"]) == ()


def services(n: int = 800, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.choice(["No", "Yes"], n) for name in ("phone", "tv", "music", "mail")})
    frame["line"] = rng.choice(["DSL", "Fibre", "None"], n)
    price = 20 + 15 * (frame["phone"] == "Yes") + 10 * (frame["tv"] == "Yes") + 25 * (frame["line"] == "Fibre")
    frame["price"] = price + rng.normal(0, 0.5, n)
    frame["noise"] = rng.normal(size=n)
    return frame


def test_a_price_is_determined_by_the_services_it_is_made_of() -> None:
    frame = services()
    (found,) = determined_columns(frame, list(frame.columns))
    assert found.column == "price"
    assert found.by == ("phone", "tv", "line")
    design = pd.get_dummies(frame[["phone", "tv", "line"]], drop_first=True).astype(float)
    design.insert(0, "one", 1.0)
    residual = frame["price"] - design @ np.linalg.lstsq(design, frame["price"], rcond=None)[0]
    assert found.r_squared == pytest.approx(1 - residual.var() / frame["price"].var(), abs=1e-9)


def test_of_two_that_fix_each_other_the_earlier_stays() -> None:
    frame = services()
    frame["yearly"] = 12 * frame["noise"]
    found = determined_columns(frame, ["noise", "yearly"])
    assert [(one.column, one.by) for one in found] == [("yearly", ("noise",))]


def test_few_rows_determine_nothing() -> None:
    assert determined_columns(services(30), list(services(30).columns)) == ()


def test_gaps_in_a_predictor_do_not_hide_a_sum() -> None:
    frame = services()
    frame.loc[frame.index[:400], "noise"] = np.nan
    frame.loc[frame.index[:5], "price"] = np.nan
    assert [found.column for found in determined_columns(frame, list(frame.columns))] == ["price"]


def aliased_frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    line = rng.choice(["DSL", "Fibre", "No"], 300)
    phone = rng.choice(["No", "Yes"], 300)

    def addon(without: np.ndarray, name: str) -> np.ndarray:
        return np.where(without, f"No {name} service", rng.choice(["No", "Yes"], 300, p=[0.4, 0.6]))

    return pd.DataFrame(
        {
            "online_security": addon(line == "No", "internet"),
            "tech_support": addon(line == "No", "internet"),
            "internet_service": line,
            "lines": addon(phone == "No", "phone"),
            "phone": phone,
            "band": np.where(line == "No", "none", rng.choice(["low", "mid", "high"], 300, p=[0.2, 0.3, 0.5])),
        }
    )


def test_aliased_levels_have_one_owner_and_a_place_to_go() -> None:
    frame = aliased_frame()
    found = aliased_levels(frame, list(frame.columns), {})
    assert {(one.column, one.level, one.into, one.because_column, one.because_level) for one in found} == {
        ("online_security", "No internet service", "No", "internet_service", "No"),
        ("tech_support", "No internet service", "No", "internet_service", "No"),
        ("lines", "No phone service", "No", "phone", "No"),
        ("band", "none", "high", "internet_service", "No"),
    }
    (band,) = [one for one in aliased_levels(frame, list(frame.columns), {"band": "low"}) if one.column == "band"]
    assert band.into == "low"
    assert band.count == int((frame["band"] == "none").sum())


def test_merging_an_alias_removes_the_singularity() -> None:
    frame = aliased_frame()
    columns = list(frame.columns)
    for one in aliased_levels(frame, columns, {}):
        frame[one.column] = frame[one.column].where(frame[one.column] != one.level, one.into)
    assert aliased_levels(frame, columns, {}) == ()
    design = pd.get_dummies(frame, drop_first=True).astype(float)
    design.insert(0, "one", 1.0)
    assert np.linalg.matrix_rank(design) == design.shape[1]


def test_one_row_more_or_less_is_no_alias() -> None:
    frame = aliased_frame()
    row = frame.index[frame["internet_service"] == "No"][0]
    frame.loc[row, "internet_service"] = "DSL"
    assert all(one.because_column != "internet_service" for one in aliased_levels(frame, list(frame.columns), {}))


def test_duplicate_columns_whatever_they_call_it() -> None:
    frame = services()
    frame["telly"] = frame["tv"].map({"No": "none", "Yes": "some"})
    frame["price again"] = frame["price"]
    pairs = duplicate_columns(frame, list(frame.columns))
    assert pairs == (("telly", "tv"), ("price again", "price"))
    found = detect_columns(frame.assign(tenure=1.0, churned=False), list(frame.columns))
    assert found.duplicates == pairs
    assert found.aliased == ()
