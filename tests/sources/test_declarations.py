"""What ``check`` says about the study's own declarations."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import PLAN, MakeStudy
from flat_files import rows, text

from whychurn.sources import inspect_sources
from whychurn.study import Study, read_study

SIZE = '[[causes]]\ncolumn = "size"\ntype = "category"\n'


def codes(study: Study) -> dict[str, object]:
    with inspect_sources(study) as sources:
        return {found.code: found for found in sources.integrity}


def two() -> str:
    return text([[*row, "small" if i % 3 else "large"] for i, row in enumerate(rows())], "id,tenure,churned,plan,size")


def test_one_tier_for_all(make_study: MakeStudy) -> None:
    found = codes(make_study(two(), causes=PLAN + SIZE))["one-tier"]
    assert (found.severity, found.count) == ("note", 2)  # type: ignore[attr-defined]
    assert "Give later ones a higher tier." in found.text  # type: ignore[attr-defined]
    assert "one-tier" not in codes(make_study(two(), causes=PLAN))
    assert "one-tier" not in codes(make_study(two(), causes=PLAN + SIZE + "tier = 2\n"))


@pytest.mark.parametrize(("leavers", "told"), [('"unknown"', True), ('"all"', False), ('"recent"\nwindow = 1', False)])
def test_one_reading_without_a_window(make_study: MakeStudy, leavers: str, told: bool) -> None:
    study = make_study(text(rows()))
    file = study.folder / "study.toml"
    file.write_text(file.read_text().replace('"all"', leavers))
    assert ("one-reading" in codes(read_study(study.folder))) == told


def test_a_file_outside_is_told(make_study: MakeStudy, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside: Path = tmp_path_factory.mktemp("outside") / "data.csv"
    outside.write_text(text(rows()))
    assert codes(make_study(None, file=str(outside), source="allow_outside = true"))["file-outside"]
    assert "file-outside" not in codes(make_study(text(rows())))


def test_the_id_has_not_too_many_levels(make_study: MakeStudy) -> None:
    with inspect_sources(make_study(text(rows(200, 80)), causes="")) as sources:
        assert not [found for found in sources.integrity if found.column == "account_id"]


def test_one_row_is_one_row(make_study: MakeStudy) -> None:
    body = rows(100, 40)
    body[4][1] = "0"
    body.append(list(body[0]))
    found = codes(make_study(text(body)))
    assert "1 customer has tenure 0" in found["tenure-zero"].problem  # type: ignore[attr-defined]
    assert "1 row repeats an earlier row of the same id exactly (id c1)" in found["exact-repeats"].problem  # type: ignore[attr-defined]
