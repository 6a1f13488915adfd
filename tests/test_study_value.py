"""``[value]`` of study.toml: defaults, settings, and what is said of slips."""

import pytest

import whychurn as wc
from whychurn.errors import StudyError

TEXT = """
[study]
name = "Ours"
kind = "tables"
observed_from = 2024-01-01
observed_to = 2026-01-01
lag_days = 14
horizon = 90
[tables.accounts]
file = "accounts.csv"
[tables.subscriptions]
file = "subscriptions.csv"
"""


def read(folder, value=""):
    (folder / "study.toml").write_text(TEXT + value, encoding="utf-8")
    return wc.read_study(folder)


def test_defaults(tmp_path):
    value = read(tmp_path).value
    assert (value.discount_rate, value.horizon_months, value.gross_margin) == (0.10, 36, None)


def test_settings_arrive(tmp_path):
    value = read(tmp_path, "[value]\ndiscount_rate = 0\nhorizon_months = 24\ngross_margin = 0.75").value
    assert (value.discount_rate, value.horizon_months, value.gross_margin) == (0, 24, 0.75)


def test_what_is_expected_of_promoters_arrives(tmp_path):
    assert read(tmp_path).recommending.driver == ""
    assert read(tmp_path, '[recommending]\ndriver = "Reporting"').recommending.driver == "Reporting"
    with pytest.raises(StudyError, match=r"recommending\.drivers: unknown key\. Did you mean driver\?"):
        read(tmp_path, '[recommending]\ndrivers = "Reporting"')


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("discount_rate = 10", "value.discount_rate: expected a yearly rate from 0 to 1, such as 0.10 for ten percent"),
        ('discount_rate = "10%"', "value.discount_rate: expected a yearly rate"),
        ("discount_rate = -0.1", "value.discount_rate: expected a yearly rate"),
        ("horizon_months = 0", "value.horizon_months: expected a whole number of months"),
        ("horizon_months = 2.5", "value.horizon_months: expected a whole number of months"),
        ("gross_margin = 75", "value.gross_margin: expected a share above 0, up to 1"),
        ("gross_margin = 0", "value.gross_margin: expected a share above 0, up to 1"),
        ("margin = 0.7", "value.margin: unknown key. Did you mean gross_margin?"),
    ],
)
def test_slips_are_told_with_what_to_write(tmp_path, line, expected):
    with pytest.raises(StudyError) as raised:
        read(tmp_path, f"[value]\n{line}\n")
    assert expected in str(raised.value)
