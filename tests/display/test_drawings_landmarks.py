"""The pages on crosstabs and landmarks: sentences that follow the findings, tiles that need no colour, no number on its own."""

from __future__ import annotations

import re

import pytest
from as_read import text_of

from whychurn import display
from whychurn.display.heatmap import heatmap, signed, tint
from whychurn.display.points import PointScale, point_axis, point_mark
from whychurn.findings import Findings

PROVENANCE = {"horizon": 90.0, "time_unit": "days"}
CROSSTABS = ("crosstab_summary", "crosstab_heatmap", "crosstab_tests", "crosstab_found", "crosstab_tables")
LANDMARKS = (
    "landmark_summary",
    "landmark_dates",
    "landmark_effects",
    "landmark_forecast",
    "landmark_calibration",
    "landmark_accuracy",
    "landmark_agreement",
    "landmark_caveats",
)


def drawn(findings: Findings, name: str) -> str:
    return str(getattr(display, name)(findings).markup)


def level(term: str, name: str, share: float, residual: float, declared: str = "in advance") -> list[dict[str, object]]:
    shared = {"analysis": "crosstabs", "term": term, "level": name, "declared": declared}
    return [
        {
            **shared,
            "estimand": "churn_share",
            "estimate": share,
            "conf_low": share * 0.9,
            "conf_high": share * 1.1,
            "numerator": 100 * share,
            "denominator": 100,
            "n_accounts": 40,
        },
        {**shared, "estimand": "adjusted_residual", "estimate": residual},
    ]


def tie(term: str, p: float, declared: str = "in advance", v: float = 0.2, **more: object) -> dict[str, object]:
    shared = {"analysis": "crosstabs", "estimand": "cramers_v", "term": term, "declared": declared, "method": "Pearson"}
    return {**shared, "estimate": v, "statistic": 9.0, "df": 1, "p_value": p, "p_adjusted": p, **more}


def crosstabs(p: float = 0.001, found: bool = True) -> Findings:
    rows = [
        {
            "analysis": "crosstabs",
            "estimand": "landmarks",
            "estimate": 12,
            "numerator": 50,
            "denominator": 900,
            "n_accounts": 200,
            "definition": "person-periods (Allison 1982)",
        },
        *level("Plan <b>", "Starter", 0.2, 4.5),
        *level("Plan <b>", "Team", 0.1, -2.5),
        *level("Plan <b>", "Other", 0.1, -0.4),
        tie("Plan <b>", p),
    ]
    if found:
        rows += [
            *level("Logins", "up to 2", 0.3, 5, "found"),
            *level("Logins", "above 2", 0.1, -5, "found"),
            tie("Logins", 0.001, "found", grade="found, to be confirmed"),
            tie("Trend", 0.6, "found", v=0.0, grade="no clear tie"),
            {
                "analysis": "crosstabs",
                "estimand": "not_crossed",
                "term": "Days",
                "declared": "found",
                "note": "The same.",
            },
        ]
    return Findings.from_rows(rows, PROVENANCE)


def effect(term: str, name: str, points: float, half: float, odds: float = 1.5) -> list[dict[str, object]]:
    shared = {"analysis": "landmarks", "term": term, "level": name, "reference": "ref", "declared": "in advance"}
    shared |= {"n_accounts": 100, "n_events": 10}
    limits = {"conf_low": points - half, "conf_high": points + half}
    return [
        {**shared, "estimand": "risk_difference", "estimate": points, **limits},
        {
            **shared,
            "estimand": "odds_ratio",
            "estimate": odds,
            "conf_low": odds / 2,
            "conf_high": odds * 2,
            "p_value": 0.01,
        },
    ]


def measure(
    estimand: str, value: float, method: str = "logistic regression of all causes", **more: object
) -> dict[str, object]:
    shared = {"analysis": "landmarks", "term": "Everyone", "method": method, "group": "later landmarks"}
    return {
        **shared,
        "estimand": estimand,
        "estimate": value,
        "conf_low": value - 0.1,
        "conf_high": value + 0.1,
        **more,
    }


