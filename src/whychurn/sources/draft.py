"""The text of a proposed ``study.toml``: short, commented, and true to what the file shows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from whychurn.sources.detectors import detect_columns
from whychurn.sources.names import shown
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
    yield f"null_values = {toml_list(p.source.null_values)}"
    yield ""
    yield "[columns]"
    if p.account_id:
        yield f"account_id = {toml_string(p.account_id)}"
    else:
        yield '# account_id = "…"  # no column identifies a row, so the row number does'
    yield f"tenure = {toml_string(p.tenure)}"
    yield f"churned = {toml_string(p.churned)}"
    yield f"churned_when = {toml_list(p.churned_when)}"
    yield f"stayed_when = {toml_list(p.stayed_when)}"
    if p.amount:
        yield f"amount = {toml_string(p.amount)}  # CHECK: the recurring amount per {unit.removesuffix('s')}"
        yield f"amount_name = {toml_string(prettify(p.amount).lower()[:120])}"
    else:
        yield f'# amount = "…"  # the recurring amount per {unit.removesuffix("s")}, for sizes in money'
    yield ""
    yield "[churn]"
    yield 'leavers_in_file = "unknown"  # all, recent or unknown: is everyone who ever left in the file?'
    yield 'recognised = ""  # such as "within the last month"'
    yield ""


def _causes(p: Proposal) -> Iterator[str]:
    names = [str(name) for name in p.frame.columns if name not in (p.account_id, p.tenure, p.churned)]
    reasons = _left_out(p, names)
    used = [name for name in names if name not in reasons]
    if used:
        yield "# Candidate causes, declared before looking. Give each its tier. The reference is the most common level;"
        yield "# churn was not looked at to choose it."
    for name in used:
        yield ""
        yield "[[causes]]"
        yield f"column = {toml_string(name)}"
        yield f"label = {toml_string(comment(prettify(name)))}"
        yield from _category(p.frame[name]) if _is_category(p.frame[name]) else _number(p.frame[name])
    if reasons:
        yield ""
        yield "# Left out:"
        for name, reason in reasons.items():
            yield f"# - {comment(shown(name))}: {comment(reason)}"


def _is_category(values: pd.Series) -> bool:
    return values.dtype == object or values.nunique() == 2


def _category(values: pd.Series) -> Iterator[str]:
    counts = values.dropna().map(_as_text).value_counts()
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


def _number(values: pd.Series) -> Iterator[str]:
    known = values.dropna()
    yield 'type = "number"'
    yield "tier = 1"
    spread = float(known.std()) if len(known) > 1 else 1.0
    yield f"per = {_round_number(spread):g}  # {known.min():g} to {known.max():g}"
    if known.nunique() <= 6 and (known % 1 == 0).all():
        yield f'# only {known.nunique()} different values: if they are codes, write type = "category"'


def _round_number(spread: float) -> float:
    """The nearest of 1, 2, 5, 10, … to a typical difference, so that a ratio is easy to say."""
    if not spread > 0 or not math.isfinite(spread):
        return 1.0
    power = 10.0 ** math.floor(math.log10(spread))
    return float(min((power * step for step in (1, 2, 5, 10)), key=lambda size: abs(math.log(size / spread))))


def _as_text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _left_out(p: Proposal, names: list[str]) -> dict[str, str]:
    """Columns that are not proposed as causes, each with its reason."""
    churned = p.frame[p.churned].map(_as_text).isin(p.churned_when).to_numpy()
    tenure = pd.to_numeric(p.frame[p.tenure], errors="coerce").to_numpy(dtype=float)
    # Detectors look for columns of these names; columns of the file that have them are judged under others.
    data = p.frame[names].set_axis([f"column {i}" for i in range(len(names))], axis=1)
    usable = np.isfinite(tenure)
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
            reasons[name] = f"it has {values.nunique():,} different values; group them to use it"
    for key in found.identifiers:
        reasons[own[key]] = "it is different for nearly every customer: an identifier or free text"
    for total in found.accumulating:
        reasons[own[total.column]] = "it grows with tenure, as a running total does"
    for late in found.known_after:
        reasons[own[late.column]] = f"it is known only after leaving: {late.why}"
    for later, earlier in found.duplicates:
        reasons.setdefault(own[later], f"it divides the customers exactly as {shown(own[earlier])} does")
    return reasons
