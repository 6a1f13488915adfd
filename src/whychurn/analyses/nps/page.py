"""Findings of the page: scores, tables, satisfaction, comments, how good the interval is, and what does not count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from whychurn.analyses.answers import ONE_ROW, Answers, latest, valid_answers
from whychurn.analyses.nps.comments import comment_rows
from whychurn.analyses.nps.counted import asked_row, excluded_rows
from whychurn.analyses.nps.coverage import coverage_rows
from whychurn.analyses.nps.crosses import cross_rows
from whychurn.analyses.nps.groups import grouped, held
from whychurn.analyses.nps.ratings import BASE as RATING_BASE
from whychurn.analyses.nps.ratings import rating_rows, valid_ratings
from whychurn.analyses.nps.scores import BASE, overall_rows, segment_rows, time_rows
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.study import Study, TableStudy

NOBODY = "Nobody was asked whether they would recommend the company: the study has no surveys."
NONE_COUNTS = "No answer counts: see what does not count, and why."


def run(panel: Panel, study: Study) -> Findings:
    """Return what customers say: NPS, CSAT and comments.

    Of a person answering several times the latest answer counts (in a period: the latest of the period); variances are
    by account. Tables hold the latest answer of each account. Groups are as they were known before the answer.
    """
    if not isinstance(study, TableStudy):
        return Findings.from_rows([_none(ONE_ROW)])
    return Findings.from_rows([*_answer_rows(panel, study), *_rating_rows(panel, study)])


def _none(note: str) -> dict[str, Any]:
    return BASE | {"method": "count", "estimand": "nps", "term": "All answers", "denominator": 0, "note": note}


def _answer_rows(panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    answers = valid_answers(panel, study)
    if "surveys" not in study.tables or not answers.n_invited:
        yield _none(NOBODY)
        return
    if answers.frame.empty:
        yield _none(NONE_COUNTS)
    else:
        yield from _score_rows(panel, study, answers)
    yield asked_row(answers, BASE, study)
    columns = ("score", "answered_at")
    yield from excluded_rows(panel, "surveys", columns, answers.excluded, answers.n_answered, BASE)


def _score_rows(panel: Panel, study: TableStudy, answers: Answers) -> Iterator[dict[str, Any]]:
    every, groupings = grouped(panel, study, answers.frame)
    frame, accounts = latest(every), latest(every, ("account_id",))
    yield from overall_rows(answers, frame, study)
    yield from time_rows(answers.frame, study)
    yield from segment_rows(frame, [one for one in held(groupings, frame) if one.segment], study)
    yield from cross_rows(accounts, held(groupings, accounts), study)
    yield from comment_rows(frame, study)
    yield from coverage_rows(frame, study)


def _rating_rows(panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    ratings = valid_ratings(panel, study)
    if ratings.note:
        yield RATING_BASE | {
            "method": "count", "estimand": "csat_share", "term": "All ratings", "level": "all", "note": ratings.note,
        }  # fmt: skip
    else:
        frame, groupings = grouped(panel, study, ratings.frame)
        yield from rating_rows(frame, [one for one in groupings if one.segment], study)
    columns = ("csat", "csat_at", "closed_at")
    yield from excluded_rows(panel, "tickets", columns, ratings.excluded, ratings.n_rated, RATING_BASE)