def landmarks(auc: float = 0.7, clear: bool = True, slope: float = 0.4) -> Findings:
    cox, both = "Cox regression of all causes", "logistic beside Cox regression"
    everyone = {"term": "Everyone", "denominator": 900, "n_accounts": 200, "n_events": 50}
    past = {"analysis": "landmarks", "method": both, "group": "before 2025-01-05", "term": "Plan", "level": "Starter"}
    rows = [
        {
            "analysis": "landmarks",
            "estimand": "left_within",
            "estimate": 0.05,
            "conf_low": 0.04,
            "conf_high": 0.06,
            **everyone,
        },
        *(
            {"analysis": "landmarks", "estimand": "left_within", "term": "Landmark", "level": day, "estimate": 0.05}
            for day in ("2024-01-01", "2024-03-31", "2024-06-29")
        ),
        *effect("Plan", "Starter", 0.03, 0.01 if clear else 0.05),
        *effect("Plan", "Enterprise", -0.02, 0.01 if clear else 0.05, 0.7),
        *effect("Region", "Europe", 0.001, 0.05, 1.01),
        {
            "analysis": "landmarks",
            "estimand": "risk_difference",
            "term": "Gone",
            "declared": "in advance",
            "note": "Nobody.",
        },
        {
            "analysis": "landmarks",
            "estimand": "joint_test",
            "term": "Plan",
            "declared": "in advance",
            "p_adjusted": 0.001,
        },
        {
            "analysis": "landmarks",
            "estimand": "split",
            "level": "2025-01-05",
            "estimate": 2,
            "numerator": 2,
            "denominator": 3,
        },
        measure("auc", auc),
        measure("auc", auc + 0.05, group="landmarks of the fit"),
        measure("auc", 0.52, "rule of silence"),
        measure("auc", 0.66, cox),
        measure("calibration_slope", 0.8),
        measure("calibration_slope", slope, cox),
        measure("churn_captured", 0.3, level="10%"),
        measure("churn_captured", 0.2, level="as many as the rule names"),
        measure("churn_captured", 0.15, "rule of silence", level="as many as the rule names"),
        *(
            measure(name, value, term="Fifth of predicted risk", level=place)
            for place, value in (("1 (lowest)", 0.12), ("5 (highest)", 0.3))
            for name in ("mean_predicted", "observed_risk")
        ),
        measure("bands_agreeing", 2, numerator=2, denominator=2),
        measure("calibration_error", 0.01),
        measure("rank_correlation", 0.8, both),
        measure("mean_difference", 0.002, both),
        measure("riskiest_in_common", 0.5, both),
        {**past, "estimand": "odds_ratio_past", "estimate": 1.3, "conf_low": 1.1, "conf_high": 1.6, "p_value": 0.01},
        {**past, "estimand": "hazard_ratio_past", "estimate": 1.5, "conf_low": 1.2, "conf_high": 1.9, "p_value": 0.001},
        measure("same_sign", 0.9, both, numerator=9, denominator=10),
        measure("same_sign_clear", 1.0, both, numerator=4, denominator=4),
    ]
    return Findings.from_rows(rows, PROVENANCE)


@pytest.mark.parametrize(("findings", "names"), [(crosstabs(), CROSSTABS), (landmarks(), LANDMARKS)])
def test_no_number_stands_without_its_finding(findings, names):
    known = {row.id for row in findings.rows()} | {"provenance", ""}
    html = "".join(drawn(findings, name) for name in names)
    sources = re.findall(r'data-finding="([^".]*)', html)
    assert len(sources) > 30
    assert set(sources) <= known
    assert "nan" not in html.lower().replace("provenance", "")


def test_the_crosstabs_say_what_stands_out():
    title = text_of(drawn(crosstabs(), "crosstab_heatmap"))
    assert "over-represented at “Starter” (Plan &lt;b&gt;; +4.5 standard errors from chance)" in title
    assert "under-represented at “Team” (Plan &lt;b&gt;; −2.5)" in title
    summary = text_of(drawn(crosstabs(), "crosstab_summary"))
    assert "20.0% of “Starter” left within 90 days" in summary
    assert "900 in all from 200 customers" in summary
    assert "Allison 1982" in summary


def test_crosstabs_without_a_clear_tie_say_so():
    weak = crosstabs(p=0.5)
    assert "No candidate is clearly tied to leaving" in text_of(drawn(weak, "crosstab_heatmap"))
    assert "For no candidate is there a clear tie" in text_of(drawn(weak, "crosstab_summary"))


def test_what_was_found_is_called_found():
    text = text_of(drawn(crosstabs(), "crosstab_found"))
    assert "Of 2 measures that the study does not declare, 1 are tied" in text
    assert "found, to be confirmed" in text
    assert "Days: not looked at. The same." in text
    assert "Nothing was looked through" in text_of(drawn(crosstabs(found=False), "crosstab_found"))
    for name in ("crosstab_heatmap", "crosstab_tests", "crosstab_tables"):
        assert "Logins" not in drawn(crosstabs(), name)  # what was declared stands apart


