"""The accuracy page: its sentence, its figure in words and in two widths, and no number without its finding."""

import re

import pytest
from as_read import text_of

from whychurn import display
from whychurn.display.calibration import NARROW, WIDE, calibration_svg
from whychurn.findings import Findings

pytestmark = pytest.mark.xdist_group("telco findings")
PROVENANCE = {"horizon": 12.0, "time_unit": "months"}
DRAWINGS = ("accuracy_summary", "calibration_figure", "calibration_table", "capacity_table", "accuracy_measures")


def one(estimand: str, **values: object) -> dict[str, object]:
    return {"analysis": "accuracy", "estimand": estimand, **values}


def nothing_measured(note: str) -> Findings:
    return Findings.from_rows([one("reach", note="Mind this."), one("auc", note=note)], PROVENANCE)


def pairs_of(found: Findings):
    predicted, observed = (found.where(estimand=name).rows() for name in ("mean_predicted", "observed_risk"))
    return list(zip(predicted, observed, strict=True))


def test_the_sentence_says_pairs_and_the_riskiest_tenth(telco_findings):
    text = text_of(str(display.accuracy_summary(telco_findings("accuracy")).markup))
    assert "one who left within 12 months and one who stayed longer" in text
    assert "the higher risk in 88 of 100 pairs (interval 87–89)." in text
    assert "The riskiest tenth holds 36% of the churn (interval 33–39%)." in text
    assert "optimistic about real use" in text
    assert "88.0 of 100 pairs instead of 87.6" in text


def test_no_number_stands_without_its_finding(telco_findings):
    found = telco_findings("accuracy")
    known = {row.id for row in found.rows()} | {"provenance"}
    html = "".join(str(getattr(display, name)(found).markup) for name in DRAWINGS)
    sources = re.findall(r'data-finding="([^".]*)', html)
    assert len(sources) > 60
    assert set(sources) <= known
    bare = text_of(re.sub(r"<data\b.*?</data>", "", str(display.accuracy_summary(found).markup)))
    assert re.findall(r"\d+", bare) == ["100", "100"]  # "of 100 pairs" is how the share is said


def test_a_coin_is_called_a_coin():
    rows = [
        one("reach", note="Mind this."),
        one("auc", estimate=0.53, conf_low=0.48, conf_high=0.58),
        one("folds_fitted", estimate=5, numerator=5, denominator=5, n_accounts=200),
    ]
    text = text_of(str(display.accuracy_summary(Findings.from_rows(rows, PROVENANCE)).markup))
    assert "53 of 100 pairs (interval 48–58), which is not clearly better than a coin." in text
    assert "riskiest" not in text


def test_what_could_not_be_measured_says_why():
    found = nothing_measured("Only 3 customers left.")
    text = text_of(str(display.accuracy_summary(found).markup))
    assert "could not be measured here" in text
    assert "Only 3 customers left." in text
    assert "Mind this." in text
    for name in DRAWINGS[1:]:
        assert "nan" not in str(getattr(display, name)(found).markup)


def test_the_figure_is_said_in_words_for_every_band(telco_findings):
    html = str(display.calibration_figure(telco_findings("accuracy")).markup)
    labels = re.findall(r'aria-label="([^"]+)"', html)
    assert len(labels) == 2  # wide and narrow
    assert labels[0].startswith("Predicted and observed risk by tenth of predicted risk, lowest first: 0.2% and 0.0%;")
    assert labels[0].endswith("59.2% and 60.9%.")
    assert "In 7 of 10 groups" in text_of(html)


@pytest.mark.parametrize("layout", [WIDE, NARROW])
def test_the_figure_has_the_pages_colours_and_the_same_bytes(telco_findings, layout):
    pairs = pairs_of(telco_findings("accuracy"))
    first, second = (str(calibration_svg(pairs, "Calibration", layout)) for _ in range(2))
    assert first == second
    assert "var(--c1,#0072b2)" in first
    assert "riskiest tenth" in first
    for words in ("as predicted", "more left than predicted", "fewer left than predicted"):
        assert words in first


def test_ids_are_unique_over_both_widths(telco_findings):
    html = str(display.calibration_figure(telco_findings("accuracy")).markup)
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids)) > 10


def test_a_band_without_interval_is_drawn_without_one():
    rows = []
    for level, value, limits in (("1 (lowest)", 0.1, {"conf_low": 0.05, "conf_high": 0.2}), ("5 (highest)", 1.0, {})):
        shared = {"term": "Fifth of predicted risk", "level": level}
        rows += [
            one("mean_predicted", estimate=0.5 * value, **shared),
            one("observed_risk", estimate=value, **limits, **shared),
        ]
    svg = str(calibration_svg(pairs_of(Findings.from_rows(rows)), "Two bands", WIDE))
    assert "riskiest fifth" in svg
    assert "nan" not in svg.lower()


def test_the_table_for_a_team_reads_as_its_sentence(telco_findings):
    text = text_of(str(display.capacity_table(telco_findings("accuracy")).markup))
    assert "The riskiest 20% of customers hold 60% of the churn, and 50% of them leave in time." in text
    assert "it takes a trial" in text
