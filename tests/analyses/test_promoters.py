"""Who recommends: use before the answer and nothing after it, the planted module found, the claim as contrasts, hard cases."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from companies import company, company_panel, company_study, settings_of
from said_companies import SMALL, findings, no_reasons, nobody_leaves, of_small

from whychurn.analyses.answers import BANDS, valid_answers
from whychurn.analyses.promoters import claim, run
from whychurn.analyses.promoters.advocates import AT_ODDS, FRESH_DAYS, SILENT_DAYS, WAITING
from whychurn.analyses.promoters.model import assumption_rows, fit_model
from whychurn.analyses.promoters.rows import answer_rows
from whychurn.models import fit_ordered_logit
from whychurn.study.tables_schema import Recommending

pytestmark = pytest.mark.xdist_group("companies")

CAUSES = """
[[causes]]
column = "plan"
type = "category"
"""
MODULES = ("api", "automation", "billing", "insights", "mobile", "projects", "reporting")


def found():
    return findings("promoters")


@cache
def rows():
    study, panel = company_panel()
    return answer_rows(panel, study)


def test_uses_are_those_of_the_window_before_the_answer():
    study, panel = company_panel()
    answers = valid_answers(panel, study).frame.set_index("response_id")
    usage = company().frames["usage"]
    used = usage[(usage["action"] == "use") & (usage["module"] == "reporting")]
    cuts = panel.rows.read(["account_id", "spell", "cut_off"])
    assert rows().n_answers == len(answers) == len(rows().frame) + rows().n_unknown
    for i in range(0, len(rows().frame), len(rows().frame) // 40):
        one = answers.loc[rows().frame["response_id"][i]]
        mine = cuts[(cuts["account_id"] == one["account_id"]) & (cuts["spell"] == one["spell"])]
        cut = mine.loc[mine["cut_off"] <= one["day"], "cut_off"].iloc[-1]
        window = (used["at"] >= cut - pd.Timedelta(days=28)) & (used["at"] < cut)
        count = used.loc[window & (used["account_id"] == one["account_id"]), "count"].sum()
        assert rows().uses["reporting"][i] == count
        assert rows().frame[rows().names["reporting"]][i] == pytest.approx(np.log2(1 + count))


def test_nothing_from_the_day_of_the_answer_on_enters():
    frames = {table: frame.copy() for table, frame in company(*SMALL).frames.items()}
    study, panel = company_study(frames, settings_of(*SMALL), causes=CAUSES)
    before = answer_rows(panel, study)
    answers = valid_answers(panel, study).frame.set_index("response_id")
    wanted = before.frame["response_id"][len(before.frame) // 2]
    one, usage = answers.loc[wanted], frames["usage"]
    mine = usage["account_id"] == one["account_id"]
    after = []
    for part in (mine & (usage["at"] >= one["day"]), mine & (usage["at"] < one["day"])):
        assert part.any()
        changed = {**frames, "usage": usage.assign(count=usage["count"].where(~part, usage["count"] * 7))}
        other_study, other = company_study(changed, settings_of(*SMALL), causes=CAUSES)
        after.append(answer_rows(other, other_study))
    was, later, earlier = (
        each.uses[(each.frame["response_id"] == wanted).to_numpy()].to_numpy() for each in (before, *after)
    )
    assert was == pytest.approx(later)
    # What lies before it does enter, so the comparison can fail.
    assert was.sum() == 0 or earlier.sum() > was.sum()


def test_what_stands_closest_to_an_answer_is_held_equal_first():
    columns = [term.column for term in rows().coded.terms]
    assert columns.index("open_tickets") < columns.index("last_csat") < columns.index("region")
    few = rows().coded.within(columns.index("region"))
    assert "last_csat" in [term.column for term in few.terms] and "Region" in dict(few.left)


def test_the_planted_module_is_found_and_no_other():
    ratios = {row.term: row for row in found().where(estimand="odds_ratio", group="module").rows()}
    assert set(ratios) == set(MODULES)
    assert max(ratios, key=lambda name: ratios[name].estimate) == "reporting"
    assert ratios["reporting"].conf_low > 1.2 and ratios["reporting"].p_adjusted < 1e-6
    assert all(ratios[name].p_adjusted > 0.05 for name in MODULES if name != "reporting")
    # A cause of leaving, as mobile is here, is not declared to make customers recommend.
    assert ratios["reporting"].declared == "in advance"
    assert ratios["mobile"].declared == ratios["billing"].declared == "found"
    row = found().one(estimand="claim")
    assert (row.term, row.declared) == ("reporting", "in advance")
    assert row.grade in (claim.HOLDS, claim.PARTLY) and row.numerator == 0
    assert not len(found().where(estimand="leader"))
    assert found().one(estimand="promoter_effect", term="reporting").conf_low > 0
    chances = {each.level: each for each in found().where(estimand="promoter_chance", term="reporting").rows()}
    assert chances["frequent use"].conf_low > chances["no use"].conf_high


def test_ratios_and_contrasts_are_those_of_the_model_refitted():
    model = fit_model(rows())
    again = fit_ordered_logit(rows().frame, model.coded.names, "band", BANDS, covariance="cluster", cluster="cluster")
    names = model.names
    for row in found().where(estimand="odds_ratio", group="module").rows():
        assert np.log(row.estimate) == pytest.approx(again.params[names[row.term]])
    contrasts = found().where(estimand="contrast").rows()
    assert len(contrasts) == 6
    for row in contrasts:
        estimate, error = again.contrast({names[row.term]: 1.0, names[row.reference]: -1.0})
        assert (np.log(row.estimate), row.std_error) == (pytest.approx(estimate), pytest.approx(error))
        assert row.p_adjusted >= row.p_value
    assert {row.family for row in contrasts} == {"6 comparisons"}


def test_pairs_of_the_family():
    assert len(claim.family(list("abcdefg"), {"a", "b"})) == 11
    assert len(claim.family(list("abcdefg"), set("abcdefg"))) == 21
    assert claim.family(["a", "b", "c"], {"b"}) == [("b", "a"), ("b", "c")]


@pytest.mark.parametrize(
    ("slope", "own", "ahead", "also", "grade"),
    [
        (0.5, 0.001, ["b", "c"], [], claim.HOLDS),
        (0.5, 0.001, ["b", "c"], ["b"], claim.AHEAD),
        (0.5, 0.001, ["b"], [], claim.PARTLY),
        (0.5, 0.001, [], [], claim.NO),
        (0.5, 0.2, ["b", "c"], [], claim.NO),
        (-0.1, 0.001, ["b", "c"], [], claim.NO),
    ],
)
def test_what_holds_follows_from_the_comparisons(slope, own, ahead, also, grade):
    assert claim._grade(slope, own, ahead, also, [], ["b", "c"]) == grade
    assert claim._grade(slope, own, ahead, also, ["c"], ["b", "c"]) == claim.BEHIND


def declaring(driver):
    """Findings of the shared company, had the study named another module, or none."""
    study, panel = company_panel()
    return run(panel, replace(study, recommending=Recommending(driver=driver)))


def test_the_declared_module_is_compared_even_where_another_leads():
    other = declaring("billing")
    row, contrasts = other.one(estimand="claim"), other.where(estimand="contrast").rows()
    assert (row.term, row.declared, row.grade) == ("billing", "in advance", claim.BEHIND)
    assert {each.term for each in contrasts} == {"billing"} and len(contrasts) == 6
    leader = other.one(estimand="leader")
    against = other.one(estimand="contrast", reference="reporting")
    assert (leader.term, leader.reference, leader.declared) == ("reporting", "billing", "found")
    assert leader.estimate == pytest.approx(1 / against.estimate) and leader.conf_low > 1
    assert leader.p_adjusted == against.p_adjusted < 0.001
    ratios = {each.term: each.declared for each in other.where(estimand="odds_ratio", group="module").rows()}
    assert ratios["billing"] == "in advance" and ratios["reporting"] == "found"


@pytest.mark.parametrize(
    ("driver", "note"), [("", ""), ("repotring", "declares “repotring”, but no use of such a module is recorded")]
)
def test_without_a_declared_module_the_data_choose_and_all_pairs_count(driver, note):
    other = declaring(driver)
    row, contrasts = other.one(estimand="claim"), other.where(estimand="contrast").rows()
    assert (row.term, row.declared, row.family) == ("reporting", "found", "21 comparisons") and note in row.note
    # The same six comparisons, adjusted for all that could have been made.
    named = {each.reference: each for each in found().where(estimand="contrast").rows()}
    assert all(each.p_adjusted >= named[each.reference].p_adjusted for each in contrasts)
    assert all(each.estimate == pytest.approx(named[each.reference].estimate) for each in contrasts)


def test_a_declared_module_is_known_in_any_case():
    assert declaring(" Reporting").one(estimand="claim").declared == "in advance"


def shuffled(frames):
    surveys = frames["surveys"].copy()
    given = surveys["score"].notna().to_numpy()
    scores = surveys.loc[given, "score"].to_numpy()
    surveys.loc[given, "score"] = np.random.default_rng(8).permutation(scores)
    frames["surveys"] = surveys


def test_where_scores_have_nothing_to_do_with_use_no_module_stands_out():
    frames = {table: frame.copy() for table, frame in company().frames.items()}
    shuffled(frames)
    study, panel = company_study(frames, settings_of())
    row = run(panel, study).one(estimand="claim")
    assert row.grade == claim.NO


def test_one_ratio_for_both_steps_is_tested_and_both_are_there():
    whole = found().one(estimand="one_ratio_test", term="All terms")
    assert 0 <= whole.p_value <= 1 and whole.df > 7
    steps = found().where(estimand="odds_ratio_of_step", term="reporting").rows()
    assert {row.level for row in steps} == {"no detractor", "promoter"}
    ratio = found().one(estimand="odds_ratio", term="reporting").estimate
    assert min(row.estimate for row in steps) * 0.95 < ratio < max(row.estimate for row in steps) * 1.05


def test_a_step_that_cannot_be_fitted_is_told_by_the_term_that_sorts_it():
    """Nobody with an open ticket is a promoter here: that step is sorted by tickets, the other is not."""
    name = next(term.name for term in rows().coded.terms if term.column == "open_tickets")
    open_ticket = rows().frame[name] > 0
    band = rows().frame["band"].where(~(open_ticket & (rows().frame["band"] == "promoter")), "passive")
    sorted_rows = replace(rows(), frame=rows().frame.assign(band=band))
    row = next(iter(assumption_rows(fit_model(sorted_rows), company_panel()[0])))
    assert row["note"].startswith("Not tested") and "'Each open ticket" in row["note"] and "'v" not in row["note"]


def test_advocates_are_a_recount_of_the_rule():
    study, panel = company_panel()
    answers = valid_answers(panel, study).frame
    last = answers.groupby("account_id").last()
    end = pd.Timestamp(study.observed_to)
    spells = panel.accounts
    here = spells[(spells["event"] == 0) & (spells["followed_to"] >= end)].set_index("account_id")
    final = (
        panel.recorded.read(["account_id", "uses_28", "modules_used_28", "days_since_use", "open_tickets"])
        .groupby("account_id")
        .last()
    )
    year = answers[answers["day"] >= end - pd.Timedelta(days=FRESH_DAYS)].groupby("person").last()
    at_odds = set(year.loc[year["score"] <= 6, "account_id"])
    now = here[["amount"]].join(final).join(last[["score", "day"]])
    says = (now["score"] >= 9) & (now["day"] >= end - pd.Timedelta(days=FRESH_DAYS))
    deep = (now["uses_28"] > now["uses_28"].median()) & (now["modules_used_28"] >= now["modules_used_28"].median())
    able = says & deep & (now["days_since_use"] < SILENT_DAYS)
    calm = ~now.index.isin(at_odds)
    chosen = now[able & calm & (now["open_tickets"] == 0)]
    spared = {row.level: row.estimate for row in found().where(estimand="advocates_not_asked").rows()}
    assert spared == {AT_ODDS: (able & ~calm).sum(), WAITING: (able & calm & (now["open_tickets"] > 0)).sum()}
    assert sum(spared.values()) > 0
    row = found().one(estimand="advocates")
    assert (row.estimate, row.denominator) == (len(chosen), says.sum())
    assert found().one(estimand="advocates_amount").estimate == pytest.approx(chosen["amount"].sum())
    listed = found().where(estimand="advocate_uses").table
    assert len(listed) == min(15, len(chosen)) and set(listed["term"]) <= set(chosen.index)
    assert listed["estimate"].is_monotonic_decreasing


def no_promoters(frames):
    surveys = frames["surveys"]
    frames["surveys"] = surveys.assign(score=surveys["score"].clip(upper=8))


def three_answers(frames):
    surveys = frames["surveys"]
    frames["surveys"] = surveys[surveys["answered_at"].notna()].head(3).reset_index(drop=True)


def one_module(frames):
    usage = frames["usage"]
    frames["usage"] = usage[(usage["action"] != "use") | (usage["module"] == "reporting")].reset_index(drop=True)


@pytest.mark.parametrize(
    ("change", "without", "note"),
    [
        (no_promoters, [], "0 promoters"),
        (three_answers, [], "Too few answers"),
        (None, ["usage"], "No use of modules is recorded"),
        (one_module, [], "fewer than two modules"),
    ],
    ids=["no promoters", "three answers", "no usage", "one module"],
)
def test_what_cannot_be_told_is_a_note(change, without, note):
    row = of_small("promoters", CAUSES, change, without=without).one(estimand="claim")
    assert note in row.note and not row.term


def test_no_surveys_and_no_answers():
    assert "no surveys" in of_small("promoters", CAUSES, None, without=["surveys"]).one(estimand="answers_used").note

    def silent(frames):
        frames["surveys"] = frames["surveys"].assign(answered_at=None, score=None)

    assert "no answer that counts" in of_small("promoters", CAUSES, silent).one(estimand="answers_used").note


@pytest.mark.parametrize("change", [nobody_leaves, no_reasons])
def test_what_else_is_missing_breaks_nothing(change):
    assert of_small("promoters", CAUSES, change).one(estimand="answers_used").estimated
