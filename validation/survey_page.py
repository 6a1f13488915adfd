"""The section of docs/validation.md on answers to surveys."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from validation import words
from validation.markdown import calibration_table, percent, signed, table
from validation.redrawn_page import why_short
from validation.summary import Calibration, Mean, Share, calibrate
from validation.surveys import DRIVER, TRUE_SLOPE, Record, closer

POINTS = 100.0
CLEAR = 0.05


def surveys(records: Sequence[Record]) -> Iterable[str]:
    """Is the planted driver of recommending found, and the score set right for who answers?"""
    if not records:
        return
    yield "## Answers to surveys"
    answered = _average(records, "n_answered")
    yield words.SURVEYS.format(n=len(records), invited=_average(records, "n_invited"), answered=answered)
    yield "### The score, as answered and weighted"
    known = _weighted(records)
    yield words.SCORE.format(
        direction=percent(_share([record["shift"][0] < 0 for record in known])),
        closer=percent(_share(closer(records))),
        answered=answered,
        error=POINTS * float(np.mean([record["raw"][1] for record in known])),
    )
    yield table(
        ("score", "mean error, points", "typical size of the error, points", "95% intervals that hold the truth"),
        [_score_line(known, key, label) for key, label in (("raw", "as answered"), ("weighted", "weighted"))],
    )
    yield "### Whose use goes with recommending"
    firsts, signs, clears = (
        _share(list(values)) for values in zip(*(_found(record) for record in records), strict=True)
    )
    yield words.DRIVERS.format(
        modules=len(records[0]["modules"]), first=percent(firsts), sign=percent(signs), clear=percent(clears),
        holds=percent(_share([record["term"] == DRIVER and record["grade"] == "holds" for record in records])),
        wrong=percent(_share([_wrong(record) for record in records])),
    )  # fmt: skip
    exact = Mean.of([record["exact"][0] for record in records if record.get("exact")])
    found = slopes(records)
    ours = Mean.of([record["modules"][DRIVER][0] for record in records if record["modules"].get(DRIVER)])
    gap = words.OUT_OF_DATE if _lost(records).limits[0] > 0 else words.UP_TO_DATE
    yield words.SLOPE.format(truth=TRUE_SLOPE, exact=signed(exact), ours=signed(ours), gap=gap)
    yield calibration_table("module (log odds ratio per doubling of uses)", found, digits=2)
    yield from why_short(records)


def _lost(records: Sequence[Record]) -> Mean:
    """By how much the page's coefficient of the driver falls short of that of the measures that count, company by company."""
    pairs = [(record.get("exact"), record["modules"].get(DRIVER)) for record in records]
    return Mean.of([exact[0] - ours[0] for exact, ours in pairs if exact and ours])


def slopes(records: Sequence[Record]) -> list[tuple[str, Calibration]]:
    """Hold the coefficients of modules against their truth; that of the driver against what it averages to."""
    out = []
    for module in records[0]["modules"]:
        pairs = [record["modules"].get(module) and record["modules"][module][:2] for record in records]
        known = [pair[0] for pair in pairs if pair]
        truth = float(np.mean(known)) if module == DRIVER and known else 0.0
        out.append((f"{module}{', against its own mean' if module == DRIVER else ''}", calibrate(pairs, truth)))
    return out


def survey_rows_of_csv(records: Sequence[Record]) -> list[list[object]]:
    """Return the coefficients of modules, and the score, in the columns of the page's table of numbers."""
    rows: list[list[object]] = []
    if not records:
        return rows
    known = _weighted(records)
    errors = [
        (f"score, {label}", calibrate([_error(record, key) for record in known], 0.0))
        for key, label in (("raw", "as answered"), ("weighted", "weighted"))
    ]
    for label, found in (*slopes(records), *errors):
        rows.append([
            "answers to surveys", label, round(found.truth, 4), found.n, found.missing,
            *(f"{value:.4f}" for value in (found.bias.value, *found.bias.limits, found.spread, found.std_error)),
            *(f"{value:.4f}" for value in (found.coverage.value, *found.coverage.limits)),
        ])  # fmt: skip
    return rows


def in_one_line(records: Sequence[Record]) -> str:
    """Return what it comes to, for the page in short."""
    known = _weighted(records)
    raw, weighted = (
        POINTS * float(np.mean([record[key][0] - record["truth"] for record in known])) for key in ("raw", "weighted")
    )
    firsts = _share([_found(record)[0] for record in records])
    text = (
        f"**Answers to surveys ({len(records):,} companies):** active customers answer more, so the Net Promoter Score is off by "
        f"{raw:+.1f} points on average as answered and by {weighted:+.1f} weighted for who answers; the module whose users do recommend most "
        f"is in front in {percent(firsts)} of companies."
    )
    return text.replace(" -", " −")


def _found(record: Record) -> tuple[bool, bool, bool]:
    """Tell whether the driver is in front, whether its sign is right, and whether it is clear."""
    known = {module: value for module, value in record["modules"].items() if value}
    own = known.get(DRIVER)
    if own is None:
        return False, False, False
    return max(known, key=lambda module: known[module][0]) == DRIVER, own[0] > 0, own[0] > 0 and own[2] < CLEAR


def _wrong(record: Record) -> bool:
    """Tell whether a module that does nothing is said to go with recommending, or to be clearly ahead of the driver."""
    others = [value for module, value in record["modules"].items() if value and module != DRIVER]
    also = any(value[0] > 0 and value[2] < CLEAR for value in others)
    ahead = any(value and value[0] < 0 and value[2] < CLEAR for value in record["contrasts"].values())
    return bool(also or ahead)


def _weighted(records: Sequence[Record]) -> list[Record]:
    return [record for record in records if record["weighted"][0] is not None and record["shift"]]


def _error(record: Record, key: str) -> list[float]:
    """Error of a score, with its standard error and the limits of its interval about the truth."""
    estimate, error, low, high = record[key]
    return [estimate - record["truth"], error, low - record["truth"], high - record["truth"]]


def _score_line(records: Sequence[Record], key: str, label: str) -> tuple[str, ...]:
    found = calibrate([_error(record, key) for record in records], 0.0)
    typical = math.sqrt(float(np.mean([(record[key][0] - record["truth"]) ** 2 for record in records])))
    bias = Mean(POINTS * found.bias.value, POINTS * found.bias.std_error)
    return label, signed(bias, 1), f"{POINTS * typical:.1f}", percent(found.coverage)


def _share(values: Sequence[bool]) -> Share:
    return Share(sum(bool(value) for value in values), len(values))


def _average(records: Sequence[Record], key: str) -> float:
    return float(np.mean([record[key] for record in records]))
