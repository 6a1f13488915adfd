"""What was asked, answered, and does not count, with the reason: nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from whychurn.analyses.answers import Answers
from whychurn.analyses.common import share_interval
from whychurn.panel import Panel
from whychurn.study import TableStudy

ONLY_ANSWERS = "Every row of surveys is answered: who was asked and did not answer is not in the data."


def asked_row(answers: Answers, base: dict[str, Any], study: TableStudy) -> dict[str, Any]:
    """Return the share of invitations that were answered; no share where only answers were recorded."""
    row = base | {
        "method": "Wilson",
        "estimand": "answered_share",
        "term": "Invitations",
        "unit": "share",
        "numerator": answers.n_answered,
        "denominator": answers.n_invited,
        "definition": "rows of surveys with a score or a day of the answer / rows of surveys",
    }
    if answers.n_answered == answers.n_invited:
        return row | {"note": ONLY_ANSWERS}
    low, high = share_interval(answers.n_answered, answers.n_invited, study.confidence_level)
    share = answers.n_answered / answers.n_invited
    return row | {"estimate": share, "conf_low": low, "conf_high": high, "conf_level": study.confidence_level}


def excluded_rows(
    panel: Panel, table: str, columns: Iterable[str], excluded: Iterable[tuple[str, int]], n: int, base: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield what the reader set aside or could not read, then what does not count, each with its count.

    Parameters
    ----------
    panel : Panel
    table : str
    columns : iterable of str
        Of the table, whose unreadable values matter here.
    excluded : iterable of (str, int)
        Reasons with counts.
    n : int
        Records given: those that count and those excluded.
    base : dict
        What the rows share.
    """
    shared = base | {"method": "count", "unit": "records", "term": f"Records of {table}"}
    for step in panel.ledger:
        if step.table == table and step.n_affected and step.n_after < step.n_before:
            yield shared | {
                "estimand": "set_aside",
                "level": step.step,
                "estimate": step.n_affected,
                "denominator": step.n_before,
                "definition": step.rule,
                "note": step.note,
            }
    wanted = set(columns)
    for problem in panel.integrity:
        if problem.table == table and problem.code == "unreadable-values" and problem.column in wanted:
            yield shared | {
                "estimand": "unreadable",
                "level": problem.column,
                "estimate": problem.count,
                "definition": problem.consequence,
                "note": problem.problem,
            }
    for reason, count in excluded:
        yield shared | {"estimand": "excluded", "level": reason, "estimate": count, "denominator": n}
