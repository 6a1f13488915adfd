"""Answers with what was used before them: the rows of the model of recommending."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from whychurn.analyses.answer_terms import CodedTerms, TermCoder
from whychurn.analyses.answers import BANDS, valid_answers
from whychurn.analyses.feature_rows import Module, modules_of
from whychurn.analyses.last_known import last_known
from whychurn.analyses.rates import YEAR
from whychurn.panel import Candidate, Panel
from whychurn.study import TableStudy

#: Groups of measures of declared causes that are held equal; attributes have none.
SUPPORT = "support"
HELD_EQUAL = ("", "contract", SUPPORT)
OPEN_TICKETS = "open_tickets"
#: So many answers outside the most common band for a column of the model.
ANSWERS_PER_COLUMN = 10


@dataclass(frozen=True)
class AnswerRows:
    """Answers whose use before is known.

    Attributes
    ----------
    frame : pandas.DataFrame
        ``account_id``, ``cluster``, ``response_id``, ``band``, and a column per term under a neutral name.
    coded : CodedTerms
        The modules that vary first, then what is held equal.
    modules : tuple of Module
        All that are measured.
    names : dict of str to str
        Module -> neutral name of its term; modules that do not vary, or that repeat others, have none.
    uses : pandas.DataFrame
        Uses of each module (columns) before each answer.
    n_answers, n_unknown : int
        Answers that count, and those left out because use before them was not recorded.
    """

    frame: pd.DataFrame
    coded: CodedTerms
    modules: tuple[Module, ...]
    names: dict[str, str]
    uses: pd.DataFrame
    n_answers: int
    n_unknown: int


def answer_rows(panel: Panel, study: TableStudy) -> AnswerRows:
    """Read answers, uses of each module before them, and what is held equal.

    A number of uses enters as the base-two logarithm of one more, so that one unit is twice as many.
    """
    answers = valid_answers(panel, study).frame
    modules = modules_of(panel)
    tickets = [OPEN_TICKETS] if any(measure.name == OPEN_TICKETS for measure in panel.measures) else []
    raw = last_known(panel, study, answers, [*(module.uses for module in modules), *tickets], recorded=True)
    numbers = {name: pd.to_numeric(raw[name], errors="coerce").to_numpy(dtype=float) for name in raw.columns}
    known = np.ones(len(answers), dtype=bool)
    for module in modules:
        known &= ~np.isnan(numbers[module.uses])
    held = [c for c in panel.used if _is_held(panel, c) and c.column not in tickets]
    # Where answers are few, the last terms find no room: how support went stands closer to an answer than region does.
    held.sort(key=lambda candidate: _group(panel, candidate) != SUPPORT)
    levels = last_known(panel, study, answers, [candidate.column for candidate in held])
    kept = answers.loc[known].reset_index(drop=True)
    coder = TermCoder(kept.index)
    for module in modules:
        coder.number(module.uses, module.name, pd.Series(np.log2(1.0 + numbers[module.uses][known])))
    for name in tickets:
        coder.number(name, "Each open ticket", pd.Series(numbers[name][known]))
    coder.number("tenure", "Each year as a customer", kept["days_since_start"] / YEAR)
    for candidate in held:
        values = levels[candidate.column][known].reset_index(drop=True)
        if candidate.kind == "category":
            coder.category(candidate.column, candidate.label, values, candidate.reference)
        else:
            coder.number(candidate.column, candidate.label, values)
    counts = kept["band"].value_counts()
    fewest = len(kept) - int(counts.max()) if len(counts) else 0
    coded = coder.coded().within(max(fewest // ANSWERS_PER_COLUMN, 1))
    by_column = {term.column: term.name for term in coded.terms}
    names = {module.name: by_column[module.uses] for module in modules if module.uses in by_column}
    frame = pd.concat([kept[["account_id", "cluster", "response_id", "band"]], coded.frame], axis=1)
    uses = pd.DataFrame({module.name: numbers[module.uses][known] for module in modules})
    return AnswerRows(frame, coded, modules, names, uses, len(answers), int((~known).sum()))


def _is_held(panel: Panel, candidate: Candidate) -> bool:
    return _group(panel, candidate) in HELD_EQUAL and not candidate.determined_by


def _group(panel: Panel, candidate: Candidate) -> str:
    """Return the group of the measure that a candidate is, "" of an attribute."""
    return next((measure.group for measure in panel.measures if measure.name == candidate.column), "")


def bands_present(frame: pd.DataFrame) -> list[str]:
    """Return the bands that occur, from the lowest to the highest."""
    return [band for band in BANDS if (frame["band"] == band).any()]
