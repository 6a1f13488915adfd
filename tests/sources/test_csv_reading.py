"""Sound text files in every dress: what they hold must come out the same."""

from __future__ import annotations

import codecs

import numpy as np
import pytest
from conftest import MakeStudy
from flat_files import rows, text

from whychurn.errors import SourceError
from whychurn.sources import open_sources
from whychurn.study import Study

ACCENTED = [["c1", "5", "yes", "café"], ["c2", "6", "no", "crème"], ["c3", "7", "no", "café"]]


def plans(study: Study) -> list[str]:
    with open_sources(study) as sources:
        return sources.frame("accounts")["plan"].tolist()


def test_the_frame_has_the_promised_columns_and_types(make_study: MakeStudy) -> None:
    body = [[*row, f"{i}.5", "" if i == 3 else "word"] for i, row in enumerate(rows())]
    study = make_study(text(body, "id,tenure,churned,plan,fee,other"), columns='amount = "fee"')
    with open_sources(study) as sources:
        frame = sources.frame("accounts")
    assert list(frame.columns) == [
        "account_id", "tenure", "churned", "amount", "plan", "fee", "other", "row_number",
    ]  # fmt: skip
    assert [str(kind) for kind in frame.dtypes] == [
        "object", "float64", "bool", "float64", "object", "float64", "object", "int64",
    ]  # fmt: skip
    assert frame["other"][3] is None
    assert frame["fee"].tolist() == frame["amount"].tolist()
    assert frame["row_number"].tolist() == list(range(1, 61))
    assert frame["churned"].sum() == 20
    assert sources.tables == {"accounts": 60}
    assert sources.fingerprints[0].rows == 60
    assert sources.verdict.grade == "usable with caveats"


def test_a_frame_is_new_each_time(make_study: MakeStudy) -> None:
    with open_sources(make_study(text(rows()))) as sources:
        frame = sources.frame("accounts")
        frame["plan"] = "changed"
        assert set(sources.frame("accounts")["plan"]) == {"basic", "pro"}


def test_an_unknown_table_names_the_known(make_study: MakeStudy) -> None:
    with open_sources(make_study(text(rows()))) as sources, pytest.raises(SourceError, match="accounts"):
        sources.frame("account")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("tail", ["", "\n\n\n", "\r\n\r\n"])
def test_line_ends_and_blank_lines_do_not_matter(make_study: MakeStudy, end: str, tail: str) -> None:
    study = make_study(text(rows(), end=end) + tail)
    with open_sources(study) as sources:
        frame = sources.frame("accounts")
    assert len(frame) == 60
    assert set(frame["plan"]) == {"basic", "pro"}


def test_mixed_line_ends_and_a_missing_last_one(make_study: MakeStudy) -> None:
    content = text(rows(40, 20)) + text(rows(20, 0, start=41), end="\r\n").partition("\r\n")[2].removesuffix("\r\n")
    with open_sources(make_study(content)) as sources:
        frame = sources.frame("accounts")
    assert len(frame) == 60
    assert frame["plan"].isin(["basic", "pro"]).all()


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16", b""),
        ("utf-16-le", b""),
        ("latin-1", b""),
        ("cp1252", b""),
    ],
)
def test_declared_encodings_give_the_same_text(make_study: MakeStudy, encoding: str, mark: bytes) -> None:
    body = [*ACCENTED, *rows(60, 20, start=10)]
    study = make_study(mark + text(body).encode(encoding), source=f'encoding = "{encoding}"')
    assert plans(study)[:3] == ["café", "crème", "café"]
    leftovers = [file.name for file in (study.folder / ".whychurn").iterdir()]
    assert not leftovers, "no copy stays behind"


@pytest.mark.parametrize(("separator", "name"), [(";", ";"), ("\t", "\\t"), ("|", "|")])
def test_other_delimiters(make_study: MakeStudy, separator: str, name: str) -> None:
    assert len(plans(make_study(text(rows(), sep=separator), source=f'delimiter = "{name}"'))) == 60


def test_a_tsv_needs_no_delimiter(make_study: MakeStudy) -> None:
    assert len(plans(make_study(text(rows(), sep="\t"), file="data.tsv"))) == 60


def test_decimal_comma(make_study: MakeStudy) -> None:
    body = [[row[0], row[1] + ",5", *row[2:], f"{i},25"] for i, row in enumerate(rows())]
    study = make_study(
        text(body, "id,tenure,churned,plan,fee", sep=";"),
        source='delimiter = ";"\ndecimal = ","',
        columns='amount = "fee"',
    )
    with open_sources(study) as sources:
        frame = sources.frame("accounts")
    assert frame["tenure"][0] == 2.5
    assert np.allclose(frame["amount"], np.arange(60) + 0.25)


