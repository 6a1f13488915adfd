"""The part of the page on why intervals of modules, and Brant's test, err: answers of the same customers drawn again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from validation import words
from validation.markdown import percent, table
from validation.redrawn import ALPHA, DRAWS, LARGER
from validation.summary import Mean, Record, Share, Z


def why_short(records: Sequence[Record]) -> Iterable[str]:
    """Say how often intervals and the test err under each condition, and what follows from the differences."""
    known = [record for record in records if record.get("redrawn")]
    if not known:
        return
    tested = [record["one_ratio"] for record in records if record["one_ratio"] is not None]
    yield words.BRANT.format(
        found=percent(Share(sum(p < ALPHA for p in tested), len(tested))), n=len(tested), times=words.NUMBERS[LARGER],
        exact=percent(Mean.of(_rejected(known, "model"))), larger=percent(Mean.of(_rejected(known, "larger"))),
    )  # fmt: skip
    modules = len(known[0]["modules"]) - 1
    yield words.REDRAWN.format(draws=words.NUMBERS[DRAWS], modules=words.NUMBERS.get(modules, modules))
    yield table(
        ("answers", "95% intervals that hold zero", "the same, not clustered", "Brant’s test rejects"),
        [_line(known, key, title.format(times=words.NUMBERS[LARGER])) for key, title in words.CASES.items()],
    )
    yield _reasons(known)


def _line(records: Sequence[Record], key: str, title: str) -> tuple[str, ...]:
    shares = (_share(records, key, "held"), _share(records, key, "plain"), _rejected(records, key))
    return title, *(percent(Mean.of(values)) for values in shares)


def _reasons(records: Sequence[Record]) -> str:
    """Return what the differences between conditions say, each against what chance makes of it."""
    held = {key: _share(records, key, "held") for key in words.CASES}
    pooled = _pooled(records)
    lines = [
        words.CLUSTERING if _more(_share(records, "simulator", "plain"), held["simulator"]) else words.NOT_CLUSTERING,
        words.THE_MODEL if _more(held["model"], held["simulator"]) else words.NOT_THE_MODEL,
        words.TERMS if _more(held["few"], held["model"]) else words.NOT_TERMS,
        words.SIZE if _more(held["larger"], held["model"]) else words.NOT_SIZE,
    ]
    last = words.MORE_THAN_CHANCE if _more(held["simulator"], pooled) else words.ONLY_CHANCE
    together, simulator = (percent(Mean.of(values)) for values in (pooled, held["simulator"]))
    return " ".join([*lines, last.format(pooled=together, simulator=simulator)])


def _share(records: Sequence[Record], key: str, what: str) -> np.ndarray:
    """Share of the intervals of each company that hold zero, NaN where nothing could be fitted, shape (companies,)."""
    counts = [record["redrawn"][key] for record in records]
    return np.array([count[what] / count["n"] if count["n"] else np.nan for count in counts])


def _rejected(records: Sequence[Record], key: str) -> np.ndarray:
    counts = [record["redrawn"][key] for record in records]
    return np.array([count["rejected"] / count["tests"] if count["tests"] else np.nan for count in counts])


def _pooled(records: Sequence[Record]) -> np.ndarray:
    """Share of a company's own intervals of modules that do nothing that hold zero, shape (companies,)."""
    shares = []
    for record in records:
        nothing = [pair for module, pair in record["modules"].items() if pair and module != record["term"]]
        shares.append(np.mean([abs(pair[0]) <= Z * pair[1] for pair in nothing]) if nothing else np.nan)
    return np.array(shares)


def _more(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether one share is larger than the other, company by company, by more than chance."""
    return Mean.of(one - other).limits[0] > 0
