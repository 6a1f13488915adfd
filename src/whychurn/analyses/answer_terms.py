"""Terms of models of answering and of answers: numbers and levels under neutral names, as many as the data allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from whychurn.errors import FitError, SeparationError, SingularDesignError

#: A level with fewer rows is counted with the reference.
FEWEST_ROWS = 10
#: A column of numbers with fewer missing values has no column of its own for them.
FEWEST_MISSING = 10
_MOST_TRIES = 30
#: A column with less than this share of its spread left beside the columns before it repeats them.
_REPEATED = 1e-6
Fitted = TypeVar("Fitted")


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a model.

    Attributes
    ----------
    name : str
        Neutral, so that no name of a customer's file ever meets a formula parser.
    column, label : str
        Of the measure or candidate.
    levels : tuple of str
        Of a category, the reference first; empty for a number.
    """

    name: str
    column: str
    label: str
    levels: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many columns of a design it takes."""
        return max(len(self.levels) - 1, 1)


@dataclass(frozen=True)
class CodedTerms:
    """Terms and the frame that holds them.

    Attributes
    ----------
    frame : pandas.DataFrame
        A column per term, without gaps.
    terms : tuple of Term
    left : tuple of (label, why)
        What did not become a term.
    """

    frame: pd.DataFrame
    terms: tuple[Term, ...]
    left: tuple[tuple[str, str], ...]

    @property
    def names(self) -> list[str]:
        """Neutral names in order."""
        return [term.name for term in self.terms]

    def label_of(self, name: str) -> str:
        """Return what a neutral name stands for."""
        return next(term.label for term in self.terms if term.name == name)

    def within(self, most: int) -> CodedTerms:
        """Return the first terms that take no more than so many columns together."""
        kept, left, used = [], list(self.left), 0
        for term in self.terms:
            if used + term.width <= most:
                kept.append(term)
                used += term.width
            else:
                left.append((term.label, "Too few answers for one more column."))
        return CodedTerms(self.frame, tuple(kept), tuple(left))


class TermCoder:
    """Collects terms; what does not vary is left out with a note."""

    def __init__(self, index: pd.Index) -> None:
        self._frame = pd.DataFrame(index=index)
        self._terms: list[Term] = []
        self._left: list[tuple[str, str]] = []

    def number(self, column: str, label: str, values: pd.Series) -> None:
        """Add a number. Missing values stand at the mean, with a column of their own where there are enough."""
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        known = ~np.isnan(numbers)
        if not known.any() or np.ptp(numbers[known]) == 0.0:
            self._left.append((label, "It does not vary."))
            return
        filled = np.where(known, numbers, numbers[known].mean())
        self._add(Term(self._next(), column, label), filled)
        if (~known).sum() >= FEWEST_MISSING:
            self._add(Term(self._next(), column, f"{label}: not recorded"), (~known).astype(float))

    def category(self, column: str, label: str, values: pd.Series, reference: str = "") -> None:
        """Add a category; levels with few rows are counted with the reference, or the most common level."""
        texts = values.astype(object).where(values.notna(), "not recorded").astype(str)
        counts = texts.value_counts()
        common = max(counts.index, key=lambda level: (counts[level], level)) if len(counts) else ""
        base = reference if counts.get(reference, 0) >= FEWEST_ROWS else common
        kept = [level for level in sorted(counts.index) if counts[level] >= FEWEST_ROWS and level != base]
        if not kept:
            self._left.append((label, "It does not vary."))
            return
        rare = [level for level in counts.index if level not in kept and level != base]
        if rare:
            self._left.append((label, f"{len(rare)} rare levels are counted with “{base}”."))
        levels = (base, *kept)
        coded = pd.Categorical(texts.where(texts.isin(levels), base), categories=list(levels))
        self._add(Term(self._next(), column, label, levels), coded)

    def coded(self) -> CodedTerms:
        """Return what was collected, without what earlier terms say already."""
        return _without_repeats(CodedTerms(self._frame, tuple(self._terms), tuple(self._left)))

    def _next(self) -> str:
        return f"v{len(self._terms)}"

    def _add(self, term: Term, values: Any) -> None:
        self._frame[term.name] = values
        self._terms.append(term)


def _without_repeats(coded: CodedTerms) -> CodedTerms:
    """Drop columns that are linear combinations of those before them; a level is then counted with the reference.

    One decomposition finds them all, where fitting would find one at a time.
    """
    owners = [(term, level) for term in coded.terms for level in (term.levels[1:] or ("",))]
    if not owners or not len(coded.frame):
        return coded
    columns = [
        (coded.frame[term.name] == level).to_numpy(dtype=float)
        if level
        else coded.frame[term.name].to_numpy(dtype=float)
        for term, level in owners
    ]
    x = np.column_stack([np.ones(len(coded.frame)), *[_standardised(values) for values in columns]])
    # What is left of each column beside those before it; of more columns than rows some must be repeats.
    left = np.zeros(x.shape[1])
    own = np.abs(np.diag(np.linalg.qr(x, mode="r")))
    left[: len(own)] = own / np.sqrt(len(x))
    poor = [owner for owner, rest in zip(owners, left[1:], strict=True) if rest < _REPEATED]
    terms, noted = [], list(coded.left)
    frame = coded.frame.copy(deep=False)
    for term in coded.terms:
        mine = [level for owner, level in poor if owner is term]
        kept = tuple(level for level in term.levels if level not in mine)
        if mine and len(kept) < 2:
            noted.append((term.label, "It says what other terms say already."))
            continue
        if mine:
            noted.append((term.label, f"{', '.join(mine)}: said by other terms, and counted with “{kept[0]}”."))
            values = frame[term.name].astype(object)
            frame[term.name] = pd.Categorical(values.where(values.isin(kept), kept[0]), categories=list(kept))
        terms.append(replace(term, levels=kept))
    return CodedTerms(frame, tuple(terms), tuple(noted))


def _standardised(values: np.ndarray) -> np.ndarray:
    spread = float(values.std())
    return (values - values.mean()) / spread if spread > 0 else np.zeros(len(values))


def fit_what_can_be(fit: Callable[[list[str]], Fitted], coded: CodedTerms) -> tuple[Fitted | None, CodedTerms, str]:
    """Fit a model, leaving out terms that repeat others or that order the outcomes perfectly.

    Parameters
    ----------
    fit : callable
        Takes neutral names.
    coded : CodedTerms

    Returns
    -------
    fit : or None
    coded : CodedTerms
        What is in the model, and what had to leave.
    note : str
        Why there is no fit, or "".
    """
    for _ in range(_MOST_TRIES):
        try:
            return fit(coded.names), coded, ""
        except SingularDesignError as problem:
            guilty, why = _owners(coded, [problem.column]), "It cannot be told apart from the other terms."
        except SeparationError as problem:
            guilty, why = _owners(coded, problem.columns), "It sorts the answers perfectly, so its ratio has no limit."
        except FitError as problem:
            return None, coded, in_words(str(problem), coded)
        if not guilty:
            return None, coded, "The model cannot be fitted: what is compared does not vary enough."
        kept = tuple(term for term in coded.terms if term.name not in guilty)
        gone = [(term.label, why) for term in coded.terms if term.name in guilty]
        coded = CodedTerms(coded.frame, kept, (*coded.left, *gone))
    return None, coded, "The model cannot be fitted: too many of its terms repeat each other."


def _owners(coded: CodedTerms, columns: Sequence[str]) -> set[str]:
    names = {column.partition("[")[0] for column in columns}
    return {term.name for term in coded.terms if term.name in names}


def in_words(text: str, coded: CodedTerms) -> str:
    """Return a message with labels instead of neutral names."""
    for term in sorted(coded.terms, key=lambda term: -len(term.name)):
        text = text.replace(f"'{term.name}", f"'{term.label}")
    return text
