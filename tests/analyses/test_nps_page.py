"""What customers say: scores, tables, ratings and comments by hand; what does not count is counted."""

import numpy as np
import pandas as pd
import pytest
from answer_ledgers import accounts, at, of_files, of_frames, on, service, surveys
from companies import company_panel
from said_companies import findings, of_small
from scipy.stats import binomtest

import whychurn as wc
from whychurn.analyses.answers import (
    AFTER_CHURN,
    AFTER_WINDOW,
    BEFORE_START,
    BEFORE_WINDOW,
    NO_DAY,
    NO_SCORE,
    NOT_AT_RISK,
    NOT_WHOLE,
    SAME_DAY,
    known_before,
    valid_answers,
)
from whychurn.analyses.nps.comments import NO_COMMENTS, NO_TOPICS, UNMATCHED, pattern_of
from whychurn.analyses.nps.counted import ONLY_ANSWERS
from whychurn.analyses.nps.groups import MOST_LEVELS, NO_MODULE, NOT_RECORDED, OTHERS, SEVERAL, main_module
from whychurn.analyses.nps.page import NOBODY, NONE_COUNTS
from whychurn.analyses.nps.periods import periods_of
from whychurn.analyses.nps.ratings import NO_RATING_DAY, NO_TICKETS, OFF_SCALE, OTHER_SCALE
from whychurn.analyses.nps.scores import NOT_TESTED, SAME_TEST
from whychurn.findings import CENTRED_ELSEWHERE
from whychurn.models import net_promoter_score

pytestmark = pytest.mark.xdist_group("companies")

CAUSES = """
[[causes]]
column = "industry"
type = "category"
tier = 1
"""


def answered(bands, account=None, day=100, comments=None):
    """Answers of given scores, each of its own account unless `account` names them."""
    return surveys(
        *((account[i] if account else f"a{i}", "", at(day), score, (comments or {}).get(i)) for i, score in enumerate(bands))
    )  # fmt: skip


def analysed(folder, frames, comments="", settings=""):
    study, panel = of_frames(folder, frames, comments, settings)
    return wc.analyse("nps", panel, study)


