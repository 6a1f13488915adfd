"""Why an account counts differently in two rates: the name of its group, from what happened to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whychurn.analyses.definitions import counting
from whychurn.analyses.definitions.catalogue import differences
from whychurn.analyses.definitions.counting import MONEY, NamedRate
from whychurn.analyses.definitions.history import History
from whychurn.analyses.definitions.periods import Period
from whychurn.analyses.definitions.stays import Facts, Flags
from whychurn.study.tables_schema import Definition

Labels = NDArray[np.object_]
_Cases = list[tuple[Flags, str]]


@dataclass(frozen=True)
class _Words:
    """What to call accounts that one definition has leave earlier than another.

    Attributes
    ----------
    now : str
        Gone in the period by the earlier one, still a customer by the later one.
    before : str
        Gone before the period by the earlier one, a customer throughout by the later one.
    ended : str
        Gone before the period by the earlier one, in it by the later one.
    again : str
        Gone before the period by the earlier one, but a customer again at its end.
    within : str
        Gone and back within the period by the earlier one.
    """

    now: str
    before: str
    ended: str
    again: str
    within: str


def groups(history: History, one: NamedRate, other: NamedRate, period: Period) -> Labels:
    """Return a group for each account, shape (G,): the first of these that fits.

    What the two definitions of leaving say differently of the account; on which side of a trailing window it falls;
    its contract; what it pays; and else what happened to it in the period.
    """
    found: Labels = np.full(len(history.accounts), "", dtype=object)
    for cases in (
        _by_source(history, one.source, other.source, period),
        _by_window(history, one, other, period),
        _by_contract(history, one, other, period),
        _by_pay(history, one, other, period),
        _by_stay(history.facts(one.source, period), period.word),
    ):
        for where, name in cases:
            found[(found == "") & where] = name
    return found


def _by_source(history: History, one: str, other: str, period: Period) -> _Cases:
    if one == other:
        return []
    first, second = history.facts(one, period), history.facts(other, period)
    differ = ~first.same_as(second)
    cases: _Cases = []
    for early, late in ((one, other), (other, one)):
        words = _words(history, early, late, period.word)
        cases += [(differ & where, name) for where, name in _earlier(history, early, late, period, words)]
    return [*cases, (differ, f"dated differently by “{one}” and “{other}”")]


def _earlier(history: History, early: str, late: str, period: Period, words: _Words) -> _Cases:
    """Accounts that one definition has leave before another does."""
    mine, theirs = history.facts(early, period), history.facts(late, period)
    gone_before = ~mine.opening & theirs.opening
    return [
        ((mine.opening == theirs.opening) & ~mine.closing & theirs.closing, words.now),
        (gone_before & ~theirs.closing, words.ended),
        (gone_before & theirs.closing & mine.closing, words.again),
        (gone_before & theirs.closing, words.before),
        (mine.opening & theirs.opening & mine.closing & theirs.closing & (mine.lost > theirs.lost), words.within),
    ]


def _words(history: History, early: str, late: str, word: str) -> _Words:
    """Return words for the single setting that makes `early` the earlier one; else words with both names."""
    mine, theirs = history.definitions[early], history.definitions[late]
    differs = differences(mine, theirs)
    if differs == {"recognise"} and mine.recognise == "cancel date":
        return _Words(
            f"gave notice in the {word}, still in term",
            f"gave notice before the {word}, still in term",
            f"gave notice before the {word}, term ended in it",
            f"gave notice before the {word}, then came back",
            f"gave notice and stayed within the {word}",
        )
    if differs == {"allowed_gap_days"} and mine.allowed_gap_days < theirs.allowed_gap_days:
        back = f"back within {theirs.allowed_gap_days:,} days"
        return _Words(
            f"left in the {word}, {back}",
            f"away all {word}, {back}",
            f"away when the {word} began, then gone",
            f"away when the {word} began, {back}",
            f"left and came back within the {word}",
        )
    if differs == {"delinquent_after_days"} and _stricter(mine, theirs, "delinquent_after_days"):
        return _lapsed(f"{mine.delinquent_after_days:,} days overdue", "still served", "paid again", word)
    if differs == {"inactive_after_days"} and _stricter(mine, theirs, "inactive_after_days"):
        return _lapsed(f"{mine.inactive_after_days:,} days without use", "still a customer", "active again", word)
    return _Words(
        f"gone in the {word} by “{early}”, not by “{late}”",
        f"gone before the {word} by “{early}”, not by “{late}”",
        f"gone before the {word} by “{early}”, in it by “{late}”",
        f"gone before the {word} by “{early}”, then back",
        f"gone and back within the {word} by “{early}” only",
    )


def _stricter(mine: Definition, theirs: Definition, key: str) -> bool:
    own, other = getattr(mine, key), getattr(theirs, key)
    return own is not None and (other is None or own < other)


def _lapsed(what: str, still: str, again: str, word: str) -> _Words:
    return _Words(
        f"{what} in the {word}, {still}",
        f"{what} before the {word}, {still}",
        f"{what} before the {word}, service ended in it",
        f"{what} before the {word}, {again}",
        f"{what}, then {again} within the {word}",
    )


def _by_window(history: History, one: NamedRate, other: NamedRate, period: Period) -> _Cases:
    """Accounts whose opening a trailing window sees differently."""
    if (one.count is counting.trailing) == (other.count is counting.trailing):
        return []
    calendar = history.facts(history.own, period).opening
    window = history.facts(history.own, period.trailing())
    days, word = period.trailing().days, period.word
    if period.trailing().starts_on > period.starts_on:
        return [
            (calendar & ~window.opening, f"left before the {days:,} days began"),
            (~calendar & window.opening & window.closing, f"came in the {word} before the {days:,} days began"),
            (~calendar & window.opening, f"came in the {word} before the {days:,} days began, and left"),
        ]
    return [
        (~calendar & window.opening, f"left in the {days:,} days, before the {word} began"),
        (calendar & ~window.opening, f"came in the {days:,} days, before the {word} began"),
    ]


def _by_contract(history: History, one: NamedRate, other: NamedRate, period: Period) -> _Cases:
    """Accounts that a rate leaves out for their contract."""
    counts = {rate.count for rate in (one, other)}
    if not history.has_terms or len(counts) < 2:
        return []
    facts, contracts = history.facts(history.own, period), history.contracts(period)
    cases: _Cases = []
    if counting.first_years_hidden in counts:
        young = facts.opening & contracts.first_year
        cases += [
            (young & ~facts.closing, f"left in the {period.word}, in the first year of a yearly contract"),
            (young, "in the first year of a yearly contract, stayed"),
        ]
    if counting.could_end in counts:
        cases.append((facts.opening & facts.closing & contracts.fixed, f"contract could not end in the {period.word}"))
    return cases


def _by_pay(history: History, one: NamedRate, other: NamedRate, period: Period) -> _Cases:
    """Accounts by what they pay, where a rate looks at that."""
    pays = counting.paying_lost
    if history.revenue is None or not (MONEY in (one.unit, other.unit) or pays in (one.count, other.count)):
        return []
    facts, money, word = history.facts(history.own, period), history.money(period), period.word
    won = (facts.new > 0) | (facts.reactivated > 0)
    stayed = facts.opening & facts.closing & (facts.lost == 0)
    cases: _Cases = []
    if pays in (one.count, other.count):
        cases += [
            (facts.opening & (money.opening <= 0) & ~facts.closing, f"on a free plan, left in the {word}"),
            (facts.opening & (money.opening <= 0), "on a free plan at the start"),
            (stayed & (money.closing <= 0), f"moved to a free plan in the {word}"),
        ]
    left = facts.opening & ~facts.closing
    if one.unit != other.unit:
        n = int(facts.opening.sum())
        usual = float(money.opening.sum()) / n if n else 0.0
        cases += [
            (left & (money.opening > usual), "left, paid more than the average customer"),
            (left, "left, paid no more than the average customer"),
        ]
    grew, shrank = money.expansion > 0, money.contraction > 0
    return [
        *cases,
        (~facts.opening & (facts.new > 0) & ~facts.closing, f"won and lost within the {word}"),
        (~facts.opening & won & (grew | shrank), f"came in the {word}, then changed what it pays"),
        (stayed & grew & shrank, f"stayed, paid more and less within the {word}"),
        (stayed & grew, "stayed, pays more"),
        (stayed & shrank, "stayed, pays less"),
    ]


def _by_stay(facts: Facts, word: str) -> _Cases:
    """Accounts by what happened to them in the period; everybody is in one of these."""
    left, won, back = facts.lost > 0, facts.new > 0, facts.reactivated > 0
    return [
        (facts.opening & ~facts.closing & (facts.lost > 1), f"left more than once in the {word}"),
        (facts.opening & ~facts.closing, f"left in the {word}"),
        (facts.opening & left, f"left and came back within the {word}"),
        (facts.opening, f"stayed all {word}"),
        (won & ~facts.closing, f"won and lost within the {word}"),
        (won & left, f"won, lost and won back within the {word}"),
        (won, f"won in the {word}, still there"),
        (back & ~facts.closing, f"came back and left within the {word}"),
        (back, f"came back in the {word}, still there"),
        (np.ones(len(facts.opening), dtype=bool), f"no customer in the {word}"),
    ]
