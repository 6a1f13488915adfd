"""``whychurn new``: a proposal that loads, or a question that can be answered."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from flat_files import rows, text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from whychurn.errors import StudyError
from whychurn.sources import example, inspect_sources, open_sources, propose_study
from whychurn.study import read_study

HEADER = "customer_id,tenure_months,churned,plan"


def test_the_example_is_proposed_whole(tmp_path: Path) -> None:
    example.write_example("modeldata/wa_churn", tmp_path / "customers.csv")
    file = propose_study(tmp_path)
    assert file == tmp_path / "study.toml"
    study = read_study(tmp_path)
    assert (study.columns.account_id, study.columns.tenure, study.columns.churned) == ("rownames", "tenure", "churn")
    assert (study.columns.churned_when, study.columns.amount) == (("Yes",), "monthly_charges")
    assert len(study.causes) == 17
    causes = {cause.column: cause for cause in study.causes}
    assert causes["contract"].reference == "Month-to-month"
    assert causes["senior_citizen"].levels == {"0": "No", "1": "Yes"}
    assert "“total_charges”: it grows with tenure" in file.read_text()
    assert study.source.sha256 == hashlib.sha256((tmp_path / "customers.csv").read_bytes()).hexdigest()
    with open_sources(study) as sources:
        assert sources.verdict.grade == "usable with caveats"
        assert not [finding for finding in sources.integrity if finding.code in ("unmapped-codes", "absent-level")]


def test_the_same_file_gives_the_same_text(tmp_path: Path) -> None:
    texts = []
    for name in ("one", "two"):
        folder = tmp_path / name / "study"
        folder.mkdir(parents=True)
        (folder / "data.csv").write_text(text(rows(), HEADER))
        texts.append(propose_study(folder).read_text())
    assert texts[0] == texts[1]


@pytest.mark.parametrize(("encoding", "sep"), [("utf-8", ";"), ("utf-16", "\t"), ("cp1252", ","), ("utf-8-sig", "|")])
def test_the_way_a_file_is_written_is_seen(tmp_path: Path, encoding: str, sep: str) -> None:
    body = [
        [*row[:3], "café" if row[3] == "pro" else "basic", f"{i},5" if sep == ";" else f"{i}.5"]
        for i, row in enumerate(rows())
    ]
    (tmp_path / "data.csv").write_bytes(text(body, HEADER + ",fee", sep=sep).encode(encoding))
    propose_study(tmp_path)
    study = read_study(tmp_path)
    assert study.source.separator == sep
    assert study.source.decimal == ("," if sep == ";" else ".")
    with open_sources(study) as sources:
        assert set(sources.frame("accounts")["plan"]) == {"café", "basic"}
        assert sources.frame("accounts")["fee"].max() == 59.5
    assert ("CHECK: not UTF-8" in (tmp_path / "study.toml").read_text()) == (encoding == "cp1252")


def test_an_existing_study_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(text(rows(), HEADER))
    (tmp_path / "study.toml").write_text("mine")
    with pytest.raises(StudyError, match="left alone"):
        propose_study(tmp_path)
    assert (tmp_path / "study.toml").read_text() == "mine"


def test_several_files_need_a_choice(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(text(rows(), HEADER))
    with pytest.raises(StudyError, match="--file"):
        propose_study(tmp_path)
    propose_study(tmp_path, file="b.csv")
    assert read_study(tmp_path).source.file == "b.csv"


@pytest.mark.parametrize(
    ("file", "expected"), [("c.csv", "there is no file"), ("../x.csv", "outside"), ("n.pdf", "kind")]
)
def test_files_that_cannot_be_chosen(tmp_path: Path, file: str, expected: str) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (tmp_path / "x.csv").write_text(text(rows(), HEADER))
    (folder / "n.pdf").write_text("x")
    with pytest.raises(StudyError, match=expected):
        propose_study(folder, file=file)


def test_no_file_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="holds no data file"):
        propose_study(tmp_path)
    with pytest.raises(StudyError, match="no folder"):
        propose_study(tmp_path / "nowhere")


def test_tenure_is_not_guessed(tmp_path: Path) -> None:
    body = [[*row[:3], str(i)] for i, row in enumerate(rows())]
    (tmp_path / "data.csv").write_text(text(body, "id,visits,churned,orders"))
    with pytest.raises(StudyError, match=r"“visits”, “orders”.*--tenure"):
        propose_study(tmp_path)
    with pytest.raises(StudyError, match="Did you mean “visits”"):
        propose_study(tmp_path, tenure="visit")
    propose_study(tmp_path, tenure="visits")
    assert read_study(tmp_path).columns.tenure == "visits"


def test_a_tenure_of_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(text(rows(), HEADER))
    with pytest.raises(StudyError, match="holds no numbers from 0 up"):
        propose_study(tmp_path, tenure="plan")


def test_churn_is_not_guessed(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(text(rows(), "id,tenure,active,plan"))
    with pytest.raises(StudyError, match=r"“active”, “plan”.*--churned"):
        propose_study(tmp_path)
    with pytest.raises(StudyError, match=r"“no”, “yes”.*--churned-when"):
        propose_study(tmp_path, churned="active")
    propose_study(tmp_path, churned="active", churned_when="no")
    study = read_study(tmp_path)
    assert (study.columns.churned_when, study.columns.stayed_when) == (("no",), ("yes",))


@pytest.mark.parametrize(
    ("levels", "left"),
    [(("1", "0"), "1"), (("True", "False"), "True"), (("Churned", "Stayed"), "Churned"), (("Left", "Active"), "Left")],
)
def test_plain_churn_values_are_understood(tmp_path: Path, levels: tuple[str, str], left: str) -> None:
    body = [[row[0], row[1], levels[row[2] == "no"], row[3]] for row in rows()]
    (tmp_path / "data.csv").write_text(text(body, HEADER))
    propose_study(tmp_path)
    assert read_study(tmp_path).columns.churned_when == (left,)


def test_columns_left_out_say_why(tmp_path: Path) -> None:
    body = [
        [*row, f"note {i}", "same", "price" if row[2] == "yes" else "", row[3], row[1], "1"]
        for i, row in enumerate(rows(200, 80))
    ]
    (tmp_path / "data.csv").write_text(text(body, HEADER + ",remarks,country,why_gone,plan2,bills,amount"))
    proposal = propose_study(tmp_path).read_text()
    assert "“remarks”: it is different for nearly every customer" in proposal
    assert "“country”: it has the same value" in proposal
    assert "“why_gone”: it is known only after leaving" in proposal
    assert "“plan2”: it divides the customers exactly as “plan” does" in proposal
    assert "“bills”: it grows with tenure" in proposal
    assert [cause.column for cause in read_study(tmp_path).causes] == ["plan"]


NAME = st.text(
    alphabet=st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00\x1f"), min_size=1, max_size=12
).filter(lambda name: name.strip() == name)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAME, level=NAME)
def test_any_name_and_level_come_back(tmp_path_factory: pytest.TempPathFactory, name: str, level: str) -> None:
    folder = tmp_path_factory.mktemp("names")

    def cell(value: str) -> str:
        return '"' + value.replace('"', '""') + '"'

    body = [[*row[:3], cell(level) if i % 3 else "other level"] for i, row in enumerate(rows())]
    content = text(body, f"customer_id,tenure_months,churned,{cell('x ' + name)}")
    (folder / "data.csv").write_bytes(content.encode())
    propose_study(folder, file="data.csv")
    with inspect_sources(read_study(folder)) as sources:
        frame = sources.frame("accounts")
        assert "x " + name in frame.columns
        assert not [finding for finding in sources.integrity if finding.code == "absent-level"]