def company(n, answers, industries=None, **further):
    return {"accounts": accounts(industries or ["Retail", "Finance"] * (n // 2)), "subscriptions": service(n), "surveys": answers, **further}  # fmt: skip


def test_the_published_example_is_what_the_page_says(tmp_path):
    scores = [9, 10] * 260 + [7, 8] * 155 + [0, 6] * 85
    found = analysed(tmp_path, company(1000, answered(scores)))
    row = found.one(estimand="nps", term="All answers")
    assert row.estimate == pytest.approx(0.35) and (row.numerator, row.denominator) == (350, 1000)
    assert (row.conf_low, row.conf_high) == (pytest.approx(0.302326, abs=5e-7), pytest.approx(0.395581, abs=5e-7))
    assert found.one(estimand="nps_centre").estimate == pytest.approx(350 / 1003)
    shares = {row.level: row.estimate for row in found.where(estimand="band_share").rows()}
    assert shares == {"detractor": 0.17, "passive": 0.31, "promoter": 0.52}
    assert found.one(estimand="answered_share").note == ONLY_ANSWERS


def test_how_good_the_interval_is_stands_on_the_page(tmp_path):
    found = analysed(tmp_path, company(20, answered([9] * 12 + [5] * 8)))
    rows = found.where(estimand="coverage", level="98%, 1%, 1%", time=5.0)
    assert rows.one(method="adjusted Wald").estimate == pytest.approx(0.904, abs=5e-4)
    assert rows.one(method="plain Wald").estimate == pytest.approx(0.096, abs=5e-4)
    assert found.where(estimand="coverage").table["level"].nunique() == 3


def test_every_reason_not_to_count_is_counted_once(tmp_path):
    rows = [
        ("a0", "u1", at(50), 10, None),  # counts
        ("a0", "u1", at(80, 9), 3, None),  # a later answer of the same person on the same day
        ("a0", "u1", at(80, 10), 4, None),  # counts
        ("a0", "u2", at(80, 10), 8, None),  # another person on the same day counts
        ("a1", "u1", at(80, 10), 9, None),  # the same name at another account is another person
        ("a1", "u1", at(90), None, None),  # no score
        ("a1", "u1", at(91), 7.5, None),  # not whole
        ("a1", "u1", at(92), 11, None),  # off the scale, however it came in
        ("a1", "u1", None, 9, None),  # no day
        ("a2", "", at(-5), 9, None),  # before the window
        ("a2", "", at(731), 9, None),  # after the window
        ("a3", "", at(20), 9, None),  # before sign-up
        ("a4", "", at(300), 9, None),  # on the first day without service
        ("a4", "", at(299), 0, None),  # on the last day of service: counts
        ("a5", "", None, None, None),  # not answered
    ]
    frames = {"accounts": accounts(["Retail"] * 6), "subscriptions": service(6, {4: 300}, {3: 40}), "surveys": surveys(*rows)}  # fmt: skip
    study, panel = of_frames(tmp_path, frames)
    answers = valid_answers(panel, study)
    assert dict(answers.excluded) == {
        NO_SCORE: 1, NOT_WHOLE: 2, NO_DAY: 1, BEFORE_WINDOW: 1, AFTER_WINDOW: 1, BEFORE_START: 1, AFTER_CHURN: 1,
        NOT_AT_RISK: 0, SAME_DAY: 1,
    }  # fmt: skip
    assert (answers.n_invited, answers.n_answered, answers.n_excluded, len(answers.frame)) == (15, 14, 9, 5)
    # One rule for page and measures: 7.5 and 11, given later, do not take the place of the 9.
    rows = panel.recorded if panel.recorded is not None else panel.rows
    known = rows.read(["account_id", "last_nps", "nps_band"])
    last = known[known["account_id"] == "a1"].iloc[-1]
    assert (last["last_nps"], last["nps_band"]) == (9, "promoter")
    bands = panel.tables["answers"].set_index("score")["band"]
    assert bands[7.5] is None and bands[11] is None and bands[8] == "passive"
    assert answers.frame["score"].tolist() == [10, 4, 8, 9, 0]
    assert answers.latest()["score"].tolist() == [4, 8, 9, 0]
    found = wc.analyse("nps", panel, study)
    told = {row.level: row.estimate for row in found.where(outcome="recommendation", estimand="excluded").rows()}
    assert told == dict(answers.excluded)
    asked = found.one(estimand="answered_share")
    assert (asked.numerator, asked.denominator) == (14, 15)


def test_what_the_reader_sets_aside_is_on_the_page(tmp_path):
    table = answered([9, 8, 3, 10, 7, 6], comments={0: "fine"}).astype({"score": object})
    table.loc[1, "score"], table.loc[2, "score"] = "nine", 12
    again = pd.concat([table, table.iloc[[3]], table.iloc[[4]].assign(score=1)], ignore_index=True)
    study, panel = of_files(tmp_path, company(6, again))
    found = wc.analyse("nps", panel, study)
    unreadable = found.one(estimand="unreadable", level="score")
    assert unreadable.estimate == 2 and "nine" in unreadable.note
    aside = {row.level: row.estimate for row in found.where(estimand="set_aside").rows()}
    assert aside == {"exact repeats": 1, "contradicting rows": 2}
    assert found.one(estimand="excluded", level=NO_SCORE, outcome="recommendation").estimate == 2
    assert found.one(estimand="nps", term="All answers").denominator == 3


def test_a_group_of_three_answers_has_its_row_and_a_note(tmp_path):
    found = analysed(tmp_path, company(33, answered([9] * 15 + [4] * 15 + [10] * 3), ["Retail"] * 30 + ["Mining"] * 3))
    row = found.one(estimand="nps", level="Mining")
    assert row.denominator == 3 and row.estimate == 1.0 and "3 answers: the interval is rough" in row.note
    # Three answers added to three: (3.75 - .75) / 6 and its error, cut at 100.
    error = np.sqrt((4.5 / 6 - 0.25) / 6)
    assert (row.conf_low, row.conf_high) == (pytest.approx(0.5 - 1.959964 * error, abs=1e-6), 1.0)
    tests = found.where(estimand="nps_against_rest", term="Industry")
    assert {row.level: row.note for row in tests.rows()} == {"Retail": SAME_TEST, "Mining": NOT_TESTED}
    assert not any(row.estimated for row in tests.rows())


def test_a_raw_score_outside_its_interval_says_so(tmp_path):
    found = analysed(tmp_path, company(200, answered([10] * 200)), settings="confidence_level = 0.8")
    row = found.one(estimand="nps", term="All answers")
    assert row.estimate == 1.0 > row.conf_high and CENTRED_ELSEWHERE in row.note


def test_several_answers_of_an_account_widen_the_interval(tmp_path):
    # Ten accounts, five persons each who all say the same: as good as ten answers, not fifty.
    rows = [(f"a{i}", f"u{k}", at(100), 10 if i % 2 else 3, None) for i in range(10) for k in range(5)]
    found = analysed(tmp_path, company(10, surveys(*rows)))
    row = found.one(estimand="nps", term="All answers")
    assert (row.estimate, row.denominator, row.n_accounts) == (0.0, 50, 10)
    n = 9.0  # of ten clusters, one is spent on their mean
    assert row.std_error == pytest.approx(np.sqrt((n + 1.5) / (n + 3) / (n + 3)))


def test_periods_take_the_latest_answer_of_a_person_in_each(tmp_path):
    early = [(f"a{i}", "", at(10, 8), 2, None) for i in range(60)]
    later = [(f"a{i}", "", at(20, 8), 9, None) for i in range(60)]
    after = [(f"a{i}", "", at(70), 8, None) for i in range(60)]
    found = analysed(tmp_path, company(60, surveys(*early, *later, *after)))
    by = {row.level: row for row in found.where(estimand="nps_period").rows()}
    assert list(by) == ["2024-01", "2024-02", "2024-03"]
    assert (by["2024-01"].estimate, by["2024-01"].denominator) == (1.0, 60)
    assert (by["2024-02"].denominator, by["2024-02"].note, by["2024-02"].estimated) == (0, "no answer", False)
    assert by["2024-03"].estimate == 0.0
    change = found.one(estimand="nps_period_change", level="2024-02")
    assert not change.estimated and change.note == NOT_TESTED
    assert found.one(estimand="nps", term="All answers").denominator == 60


def test_thin_months_become_quarters():
    days = pd.Series(pd.to_datetime([on(day) for day in range(0, 700, 7)]))
    thin = periods_of(days, pd.Series(range(100)))
    assert thin.unit == "quarter" and thin.labels[:2] == ("2024-Q1", "2024-Q2") and len(thin.labels) == 8
    thick = periods_of(pd.concat([days] * 20, ignore_index=True), pd.Series(range(2000)))
    assert thick.unit == "month" and thick.labels[0] == "2024-01" and len(thick.labels) == 23
    # One person who answers all the time is one answer per month.
    assert periods_of(pd.concat([days] * 20, ignore_index=True), pd.Series([1] * 2000)).unit == "quarter"


def test_years_end_with_the_window_and_are_compared(tmp_path):
    rows = [(f"a{i}", "", at(100), 3 if i < 40 else 9, None) for i in range(60)]
    rows += [(f"a{i}", "", at(500), 9 if i < 40 else 3, None) for i in range(60)]
    found = analysed(tmp_path, company(60, surveys(*rows)))
    years = found.where(estimand="nps_year").rows()
    assert [row.level for row in years] == ["2024-01-01 to 2024-12-31", "2025-01-01 to 2025-12-31"]
    assert [row.estimate for row in years] == [pytest.approx(-1 / 3), pytest.approx(1 / 3)]
    change = found.one(estimand="nps_year_change")
    assert change.estimate == pytest.approx(2 / 3) and change.p_adjusted < 0.05
    assert "2025" in change.level and "2024-01-01" in change.reference


def test_groups_against_all_others_by_hand_and_by_holm(tmp_path):
    industries = ["A"] * 40 + ["B"] * 40 + ["C"] * 40
    scores = [10] * 30 + [5] * 10 + [10] * 15 + [5] * 25 + [10] * 20 + [7] * 20
    found = analysed(tmp_path, company(120, answered(scores), industries))
    tests = {row.level: row for row in found.where(estimand="nps_against_rest", term="Industry").rows()}
    assert tests["A"].estimate == pytest.approx(20 / 40 - 10 / 80)
    p, d, extra = (30.375 / 41.5, 35.375 / 81.5), (10.375 / 41.5, 25.375 / 81.5), (41.5, 81.5)
    gap = (p[0] - d[0]) - (p[1] - d[1])
    error = np.sqrt(sum((p[k] + d[k] - (p[k] - d[k]) ** 2) / extra[k] for k in (0, 1)))
    assert tests["A"].statistic == pytest.approx(gap / error)
    raw = sorted(row.p_value for row in tests.values())
    # Three industries; of plan and tenure all are of one group, so nothing else is tested.
    assert min(row.p_adjusted for row in tests.values()) == pytest.approx(3 * raw[0])
    assert tests["A"].family == "NPS of 3 groups, each against all others (Holm)"


def test_tables_hold_one_answer_per_account_and_their_residuals_are_those_of_the_table(tmp_path):
    industries = ["A"] * 20 + ["B"] * 20
    rows = [(f"a{i}", f"u{k}", at(100 + k), (3, 9)[k] if i < 20 else 4, None) for i in range(40) for k in range(2)]
    found = analysed(tmp_path, company(40, surveys(*rows), industries))
    cells = {(row.level, row.group): row for row in found.where(estimand="cell_share", term="Industry").rows()}
    assert (cells["A", "promoter"].numerator, cells["A", "promoter"].denominator) == (20, 20)
    assert cells["B", "detractor"].estimate == 1 and cells["A", "passive"].estimate == 0
    residual = found.one(estimand="adjusted_residual", term="Industry", level="A", group="promoter")
    # (20 - 10) / sqrt(10 (1 - 1/2) (1 - 1/2)).
    assert residual.estimate == pytest.approx(10 / np.sqrt(2.5))
    nobody = found.one(estimand="adjusted_residual", term="Industry", level="A", group="passive")
    assert not nobody.estimated and nobody.note


def test_what_is_known_of_an_answer_was_known_before_it():
    study, panel = company_panel()
    answers = valid_answers(panel, study).frame
    assert len(answers) > 300
    known = known_before(panel, study, answers, ["start", "stop", "start_on", "cut_off", "last_nps"], recorded=True)
    assert (known.index == answers.index).all() and (known["response_id"] == answers["response_id"]).all()
    days = answers["days_since_start"]
    assert ((known["start"] <= days) & (days < known["stop"])).all()
    assert (pd.to_datetime(known["cut_off"]) <= answers["day"] - pd.Timedelta(days=study.lag_days)).all()
    # The last answer known then is an earlier one of the account, never the answer itself.
    for row in known.sample(40, random_state=1).itertuples():
        mine = panel.tables["answers"].query("account_id == @row.account_id and answered")
        before = mine[mine["answered_at"] < pd.Timestamp(row.cut_off)].sort_values("answered_at")
        assert (before.empty and np.isnan(row.last_nps)) or row.last_nps == before["score"].iloc[-1]
    nowhere = known_before(panel, study, answers.head(2).assign(days_since_start=10**6), ["industry", "mrr"])
    assert nowhere["industry"].isna().all() and nowhere["mrr"].isna().all()


def test_the_main_module_is_the_one_used_most():
    uses = pd.DataFrame({"x": [5, 2, 0, np.nan, 3, np.nan], "y": [1, 2, 0, np.nan, np.nan, 0]})
    found = main_module(uses, ["crm", "billing"])
    assert found.tolist() == ["crm", SEVERAL, NO_MODULE, NOT_RECORDED, "crm", NO_MODULE]


def test_ratings_count_from_the_day_they_were_given(tmp_path):
    tickets = pd.DataFrame(
        [
            ("a0", 10, 12, None, 5),  # counts, on the day it was closed
            ("a0", 20, 22, 30, 4),
            ("a1", 20, 22, 22, 2),
            ("a1", 290, 295, 310, 1),  # opened and closed before leaving, rated after
            ("a2", -20, -10, None, 3),  # before the window
            ("a2", 50, None, None, 3),  # nobody knows when
            ("a2", 50, 51, None, None),  # not rated
        ],
        columns=["account_id", "opened_at", "closed_at", "csat_at", "csat"],
    )
    for name in ("opened_at", "closed_at", "csat_at"):
        tickets[name] = [None if pd.isna(day) else at(int(day)) for day in tickets[name]]
    tickets.insert(0, "ticket_id", [f"t{i}" for i in range(len(tickets))])
    frames = company(4, answered([9, 8, 3, 10])) | {"subscriptions": service(4, {1: 300}), "tickets": tickets}
    found = analysed(tmp_path, frames)
    told = {row.level: row.estimate for row in found.where(outcome="satisfaction with support", estimand="excluded").rows()}  # fmt: skip
    assert {name: n for name, n in told.items() if n} == {BEFORE_WINDOW: 1, AFTER_CHURN: 1, NO_RATING_DAY: 1}
    share, mean = found.one(estimand="csat_share", level="all"), found.one(estimand="csat_mean", level="all")
    assert (share.numerator, share.denominator, share.n_accounts) == (2, 3, 2)
    assert mean.estimate == pytest.approx(11 / 3)


def test_ratings_off_the_scale_are_counted_and_another_scale_is_none(tmp_path):
    tickets = pd.DataFrame(
        {"ticket_id": [f"t{i}" for i in range(40)], "account_id": [f"a{i}" for i in range(40)], "opened_at": at(10), "closed_at": at(11)}
    )  # fmt: skip
    few = company(40, answered([9] * 40), tickets=tickets.assign(csat=[4.0] * 30 + [3.0] * 9 + [9.0]))
    (tmp_path / "few").mkdir()
    found = analysed(tmp_path / "few", few)
    share = found.one(estimand="csat_share", level="all")
    assert (share.numerator, share.denominator) == (30, 39)
    assert (share.conf_low, share.conf_high) == pytest.approx(
        tuple(binomtest(30, 39).proportion_ci(0.95, method="wilson")), abs=0.01
    )
    assert found.one(estimand="excluded", level=OFF_SCALE).estimate == 1
    (tmp_path / "many").mkdir()
    many = analysed(tmp_path / "many", few | {"tickets": tickets.assign(csat=80.0)})
    assert many.one(estimand="csat_share").note == OTHER_SCALE
    assert many.one(estimand="excluded", level=OFF_SCALE).estimate == 40


TOPICS = (
    '[[comments]]\nname = "Price"\nwords = ["price", "too  expensive"]\n[[comments]]\nname = "C++"\nwords = ["c++"]\n'
)


def test_comments_are_counted_by_whole_words_in_any_case(tmp_path):
    comments = {
        0: "The PRICE is fine.", 1: "Priceless!", 2: "far too\nexpensive, the price", 3: "C++ client", 4: "   ",
        5: "overpriced", 6: "price",
    }  # fmt: skip
    found = analysed(tmp_path, company(12, answered([9, 9, 3, 3, 9, 8, 8, 7, 7, 9, 9, 2], comments=comments)), TOPICS)
    share = {(row.term, row.level): (row.numerator, row.denominator) for row in found.where(estimand="mention_share").rows()}  # fmt: skip
    assert share["Price", "promoter"] == (1, 2) and share["Price", "detractor"] == (1, 2)
    assert share["Price", "passive"] == (1, 2) and share["Price", "all"] == (3, 6)
    assert share["C++", "all"] == (1, 6) and share[UNMATCHED, "all"] == (2, 6)
    wrote = {row.level: (row.numerator, row.denominator) for row in found.where(estimand="comment_share").rows()}
    assert wrote == {"all": (6, 12), "detractor": (2, 3), "passive": (2, 4), "promoter": (2, 5)}
    assert found.where(estimand="mention_tie").table["family"].unique().tolist() == ["2 topics by band (Holm)"]


def test_words_match_where_they_stand_alone():
    pattern = pattern_of(["price", "hardly use it", "c++"])
    assert pattern.search("Price?") and pattern.search("we hardly \t use it") and pattern.search("(C++)")
    assert not pattern.search("prices") and not pattern.search("price_list") and not pattern.search("hardly used it")


@pytest.mark.parametrize(("topics", "comments", "note"), [("", {0: "fine"}, NO_TOPICS), (TOPICS, None, NO_COMMENTS)])
def test_without_topics_or_comments_the_section_says_so_in_one_line(tmp_path, topics, comments, note):
    found = analysed(tmp_path, company(12, answered([9] * 6 + [3] * 6, comments=comments)), topics)
    assert found.one(estimand="topics").note == note
    assert not len(found.where(estimand="mention_share"))


def test_the_simulated_company_has_its_planted_driver_and_honest_counts():
    study, panel = company_panel()
    found = findings("nps")
    answers = valid_answers(panel, study)
    mine = answers.latest()
    result = net_promoter_score(mine, "score", cluster="cluster").table.iloc[0]
    row = found.one(estimand="nps", term="All answers")
    assert (row.estimate, row.conf_low) == (pytest.approx(result["estimate"]), pytest.approx(result["conf_low"]))
    ties = {row.term: row for row in found.where(estimand="cramers_v").rows()}
    assert len({row.family for row in ties.values()}) == 1 and "Module used most in 4 weeks" in ties
    of_reporting = found.one(estimand="adjusted_residual", level="reporting", group="promoter")
    assert of_reporting.estimate > 2
    assert found.one(estimand="csat_share", level="all").denominator == panel.tables["tickets"]["csat"].notna().sum() - sum(
        row.estimate for row in found.where(outcome="satisfaction with support", estimand="excluded").rows()
    )  # fmt: skip


def test_studies_without_surveys_or_tickets_or_with_no_answer_that_counts_are_notes(tmp_path):
    without = of_small("nps", CAUSES, without=("surveys", "tickets"))
    assert without.one(estimand="nps").note == NOBODY and without.one(estimand="csat_share").note == NO_TICKETS
    frames = company(4, answered([9, 8, 3, 10], day=-30))
    found = analysed(tmp_path, frames)
    assert found.one(estimand="nps").note == NONE_COUNTS
    assert found.one(estimand="excluded", level=BEFORE_WINDOW, outcome="recommendation").estimate == 4


def test_one_answer_one_customer_and_two_hundred_levels_break_nothing(tmp_path):
    (tmp_path / "one").mkdir()
    one = analysed(tmp_path / "one", company(2, answered([9])))
    row = one.one(estimand="nps", term="All answers")
    assert row.denominator == 1 and "rough" in row.note
    (tmp_path / "same").mkdir()
    twice = surveys(*(("a0", f"u{k}", at(10 + k), 9 - k, None) for k in range(6)))
    assert analysed(tmp_path / "same", company(2, twice)).one(estimand="nps", term="All answers").n_accounts == 1
    (tmp_path / "many").mkdir()
    levels = [f"level {i % 200:03d}" for i in range(600)]
    many = analysed(tmp_path / "many", company(600, answered([i % 11 for i in range(600)]), levels))  # fmt: skip
    rows = many.where(estimand="nps", term="Industry").table
    assert len(rows) <= MOST_LEVELS and rows["denominator"].sum() == 600
    assert OTHERS in set(rows["level"]) or len(rows) < MOST_LEVELS
