"""Measures that the study did not declare: which of them say something of their own, and in what groups."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from whychurn.panel import Candidate, Panel
from whychurn.panel.aliases import LevelCodes
from whychurn.panel.candidates import MISSING_LEVEL, quantile_bands, resolve_candidate
from whychurn.study import Cause

NO_VALUE = "no value"
#: With at most so many distinct values, each is a band.
FEW_VALUES = 4
#: A level of a cause counts in the comparison from so many rows on.
FEWEST_ROWS = 20
#: Of the numbers within a level, so many may lie on the wrong side: a slip in the data hides no band.
SLIPS = 0.01


def other_measures(panel: Panel) -> list[Candidate]:
    """Return the measures that are no declared causes, under labels that no other has.

    Attributes of accounts are not among them: they carry no dates, so that nobody knows whether they came before.
    """
    declared = {candidate.column for candidate in panel.candidates}
    taken = [candidate.label for candidate in panel.used]
    out = []
    for measure in panel.measures:
        if measure.name in declared:
            continue
        label = measure.label if measure.label not in taken else f"{measure.label} ({measure.name})"
        taken.append(label)
        out.append(Candidate(measure.name, label, measure.kind, 1, measure.group))
    return out


def as_groups(measure: Candidate, values: pd.Series) -> tuple[Candidate, pd.Series] | None:
    """Return a measure with its levels, rare ones pooled, and its values; None where it does not vary.

    Numbers stay numbers: they are cut into bands where they are crossed.
    """
    if measure.kind == "number":
        numbers = pd.to_numeric(values, errors="coerce").astype(float)
        return (measure, numbers) if numbers.nunique() >= 2 else None
    cause = Cause(column=measure.column, label=measure.label, type="category", missing=NO_VALUE)
    read, texts = resolve_candidate(cause, values, rows="rows")
    return (replace(read, group=measure.group), texts) if read.used else None


def groups_of(candidate: Candidate, values: pd.Series) -> tuple[pd.Series, list[str]]:
    """Return the group of each row, numbers in bands, and the groups in their order."""
    if candidate.kind == "category":
        texts = values.astype(str)
        held = set(texts.unique())
        return texts, [level for level in candidate.levels if level in held]
    numbers = values.astype(float)
    bands = in_bands(numbers)
    order = numbers.groupby(bands).median().sort_values(na_position="last").index
    return bands, [str(band) for band in order]


def in_bands(values: pd.Series) -> pd.Series:
    """Cut numbers at their quartiles; where one value is so common that quartiles coincide, it is a band of its own.

    Examples
    --------
    >>> in_bands(pd.Series([0.0] * 8 + [1.0, 2.0, 3.0, 4.0, 5.0])).unique().tolist()
    ['0', 'up to 3', 'above 3']
    """
    known = values.dropna()
    if known.empty:
        return pd.Series(NO_VALUE, index=values.index, dtype=object)
    edges = np.unique(np.quantile(known, (0, 0.25, 0.5, 0.75, 1)))
    if known.nunique() <= FEW_VALUES or len(edges) >= FEW_VALUES:
        return quantile_bands(values).replace(MISSING_LEVEL, NO_VALUE)
    common = float(known.mode().iloc[0])
    rest = known[known != common]
    if 0.2 <= (rest < common).mean() <= 0.8:
        cut, names = common, (f"below {common:,.4g}", f"above {common:,.4g}")
    else:
        cut = float(rest.median()) if rest.median() < rest.max() else float(rest[rest < rest.max()].max())
        names = (f"up to {cut:,.4g}", f"above {cut:,.4g}")
    bands = pd.Series(NO_VALUE, index=values.index, dtype=object)
    bands[known.index] = f"{common:,.6g}"
    bands[rest.index] = np.where(rest <= cut, *names)
    return bands


def same_thing(
    measure: Candidate, values: pd.Series, causes: Sequence[Candidate], frame: pd.DataFrame, related: Collection[str]
) -> str:
    """Return the label of the declared cause that says the same as a measure, or "".

    They do where the cause's levels are bands of the measure, or where their levels hold on the same rows.

    Parameters
    ----------
    measure : Candidate
    values : pandas.Series
        Of the measure.
    causes : sequence of Candidate
    frame : pandas.DataFrame
        With the causes.
    related : collection of str
        Columns that may say the same at all: those of the measure's own group.
    """
    for cause in causes:
        if cause.column not in related:
            continue
        theirs = frame[cause.column]
        if measure.kind == "number":
            same = _bands_of(values, theirs) if cause.kind == "category" else _same_order(values, theirs)
        else:
            same = cause.kind == "category" and _same_levels(values, theirs)
        if same:
            return cause.label
    return ""


def _bands_of(values: pd.Series, levels: pd.Series) -> bool:
    """Whether levels cut a number into bands: the numbers of one lie wholly above, or below, those of another."""
    known = values.notna()
    numbers, texts = values[known].to_numpy(dtype=float), levels[known].to_numpy()
    ranges, covered = [], 0
    for level in pd.unique(texts):
        own = numbers[texts == level]
        if len(own) >= FEWEST_ROWS:
            ranges.append(tuple(np.quantile(own, (SLIPS, 1 - SLIPS))))
            covered += len(own)
    ranges.sort()
    apart = all(one[1] < other[0] for one, other in itertools.pairwise(ranges))
    return len(ranges) >= 2 and covered >= 0.9 * len(numbers) and apart


def _same_order(values: pd.Series, others: pd.Series) -> bool:
    both = values.notna() & others.notna()
    return bool(both.sum() >= FEWEST_ROWS and values[both].corr(others[both], method="spearman") > 1 - SLIPS)


def _same_levels(values: pd.Series, others: pd.Series) -> bool:
    own = LevelCodes.of(values)
    return len(own.same_as(LevelCodes.of(others))) == len(own.levels)
