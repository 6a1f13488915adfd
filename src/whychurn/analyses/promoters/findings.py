"""Everything about who recommends, in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from whychurn.analyses.answers import BANDS, ONE_ROW
from whychurn.analyses.promoters.advocates import advocate_rows
from whychurn.analyses.promoters.claim import claim_rows
from whychurn.analyses.promoters.model import BASE, assumption_rows, fit_model, model_rows
from whychurn.analyses.promoters.rows import AnswerRows, answer_rows
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.study import Study, TableStudy


def run(panel: Panel, study: Study) -> Findings:
    """Fit the band of each answer on the modules used before it, compare modules, and list advocates.

    Uses are those of the window before the answer, as the last weekly row with a cut-off by then recorded them: nothing
    from the day of the answer on enters. What goes with recommending need not bring it about.
    """
    if not isinstance(study, TableStudy):
        return _nothing(ONE_ROW)
    if "answers" not in panel.tables or "surveys" not in study.tables:
        return _nothing("The study has no surveys.")
    rows = answer_rows(panel, study)
    if not rows.n_answers:
        return _nothing("There is no answer that counts.")
    return Findings.from_rows(_rows(panel, study, rows))


def _rows(panel: Panel, study: TableStudy, rows: AnswerRows) -> Iterator[dict[str, Any]]:
    base = BASE | {"method": "count", "declared": "in advance", "unit": "answers", "denominator": float(rows.n_answers)}
    window = max((module.window for module in rows.modules), default=0)
    yield base | {
        "estimand": "answers_used", "estimate": float(len(rows.frame)), "numerator": float(rows.n_unknown),
        "n_accounts": int(rows.frame["account_id"].nunique()), "time": float(window),
        "definition": "answers that count whose use in the window before is known; the others are left out",
    }  # fmt: skip
    for band in BANDS:
        count = float((rows.frame["band"] == band).sum())
        share = {"estimate": count / len(rows.frame)} if len(rows.frame) else {}
        yield base | share | {
            "estimand": "band_share", "level": band, "unit": "share", "numerator": count, "denominator": float(len(rows.frame)),
        }  # fmt: skip
    model = fit_model(rows)
    yield from model_rows(rows, model, study)
    yield from claim_rows(rows, model, study)
    yield from assumption_rows(model, study)
    yield from advocate_rows(panel, study)


def _nothing(note: str) -> Findings:
    return Findings.from_rows(
        [BASE | {"estimand": "answers_used", "method": "count", "declared": "in advance", "note": note}]
    )
