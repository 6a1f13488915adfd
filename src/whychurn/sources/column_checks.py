"""Column by column: gaps, spelling, codes, too many levels, and what should not be in the file at all."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator

import pandas as pd

from whychurn.errors import some
from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.flat import TABLE, FlatTable
from whychurn.sources.grammar import looks_like_a_number, what_to_do
from whychurn.sources.names import counted, shown, suggestion, tokens
from whychurn.sources.shapes import date_like, often
from whychurn.study import Cause, FlatStudy, Focus

MANY_LEVELS = 50
FEW_GAPS = 0.05
MOST_UNREADABLE = 0.05
MEANS_MISSING = {
    "n/a",
    "#n/a",
    "null",
    "nan",
    "nil",
    "?",
    "-",
    "--",
    ".",
    "(null)",
    "missing",
    "#value!",
    "#ref!",
    "#div/0!",
}
E_MAIL = r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"
PERSONAL = {
    "email", "mail", "surname", "firstname", "lastname", "fullname", "ssn", "iban", "passport", "birthdate", "dob",
}  # fmt: skip
PERSONAL_PAIRS = (
    {"first", "name"}, {"last", "name"}, {"full", "name"}, {"customer", "name"}, {"contact", "name"}, {"e", "mail"},
    {"phone", "number"}, {"street", "address"}, {"date", "birth"}, {"ip", "address"},
)  # fmt: skip


def check_columns(table: FlatTable, study: FlatStudy) -> Iterator[IntegrityFinding]:
    """Yield findings about the columns that the study uses (all of them where it declares no causes)."""
    frame = table.frame
    causes = {cause.column: cause for cause in study.causes}
    own = ("account_id", "tenure", "churned", "row_number")
    names = list(causes) or [name for name in frame.columns if name not in own]
    if study.columns.amount and study.columns.amount not in names and study.columns.amount in frame:
        names.append(study.columns.amount)
    for name in names:
        values = frame[name]
        cause = causes.get(name)
        yield from _gaps(name, frame, table)
        if len(values.dropna().unique()) <= 1:
            yield from _constant(name, values, cause)
        elif values.dtype == object:
            yield from _spelling(name, values)
            yield from _levels(name, values, cause)
        elif cause is not None:
            yield from _codes(name, values)
    yield from _unreadable(table, study)
    yield from _numbers_as_text(table, study)
    yield from _personal(frame, study)
    yield from _renamed(table)
    for focus in study.focus:
        yield from _focus(focus, frame, study)


def _gaps(name: str, frame: pd.DataFrame, table: FlatTable) -> Iterator[IntegrityFinding]:
    gaps = frame[name].isna()
    n, share = int(gaps.sum()), float(gaps.mean())
    if not n or n == len(frame):
        return
    churned = frame["churned"]
    difference = ""
    if share > FEW_GAPS and 0 < n < len(frame):
        difference = (
            f" Of those without a value {churned[gaps].mean():.0%} left, of the others {churned[~gaps].mean():.0%}."
        )
    texts = [(value, count) for column, value, count in table.null_texts if column == name and often(count, len(frame))]
    if frame[name].dtype == object and texts:
        difference += "".join(
            f' "{value}" was read as missing in {counted(count, "cell")} of {name}; if it is a value, remove it from '
            "null_values."
            for value, count in texts
        )
    yield IntegrityFinding(
        code="missing-values", severity="note" if share <= FEW_GAPS else "caveat", table=TABLE, column=name, count=n,
        rows=tuple(frame.loc[gaps, "account_id"].head(3)),
        problem=f"{shown(name)} has no value for {n:,} of {len(frame):,} customers ({share:.1%}).{difference}",
        consequence="They count as a group of their own, or are left out where a number is needed; pages say which.",
        action="" if share <= FEW_GAPS else "Find out why: a gap is often a fact about the customer.",
    )  # fmt: skip


def _constant(name: str, values: pd.Series, cause: Cause | None) -> Iterator[IntegrityFinding]:
    present = values.dropna()
    what = f"the same value for everyone ({shown(present.iloc[0])})" if len(present) else "no value for anyone"
    yield IntegrityFinding(
        code="constant-column" if len(present) else "empty-column", severity="caveat" if cause else "note",
        table=TABLE, column=name, count=len(values),
        problem=f"{shown(name)} has {what}.", consequence="It cannot tell leavers from those who stayed.",
        action="Remove it from the causes, or check the export.",
    )  # fmt: skip


def plain_form(text: str) -> str:
    """Return a level without case, accents' encoding, punctuation and spaces: what spelling variants share."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())


