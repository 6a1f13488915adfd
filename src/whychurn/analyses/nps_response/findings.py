"""Everything about who answers, in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from whychurn.analyses.answers import ONE_ROW
from whychurn.analyses.nps_response.balance import balance_rows
from whychurn.analyses.nps_response.covariates import known_of
from whychurn.analyses.nps_response.invitations import SHARE_IN_TIME, Invitations, valid_invitations
from whychurn.analyses.nps_response.leaving import leaving_rows
from whychurn.analyses.nps_response.rates import BASE, rate_rows
from whychurn.analyses.nps_response.weighting import response_weights, score_rows, weight_rows
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.study import Study, TableStudy

COUNTED = "counted"


def run(panel: Panel, study: Study) -> Findings:
    """Count answers per invitation, compare who answers with who does not, and weight the score by the chance to answer.

    Who answers is known only when the answer comes, so leaving is compared from the day on by which nearly all answers
    have come, among those still there. Weights come from what was recorded before the invitation; they correct for
    that and for nothing else.
    """
    if not isinstance(study, TableStudy):
        return _nothing(ONE_ROW)
    if "answers" not in panel.tables or "surveys" not in study.tables:
        return _nothing("The study has no surveys.")
    sent = valid_invitations(panel, study)
    if not len(sent.frame):
        reasons = "; ".join(f"{count:,} {reason}" for reason, count in sent.excluded if count)
        return _nothing(f"None of {sent.n_sent:,} invitations counts{': ' + reasons if reasons else ''}.")
    return Findings.from_rows(_rows(panel, study, sent))


def _rows(panel: Panel, study: TableStudy, sent: Invitations) -> Iterator[dict[str, Any]]:
    yield from _counted(sent)
    known = known_of(panel, study, sent.frame)
    yield from rate_rows(sent, known, study)
    yield from leaving_rows(sent, known, study)
    weights, text, note = response_weights(sent, known)
    yield from balance_rows(sent, known, weights)
    if weights is not None:
        yield from weight_rows(weights, text)
    yield from score_rows(sent, known, weights, note, study)


def _counted(sent: Invitations) -> Iterator[dict[str, Any]]:
    base = BASE | {
        "estimand": "invitations",
        "method": "count",
        "unit": "invitations",
        "denominator": float(sent.n_sent),
    }
    yield base | {
        "level": COUNTED, "estimate": float(len(sent.frame)), "n_accounts": int(sent.frame["account_id"].nunique()),
    }  # fmt: skip
    for reason, count in sent.excluded:
        yield base | {"level": reason, "estimate": float(count)}
    late = float(sent.frame["late"].sum())
    yield BASE | {
        "estimand": "days_to_answer", "method": "quantile", "unit": "days", "estimate": float(sent.days_to_answer),
        "numerator": late, "denominator": float(len(sent.frame)),
        "definition": f"whole weeks within which {SHARE_IN_TIME:.0%} of answers came; later ones count as none",
    }  # fmt: skip
    gave = sent.frame["answered"] == 1
    yield BASE | {
        "estimand": "without_score", "method": "count", "unit": "answers", "denominator": float(gave.sum()),
        "estimate": float((gave & sent.frame["score"].isna()).sum()),
        "definition": "answered in time, with no score that counts",
    }  # fmt: skip


def _nothing(note: str) -> Findings:
    return Findings.from_rows([BASE | {"estimand": "invitations", "level": COUNTED, "method": "count", "note": note}])
