import pytest

from whychurn.display.numbers import FORMATS, format_number, printed


@pytest.mark.parametrize(
    ("value", "style", "text"),
    [
        (1234567.4, "count", "1,234,567"),
        (0.30512, "percent1", "30.5%"),
        (-0.289, "percent0", "−29%"),
        (-0.0001, "percent0", "0%"),
        (0.0319, "points1", "+3.2"),
        (-0.0319, "points1", "−3.2"),
        (0.0, "points1", "0.0"),
        (0.00053, "points2", "+0.05"),
        (-0.00001, "points2", "0.00"),
        (0.016409, "percent2", "1.64%"),
        (2.756, "ratio2", "2.76"),
        (0.004, "ratio2", "<0.01"),
        (151.2, "ratio2", "151"),
        (25.35, "times", "25"),
        (2.75, "times", "2.8"),
        (0.614, "times", "0.61"),
        (0.0004, "p", "<0.001"),
        (0.0123, "p", "0.012"),
        (118911.2, "money:USD", "$118,911"),
        (-118911.2, "money:USD", "−$118,911"),
        (10.0, "money:CHF", "10 CHF"),
        (float("nan"), "count", "–"),
    ],
)
def test_formats(value, style, text):
    assert format_number(value, style) == text


def test_unknown_style_is_an_error():
    with pytest.raises(KeyError):
        format_number(1.0, "pretty")


def test_printed_number_carries_value_format_and_source():
    assert str(printed(0.30512, "percent1", "abc", "conf_low")) == (
        '<data value="0.30512" data-format="percent1" data-finding="abc.conf_low">30.5%</data>'
    )


def test_every_format_writes_zero_and_a_large_number():
    for style in FORMATS:
        assert format_number(0.0, style)
        assert format_number(12345.678, style)