def _spelling(name: str, values: pd.Series) -> Iterator[IntegrityFinding]:
    counts = values.value_counts()
    if len(counts) > 2000:
        return
    groups: dict[str, list[str]] = defaultdict(list)
    for level in counts.index:
        if plain := plain_form(str(level)):
            groups[plain].append(str(level))
    variants = [levels for levels in groups.values() if len(levels) > 1]
    if not variants:
        return
    main, other = variants[0][0], variants[0][1]
    affected = int(sum(counts[level] for levels in variants for level in levels[1:]))
    yield IntegrityFinding(
        code="spelling-variants", severity="caveat", table=TABLE, column=name, count=affected,
        rows=tuple(map(str, variants[0][:3])),
        problem=f"{shown(name)} spells the same level in different ways: "
        f"{some([' / '.join(shown(level, 30) for level in levels) for levels in variants])}.",
        consequence=f"Each spelling counts as a level of its own; {counted(affected, 'row is', 'rows are')} not under the common one.",
        action=f'Correct the file, or map them in the cause: levels = {{ "{other}" = "{main}" }}.',
    )  # fmt: skip


def _levels(name: str, values: pd.Series, cause: Cause | None) -> Iterator[IntegrityFinding]:
    counts = values.value_counts()
    if len(counts) > MANY_LEVELS:
        date = "It looks like a date: compute the tenure, or the time to another date, from it."
        yield IntegrityFinding(
            code="many-levels", severity="caveat", table=TABLE, column=name, count=len(counts),
            problem=f"{shown(name)} has {len(counts):,} different values.",
            consequence="Most levels hold too few customers to say anything about; rare ones are pooled.",
            action=date if date_like(values) else "Group the values in the file, for example cities into regions.",
        )  # fmt: skip
    absent = [level for level in counts.index if str(level).strip().casefold() in MEANS_MISSING]
    if absent:
        listed = ", ".join(f'"{level}"' for level in absent[:3])
        yield IntegrityFinding(
            code="looks-missing", severity="note", table=TABLE, column=name, count=int(counts[absent].sum()),
            problem=f"{shown(name)} holds {some(map(shown, absent))}, which looks like “no value”.",
            consequence="It counts as a level like any other.",
            action=f"If it means “no value”, add {listed} to null_values under [source].",
        )  # fmt: skip
    if cause is None:
        return
    known = [str(level) for level in counts.index]
    for key, level in (("reference", cause.reference), ("compare", cause.compare)):
        if level is not None and level not in known:
            yield IntegrityFinding(
                code="absent-level", severity="caveat", table=TABLE, column=name, count=0,
                problem=f"No customer has {shown(level)} in {shown(name)}, which study.toml names as its {key}."
                + suggestion(level, known),
                consequence="The most common level stands in as reference; a comparison is left out.",
                action=f"The levels are {_listed(known)}.",
            )  # fmt: skip
    unmapped = [level for level in known if cause.levels and level not in cause.levels.values()]
    if unmapped:
        n = int(counts[unmapped].sum())
        yield IntegrityFinding(
            code="unmapped-codes", severity="caveat", table=TABLE, column=name, count=n,
            problem=f"{shown(name)} holds {some(map(shown, unmapped))} ({counted(n, 'row')}), which its levels in study.toml "
            "do not explain.",
            consequence="They are kept as they are.", action="Add what they mean to levels.",
        )  # fmt: skip


def _codes(name: str, values: pd.Series) -> Iterator[IntegrityFinding]:
    present = values.dropna()
    distinct = sorted(present.unique())
    if 3 <= len(distinct) <= 6 and len(present) >= 40 and all(float(value).is_integer() for value in distinct):
        yield IntegrityFinding(
            code="few-valued-number", severity="note", table=TABLE, column=name, count=len(distinct),
            problem=f"{shown(name)} is declared a number but holds only {some(map('{:g}'.format, distinct), 6)}.",
            consequence="If these are codes, a step from one to the next means nothing.",
            action='For codes write type = "category" and say in levels what they mean.',
        )  # fmt: skip