def test_quoted_values_with_everything_in_them(make_study: MakeStudy) -> None:
    body = [[row[0], row[1], row[2], '"a, ""big""\r\nplan\n\n;"'] for row in rows()]
    study = make_study(text(body))
    with open_sources(study) as sources:
        frame = sources.frame("accounts")
    assert set(frame["plan"]) == {'a, "big"\r\nplan\n\n;'}
    assert frame["row_number"].tolist() == list(range(1, 61))


def test_null_values_are_declared(make_study: MakeStudy) -> None:
    body = [[*row[:3], value] for row, value in zip(rows(), ["NA", " NA ", "", "n/a", "None"] * 12, strict=True)]
    assert plans(make_study(text(body)))[:5] == [None, None, None, "n/a", "None"]
    assert plans(make_study(text(body), source='null_values = ["n/a"]'))[:5] == ["NA", " NA ", None, None, "None"]


def test_levels_say_what_codes_mean(make_study: MakeStudy) -> None:
    body = [[*row[:3], "1" if i % 3 else "0"] for i, row in enumerate(rows())]
    body[5][3] = "9"
    causes = '[[causes]]\ncolumn = "plan"\ntype = "category"\nlevels = { "0" = "Basic", "1" = "Pro" }'
    study = make_study(text(body), causes=causes)
    with open_sources(study) as sources:
        assert set(sources.frame("accounts")["plan"]) == {"Basic", "Pro", "9"}
        (found,) = [finding for finding in sources.integrity if finding.code == "unmapped-codes"]
    assert "“9”" in found.problem
    assert found.count == 1


def test_without_an_id_the_row_number_is_one_and_twins_stay(make_study: MakeStudy) -> None:
    study = make_study(text([row[1:] for row in rows()], "tenure,churned,plan"))
    file = study.folder / "study.toml"
    file.write_text(file.read_text().replace('account_id = "id"\n', ""))
    from whychurn.study import read_study

    with open_sources(read_study(study.folder)) as sources:
        frame = sources.frame("accounts")
        (twins,) = [finding for finding in sources.integrity if finding.code == "twin-rows"]
    assert frame["account_id"].tolist() == [str(i) for i in range(1, 61)]
    assert len(frame) == 60
    assert twins.count > 0


def test_names_that_would_break_sql_or_html_come_through(make_study: MakeStudy) -> None:
    nasty = ['a""; DROP TABLE x; --', "<script>alert(1)</script>", "=HYPERLINK(1)", "naïve\nname", "'; SELECT 1", "c0"]
    header = "id,tenure,churned,plan," + ",".join(f'"{name}"' for name in nasty)
    study = make_study(text([[*row, *"uvwxyz"] for row in rows()], header))
    with open_sources(study) as sources:
        frame = sources.frame("accounts")
        assert 'a"; DROP TABLE x; --' in frame.columns
        assert frame["naïve\nname"].eq("x").all()
        assert frame["c0"].eq("z").all()
        assert [column.name for column in sources.columns][4:] == [name.replace('""', '"') for name in nasty]


def test_columns_named_like_the_frames_own_are_renamed_and_said_so(make_study: MakeStudy) -> None:
    body = [[*row, "1", "2", "3"] for row in rows()]
    study = make_study(text(body, "id,tenure,churned,plan,Account_ID,row_number,Amount"), columns='amount = "Amount"')
    with open_sources(study) as sources:
        frame = sources.frame("accounts")
        renamed = [finding.column for finding in sources.integrity if finding.code == "renamed-column"]
    assert renamed == ["Account_ID", "row_number"]
    assert frame["Account_ID (in the file)"].eq(1).all()
    assert frame["Amount"].eq(3).all()
    assert frame["amount"].eq(3).all()
    assert frame.columns[-1] == "row_number"


def test_numbers_are_digits_and_nothing_cleverer(make_study: MakeStudy) -> None:
    odd = ["1_000", "inf", "nan", "0x10", "1e3", " 7 ", "+.5", "1,5", "1e999", "٣"]
    body = [[*row, value] for row, value in zip(rows(), [*odd, *["1"] * 50], strict=True)]
    body = [[*row[:4], f'"{row[4]}"'] for row in body]
    causes = '[[causes]]\ncolumn = "fee"\ntype = "number"'
    study = make_study(text(body, "id,tenure,churned,plan,fee"), causes=causes)
    with open_sources(study, accept_risk="a test") as sources:
        fee = sources.frame("accounts")["fee"]
        values = sources.rejects
    assert fee[:10].isna().tolist() == [True, True, True, True, False, False, False, True, True, True]
    assert fee[4:7].tolist() == [1000.0, 7.0, 0.5]
    assert values["value"].tolist() == ["1_000", "inf", "nan", "0x10", "1,5", "1e999", "٣"]
    assert (values["scope"] == "value").all()
