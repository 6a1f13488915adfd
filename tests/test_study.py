"""study.toml: what is accepted, and how plainly everything else is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from whychurn.errors import StudyError
from whychurn.study import Study, closest, prettify, read_study

GOOD = """
[study]
name = "Telco customers"
kind = "flat"
time_unit = "months"
horizon = 12
currency = "USD"
tiers = ["Who they are", "What they bought"]
[source]
file = "customers.csv"
null_values = ["", "NA", -1]
[columns]
account_id = "rownames"
tenure = "tenure"
churned = "churn"
churned_when = ["Yes", true]
stayed_when = ["No"]
amount = "monthly_charges"
[churn]
leavers_in_file = "recent"
periods = [12, 24]
[[causes]]
column = "contract"
type = "category"
tier = 2
reference = "Two year"
compare = "Month-to-month"
[[causes]]
column = "senior"
type = "category"
levels = { "0" = "No", "1" = "Yes" }
reference = "No"
[[causes]]
column = "monthlyCharges"
type = "number"
label = "Price"
per = 10
group = "price"
reference = 0
[[focus]]
name = "Monthly"
where = { contract = ["Month-to-month"] }
causes = ["senior"]
references = { senior = "Yes" }
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "study.toml"
    file.write_bytes(text.encode())
    return file


def problems(folder: Path, text: str) -> str:
    with pytest.raises(StudyError) as caught:
        read_study(write(folder, text))
    return str(caught.value)


def test_reads_a_folder_and_a_file_alike(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD)
    study = read_study(tmp_path)
    assert study == read_study(str(file))
    assert isinstance(study, Study)
    assert study.folder == tmp_path.resolve()
    assert study.digest == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (study.name, study.kind, study.horizon, study.confidence_level, study.seed) == (
        "Telco customers", "flat", 12.0, 0.95, 1,
    )  # fmt: skip
    assert study.as_of == "not recorded"
    assert study.churn.periods == (12.0, 24.0)
    assert study.data_file == tmp_path.resolve() / "customers.csv"