def _unreadable(table: FlatTable, study: FlatStudy) -> Iterator[IntegrityFinding]:
    for name, cells in table.cells.groupby("column", sort=False):
        present = next(column.n_present for column in table.columns if column.name == name)
        n, examples = len(cells), list(dict.fromkeys(cells["value"]))
        many = n > MOST_UNREADABLE * present
        yield IntegrityFinding(
            code="unreadable-numbers", severity="refuse" if many else "caveat", table=TABLE, column=str(name), count=n,
            rows=tuple(str(record) for record in cells["record"].head(3)),
            problem=f"{n:,} of {present:,} values of {shown(name)} {'is no number' if n == 1 else 'are not numbers'}: "
            f"{some(map(shown, examples))} (row{'' if n == 1 else 's'} {some(cells['record'])}).",
            consequence="They would be read as missing." if many else f"{'It is' if n == 1 else 'They are'} read as missing.",
            action=what_to_do(examples[:50], study.source.decimal),
        )  # fmt: skip


def _numbers_as_text(table: FlatTable, study: FlatStudy) -> Iterator[IntegrityFinding]:
    declared = {cause.column for cause in study.causes}
    for column in table.columns:
        if column.declared or column.kind != "category" or column.name not in table.frame or column.name in declared:
            continue
        values = table.frame[column.name].dropna().unique()[:500]
        odd = [value for value in values if looks_like_a_number(value)]
        if len(values) >= 5 and len(odd) >= 0.9 * len(values):
            yield IntegrityFinding(
                code="numbers-as-text", severity="note", table=TABLE, column=column.name, count=column.n_present,
                problem=f"{shown(column.name)} looks like numbers but is read as text: {some(map(shown, odd))}.",
                action=what_to_do([str(value) for value in odd[:50]], study.source.decimal),
            )  # fmt: skip


def _personal(frame: pd.DataFrame, study: FlatStudy) -> Iterator[IntegrityFinding]:
    for name in frame.columns:
        if name in ("tenure", "churned", "row_number", "amount"):
            continue
        words = set(tokens(name))
        by_name = bool(words & PERSONAL) or any(pair <= words for pair in PERSONAL_PAIRS) or words == {"name"}
        mails = 0
        if frame[name].dtype == object:
            counts = frame[name].value_counts()
            mails = sum(int(n) for value, n in counts.items() if "@" in str(value) and re.fullmatch(E_MAIL, str(value)))
        if mails or (by_name and frame[name].dtype == object and frame[name].nunique() > MANY_LEVELS):
            what = (
                f"holds {counted(mails, 'e-mail address', 'e-mail addresses')}"
                if mails
                else "seems to hold personal data"
            )
            column = study.columns.account_id or name if name == "account_id" else name
            yield IntegrityFinding(
                code="personal-data", severity="note", table=TABLE, column=column, count=mails,
                problem=f"{shown(column)} {what}.",
                consequence="Reports show account ids of single customers, and levels of declared causes.",
                action="Replace it by a neutral number, or leave the column out of the file.",
            )  # fmt: skip


def _renamed(table: FlatTable) -> Iterator[IntegrityFinding]:
    for old, new in table.renamed:
        yield IntegrityFinding(
            code="renamed-column", severity="note", table=TABLE, column=old, count=1,
            problem=f"The file's own column {shown(old)} is called {shown(new)} here: its name is taken.",
        )  # fmt: skip


def _focus(focus: Focus, frame: pd.DataFrame, study: FlatStudy) -> Iterator[IntegrityFinding]:
    inside = pd.Series(True, index=frame.index)
    roles = {study.columns.account_id: "account_id", study.columns.tenure: "tenure", study.columns.churned: "churned"}
    for column, levels in focus.where.items():
        name = roles.get(column, column)
        values = frame[name].map(lambda value: f"{value:g}" if isinstance(value, float) else value)
        known = [str(value) for value in values.dropna().unique()]
        for level in levels:
            if level not in known:
                yield IntegrityFinding(
                    code="absent-level", severity="caveat", table=TABLE, column=column,
                    problem=f"The focus {shown(focus.name)} asks for {shown(column)} = {shown(level)}; nobody has it."
                    + suggestion(level, known),
                    action=f"The levels are {_listed(known)}.",
                )  # fmt: skip
        inside &= values.isin(levels)
    n, left = int(inside.sum()), int((inside & frame["churned"]).sum())
    if left < 10:
        yield IntegrityFinding(
            code="small-focus", severity="caveat", table=TABLE, count=n,
            problem=f"The focus {shown(focus.name)} holds {counted(n, 'customer')}, of whom {left:,} left.",
            consequence="Too few to say anything about them on their own.", action="Widen the focus.",
        )  # fmt: skip


def _listed(levels: list[str], most: int = 8) -> str:
    return ", ".join(shown(level, 30) for level in levels[:most]) + (" …" if len(levels) > most else "")
