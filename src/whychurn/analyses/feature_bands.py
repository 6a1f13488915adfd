"""Bands of how much, how widely and how smoothly a product is used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

#: Bands of uses start at these numbers, unless hardly anyone falls into one of them.
USUAL_EDGES = (1, 5, 10)
#: Least share of the time in which a module is used that each band must hold.
LEAST_SHARE = 0.05
UNKNOWN = "not recorded"
#: Where nothing was done there is no share that failed.
NO_ACTIONS = "no actions"


@dataclass(frozen=True, slots=True)
class Bands:
    """Values in bands.

    Attributes
    ----------
    values : pandas.Categorical
        One per row, the reference first.
    order : tuple of str
        Bands from the lowest to the highest; what stands for no number is not among them.
    headline : str
        The band that verdicts compare with the reference.
    definition : str
    """

    values: pd.Categorical
    order: tuple[str, ...]
    headline: str
    definition: str


def cut(numbers: np.ndarray, edges: Sequence[float], names: Sequence[str], missing: str) -> np.ndarray:
    """Return the band of each number; each edge is the first of its band, and what is below the first has names[0]."""
    lookup = np.array([*names, missing], dtype=object)
    place = np.searchsorted(np.asarray(edges, dtype=float), numbers, side="right")
    place[np.isnan(numbers)] = len(names)
    return lookup[place]


def _bands(texts: np.ndarray, order: Sequence[str], reference: str, headline: str, missing: str, text: str) -> Bands:
    levels = [reference, *[name for name in (*order, missing) if name != reference]]
    return Bands(pd.Categorical(texts, levels).remove_unused_categories(), tuple(order), headline, text)


def use_edges(uses: np.ndarray) -> tuple[tuple[int, ...], str]:
    """Return where bands of uses begin, and by which rule.

    They are the usual ones where each holds enough of the time in which the module is used, else thirds of it.
    """
    used = uses[uses > 0]
    if not len(used):
        return USUAL_EDGES[:1], "used or not"
    shares = np.diff([*np.searchsorted(np.sort(used), USUAL_EDGES, side="left"), len(used)]) / len(used)
    if shares.min() >= LEAST_SHARE:
        return USUAL_EDGES, "bands fixed before looking"
    thirds = [math.ceil(edge) for edge in np.quantile(used, [1 / 3, 2 / 3])]
    edges = tuple(sorted({1, *[edge for edge in thirds if edge <= used.max()]}))
    return edges, "thirds of the time in which it is used, as the usual bands do not fit its numbers"


def use_bands(uses: np.ndarray) -> Bands:
    """Return uses in bands; none is the reference."""
    edges, rule = use_edges(uses)
    names = ["0"]
    for low, high in zip(edges, [*edges[1:], None], strict=True):
        names.append(f"{low}+" if high is None else str(low) if high == low + 1 else f"{low}-{high - 1}")
    return _bands(cut(uses, edges, names, UNKNOWN), names, "0", names[-1], UNKNOWN, rule)


def breadth_bands(modules_used: np.ndarray, n_modules: int) -> Bands:
    """Return the number of modules in use in bands; one is the reference, as none is silence."""
    top = min(4, n_modules)
    names = [*map(str, range(top)), f"{top} or more" if n_modules > top else str(top)]
    edges = range(1, top + 1)
    text = "modules used at least once in the window"
    return _bands(cut(modules_used, list(edges), names, UNKNOWN), names, "1", names[-1], UNKNOWN, text)


def seat_bands(adoption: np.ndarray) -> Bands:
    """Return active users per paid seat in bands; under a quarter is the reference."""
    names = ("none", "under 25%", "25-49%", "50-74%", "75% or more")
    smallest = np.nextafter(0.0, 1.0)
    texts = cut(adoption, (smallest, 0.25, 0.5, 0.75), names, UNKNOWN)
    return _bands(texts, names, "under 25%", names[-1], UNKNOWN, "people active in the window per paid seat")


def friction_bands(failed_share: np.ndarray) -> Bands:
    """Return the share of actions that failed in bands; none is the reference, and without actions there is none."""
    names = ("none", "under 5%", "5-9%", "10% or more")
    smallest = np.nextafter(0.0, 1.0)
    texts = cut(failed_share, (smallest, 0.05, 0.1), names, NO_ACTIONS)
    return _bands(texts, names, "none", names[-1], NO_ACTIONS, "actions in the window that failed")


def without_level(bands: Bands, level: str) -> Bands:
    """Return bands with one level counted with the reference, because something else in the model stands for it."""
    values = bands.values
    if level not in values.categories or len(values.categories) < 3:
        return bands
    reference = values.categories[0]
    kept = pd.Series(values).astype(object).replace({level: reference})
    return replace(bands, values=pd.Categorical(kept, [c for c in values.categories if c != level]))
