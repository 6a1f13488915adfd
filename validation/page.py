"""docs/validation.md and docs/validation.csv, from the records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from validation import words
from validation.arms import ARMS, WANTED
from validation.markdown import calibration_table, signed, table
from validation.planted import TERMS, Term
from validation.results import Record, Results
from validation.sections import false_discoveries, naive, ranking, totals
from validation.short import in_short
from validation.summary import Calibration, Mean, calibrate
from validation.survey_page import survey_rows_of_csv, surveys


def page(results: Results) -> str:
    """Return the whole page."""
    parts = [
        "# Validation against truth",
        words.INTRODUCTION,
        _companies(results),
        *_not_complete(results),
        "## In short",
        in_short(results),
        words.WHY,
        *_direct(results),
        *false_discoveries(results),
        *totals(results),
        *ranking(results),
        *naive(results),
        *_paths(results),
        *surveys(results.surveys),
        "## Run it again",
        words.AGAIN,
    ]
    return "\n\n".join(parts) + "\n"


def _not_complete(results: Results) -> Iterable[str]:
    drawn = {("effects", arm): len(records) for arm, records in results.effects.items()}
    drawn |= {("table", arm): len(records) for arm, records in results.table.items()}
    drawn["frames", "default"] = len(results.frames)
    drawn["surveys", "default"] = len(results.surveys)
    missing = [
        f"{words.PARTS[part]}, {ARMS[arm].title.lower()}, {drawn.get((part, arm), 0):,} of {n:,}"
        for (part, arm), n in WANTED.items()
        if drawn.get((part, arm), 0) < n
    ]
    if missing:
        yield words.NOT_COMPLETE.format(missing="; ".join(missing))


def rows_of_csv(results: Results) -> list[list[object]]:
    """Return the direct effects of every arm as rows, headings first."""
    rows: list[list[object]] = [
        ["arm", "effect", "truth", "companies", "not_estimated", "bias", "bias_low", "bias_high", "sd", "mean_std_error",
         "coverage", "coverage_low", "coverage_high"]
    ]  # fmt: skip
    for arm, records in results.effects.items():
        for term in TERMS:
            found = _term(records, term, arm)
            rows.append([
                arm, term.label, found.truth, found.n, found.missing,
                *(f"{value:.4f}" for value in (found.bias.value, *found.bias.limits, found.spread, found.std_error)),
                *(f"{value:.4f}" for value in (found.coverage.value, *found.coverage.limits)),
            ])  # fmt: skip
    return [*rows, *survey_rows_of_csv(results.surveys)]


def _companies(results: Results) -> str:
    lines = []
    for name, records in results.effects.items():
        events = np.mean([record["n_events"] for record in records])
        arm = ARMS[name]
        lines.append((
            arm.title, arm.what, f"{len(records):,}", f"{arm.n_accounts:,}",
            f"{events:,.0f}", f"{np.mean([record['n_rows'] for record in records]):,.0f}",
        ))  # fmt: skip
    heads = ("companies", "what they are", "drawn", "customers each", "voluntary departures each", "weekly rows each")
    return table(heads, lines)


def _term(records: Sequence[Record], term: Term, arm: str, model: bool = False) -> Calibration:
    """Hold a planted effect against its estimates, with the clustered standard errors or those of the information."""
    pairs = [record["planted"][term.key] for record in records]
    if model:
        errors = [record["model_errors"][term.key] for record in records]
        pairs = [pair and [pair[0], error] for pair, error in zip(pairs, errors, strict=True)]
    return calibrate(pairs, term.truth(ARMS[arm].effects))


def _direct(results: Results) -> Iterable[str]:
    yield "## Direct effects"
    yield words.DIRECT
    for arm, records in results.effects.items():
        if arm == "null":
            continue
        yield f"### {ARMS[arm].title}: {len(records):,} companies"
        if text := words.ARM.get(arm):
            yield text
        if any(record.get("not_clustered") for record in records):
            yield words.NOT_CLUSTERED
        found = [(term.label, _term(records, term, arm)) for term in TERMS]
        plain = [_term(records, term, arm, model=True) for term in TERMS]
        yield calibration_table("planted effect (log hazard ratio)", found, plain, covered=arm != "hidden")


def _paths(results: Results) -> Iterable[str]:
    if not results.frames:
        return
    yield "## From tables to findings: the whole way"
    yield words.PATHS.format(n=len(results.frames))
    lines = []
    for term in TERMS:
        pairs = [(r["rows"]["planted"][term.key], r["frames"]["planted"][term.key]) for r in results.frames]
        lines.append((term.label, *_apart(pairs)))
    yield table(("planted form", "mean difference, in standard errors", "largest"), lines)
    lines = []
    for column in results.frames[0]["rows"]["declared"]:
        pairs = [(r["rows"]["declared"].get(column), r["frames"]["declared"].get(column)) for r in results.frames]
        lines.append((words.CANDIDATES[column], *_apart(pairs)))
    yield words.DECLARED
    yield table(("as declared: total effect", "mean difference, in standard errors", "largest"), lines)


def _apart(pairs: Sequence[tuple[Any, Any]]) -> tuple[str, str]:
    apart = np.array([(b[0] - a[0]) / a[1] for a, b in pairs if a and b])
    if not len(apart):
        return "–", "–"
    return signed(Mean.of(apart), 2), f"{np.abs(apart).max():.2f}"
