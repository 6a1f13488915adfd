"""``whychurn new`` on files as they come: dirty cells, repeated rows, codes, dates, and nothing named plainly."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from flat_files import rows, text

from whychurn.errors import SourceError, StudyError
from whychurn.sources import inspect_sources, propose_study
from whychurn.sources.roles import named_like_an_id
from whychurn.study import read_study

HEADER = "customer_id,tenure_months,churned,plan"


def propose(folder: Path, body: list[list[str]], header: str = HEADER, **options: str) -> str:
    (folder / "data.csv").write_text(text(body, header))
    return propose_study(folder, **options).read_text()


def asked(folder: Path, body: list[list[str]], header: str = HEADER, **options: str) -> str:
    with pytest.raises(StudyError) as caught:
        propose(folder, body, header, **options)
    return str(caught.value)


def test_a_dirty_cell_does_not_hide_the_tenure(tmp_path: Path) -> None:
    body = rows(200, 80)
    body[3][1], body[4][1], body[5][1] = "twelve", "-3", "twelve"
    proposal = propose(tmp_path, body)
    assert "# CHECK: 3 cells are not numbers from 0 up, such as “twelve”, “-3”; their rows are set aside." in proposal
    study = read_study(tmp_path)
    assert study.columns.tenure == "tenure_months"
    with inspect_sources(study) as sources:
        assert sources.tables["accounts"] == 197


def test_a_dirty_cell_does_not_make_a_number_a_category(tmp_path: Path) -> None:
    body = [[*row, "€5" if i == 7 else f"{i * 37 % 200}.5"] for i, row in enumerate(rows(200, 80))]
    proposal = propose(tmp_path, body, HEADER + ",fee")
    assert (
        "# CHECK: 1 cell is not a number, such as “€5”; it is read as missing.\n# Export the column without" in proposal
    )
    assert {cause.column: cause.type for cause in read_study(tmp_path).causes} == {"plan": "category", "fee": "number"}


def test_a_few_codes_and_a_word_stay_a_category(tmp_path: Path) -> None:
    body = [[*row, "other" if i == 7 else str(i % 2)] for i, row in enumerate(rows(200, 80))]
    propose(tmp_path, body, HEADER + ",kind")
    assert {cause.column: cause.type for cause in read_study(tmp_path).causes}["kind"] == "category"


def test_numbers_that_are_there_are_not_denied(tmp_path: Path) -> None:
    body = [[row[0], f"{row[1]} months" if i % 2 else row[1], *row[2:]] for i, row in enumerate(rows())]
    for options in ({}, {"tenure": "tenure_months"}):
        message = asked(tmp_path, body, **options)
        assert "30 of 60 values of “tenure_months” are not numbers from 0 up, such as “3 months”" in message
        assert "holds no numbers" not in message
        assert "No column" not in message


def test_repeated_rows_keep_their_id(tmp_path: Path) -> None:
    body = rows(100, 40)
    body += body[:30]
    proposal = propose(tmp_path, body)
    assert 'account_id = "customer_id"\n' in proposal
    with inspect_sources(read_study(tmp_path)) as sources:
        assert {found.code: found.count for found in sources.integrity}["exact-repeats"] == 30


@pytest.mark.parametrize("name", ["kunde", "Kundennr", "customer", "client_no", "account number", "customerId"])
def test_ids_that_contradict_one_another_are_still_ids(tmp_path: Path, name: str) -> None:
    body = rows(100, 40)
    body += [[*body[1][:3], "other"]]
    proposal = propose(tmp_path, body, f"{name},tenure_months,churned,plan")
    assert read_study(tmp_path).columns.account_id == name
    assert "# CHECK: 1 id stands in several rows that differ, such as “c2”; whychurn check lists them" in proposal
    with inspect_sources(read_study(tmp_path)) as sources:
        assert {found.code: found.count for found in sources.integrity}["contradicting-ids"] == 2


@pytest.mark.parametrize("name", ["account length", "number_of_calls", "customer_value", "notes", "client_since"])
def test_names_that_are_no_ids(name: str) -> None:
    assert not named_like_an_id(name)


def test_a_null_text_that_may_be_a_value_is_pointed_out(tmp_path: Path) -> None:
    body = [[*row, ["EU", "NA", "AS"][i % 3]] for i, row in enumerate(rows(300, 90))]
    proposal = propose(tmp_path, body, HEADER + ",region")
    assert '# CHECK: "NA" was read as missing in 100 cells of “region”' in proposal
    with inspect_sources(read_study(tmp_path)) as sources:
        (gaps,) = [found for found in sources.integrity if found.code == "missing-values"]
    assert (
        '"NA" was read as missing in 100 cells of region; if it is a value, remove it from null_values.' in gaps.problem
    )


def test_a_null_text_in_numbers_is_none(tmp_path: Path) -> None:
    body = [[*row, "NA" if i % 3 else f"{i}.5"] for i, row in enumerate(rows(300, 90))]
    assert "was read as missing" not in propose(tmp_path, body, HEADER + ",fee")
    with inspect_sources(read_study(tmp_path)) as sources:
        assert not [found for found in sources.integrity if "was read as missing" in found.problem]


def test_the_draft_explains_windows_and_tiers(tmp_path: Path) -> None:
    body = [[*row, str(i % 5), ["a", "b", "c"][i % 3]] for i, row in enumerate(rows())]
    proposal = propose(tmp_path, body, HEADER + ",seats,area")
    churn = proposal.split("[churn]")[1].split("[[causes]]")[0]
    assert "# window = 1\n" in churn
    assert "both readings" in churn
    assert "adjusted for causes of earlier tiers and of its own, never for later ones" in churn
    assert "compare" in churn
    assert "actionable" in churn
    assert proposal.count("adjusted for causes") == 1
    assert max(len(line) for line in proposal.splitlines() if not line.startswith("sha256")) <= 120
    proposal = proposal.replace("# window = 1", "window = 1")
    (tmp_path / "study.toml").write_text(proposal)
    assert read_study(tmp_path).churn.window == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("branch", "0{:03d}"), ("plz", "{}"), ("zip", "{}"), ("Postal Code", "{}"), ("tariffCode", "{}")],
)
def test_codes_are_never_numbers(tmp_path: Path, name: str, value: str) -> None:
    few = [[*row, value.format(10 + i % 8)] for i, row in enumerate(rows(200, 80))]
    propose(tmp_path, few, f"{HEADER},{name}")
    assert {cause.column: cause.type for cause in read_study(tmp_path).causes}[name] == "category"
    (tmp_path / "study.toml").unlink()
    many = [[*row, value.format(i % 120)] for i, row in enumerate(rows(400, 80))]
    assert f"“{name}”: it has 120 different values; group these codes" in propose(tmp_path, many, f"{HEADER},{name}")


def test_a_tenure_with_leading_zeros_is_a_number(tmp_path: Path) -> None:
    propose(tmp_path, [[row[0], row[1].zfill(3), *row[2:]] for row in rows()])
    assert read_study(tmp_path).columns.tenure == "tenure_months"


@pytest.mark.parametrize(
    "form", ["2023-{m:02d}-{d:02d}", "{d:02d}.{m:02d}.2023", "{m}/{d}/23", "2023-{m:02d}-{d:02d} 10:00"]
)
def test_dates_are_told_as_dates(tmp_path: Path, form: str) -> None:
    body = [[*row, form.format(m=1 + i % 12, d=1 + i % 28)] for i, row in enumerate(rows(300, 90))]
    proposal = propose(tmp_path, body, HEADER + ",joined")
    assert "“joined”: it looks like a date; compute the tenure from it" in proposal
    file = tmp_path / "study.toml"
    file.write_text(proposal + '\n[[causes]]\ncolumn = "joined"\ntype = "category"\n')
    with inspect_sources(read_study(tmp_path)) as sources:
        (found,) = [found for found in sources.integrity if found.code == "many-levels"]
    assert "It looks like a date" in found.action


def test_dates_without_a_tenure_are_named(tmp_path: Path) -> None:
    body = [[row[0], f"2023-01-{1 + i % 28:02d}", row[2], row[3]] for i, row in enumerate(rows())]
    message = asked(tmp_path, body, "customer_id,joined,churned,plan")
    assert (
        "No column of the file is made of numbers from 0 up. “joined” looks like a date: compute the tenure" in message
    )


def test_three_values_of_churn_are_to_be_checked(tmp_path: Path) -> None:
    body = [[*row[:2], "paused" if i % 7 == 6 else row[2], row[3]] for i, row in enumerate(rows())]
    message = asked(tmp_path, body)
    assert "“churned” has the values “no”, “yes”, “paused”" in message
    proposal = propose(tmp_path, body, churned="churned", churned_when="yes")
    assert 'stayed_when = ["no", "paused"]  # CHECK: does each of these mean: still here?' in proposal


def test_without_two_values_few_are_listed(tmp_path: Path) -> None:
    body = [[*row[:2], ["active", "paused", "gone"][i % 3], str(i)] for i, row in enumerate(rows())]
    message = asked(tmp_path, body, "customer_id,tenure,state,visits")
    assert "No column of the file has two values. Columns with few values: “state” has the values" in message
    assert "“paused”" in message


def test_all_questions_come_at_once_with_a_command(tmp_path: Path) -> None:
    folder = tmp_path / "my shop"
    folder.mkdir()
    body = [[*row[:3], str(i)] for i, row in enumerate(rows())]
    message = asked(folder, body, "id,visits,active,orders")
    assert message.startswith("2 things cannot be told from “data.csv”:")
    assert "Which column counts how long" in message
    assert "Which column says whether" in message
    command = shlex.split(message.splitlines()[-1].removeprefix("For example: "))
    assert command[:2] == ["whychurn", "new"]
    assert command[2] == str(folder)
    from whychurn.cli import cli

    assert CliRunner().invoke(cli, command[1:], standalone_mode=False).exception is None
    study = read_study(folder)
    assert (study.columns.tenure, study.columns.churned, study.columns.churned_when) == ("visits", "active", ("yes",))


@pytest.mark.parametrize(("magic", "what"), [(b"PAR1", "Parquet"), (b"PK\x03\x04", "Excel"), (b"\x1f\x8b\x08", "gzip")])
def test_a_binary_file_says_what_it_is(tmp_path: Path, magic: bytes, what: str) -> None:
    (tmp_path / "data.csv").write_bytes(magic + bytes(range(256)) * 4)
    with pytest.raises(SourceError, match=rf"It is an? .*{what}.* though its name ends in \.csv"):
        propose_study(tmp_path)


def test_the_work_folder_is_no_link(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "study", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "data.csv").write_text(text(rows(), HEADER))
    (folder / ".whychurn").symlink_to(elsewhere)
    with pytest.raises(SourceError, match="is a symbolic link"):
        propose_study(folder)
    (folder / ".whychurn").unlink()
    propose_study(folder)
    for path in (folder / ".whychurn").iterdir():
        path.unlink()
    (folder / ".whychurn").rmdir()
    (folder / ".whychurn").symlink_to(elsewhere)
    with pytest.raises(SourceError, match="is a symbolic link"):
        inspect_sources(read_study(folder))
    (folder / ".whychurn").unlink()
    (folder / ".whychurn").write_text("x")
    with pytest.raises(SourceError, match="is a file"):
        inspect_sources(read_study(folder))


def test_a_delimiter_inside_quotes_is_none(tmp_path: Path) -> None:
    body = [[*row[:3], '";"' if i % 3 else "other level"] for i, row in enumerate(rows())]
    propose(tmp_path, body, 'customer_id,tenure_months,churned,"x ;"')
    assert read_study(tmp_path).source.separator == ","
