"""The page on who answers and who recommends: numbers have findings, sentences follow them, nothing missing breaks it."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import as_read
import numpy as np
import pytest
from as_read import text_of

import whychurn as wc
from whychurn import display
from whychurn.findings import Findings
from whychurn.study.tables_schema import Recommending

sys.path.insert(0, str(Path(__file__).parents[1] / "analyses"))
from companies import company_panel
from said_companies import CAUSES, findings, nobody_leaves, of_small

pytestmark = pytest.mark.xdist_group("companies")
ANSWERING = ("response_summary", "response_rates", "weighted_scores", "response_balance", "response_leaving")
RECOMMENDING = (
    "promoters_summary", "promoter_modules", "promoter_contrasts", "promoter_assumption", "promoter_advocates",
)  # fmt: skip


@pytest.fixture(scope="module")
def answering() -> Findings:
    return findings("nps_response")


@pytest.fixture(scope="module")
def recommending() -> Findings:
    return findings("promoters")


def said(found: Findings, *parts: str) -> str:
    return text_of(as_read.html_of(found, parts), drawings=False)


def changed(found: Findings, where: dict[str, object], values: dict[str, object]) -> Findings:
    """Findings with some rows other than they are."""
    table = found.table.copy()
    rows = np.logical_and.reduce([(table[name] == value).to_numpy() for name, value in where.items()])
    assert rows.any()
    for name, value in values.items():
        table.loc[rows, name] = value
    return Findings(table, found.provenance)


@pytest.mark.parametrize(("analysis", "parts"), [("nps_response", ANSWERING), ("promoters", RECOMMENDING)])
def test_no_number_stands_without_its_finding(analysis, parts):
    found = findings(analysis)
    html = "".join(str(getattr(display, name)(found).markup) for name in parts)
    known = {row.id for row in found.rows()}
    sources = set(re.findall(r'data-finding="([^".]*)', html)) - {""}
    assert len(sources) > 50 and sources <= known


def test_the_headline_is_the_claim_with_the_chances_behind_it(recommending):
    text = said(changed(recommending, {"estimand": "claim"}, {"grade": "holds"}), "promoters_summary")
    often, none = (
        recommending.one(estimand="promoter_chance", term="reporting", level=level)
        for level in ("frequent use", "no use")
    )
    assert text.startswith(
        "Frequent users of reporting, and not of the other modules, are the best promoters: "
        f"{100 * often.estimate:.0f}% ({100 * often.conf_low:.0f}–{100 * often.conf_high:.0f}%) are promoters where it is used often, "
        f"{100 * none.estimate:.0f}% ("
    )
    assert "The study named reporting before looking." in text
    assert "nothing from the day of the answer on" in text


@pytest.mark.parametrize(
    ("values", "summary", "title"),
    [
        ({"grade": "ahead of all, but not alone", "level": "billing, api"}, "billing and api goes with recommending as well", "of which billing and api go with recommending too"),
        ({"grade": "ahead of some"}, "ahead of every other module is not clear", "clearly ahead of"),
        ({"grade": "no module stands out"}, "the data do not show it clearly: ", "but clearly ahead of none of the"),
        ({"grade": "no module stands out", "declared": "found"}, "No module’s users clearly recommend us more", "clearly ahead of none"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_not_claimed(recommending, values, summary, title):
    found = changed(recommending, {"estimand": "claim"}, values)
    assert summary in said(found, "promoters_summary") and title in said(found, "promoter_contrasts")


def test_a_claim_found_afterwards_says_so(recommending):
    found = changed(recommending, {"estimand": "claim"}, {"declared": "found", "family": "21 comparisons"})
    text = said(found, "promoter_contrasts")
    assert "The data chose reporting, so all pairs of modules are compared" in text and "21 comparisons" in text
    assert "The study named no module before looking. The data chose reporting" in said(found, "promoters_summary")
    assert "declares reporting as the driver of recommending" in said(recommending, "promoter_contrasts")


def test_a_module_ahead_of_the_declared_one_is_said_plainly():
    study, panel = company_panel()
    other = wc.analyse("promoters", panel, replace(study, recommending=Recommending(driver="billing")))
    text = said(other, "promoters_summary")
    assert text.startswith(
        "The study expected frequent users of billing to be the best promoters, and the data do not show it: reporting is in front"
    )
    assert "which may be chance" not in text and "Use of billing does not clearly go with recommending" in text
    assert "is clearly behind reporting" in said(other, "promoter_contrasts")
    unclear = changed(other, {"estimand": "leader"}, {"p_adjusted": 0.4})
    unclear = changed(unclear, {"estimand": "claim"}, {"grade": "no module stands out"})
    assert "which may be chance" in said(unclear, "promoters_summary")
    assert "reporting is in front, not billing as the study expected" in said(unclear, "promoter_contrasts")


def test_a_declared_module_that_is_not_recorded_is_told_once():
    study, panel = company_panel()
    other = wc.analyse("promoters", panel, replace(study, recommending=Recommending(driver="repotring")))
    for part in ("promoters_summary", "promoter_contrasts"):
        text = said(other, part)
        assert (
            "declares “repotring”, but no use of such a module is recorded" in text
            and "The data chose reporting" in text
        )
        assert "named no module" not in text and "declares no driver" not in text


def test_what_is_not_clear_is_not_called_nothing(recommending):
    holds = changed(recommending, {"estimand": "claim"}, {"grade": "holds"})
    ratios = recommending.where(estimand="odds_ratio", group="module").table
    most = ratios.loc[ratios["term"] != "reporting", "conf_high"].max()
    assert f"reach up to {most:.2f} times the odds" in said(holds, "promoter_contrasts")


def test_the_assumption_is_shown_in_full_only_where_it_fails(recommending):
    holds = changed(recommending, {"estimand": "one_ratio_test"}, {"p_value": 0.4, "p_adjusted": 0.8})
    assert "do not speak against that" in said(holds, "promoter_assumption")
    fails = changed(holds, {"estimand": "one_ratio_test", "term": "reporting"}, {"p_adjusted": 0.001})
    text = said(fails, "promoter_assumption")
    assert "The steps differ" in text and ": reporting" in text and "here are both" in text
    whole = recommending.one(estimand="one_ratio_test", term="All terms")
    assert (
        f"With {whole.n_accounts:.0f} customers for {whole.df:.0f} differences the test rejects rather too often"
        in text
    )
    many = changed(fails, {"estimand": "one_ratio_test", "term": "All terms"}, {"n_accounts": 40.0 * whole.df})
    assert "rather too often" not in said(many, "promoter_assumption")


def test_where_no_module_is_clear_the_title_says_so(recommending):
    none = changed(recommending, {"estimand": "odds_ratio", "group": "module"}, {"p_adjusted": 0.5})
    assert said(none, "promoter_modules").startswith("Use of no module goes clearly with recommending")
    assert "Use of reporting goes with recommending" in said(recommending, "promoter_modules")
    down = changed(none, {"estimand": "odds_ratio", "term": "api", "group": "module"},
                   {"estimate": 0.5, "conf_low": 0.4, "conf_high": 0.6, "p_adjusted": 0.001})  # fmt: skip
    assert "use of api with advising against" in said(down, "promoter_modules")


def test_advocates_are_listed_with_the_rule(recommending):
    text = said(recommending, "promoter_advocates")
    assert "ask them to speak for us" in text and "The rule: customers at the end of the window" in text
    spared = recommending.where(estimand="advocates_not_asked").rows()
    assert all(f"{row.estimate:.0f} where {row.level}" in text for row in spared if row.estimate > 0)
    none = changed(recommending, {"estimand": "advocates"}, {"estimate": 0.0, "numerator": 0.0})
    assert said(none, "promoter_advocates").startswith("None of ")


def test_the_score_is_said_to_move_only_where_it_does(answering):
    assert "would recommend us less" in said(answering, "response_summary")
    still = changed(answering, {"estimand": "nps_shift", "term": "All answers"}, {"p_value": 0.4})
    assert "no more than chance might" in said(still, "response_summary")
    assert "about the same" in said(still, "weighted_scores")
    up = changed(answering, {"estimand": "nps_shift", "term": "All answers"},
                 {"estimate": 0.05, "conf_low": 0.04, "conf_high": 0.06, "p_value": 1e-6})  # fmt: skip
    assert "would recommend us more" in said(up, "response_summary") and "would be higher" in said(
        up, "weighted_scores"
    )


def test_weights_come_with_their_warning_and_both_scores(answering):
    text = said(answering, "weighted_scores")
    assert "corrects for what is recorded and for nothing else" in text
    assert "weights were cut" in text and "standard deviations at most" in text
    svg = str(display.weighted_scores(answering).markup)
    assert "as answered" in svg and svg.count("<svg") == 2


def test_who_answers_is_titled_by_the_widest_clear_difference(answering):
    assert said(answering, "response_rates").startswith("Who answers goes most with “Active days in 28 days”")
    none = changed(answering, {"estimand": "response_test"}, {"p_adjusted": 0.5})
    assert said(none, "response_rates").startswith("Who answers does not clearly depend on")


@pytest.mark.parametrize(
    ("crude", "adjusted", "sentence"),
    [
        ((0.8, 0.7, 0.9, 0.001), (0.95, 0.8, 1.1, 0.5), "with use and all else held equal, no difference is clear"),
        ((0.8, 0.7, 0.9, 0.001), (0.8, 0.7, 0.9, 0.001), "and so they do with use and all else held equal"),
        ((0.95, 0.8, 1.1, 0.5), (0.95, 0.8, 1.1, 0.5), "leave neither clearly less nor clearly more"),
    ],
)
def test_leaving_is_told_as_it_is_and_with_use_held_equal(answering, crude, adjusted, sentence):
    names, found = ("estimate", "conf_low", "conf_high", "p_value"), answering
    for kind, values in (("unadjusted", crude), ("adjusted", adjusted)):
        found = changed(found, {"estimand": "hazard_ratio", "effect_kind": kind}, dict(zip(names, values, strict=True)))
    assert sentence in said(found, "response_leaving")


def test_names_out_of_the_data_are_escaped(recommending, answering):
    evil = "<script>x</script>"
    for found, parts, old in ((recommending, RECOMMENDING, "reporting"), (answering, ANSWERING, "Medical devices")):
        table = found.table.replace({name: {old: evil} for name in ("term", "level", "reference", "group")})
        html = "".join(str(getattr(display, name)(Findings(table, found.provenance)).markup) for name in parts)
        assert evil not in html and "&lt;script&gt;" in html


def silent(frames):
    frames["surveys"] = frames["surveys"].assign(answered_at=None, score=None)


def everybody(frames):
    frames["surveys"] = frames["surveys"][frames["surveys"]["answered_at"].notna()].reset_index(drop=True)


@pytest.mark.parametrize(
    ("change", "without"),
    [(None, ["surveys"]), (silent, []), (everybody, []), (nobody_leaves, []), (None, ["usage"])],
    ids=["no surveys", "nobody answers", "everybody answers", "nobody leaves", "no usage"],
)
def test_what_is_missing_is_said_and_breaks_nothing(change, without):
    for analysis, parts in (("nps_response", ANSWERING), ("promoters", RECOMMENDING)):
        text = said(of_small(analysis, CAUSES, change, without=without), *parts)
        assert text and not re.search(r"\bnan\b", text)
