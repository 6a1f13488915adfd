"""Are levels spelled in one way, and is there anything in the tables that should not be there?"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations

from whychurn.errors import some
from whychurn.sources.canon import TABLES
from whychurn.sources.column_checks import E_MAIL, MANY_LEVELS, PERSONAL, PERSONAL_PAIRS, plain_form
from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.names import counted, quoted, shown, tokens
from whychurn.sources.tables.checks.evidence import Evidence

#: More levels than this are no categories.
MOST_LEVELS = 200
#: Shorter words one letter apart are often two words.
LONG_WORD = 8
#: Of large tables so many rows are searched for addresses.
SEARCHED = 100_000
_CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "accounts": ("industry", "size_band", "region", "plan", "channel", "csm"),
    "subscriptions": ("plan", "end_reason"),
    "usage": ("module",),
    "tickets": ("topic", "severity"),
    "interventions": ("play", "reason", "outcome"),
    "interactions": ("kind", "direction"),
    "events": ("kind",),
}


def check_spelling(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """Yield findings about levels that differ in spelling, and about personal data."""
    for table, columns in _CATEGORIES.items():
        if evidence.has(table):
            further = further_columns(evidence) if table == "accounts" else ()
            for column in (*columns, *further):
                counts = _levels(evidence, table, column)
                yield from _variants(evidence, table, column, counts)
                yield from _near(table, column, counts)
    yield from _personal(evidence)


def further_columns(evidence: Evidence, texts_only: bool = True) -> tuple[str, ...]:
    """Return the attributes of accounts that are no part of the contract."""
    known = {column.name for column in TABLES["accounts"].columns} | {"row_number"}
    described = evidence.rows("SELECT column_name, column_type FROM (DESCRIBE accounts)")
    return tuple(name for name, kind in described if name not in known and (kind == "VARCHAR" or not texts_only))


def _levels(evidence: Evidence, table: str, column: str) -> dict[str, int]:
    """Levels with their rows, most first; none where there are too many to be categories."""
    name = quoted(column)
    rows = evidence.rows(
        f"SELECT {name}, count(*) FROM {table} WHERE {name} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 "
        f"LIMIT {MOST_LEVELS + 1}"
    )
    return dict(rows) if len(rows) <= MOST_LEVELS else {}


def _folded(text: str) -> str:
    """A level without case, accents, punctuation and spaces."""
    apart = unicodedata.normalize("NFKD", text)
    return plain_form("".join(letter for letter in apart if not unicodedata.combining(letter)))


def _variants(evidence: Evidence, table: str, column: str, counts: Mapping[str, int]) -> Iterator[IntegrityFinding]:
    groups: dict[str, list[str]] = defaultdict(list)
    for level in counts:
        if plain := _folded(level):
            groups[plain].append(level)
    variants = [levels for levels in groups.values() if len(levels) > 1]
    if not variants:
        return
    affected = sum(counts[level] for levels in variants for level in levels[1:])
    main, other = variants[0][:2]
    declared = any(cause.column == column for cause in evidence.study.causes) and table == "accounts"
    yield IntegrityFinding(
        code="spelling-variants", severity="caveat", table=table, column=column, count=affected,
        rows=tuple(variants[0][:3]),
        problem=f"{table}.{column} spells the same thing in different ways: "
        f"{some([' / '.join(shown(level, 30) for level in levels) for levels in variants])}.",
        consequence=f"Each spelling counts as a level of its own; {counted(affected, 'row is', 'rows are')} not under "
        "the common one.",
        action=f'Correct the file, or map them in the cause: levels = {{ "{other}" = "{main}" }}.'
        if declared
        else "Correct the file.",
    )  # fmt: skip


def _near(table: str, column: str, counts: Mapping[str, int]) -> Iterator[IntegrityFinding]:
    """Long levels one letter apart; digits tell levels apart on purpose."""
    words = [level for level in counts if len(level) >= LONG_WORD and not re.search(r"\d", level)]
    pairs = [
        (first, second)
        for first, second in combinations(words, 2)
        if _folded(first) != _folded(second) and one_letter_apart(_folded(first), _folded(second))
    ]
    if pairs:
        affected = sum(counts[second] for second in {second for _, second in pairs})
        yield IntegrityFinding(
            code="near-duplicates", severity="note", table=table, column=column, count=affected, rows=pairs[0],
            problem=f"{table}.{column} has levels that differ by one letter: "
            f"{some([' / '.join(shown(level, 30) for level in pair) for pair in pairs])}.",
            consequence="If one is a slip, it counts as a level of its own.", action="Correct the file if so.",
        )  # fmt: skip


def one_letter_apart(first: str, second: str) -> bool:
    """Whether one letter changed, added or left out makes one text the other.

    Examples
    --------
    >>> one_letter_apart("healthcare", "heathcare"), one_letter_apart("healthcare", "healthy")
    (True, False)
    """
    if first == second or abs(len(first) - len(second)) > 1:
        return False
    short, long = sorted((first, second), key=len)
    same = next((place for place in range(len(short)) if short[place] != long[place]), len(short))
    return short[same + (len(short) == len(long)) :] == long[same + 1 :]


def _personal(evidence: Evidence) -> Iterator[IntegrityFinding]:
    for table, contract in TABLES.items():
        if not evidence.has(table):
            continue
        texts = [column.name for column in contract.columns if column.type in ("id", "text")]
        further = further_columns(evidence) if contract.keeps_further_columns else ()
        texts += further
        parts = []
        for name in texts:
            mail = f"position('@' IN {quoted(name)}) > 0 AND regexp_full_match(trim({quoted(name)}), $mail)"
            parts.append(f"count(*) FILTER (WHERE {mail}), approx_count_distinct({quoted(name)})")
        held = ", ".join(map(quoted, texts))
        answer = evidence.rows(
            f"SELECT {', '.join(parts)} FROM (SELECT {held} FROM {table} LIMIT {SEARCHED})", mail=E_MAIL
        )[0]
        for position, name in enumerate(texts):
            mails, distinct = answer[2 * position : 2 * position + 2]
            named = name in further and _names_a_person(name) and distinct > MANY_LEVELS
            if mails or named:
                what = (
                    f"holds {counted(mails, 'e-mail address', 'e-mail addresses')}"
                    + (f" in its first {SEARCHED:,} rows" if evidence.tables[table] > SEARCHED else "")
                    if mails
                    else "seems to hold personal data"
                )
                yield IntegrityFinding(
                    code="personal-data", severity="note", table=table, column=name, count=mails,
                    problem=f"{table}.{name} {what}.",
                    consequence="Reports show ids of single accounts, and levels of declared causes.",
                    action="Replace it by a neutral number, or leave the column out of the file.",
                )  # fmt: skip


def _names_a_person(name: str) -> bool:
    words = set(tokens(name))
    return bool(words & PERSONAL) or any(pair <= words for pair in PERSONAL_PAIRS) or words == {"name"}
