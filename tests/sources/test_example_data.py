"""The example data: IBM's sample, the same to the byte, and what is known about it."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import pytest

from whychurn.errors import SourceError
from whychurn.sources import example, inspect_sources, open_sources
from whychurn.study import read_study

SHA256 = "0bb15b92e0dfc98e192d6c3e2ea0a431b55811918acc4c77d57b446ca0840ab0"
STUDY = f"""
[study]
name = "Telco"
time_unit = "months"
horizon = 12
[source]
file = "customers.csv"
example = "modeldata/wa_churn"
sha256 = "{SHA256}"
[columns]
account_id = "rownames"
tenure = "tenure"
churned = "churn"
churned_when = ["Yes"]
stayed_when = ["No"]
amount = "monthly_charges"
[churn]
leavers_in_file = "recent"
recognised = "within the last month"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path


def test_it_is_written_the_same_every_time(tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        example.write_example("modeldata/wa_churn", tmp_path / name)
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == SHA256
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one.csv", "two.csv"]


def test_what_the_checks_find_in_it(folder: Path) -> None:
    with open_sources(read_study(folder)) as sources:
        frame, found = sources.frame("accounts"), sources.detections
        assert sources.verdict.grade == "usable with caveats"
        codes = {finding.code: finding for finding in sources.integrity}
    assert (len(frame), int(frame["churned"].sum())) == (7043, 1869)
    assert codes["tenure-zero"].count == 11
    assert codes["missing-values"].count == 11
    assert [one.column for one in found.accumulating] == ["total_charges"]
    assert found.accumulating[0].slope == pytest.approx(1.133, abs=0.001)
    (price,) = found.determined
    assert price.column == "monthly_charges"
    assert price.r_squared == pytest.approx(0.9988, abs=1e-4)
    assert set(price.by) == {
        "multiple_lines", "internet_service", "online_security", "online_backup", "device_protection", "tech_support",
        "streaming_tv", "streaming_movies",
    }  # fmt: skip
    assert {(one.column, one.into) for one in found.aliased if one.because_column == "internet_service"} == {
        (name, "No")
        for name in (
            "online_security", "online_backup", "device_protection", "tech_support", "streaming_tv", "streaming_movies",
        )
    }  # fmt: skip
    assert found.duplicates == ()
    assert found.known_after == ()


def test_an_existing_file_is_not_overwritten(folder: Path) -> None:
    (folder / "customers.csv").write_text("rownames,tenure,churn,monthly_charges\n1,1,Yes,1\n2,2,No,1\n")
    with inspect_sources(read_study(folder)) as sources:
        assert "other-fingerprint" in {finding.code for finding in sources.integrity}


def test_an_unknown_example_names_the_known(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="modeldata/wa_churn"):
        example.write_example("modeldata/wachurn", tmp_path / "x.csv")


def test_without_the_package_the_fix_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SourceError, match=r'pip install "whychurn\[examples\]"'):
        open_sources(read_study(folder))


def test_other_bytes_are_never_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "sprung",))  # type: ignore[return-value]

    planted = tmp_path / "planted.pkl"
    planted.write_bytes(pickle.dumps(Trap()))
    monkeypatch.setattr(example, "_pickle_file", lambda name: planted)
    with pytest.raises(SourceError, match="not the one this version knows"):
        example.write_example("modeldata/wa_churn", tmp_path / "x.csv")
    assert not (tmp_path / "sprung").exists()