def test_labels_and_groups_are_filled_in(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    contract, senior, price = read_study(tmp_path).causes
    assert (contract.label, contract.group, contract.compare) == ("Contract", "contract", "Month-to-month")
    assert senior.levels == {"0": "No", "1": "Yes"}
    assert (price.label, price.group, price.per, price.reference) == ("Price", "price", 10.0, "0")


def test_values_are_kept_as_the_text_a_file_would_hold(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    study = read_study(tmp_path)
    assert study.columns.churned_when == ("Yes", "true")
    assert study.source.null_values == ("", "NA", "-1")


def test_a_study_is_frozen(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    study = read_study(tmp_path)
    with pytest.raises(Exception, match="frozen"):
        study.source.file = "other.csv"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        study.name = "other"  # type: ignore[misc]


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="whychurn new"):
        read_study(tmp_path)


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    assert "line 3" in problems(tmp_path, '[study]\nname = "x"\nkind = flat\n')


def test_bytes_that_are_not_utf8_name_the_line(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_bytes(b'[study]\nname = "caf\xe9"\n')
    with pytest.raises(StudyError, match="line 2"):
        read_study(tmp_path)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert read_study(tmp_path).name == "Telco customers"


def test_every_problem_is_listed_at_once(tmp_path: Path) -> None:
    message = problems(
        tmp_path,
        """
[study]
nam = "x"
kind = "table"
time_unit = "month"
horizon = 0
confidence_level = 0.4
seed = 1.5
[source]
file = "data.csv"
encoding = "utf-9"
decimal = ";"
delimiter = ";;"
[columns]
tenure = "t"
churned = "c"
churned_when = []
stayed_when = ["No"]
[[causes]]
column = "plan"
type = "categorical"
tier = 0
[colums]
""",
    )
    for expected in (
        "study.name: is missing",
        "study.nam: unknown key. Did you mean name?",
        "study.kind: expected",
        "study.time_unit: expected",
        "study.horizon: expected a number above 0",
        "study.confidence_level: expected a number between 0.5 and 1",
        "study.seed: expected a whole number",
        "source.encoding: expected",
        "'utf-9' is not a text encoding",
        "source.decimal: expected",
        "source.delimiter: expected one character",
        "columns.churned_when: expected a list",
        "causes[1].type (column 'plan'): expected \"category\" or \"number\"; found 'categorical'",
        "causes[1].tier (column 'plan'): expected a whole number from 1",
        "colums: unknown key. Did you mean columns?",
    ):
        assert expected in message, expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('column = "senior"', 'column = "contract"', "'contract' is already causes[1]"),
        ('column = "senior"', 'column = "tenure"', "is columns.tenure; it cannot be a cause"),
        ('column = "senior"', 'column = "churn"', "is columns.churned"),
        ('column = "senior"', 'column = "rownames"', "is columns.account_id"),
        ('column = "senior"', 'column = "Churned"', "meaning of its own"),
        ('stayed_when = ["No"]', 'stayed_when = ["No", "Yes"]', "'Yes' also stands in stayed_when"),
        ("periods = [12, 24]", "periods = [24, 12]", "the times must rise"),
        ("tier = 2", "tier = 3", "tier 3 has no name"),
        ('compare = "Month-to-month"', 'compare = "Two year"', "cannot be compared with itself"),
        ('reference = "No"', 'reference = "0"', "write 'No', the meaning, not the code"),
        ("per = 10", 'compare = "x"', "only a category has compare"),
        ("per = 10", "per = -1", "a number above 0"),
        ("per = 10", 'per = "10"', "expected a number above 0: the unit of the hazard ratio; found '10'"),
        ("reference = 0", 'reference = "cheap"', "expected a number; found 'cheap'"),
        ('causes = ["senior"]', 'causes = ["seniors"]', "Did you mean 'senior'?"),
        ('where = { contract = ["Month-to-month"] }', "where = { contract = [] }", "focus[1].where"),
        ('churned = "churn"', 'churned = "tenure"', "One column cannot be both"),
        ('name = "Telco customers"', 'name = "' + "x" * 121 + '"', "at most 120 characters"),
        ('name = "Telco customers"', 'name = "a\\u0007b"', "control characters"),
        ("horizon = 12", "horizon = inf", "study.horizon"),
        ("horizon = 12", "horizon = true", "study.horizon"),
        ('file = "customers.csv"', 'file = "customers.pdf"', "cannot be read"),
        ('file = "customers.csv"', 'file = "../customers.csv"', "outside the study folder"),
        ('file = "customers.csv"', 'file = "/etc/customers.csv"', "outside the study folder"),
        ('file = "customers.csv"', 'file = "customers.csv"\nsha256 = "abc"', "64 hexadecimal digits"),
        ('file = "customers.csv"', 'file = "customers.csv"\nencoding = "rot13"', "not a text encoding"),
    ],
)
def test_one_mistake_is_told_in_words(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    assert expected in problems(tmp_path, GOOD.replace(old, new, 1))


def test_a_symbolic_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "secret.csv"
    outside.write_text("x")
    study = tmp_path / "study"
    study.mkdir()
    (study / "customers.csv").symlink_to(outside)
    assert "outside the study folder" in problems(study, GOOD)
    write(study, GOOD.replace('file = "customers.csv"', 'file = "customers.csv"\nallow_outside = true'))
    assert read_study(study).data_file == outside.resolve()


def test_a_link_to_the_study_folder_itself_is_fine(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    write(real, GOOD)
    (tmp_path / "alias").symlink_to(real)
    assert read_study(tmp_path / "alias").folder == real.resolve()


def test_dates_may_be_written_as_dates(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("horizon = 12", "horizon = 12\nas_of = 2024-01-31"))
    assert read_study(tmp_path).as_of == "2024-01-31"


def test_the_delimiter_follows_the_suffix_unless_declared(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("customers.csv", "customers.tsv"))
    assert read_study(tmp_path).source.separator == "\t"
    write(tmp_path, GOOD.replace('file = "customers.csv"', 'file = "customers.tsv"\ndelimiter = ";"'))
    assert read_study(tmp_path).source.separator == ";"


@pytest.mark.parametrize(
    ("column", "label"),
    [("monthly_charges", "Monthly charges"), ("MonthlyCharges", "Monthly Charges"), ("n/a", "N/a"), ("_", "_")],
)
def test_prettify(column: str, label: str) -> None:
    assert prettify(column) == label


def test_closest_ignores_case_and_punctuation() -> None:
    assert closest("Month_to_month", ["Two year", "Month-to-month"]) == "Month-to-month"
    assert closest("zzz", ["Two year"]) == ""


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    assert "too deeply" in problems(tmp_path, "x = " + "[" * 5000 + "]" * 5000)
