"""Candidate causes: what the study declared, held against what the data hold."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from whychurn.panel.levels import as_texts, recoded
from whychurn.study import Cause

MISSING_LEVEL = "(missing)"
#: A category keeps this many levels of its own; rarer ones are pooled into one, by name.
MOST_LEVELS = 12
#: What is only held constant keeps more: its levels are not read one by one.
MOST_ADJUSTED = 60
#: Up to this share of missing numbers, rows are left out of the models that need them; above it, bands are used.
MOST_MISSING = 0.05


@dataclass(frozen=True, slots=True)
class MergedLevel:
    """A level that says nothing beyond another column's level, merged where both stand in one model."""

    level: str
    into: str
    because_column: str
    because_level: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One candidate cause as the models will see it.

    Attributes
    ----------
    column, label, tier, group
        As declared; a tier counts from 1 (earliest).
    kind : {"category", "number"}
        A number with many missing values becomes a category of bands.
    levels : tuple of str
        Category levels, the reference first; empty for a number.
    reference : str
        Level that others are compared with; for a number the value that counts as "not exposed", or "".
    compare : str
        The level whose contrast is the headline ("" if the study declares none).
    compare_declared : bool
        Whether the headline contrast was declared in advance or follows from there being only two levels.
    per : float
        For a number: the difference that the hazard ratio is stated for.
    spread : float
        For a number: the distance between its quartiles, which grades go by whatever ``per`` says.
    used : bool
        Whether it enters models; ``reason`` says why not.
    note : str
        What the reader must know besides: pooled levels, missing values, a kept column.
    merged : tuple of MergedLevel
        Levels that duplicate another column's level.
    determined_by : tuple of str
        Columns that together fix this one: it never stands beside them in a model.
    actionable : bool
        Whether the company could change it.
    n_missing : int
        Accounts, or of a study of tables rows at risk, without a value.
    role : {"cause", "adjustment"}
        Whether it is ranked, or only held constant.
    missing_level : str
        What a missing value is called among the levels.
    """

    column: str
    label: str
    kind: str
    tier: int
    group: str
    levels: tuple[str, ...] = ()
    reference: str = ""
    compare: str = ""
    compare_declared: bool = False
    per: float = 1.0
    spread: float = 1.0
    used: bool = True
    reason: str = ""
    note: str = ""
    merged: tuple[MergedLevel, ...] = ()
    determined_by: tuple[str, ...] = ()
    actionable: bool = True
    n_missing: int = 0
    role: str = "cause"
    missing_level: str = MISSING_LEVEL


def resolve_candidate(cause: Cause, values: pd.Series, rows: str = "customers") -> tuple[Candidate, pd.Series]:
    """Hold one declared cause against its values.

    Parameters
    ----------
    cause : Cause
        As declared in the study.
    values : pandas.Series
        One value per account, or per row at risk: text with None, or floats with NaN.
    rows : str
        What a value belongs to, for notes.

    Returns
    -------
    candidate : Candidate
    values : pandas.Series
        As models and crosstabs see them: strings without gaps for a category, floats for a number.
    """
    candidate, resolved = categorised(cause, values, rows)
    return candidate, resolved.astype(object) if candidate.kind == "category" else resolved


def categorised(cause: Cause, values: pd.Series, rows: str = "customers") -> tuple[Candidate, pd.Series]:
    """Do what :func:`resolve_candidate` does, with the levels of a category as categories instead of strings."""
    base = Candidate(
        column=cause.column,
        label=cause.label or cause.column,
        kind=cause.type,
        tier=cause.tier,
        group=cause.group or cause.column,
        actionable=cause.actionable,
        n_missing=int(values.isna().sum()),
        role=cause.role,
        missing_level=cause.missing or MISSING_LEVEL,
        note=f"Kept by the study: {cause.keep}" if cause.keep else "",
    )
    if cause.type == "number" and cause.bands:
        names = band_names(values.astype(float), cause)
        candidate, texts = _category(
            replace(base, kind="category"), cause, declared_bands(values, cause, names), rows=rows
        )
        # Bands stand in the order of their numbers, whatever the number of rows in each.
        order = [name for name in dict.fromkeys(names) if name in candidate.levels]
        order += [level for level in candidate.levels if level not in order]
        levels = (candidate.reference, *[level for level in order if level != candidate.reference])
        return replace(candidate, levels=levels), texts
    if cause.type == "number":
        return _number(base, cause, values.astype(float))
    return _category(base, cause, values, rows=rows)


def _number(base: Candidate, cause: Cause, values: pd.Series) -> tuple[Candidate, pd.Series]:
    known = values.dropna()
    if known.nunique() < 2:
        return replace(base, used=False, reason=_no_difference(len(known))), values
    if base.n_missing > MOST_MISSING * len(values):
        bands = quantile_bands(values)
        banded = _category(
            replace(base, kind="category"), None, bands, first=str(bands.loc[known.index[int(np.argmin(known))]])
        )
        note = f"{base.n_missing:,} values are missing, so it is used in bands, the missing ones as their own."
        return replace(banded[0], note=_joined(base.note, note)), banded[1]
    note = f"{base.n_missing:,} rows without a value leave the models that use it." if base.n_missing else ""
    spread = float(known.quantile(0.75) - known.quantile(0.25)) or float(known.std()) or 1.0
    reference = "" if cause.reference is None else str(cause.reference)
    return (
        replace(
            base,
            per=float(cause.per or spread),
            spread=spread,
            reference=reference,
            compare_declared=True,
            note=_joined(base.note, note),
        ),
        values,
    )


def _category(
    base: Candidate, cause: Cause | None, values: pd.Series, first: str = "", rows: str = "customers"
) -> tuple[Candidate, pd.Series]:
    missing = (cause.missing if cause is not None else "") or MISSING_LEVEL
    text = as_texts(values, missing)
    codes = text.cat.codes.to_numpy()
    held = np.bincount(codes, minlength=len(text.cat.categories))
    counts = {level: int(n) for level, n in zip(text.cat.categories, held, strict=True) if n}
    # Ties broken by name, so that the same data always give the same levels.
    order = sorted(counts, key=lambda level: (-counts[level], level))
    if len(order) < 2:
        return replace(base, levels=tuple(order), used=False, reason=_no_difference(int(values.notna().sum()))), text
    declared = str(cause.reference) if cause is not None and cause.reference is not None else first
    reference, note = (declared, "") if declared in counts else (order[0], "")
    if declared and declared not in counts:
        note = f"The declared reference {declared!r} does not occur; {reference!r}, the most common, stands in."
    compare = (cause.compare or "") if cause is not None else ""
    if compare and compare not in counts:
        note = _joined(note, f"The declared comparison {compare!r} does not occur.")
        compare = ""
    if len(order) > (MOST_LEVELS if base.role == "cause" else MOST_ADJUSTED):
        text, order, pooled = _pool(text, order, {reference, compare} - {""}, rows)
        note = _joined(note, pooled)
    levels = (reference, *[level for level in order if level != reference])
    if len(levels) == 2:
        compare = levels[1]
    return (
        replace(
            base,
            levels=levels,
            reference=reference,
            compare=compare,
            compare_declared=bool(compare),
            note=_joined(base.note, note),
        ),
        text,
    )


def _no_difference(n_known: int) -> str:
    return "it has the same value in every row" if n_known else "no row has a value"


def _pool(text: pd.Series, order: list[str], keep: set[str], rows: str) -> tuple[pd.Series, list[str], str]:
    own = [level for level in order if level in keep]
    own += [level for level in order if level not in keep][: MOST_LEVELS - 1 - len(own)]
    rare = [level for level in order if level not in set(own)]
    pooled = f"Other ({len(rare):,} levels)"
    count = int(text.isin(rare).sum())
    note = f"{len(rare):,} rarer levels with {count:,} {rows} are pooled into {pooled!r}."
    ordered = [level for level in order if level in set(own)]
    names = [pooled if level in set(rare) else level for level in text.cat.categories]
    return recoded(text.cat.codes.to_numpy(), names, text.index), [*ordered, pooled], note


def band_names(values: pd.Series, cause: Cause) -> list[str]:
    """Return the names of the bands that the study's cut points make, lowest first, renamed as the study says.

    Examples
    --------
    The cuts 1 and 5 make "0", "1-4" and "5+" of whole numbers from 0, else "below 1", "1 to 5" and "5 or more".
    """
    cuts, known = cause.bands, values.dropna()
    if all(float(cut).is_integer() for cut in cuts) and (known % 1 == 0).all() and (known >= 0).all() and cuts[0] >= 1:
        edges = [0, *[int(cut) for cut in cuts]]
        names = [str(low) if high == low + 1 else f"{low}-{high - 1}" for low, high in itertools.pairwise(edges)]
        names.append(f"{edges[-1]}+")
    else:
        names = [f"below {cuts[0]:g}", *[f"{low:g} to {high:g}" for low, high in itertools.pairwise(cuts)]]
        names.append(f"{cuts[-1]:g} or more")
    return [cause.levels.get(name, name) for name in names]


def declared_bands(values: pd.Series, cause: Cause, names: list[str]) -> pd.Series:
    """Cut numbers at the study's cut points, each the first of its band; what stands for no number is as declared."""
    numbers = values.to_numpy(dtype=float)
    place = np.searchsorted(np.asarray(cause.bands, dtype=float), numbers, side="right")
    place[np.isnan(numbers)] = len(names)
    return recoded(place, [*names, cause.missing or MISSING_LEVEL], values.index)


def quantile_bands(values: pd.Series, bands: int = 4) -> pd.Series:
    """Cut numbers into bands of about equal size, named by their limits; a missing number has its own band."""
    known = values.dropna().astype(float)
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bands + 1)))
    if known.nunique() <= bands or len(edges) < 3:  # too few values for quantiles: each is its own band
        return values.map(lambda value: MISSING_LEVEL if pd.isna(value) else f"{value:,.6g}")
    names = [f"up to {edges[1]:,.4g}"]
    names += [f"above {low:,.4g}, up to {high:,.4g}" for low, high in itertools.pairwise(edges[1:-1])]
    names += [f"above {edges[-2]:,.4g}"]
    if len(set(names)) < len(names):
        names = [f"{name} ({index + 1})" for index, name in enumerate(names)]
    position = np.clip(np.searchsorted(edges[1:-1], values.to_numpy(dtype=float), side="left"), 0, len(names) - 1)
    out = pd.Series([names[index] for index in position], index=values.index, dtype=object)
    return out.where(values.notna(), MISSING_LEVEL)


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
