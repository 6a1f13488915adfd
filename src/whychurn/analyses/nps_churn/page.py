"""Put the parts together: answers that count, leaving after them, the score beside all else, foresight, verdicts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.answers import ONE_ROW, Answers, valid_answers
from whychurn.analyses.common import OUTCOME
from whychurn.analyses.nps_churn.base import ANSWERS, BASE, CHANGE, RATING, SCORE, VOLUNTARY_CHURN
from whychurn.analyses.nps_churn.curves import curve_rows
from whychurn.analyses.nps_churn.effects import Models
from whychurn.analyses.nps_churn.follow_up import every_answer, first_answers
from whychurn.analyses.nps_churn.foresight import foresight_rows
from whychurn.analyses.nps_churn.leavers import leaver_rows
from whychurn.analyses.nps_churn.signs import (
    FELL,
    Sign,
    change_sign,
    changes,
    rating_sign,
    score_sign,
)
from whychurn.analyses.nps_churn.verdicts import verdict_rows, with_adjusted_p
from whychurn.analyses.risk_rows import VOLUNTARY, risk_rows
from whychurn.findings import Findings
from whychurn.models.threads import one_blas_thread
from whychurn.panel import Panel
from whychurn.study import Study, TableStudy

NO_SURVEYS = "The study records no answers to “would you recommend us”: whether they foretell leaving cannot be told."


def run(panel: Panel, study: Study) -> Findings:
    """Leaving after an answer, and with the last score known before each row, alone and with everything else constant.

    Voluntary leaving comes first where the study says what reasons for leaving mean. Answers that come when or after
    the customer has left do not count, and are counted.
    """
    nothing = BASE | {"estimand": "not_measured", "term": ANSWERS}
    if not isinstance(study, TableStudy):
        return Findings.from_rows([nothing | {"note": ONE_ROW}])
    answers, score = valid_answers(panel, study), score_sign(panel)
    if not answers.n_answered or score is None:
        return Findings.from_rows([nothing | {"note": NO_SURVEYS}])
    rows = risk_rows(panel, study, categories=True)
    left = rows.loc[rows["event"] == 1, "cause"].astype(str)
    differ = 0 < int((left == VOLUNTARY).sum()) < len(left)
    outcomes = (VOLUNTARY_CHURN, OUTCOME) if differ else (OUTCOME,)
    out = _counted(answers)
    length = (rows["stop"] - rows["start"]).to_numpy(dtype=float)
    level = study.confidence_level
    out += curve_rows(first_answers(answers.frame, panel), every_answer(answers.frame, panel), outcomes[0], level)
    out += leaver_rows(answers.frame, panel, score, length, outcomes[0], study.lag_days, level)
    if not (rows["event"] == 1).any():
        return Findings.from_rows(
            [*out, BASE | {"estimand": "verdict", "term": SCORE, "note": "Nobody left in the window."}]
        )
    # The fits of landmarks are small: beside the other threads of this page their BLAS would only wait.
    with one_blas_thread(len(rows)):
        out += _modelled(rows, answers, score, outcomes, panel, study)
    return Findings.from_rows(out)


def _modelled(
    rows: pd.DataFrame, answers: Answers, score: Sign, outcomes: tuple[str, ...], panel: Panel, study: TableStudy
) -> list[dict[str, Any]]:
    """Return ratios, verdicts and foresight."""
    change, rating = change_sign(panel, answers.frame, score), rating_sign(panel)
    signs = {SCORE: score, CHANGE: change} | ({RATING: rating} if rating is not None else {})
    rows = rows.assign(**{sign.candidate.column: sign.values for sign in signs.values() if not sign.declared})
    models = Models(rows, panel, study.confidence_level)
    ratios = _ratio_rows(models, signs, outcomes)
    verdicts = verdict_rows(ratios, signs, score, models, outcomes[0])
    return [*ratios, *verdicts, *foresight_rows(rows, score, panel, outcomes[0], study)]


def _ratio_rows(models: Models, signs: dict[str, Sign], outcomes: tuple[str, ...]) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    for outcome in outcomes:
        for term, sign in signs.items():
            if term == CHANGE and outcome != outcomes[0]:
                continue
            out += models.sign_rows(sign, term, outcome, signs[SCORE], term == SCORE and outcome == outcomes[0])
    return with_adjusted_p(out, signs, outcomes[0])


def _counted(answers: Answers) -> list[dict[str, Any]]:
    """Return how many answers count, how many do not and why, and how many scores fell."""
    base = BASE | {"term": ANSWERS, "method": "count", "unit": "answers"}
    frame: pd.DataFrame = answers.frame
    out = [
        base | {
            "estimand": "answers", "estimate": float(len(frame)), "denominator": float(answers.n_answered),
            "n_accounts": int(frame["account_id"].nunique()), "definition": "answers that count",
        },
        *(
            base | {"estimand": "excluded", "level": why, "estimate": float(count)}
            | {"definition": "answers that do not count, under the first reason that holds"}
            for why, count in answers.excluded
        ),
    ]  # fmt: skip
    fell = changes(frame) == FELL
    person = frame["person"].to_numpy()
    same = int((fell[1:] & (person[1:] == person[:-1])).sum()) if len(frame) else 0
    falls = base | {"estimand": "falls", "level": FELL, "estimate": float(np.sum(fell)), "numerator": float(same)}
    falls["definition"] = "answers well below the account's answer before; numerator: both of the same person"
    return [*out, falls]