def test_names_are_escaped():
    for name in CROSSTABS:
        assert "Plan <b>" not in drawn(crosstabs(), name)


def test_tiles_need_no_colour():
    rows = crosstabs().where(estimand="adjusted_residual", term="Plan <b>").rows()
    assert [text_of(signed(row)) for row in rows] == ["+4.5", "−2.5", "−0.4"]
    more, fewer, none = (tint(row.estimate) for row in rows)
    assert "--c2" in more and "11%" in more
    assert "--c1" in fewer and "6%" in fewer
    assert none == ""
    html = str(heatmap("Title", [("Plan", rows)]).markup)
    assert html.count("<b>") == 3
    assert 'td class="fig"' in html  # a card on a phone


def test_effects_name_the_largest_on_either_side():
    text = text_of(drawn(landmarks(), "landmark_effects"))
    assert (
        "highest at “Starter” of Plan (+3.0 points against ref) and lowest at “Enterprise” of Plan (−2.0 points" in text
    )
    assert "1 contrasts whose interval holds zero" in text
    assert "Gone: Nobody." in text
    assert "not shown to cause it" in text
    assert "No declared cause shifts the risk" in text_of(drawn(landmarks(clear=False), "landmark_effects"))


def test_forecasts_are_set_beside_a_rule_and_chance():
    text = text_of(drawn(landmarks(), "landmark_forecast"))
    assert "70 of 100 pairs with one who stayed (interval 60–80)." in text
    assert "Calling everyone silent for a month reaches 15%" in text
    assert "calling as many by the model reaches 20%" in text
    assert "not clearly better than a coin" in text_of(drawn(landmarks(auc=0.55), "landmark_forecast"))
    assert "not clearly better than chance" in text_of(drawn(landmarks(auc=0.55), "landmark_summary"))


def test_agreement_says_which_risks_are_too_extreme():
    text = text_of(drawn(landmarks(), "landmark_agreement"))
    assert "Of 10 contrasts that both models hold, 9 point the same way, among them all 4 that are clear" in text
    assert "spread its risks too far (calibration slope 0.40" in text
    assert "too far" not in text_of(drawn(landmarks(slope=1.0), "landmark_agreement"))


def test_what_could_not_be_done_is_said():
    rows = [
        {"analysis": "landmarks", "estimand": "left_within", "term": "Everyone", "note": "No customer."},
        {"analysis": "landmarks", "estimand": "split", "note": "There is one landmark."},
        {"analysis": "landmarks", "estimand": "events_per_coefficient", "note": "Too few."},
    ]
    found = Findings.from_rows(rows, PROVENANCE)
    pages = {name: text_of(drawn(found, name)) for name in LANDMARKS}
    assert "No customer." in pages["landmark_summary"]
    assert "There is one landmark." in pages["landmark_forecast"]
    assert "Too few." in pages["landmark_effects"]
    assert "no Cox model" in pages["landmark_agreement"]
    empty = Findings.from_rows(
        [{"analysis": "crosstabs", "estimand": "landmarks", "estimate": 0, "denominator": 0, "note": "None."}]
    )
    assert "None." in text_of(drawn(empty, "crosstab_summary"))
    for name in CROSSTABS:
        drawn(empty, name)


def test_points_are_drawn_to_scale_and_said_in_words():
    rows = landmarks().where(estimand="risk_difference", term="Plan").rows()
    scale = PointScale.around(rows)
    assert scale.x(-scale.reach) == 0
    assert scale.x(0.0) == pytest.approx((scale.x(0.02) + scale.x(-0.02)) / 2)
    mark = str(point_mark(rows[0], scale))
    assert "+3.0 points, interval +2.0 to +4.0" in mark
    assert "--c2" in mark
    assert "--c1" in str(point_mark(rows[1], scale))
    hollow = landmarks(clear=False).where(estimand="risk_difference", term="Plan").rows()[0]
    assert 'fill="var(--paper' in str(point_mark(hollow, scale))
    assert ">+2</text>" in str(point_axis(scale))


def test_the_calibration_figure_comes_in_two_widths_with_words():
    html = drawn(landmarks(), "landmark_calibration")
    labels = re.findall(r'role="img" aria-label="([^"]+)"', html)
    assert len(labels) == 2
    assert labels[0].endswith("12.0% and 12.0%; 30.0% and 30.0%.")
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids)) > 5
