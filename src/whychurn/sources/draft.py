"""The text of a proposed ``study.toml``: short, commented, and true to what the file shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from whychurn.errors import some
from whychurn.sources.detectors import detect_columns
from whychurn.sources.grammar import looks_like_a_number, what_to_do
from whychurn.sources.names import counted, shown
from whychurn.sources.shapes import as_numbers, code_like, date_like, odd_cells, often, round_number
from whychurn.sources.toml_text import comment, toml_list, toml_string
from whychurn.study import RESERVED, prettify

if TYPE_CHECKING:
    from whychurn.sources.propose import Proposal

MANY_LEVELS = 50
HORIZONS = {"days": 90, "weeks": 12, "months": 12, "years": 1}


def draft_study(proposal: Proposal) -> str:
    """Return the text of the file."""
    return "\n".join([*_head(proposal), *_causes(proposal)]).rstrip() + "\n"


def _head(p: Proposal) -> Iterator[str]:
    unit = p.unit or "months"
    unit_note = "" if p.unit else f"  # CHECK: the file does not say what {comment(shown(p.tenure))} counts"
    yield "# Proposed by `whychurn new` from the data file. Read every line: only you know the business behind it."
    yield ""
    yield "[study]"
    yield f"name = {toml_string(prettify(p.folder.resolve().name)[:120] or 'Study')}"
    yield 'kind = "flat"  # one row per customer'
    yield 'description = ""  # where the data come from'
    yield f'time_unit = "{unit}"{unit_note or "  # days, weeks, months or years"}'
    yield f"horizon = {HORIZONS[unit]}  # churn within this many {unit}"
    yield 'currency = ""  # such as "USD"'
    yield "confidence_level = 0.95"
    yield "seed = 1"
    yield 'as_of = "not recorded"  # the date the file was drawn'
    yield 'tiers = ["Who they are", "What they bought", "How they pay and commit"]  # what came first to what came last'
    yield ""
    yield "[source]"
    yield f"file = {toml_string(p.source.file)}"
    yield f'sha256 = "{p.sha256}"  # refuse any other file; remove the line if the file is renewed often'
    if p.source.suffix not in (".parquet", ".xlsx"):
        doubt = (
            "" if p.sure_encoding else "  # CHECK: not UTF-8, so this is a guess; do accented letters come out right?"
        )
        yield f"encoding = {toml_string(p.source.encoding)}{doubt}"
        yield f"delimiter = {toml_string(p.source.delimiter)}"
        yield f"decimal = {toml_string(p.source.decimal)}"
    for name, value, n in null_texts_in_categories(p):
        yield f'# CHECK: "{comment(value)}" was read as missing in {counted(n, "cell")} of {comment(shown(name))};'
        yield "# if it is a value there, take it out of this list and see to the other columns that use it."
    yield f"null_values = {toml_list(p.source.null_values)}"
    yield ""
    yield "[columns]"
    if p.account_id:
        yield f"account_id = {toml_string(p.account_id)}{_id_doubt(p.text, p.account_id)}"
    else:
        yield '# account_id = "…"  # no column identifies a row, so the row number does'
    if odd := odd_cells(p.text[p.tenure], p.frame[p.tenure], least=0):
        what = ("its row is", "their rows are")[len(odd) > 1] + " set aside"
        yield from _odd(odd, p, "a number from 0 up", "numbers from 0 up", what)
    yield f"tenure = {toml_string(p.tenure)}"
    yield f"churned = {toml_string(p.churned)}"
    several = len(p.churned_when) + len(p.stayed_when) > 2
    yield f"churned_when = {toml_list(p.churned_when)}{'  # CHECK: do others mean: left?' * several}"
    yield (
        f"stayed_when = {toml_list(p.stayed_when)}"
        f"{'  # CHECK: does each of these mean: still here? One that means “not known” goes to null_values' * several}"
    )
    if p.amount:
        yield f"amount = {toml_string(p.amount)}  # CHECK: the recurring amount per {unit.removesuffix('s')}"
        yield f"amount_name = {toml_string(prettify(p.amount).lower()[:120])}"
    else:
        yield f'# amount = "…"  # the recurring amount per {unit.removesuffix("s")}, for sizes in money'
    yield ""
    yield "[churn]"
    yield 'leavers_in_file = "unknown"  # all, recent or unknown: is everyone who ever left in the file?'
    yield 'recognised = ""  # such as "within the last month"'
    yield f"# How many {unit} back the recorded leavers go, if earlier ones are missing. With it both readings of the file"
    yield "# are computed: every leaver is in it, and only recent ones are. Without it there is the first one only."
    yield "# window = 1"
    yield ""


def _causes(p: Proposal) -> Iterator[str]:
    names = [str(name) for name in p.frame.columns if name not in (p.account_id, p.tenure, p.churned)]
    reasons = _left_out(p, names)
    used = [name for name in names if name not in reasons]
    if used:
        yield "# Candidate causes, declared before looking. Give each its tier. The reference is the most common level;"
        yield "# churn was not looked at to choose it."
    for position, name in enumerate(used):
        yield ""
        if position == 0:
            yield "# tier: a cause is adjusted for causes of earlier tiers and of its own, never for later ones: put what"
            yield "# comes first into tier 1, what follows from it into tier 2, and so on (names: tiers under [study])."
            yield '# compare = "…" names the level whose contrast with the reference is the headline;'
            yield "# actionable = false marks what the company cannot change, such as age."
        yield "[[causes]]"
        yield f"column = {toml_string(name)}"
        yield f"label = {toml_string(comment(prettify(name)))}"
        if _is_category(p.frame[name]):
            yield from _category(p.text[name])
        else:
            yield from _number(p.frame[name], odd_cells(p.text[name], p.frame[name]), p)
    if reasons:
        yield ""
        yield "# Left out:"
        for name, reason in reasons.items():
            yield f"# - {comment(shown(name))}: {comment(reason)}"


def _is_category(values: pd.Series) -> bool:
    return values.dtype == object or values.nunique() == 2


def _category(values: pd.Series) -> Iterator[str]:
    counts = values.dropna().value_counts()
    order = sorted(counts.index, key=lambda level: (-counts[level], level))
    listed = ", ".join(f"{shown(level, 30)} {counts[level]:,}" for level in order[:6])
    more = f" and {len(order) - 6:,} more" if len(order) > 6 else ""
    coded = set(order) == {"0", "1"}
    reference = {"0": "No", "1": "Yes"}[order[0]] if coded else order[0]
    yield 'type = "category"'
    yield "tier = 1"
    if coded:
        yield 'levels = { "0" = "No", "1" = "Yes" }  # CHECK: what the codes mean'
    yield f"reference = {toml_string(reference)}  # {comment(listed)}{more}"


def _number(values: pd.Series, odd: list[str], p: Proposal) -> Iterator[str]:
    known = values.dropna()
    if odd:
        yield from _odd(odd, p, "a number", "numbers", ("it is", "they are")[len(odd) > 1] + " read as missing")
    yield 'type = "number"'
    yield "tier = 1"
    spread = float(known.std()) if len(known) > 1 else 1.0
    yield f"per = {round_number(spread):g}  # {known.min():g} to {known.max():g}"
    if known.nunique() <= 6 and (known % 1 == 0).all():
        yield f'# only {known.nunique()} different values: if they are codes, write type = "category"'


def _odd(odd: list[str], p: Proposal, one: str, many: str, so: str) -> Iterator[str]:
    examples = some(map(shown, dict.fromkeys(odd)))
    is_not = f"is not {one}" if len(odd) == 1 else f"are not {many}"
    yield comment(f"# CHECK: {counted(len(odd), 'cell')} {is_not}, such as {examples}; {so}.")
    yield comment(f"# {what_to_do(odd[:50], p.source.decimal)}")


def _id_doubt(text: pd.DataFrame, name: str) -> str:
    """What is not as it should be with an id: values missing, or shared by rows that differ."""
    ids = text.loc[~text.duplicated(), name]
    shared = ids[ids.notna() & ids.duplicated()].unique()
    doubts = []
    if len(shared):
        what = "several rows that differ" if len(shared) == 1 else "several rows each that differ"
        verb = "stands in" if len(shared) == 1 else "stand in"
        doubts.append(f"{counted(len(shared), 'id')} {verb} {what}, such as {some(map(shown, shared))}")
    if n := int(ids.isna().sum()):
        doubts.append(f"{counted(n, 'row')} without an id")
    return comment(f"  # CHECK: {'; '.join(doubts)}; whychurn check lists them") if doubts else ""


def null_texts_in_categories(p: Proposal) -> list[tuple[str, str, int]]:
    """Texts read as missing so often, in columns of text, that they may be values: (column, text, cells)."""
    roles = {p.account_id, p.tenure, p.churned}
    return [
        (name, value, n)
        for name, value, n in p.null_texts
        if name not in roles and p.frame[name].dtype == object and often(n, len(p.frame))
    ]


def _left_out(p: Proposal, names: list[str]) -> dict[str, str]:
    """Columns that are not proposed as causes, each with its reason."""
    churned = p.text[p.churned].isin(p.churned_when).to_numpy()
    tenure = pd.to_numeric(p.frame[p.tenure], errors="coerce").to_numpy(dtype=float)
    # Detectors look for columns of these names; columns of the file that have them are judged under others.
    data = p.frame[names].set_axis([f"column {i}" for i in range(len(names))], axis=1)
    usable = np.isfinite(tenure) & p.text[p.churned].notna().to_numpy()
    data = data.assign(tenure=tenure, churned=churned)[usable]
    found = detect_columns(data, list(data.columns[: len(names)]), {}, names=names)
    own = dict(zip(data.columns, names, strict=False))
    reasons: dict[str, str] = {}
    for key, name in own.items():
        if key in ("tenure", "churned"):
            continue
        values = data[key]
        if name.casefold() in RESERVED and name != p.amount:
            reasons[name] = "this name has a meaning of its own here; rename the column to use it"
        elif values.nunique() < 2:
            reasons[name] = "it has the same value in every row"
        elif values.dtype == object and values.nunique() > MANY_LEVELS:
            reasons[name] = f"it has {values.nunique():,} different values; {_how_to_group(name, p)}"
    for key in found.identifiers:
        reasons[own[key]] = "it is different for nearly every customer: an identifier or free text"
    for key, name in own.items():
        if name.casefold() not in RESERVED and date_like(data[key]):
            reasons[name] = "it looks like a date; compute the tenure from it, or the time to another date"
    for total in found.accumulating:
        reasons[own[total.column]] = "it grows with tenure, as a running total does"
    for late in found.known_after:
        reasons[own[late.column]] = f"it is known only after leaving: {late.why}"
    for later, earlier in found.duplicates:
        reasons.setdefault(own[later], f"it divides the customers exactly as {shown(own[earlier])} does")
    return reasons


def _how_to_group(name: str, p: Proposal) -> str:
    text = p.text[name]
    if code_like(name, text):
        return "group these codes to use it, for example postal codes into regions"
    values = [str(value) for value in text.dropna().unique()[:50]]
    odd = [value for value in values if not as_numbers(pd.Series([value]), p.source.decimal).notna().iloc[0]]
    if odd and sum(map(looks_like_a_number, odd)) >= 0.9 * len(odd):
        return f"they look like numbers, but {some(map(shown, odd))} are none. {what_to_do(odd, p.source.decimal)}"
    return "group them to use it"
