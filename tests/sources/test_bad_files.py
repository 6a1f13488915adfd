"""Files that are wrong: all of it is said, with rows, counts, and what to do."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from conftest import PLAN, MakeStudy
from flat_files import rows, text

from whychurn.errors import SourceError
from whychurn.sources import inspect_sources, open_sources
from whychurn.study import Study


def refused(study: Study) -> str:
    with pytest.raises(SourceError) as caught:
        open_sources(study)
    return str(caught.value)


def finding(study: Study, code: str) -> object:
    with inspect_sources(study) as sources:
        (found,) = [finding for finding in sources.integrity if finding.code == code]
    return found


def test_no_file(make_study: MakeStudy) -> None:
    study = make_study(None)
    (study.folder / "dta.csv").write_text("x")
    assert "There is no file data.csv" in refused(study)
    assert "dta.csv" in refused(study)


def test_an_empty_file(make_study: MakeStudy) -> None:
    assert "is empty" in refused(make_study(b""))
    assert "is empty" in refused(make_study(b"\n\n\r\n"))


def test_a_header_only(make_study: MakeStudy) -> None:
    assert "a header but no rows" in refused(make_study("id,tenure,churned,plan\n"))


def test_missing_columns_are_all_listed_with_what_is_there(make_study: MakeStudy) -> None:
    message = refused(make_study(text(rows(), "id,Tenure ,chrned,plan_name")))
    assert "no column “tenure”, which study.toml names in columns.tenure. Did you mean “Tenure”?" in message
    assert "no column “churned”, which study.toml names in columns.churned. Did you mean “chrned”?" in message
    assert "no column “plan”, which study.toml names in causes[1]. Did you mean “plan_name”?" in message
    assert "The file's columns are “id”, “Tenure”, “chrned”, “plan_name”" in message


def test_repeated_and_empty_header_names(make_study: MakeStudy) -> None:
    message = refused(make_study(text([[*row, "x", "y", "z"] for row in rows()], "id,tenure,churned,plan,Plan,,PLAN")))
    assert "3 columns share a name, apart from upper and lower case: “plan”, “Plan”, “PLAN”" in message
    assert "1 of 7 columns have no name (column 6 from the left)" in message


def test_a_wrong_delimiter_is_named(make_study: MakeStudy) -> None:
    assert 'write delimiter = ";"' in refused(make_study(text(rows(), sep=";")))
    assert 'write delimiter = "\\t"' in refused(make_study(text(rows(), sep="\t")))


def test_wrong_encoding_says_where_and_which_would_do(make_study: MakeStudy) -> None:
    message = refused(make_study(text(rows()).replace("basic", "café").encode("latin-1")))
    assert "It is not utf-8: byte" in message
    assert "(e9) does not fit" in message
    assert 'encoding = "cp1252"' in message
    line = text(rows()).replace("basic", "café")[: text(rows()).replace("basic", "café").index("é")].count("\n") + 1
    assert f"on line {line} " in message
    message = refused(make_study(text(rows()).encode("utf-16")))
    assert 'encoding = "utf-16"' in message


def test_the_place_of_a_bad_byte_is_right_in_a_long_file(
    make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whychurn.sources.files.CHUNK", 64)
    content = text(rows()).encode()
    content = content[:700] + b"\xe9" + content[700:]
    message = refused(make_study(content))
    assert f"byte 700 on line {content[:700].count(10) + 1} " in message


def test_utf8_read_as_latin1_is_doubted(make_study: MakeStudy) -> None:
    study = make_study(text(rows()).replace("basic", "café"), source='encoding = "latin-1"')
    assert "valid UTF-8" in finding(study, "encoding-doubtful").problem  # type: ignore[attr-defined]


def test_nul_characters(make_study: MakeStudy) -> None:
    assert "Line 3 holds a NUL" in refused(make_study(text(rows()).replace("c2", "c\x002")))
    assert "NUL" in refused(make_study(text(rows()).encode("utf-16-le")))


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("c5,", 'c5,"', "line"),
        ("c5,", 'c5"x,', "line 6"),
        ("c5,", '"c5" ,', "line 6"),
        ("c5,", ' "c5",', "line 6"),
        ("c5,", '"c\\"5",', "line 6"),
    ],
)
def test_unsound_quotes_never_swallow_rows(make_study: MakeStudy, old: str, new: str, line: str) -> None:
    message = refused(make_study(text(rows()).replace(old, new, 1)))
    assert "in the middle of a value" in message
    assert line in message


def test_two_unclosed_quotes_do_not_make_one_sound_pair(make_study: MakeStudy) -> None:
    broken = text(rows()).replace("c5,", 'c5,"', 1).replace("c40,", 'c40,"', 1)
    assert "in the middle of a value" in refused(make_study(broken))


def test_bare_carriage_returns(make_study: MakeStudy) -> None:
    assert "carriage return alone" in refused(make_study(text(rows(), end="\r")))


def test_ragged_rows_are_set_aside_and_counted(make_study: MakeStudy) -> None:
    body = rows(100, 40)
    body[9] = ["c10", "5", "yes"]
    body[49] = ["c50", "5", "yes", "pro", "extra", "more"]
    study = make_study(text(body))
    with open_sources(study) as sources:
        frame, rejects, ledger = sources.frame("accounts"), sources.rejects, sources.ledger
        assert sources.fingerprints[0].rows == 100
    assert rejects["record"].tolist() == [10, 50]
    assert rejects["line"].tolist() == [11, 51]
    assert "fewer values" in rejects["reason"][0]
    assert "more values" in rejects["reason"][1]
    assert rejects["value"][1] == "c50,5,yes,pro,extra,more"
    assert frame["row_number"].tolist() == [i for i in range(1, 101) if i not in (10, 50)]
    assert frame["account_id"].tolist() == [f"c{i}" for i in frame["row_number"]]
    assert (ledger[0].n_before, ledger[0].n_after, ledger[0].n_affected) == (100, 98, 2)


def test_too_many_ragged_rows_refuse(make_study: MakeStudy) -> None:
    body = [row[:3] if i % 5 == 0 else row for i, row in enumerate(rows())]
    message = refused(make_study(text(body)))
    assert "12 of 60 rows (20.0%) were set aside" in message
    assert "--accept-risk" in message


def test_all_rows_ragged(make_study: MakeStudy) -> None:
    assert "None of" in refused(make_study(text([[*row, ""] for row in rows()])))


def test_unusable_tenure_and_churn_are_set_aside(make_study: MakeStudy) -> None:
    body = rows(200, 80)
    body[3][1] = "twelve"
    body[4][1] = "-3"
    body[5][1] = ""
    body[6][2] = "NA"
    body[7][0] = ""
    study = make_study(text(body))
    with open_sources(study) as sources:
        rejects = sources.rejects
        assert sources.tables["accounts"] == 195
        step = {step.step: step for step in sources.ledger}["unusable tenure or churn"]
    assert dict(zip(rejects["record"], rejects["reason"], strict=True)) == {
        4: "tenure is not a number",
        5: "tenure is negative",
        6: "tenure has no value",
        7: "churned has no value",
        8: "id has no value",
    }
    assert rejects["value"].tolist() == ["twelve", "-3", "", "", ""]
    assert step.n_affected == 5
    assert "tenure is negative: 1" in step.note
    with (study.folder / ".whychurn" / "rejects-accounts.csv").open(newline="") as stream:
        assert [row["record"] for row in csv.DictReader(stream)] == ["4", "5", "6", "7", "8"]


def test_text_in_every_tenure(make_study: MakeStudy) -> None:
    message = refused(make_study(text([[row[0], f"{row[1]} months", *row[2:]] for row in rows()])))
    assert "None of the 60 rows can be used: tenure is not a number (60 rows)" in message


def test_a_decimal_comma_in_tenure_is_not_read_as_thousands(make_study: MakeStudy) -> None:
    body = [[row[0], f'"{row[1]},5"', *row[2:]] for row in rows()]
    assert "tenure is not a number" in refused(make_study(text(body)))


def test_churn_with_three_values_lists_them(make_study: MakeStudy) -> None:
    body = rows()
    body[30][2] = body[31][2] = "Yes"
    body[32][2] = "maybe"
    message = refused(make_study(text(body)))
    assert "“Yes” (2 rows), “maybe” (1 rows)" in message or "“Yes” (2 rows)" in message
    assert 'churned_when = ["yes", "Yes"]' in message
    assert "null_values" in message


def test_nobody_left(make_study: MakeStudy) -> None:
    assert "Nobody left" in refused(make_study(text(rows(60, 0))))


def test_everyone_left(make_study: MakeStudy) -> None:
    assert finding(make_study(text(rows(60, 60))), "everyone-left").severity == "caveat"  # type: ignore[attr-defined]


def test_ten_rows_refuse_unless_the_risk_is_taken(make_study: MakeStudy) -> None:
    study = make_study(text(rows(10, 4)))
    message = refused(study)
    assert "only 10 customers" in message
    assert "Only 4 customers left" in message
    with open_sources(study, accept_risk="a pilot") as sources:
        assert sources.verdict.grade == "refuse"
        assert sources.verdict.accepted_risk == "a pilot"
    with pytest.raises(SourceError):
        open_sources(study, accept_risk="  ")


def test_repeats_are_dropped_and_contradictions_set_aside(make_study: MakeStudy) -> None:
    body = rows(100, 40)
    body += [list(body[0]), list(body[0]), [*body[1][:3], "other"], list(body[2])]
    study = make_study(text(body))
    with open_sources(study) as sources:
        frame = sources.frame("accounts")
        steps = {step.step: step for step in sources.ledger}
        rejects = sources.rejects
    assert steps["exact repeats"].n_affected == 3
    assert steps["exact repeats"].examples == ("c1", "c1", "c3")
    assert steps["contradicting ids"].n_affected == 2
    assert steps["contradicting ids"].examples == ("c2",)
    assert rejects["record"].tolist() == [2, 103]
    assert frame["account_id"].is_unique
    assert "c2" not in set(frame["account_id"])
    assert steps["tenure zero"].n_after == len(frame) == 99


def test_a_repeat_among_contradictions_is_set_aside_with_them(make_study: MakeStudy) -> None:
    body = rows(100, 40)
    body += [list(body[0]), [*body[0][:3], "other"]]
    with open_sources(make_study(text(body))) as sources:
        assert sources.rejects["record"].tolist() == [1, 101, 102]


@pytest.mark.parametrize(
    ("value", "fix"),
    [("€99", "currency"), ('"1,234.50"', "thousands"), ('"9,5"', 'decimal = ","'), ("abc", "null_values")],
)
def test_odd_numbers_are_told_with_the_fix(make_study: MakeStudy, value: str, fix: str) -> None:
    body = [[*row, value if i < 30 else "5"] for i, row in enumerate(rows())]
    study = make_study(text(body, "id,tenure,churned,plan,fee"), columns='amount = "fee"')
    message = refused(study)
    assert "30 of 60 values of “fee” are not numbers" in message
    assert value.strip('"') in message
    assert fix in message


def test_a_few_odd_numbers_are_a_caveat_and_become_missing(make_study: MakeStudy) -> None:
    body = [[*row, "=1+1" if i == 7 else "5"] for i, row in enumerate(rows())]
    study = make_study(text(body, "id,tenure,churned,plan,fee"), columns='amount = "fee"')
    with open_sources(study) as sources:
        assert sources.frame("accounts")["fee"].isna().sum() == 1
        assert sources.rejects["account_id"].tolist() == ["c8"]
        (found,) = [found for found in sources.integrity if found.code == "unreadable-numbers"]
    assert found.severity == "caveat"
    listed = (study.folder / ".whychurn" / "rejects-accounts.csv").read_text()
    assert ",'=1+1," in listed, "a spreadsheet must not run it"


def test_thousands_points_are_not_decimals(make_study: MakeStudy) -> None:
    body = [[*row, "1.234"] for row in rows()]
    study = make_study(
        text(body, "id,tenure,churned,plan,fee", sep=";"),
        source='delimiter = ";"\ndecimal = ","',
        columns='amount = "fee"',
    )
    assert "are not numbers: “1.234”" in refused(study)


def test_rejects_of_an_earlier_run_do_not_linger(make_study: MakeStudy) -> None:
    body = rows(100, 40)
    body[3][1] = "x"
    study = make_study(text(body))
    open_sources(study).close()
    listed = study.folder / ".whychurn" / "rejects-accounts.csv"
    assert listed.exists()
    make_study(text(rows(100, 40)))
    open_sources(study).close()
    assert not listed.exists()


def test_another_file_than_declared(make_study: MakeStudy) -> None:
    message = refused(make_study(text(rows()), source=f'sha256 = "{"0" * 64}"'))
    assert "is not the file that study.toml names" in message


def test_a_link_made_after_the_study_was_read_is_refused(
    make_study: MakeStudy, tmp_path_factory: pytest.TempPathFactory
) -> None:
    study = make_study(text(rows()))
    outside = tmp_path_factory.mktemp("outside") / "data.csv"
    outside.write_text(text(rows()))
    (study.folder / "data.csv").unlink()
    (study.folder / "data.csv").symlink_to(outside)
    assert "outside the study folder" in refused(study)


def test_a_file_outside_is_read_when_allowed(make_study: MakeStudy, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "data.csv"
    outside.write_text(text(rows()))
    study = make_study(None, file=str(outside), source="allow_outside = true")
    with open_sources(study) as sources:
        assert sources.tables["accounts"] == 60


def test_a_file_that_changes_meanwhile(make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    from whychurn.sources import reading

    study = make_study(text(rows()))
    original = reading.load_csv

    def and_touch(connection: object, file: Path, *rest: object) -> object:
        raw = original(connection, file, *rest)  # type: ignore[arg-type]
        os.utime(file, (1, 1))
        return raw

    monkeypatch.setattr(reading, "load_csv", and_touch)
    assert "changed while it was read" in refused(study)


def test_every_refusal_is_in_the_error(make_study: MakeStudy) -> None:
    body = [[row[0], row[1], row[2], row[3], "€5"] for row in rows(30, 5)]
    with pytest.raises(SourceError) as caught:
        open_sources(make_study(text(body, "id,tenure,churned,plan,fee"), columns='amount = "fee"'))
    assert [problem.code for problem in caught.value.problems] == ["few-customers", "few-leavers", "unreadable-numbers"]


CAUSE = '[[causes]]\ncolumn = "{}"\ntype = "{}"\n{}\n'


@pytest.mark.parametrize(
    ("values", "code", "severity"),
    [
        (["Yes", "yes ", "No"] * 20, "spelling-variants", "caveat"),
        (["a"] * 60, "constant-column", "caveat"),
        ([""] * 60, "empty-column", "caveat"),
        ([f"v{i % 300}" for i in range(600)], "many-levels", "caveat"),
        ([f"v{i}" for i in range(60)], "looks-like-an-identifier", "note"),
        (["a", "n/a", "b"] * 20, "looks-missing", "note"),
        (["a", "", "b"] * 20, "missing-values", "caveat"),
        (["ann@example.org", "bob@example.org"] * 30, "personal-data", "note"),
        (["x", "y"] * 30, "absent-level", "caveat"),
    ],
)
def test_what_is_said_about_a_category(make_study: MakeStudy, values: list[str], code: str, severity: str) -> None:
    body = [[*row[:3], value] for row, value in zip(rows(len(values), len(values) // 2), values, strict=True)]
    study = make_study(text(body), causes=CAUSE.format("plan", "category", 'reference = "X"'))
    found = finding(study, code)
    assert (found.severity, found.column) == (severity, "plan")  # type: ignore[attr-defined]
    assert found.problem.endswith((".", "?"))  # type: ignore[attr-defined]


def test_codes_declared_as_numbers(make_study: MakeStudy) -> None:
    body = [[*row[:3], str(i % 4)] for i, row in enumerate(rows())]
    study = make_study(text(body), causes=CAUSE.format("plan", "number", ""))
    assert "0, 1, 2, 3" in finding(study, "few-valued-number").problem  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["churn_reason", "cancelledOn", "Churn Score", "end_date"])
def test_columns_named_after_leaving(make_study: MakeStudy, name: str) -> None:
    study = make_study(text(rows(), f"id,tenure,churned,{name}"), causes=CAUSE.format(name, "category", ""))
    with inspect_sources(study) as sources:
        assert [found.column for found in sources.detections.known_after] == [name]


def test_columns_filled_for_leavers_only(make_study: MakeStudy) -> None:
    body = [[*row[:3], "price" if row[2] == "yes" else ""] for row in rows()]
    study = make_study(text(body))
    with inspect_sources(study) as sources:
        assert [found.column for found in sources.detections.known_after] == ["plan"]
    kept = make_study(text(body), causes=CAUSE.format("plan", "category", 'keep = "asked at sign-up"'))
    found = finding(kept, "known-only-after-leaving")
    assert found.severity == "caveat"  # type: ignore[attr-defined]
    assert "asked at sign-up" in found.action  # type: ignore[attr-defined]


def test_focus_levels_that_do_not_occur(make_study: MakeStudy) -> None:
    causes = PLAN + '[[focus]]\nname = "Pro"\nwhere = { plan = ["Pro"] }\n'
    found = finding(make_study(text(rows()), causes=causes), "absent-level")
    assert "Did you mean “pro”?" in found.problem  # type: ignore[attr-defined]


def test_leavers_in_file_is_a_caveat_unless_all(make_study: MakeStudy) -> None:
    study = make_study(text(rows()))
    with inspect_sources(study) as sources:
        codes = [found.code for found in sources.integrity]
    assert "earlier-leavers-absent" not in codes
    assert "attributes-as-last-recorded" in codes
    file = study.folder / "study.toml"
    file.write_text(file.read_text().replace('"all"', '"recent"\nrecognised = "within the last month"'))
    from whychurn.study import read_study

    found = finding(read_study(study.folder), "earlier-leavers-absent")
    assert "left within the last month; earlier leavers may be absent" in found.problem  # type: ignore[attr-defined]
    assert "Survival by tenure assumes" in found.consequence  # type: ignore[attr-defined]
