"""The page in a few sentences, computed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from validation import words
from validation.arms import ARMS
from validation.markdown import percent
from validation.planted import TERMS, null_columns
from validation.results import Record, Results
from validation.summary import (
    Calibration,
    Share,
    Z,
    adjusted_families,
    calibrate,
    discoveries,
    pairwise,
    ranks_first,
)
from validation.survey_page import in_one_line

#: As false discoveries are usually bounded.
Q = 0.05


def in_short(results: Results) -> str:
    """Return the main results as a list of sentences."""
    lines = [_direct(results.effects[arm], arm) for arm in ("default", "large") if arm in results.effects]
    lines += [_false(results.effects[arm], arm) for arm in ("default", "null") if arm in results.effects]
    if "default" in results.truth:
        lines.append(_share(results))
    lines += [_rank(results, arm) for arm in ("default", "large") if results.table.get(arm) and arm in results.truth]
    lines.append(_naive(results.effects["default"]))
    if results.surveys:
        lines.append(in_one_line(results.surveys))
    return "\n".join(f"- {line}" for line in lines)


def planted_terms(records: Sequence[Record], arm: str) -> list[tuple[str, Calibration]]:
    """Hold every planted effect against its estimates."""
    effects = ARMS[arm].effects
    return [(t.label, calibrate([r["planted"][t.key] for r in records], t.truth(effects))) for t in TERMS]


def _direct(records: Sequence[Record], arm: str) -> str:
    found = planted_terms(records, arm)
    hits, total = (sum(getattr(one.coverage, name) for _, one in found) for name in ("count", "total"))
    # Estimates of one company hang together, so its share of intervals is the unit.
    rates = [_hit_rate(record, arm) for record in records]
    half = Z * float(np.std(rates, ddof=1)) / len(rates) ** 0.5
    below = [label for label, one in found if one.coverage.limits[1] < 0.95]
    biased = [abs(one.bias.value) / one.spread for _, one in found]
    text = (
        f"**Direct effects, {ARMS[arm].title.lower()} ({len(records):,} companies):** of {total:,} intervals at 95%, "
        f"{hits / total:.1%} (± {half:.1%}) hold the truth; no bias is larger than {max(biased):.2f} of the spread of its estimates."
    )
    return text + (
        f" Too rarely covered beyond chance: {'; '.join(_lower(label) for label in below)}." if below else ""
    )


def _hit_rate(record: Record, arm: str) -> float:
    effects, hits = ARMS[arm].effects, []
    for term in TERMS:
        pair = record["planted"][term.key]
        if pair:
            hits.append(abs(pair[0] - term.truth(effects)) <= Z * pair[1])
    return float(np.mean(hits))


def _false(records: Sequence[Record], arm: str) -> str:
    one = discoveries(adjusted_families(records), null_columns(ARMS[arm].effects), Q)
    within = "within" if one.proportion.limits[0] <= Q else "above"
    return (
        f"**False discoveries, {ARMS[arm].title.lower()} ({len(records):,} companies):** {percent(one.proportion)} of what is found at "
        f"{Q:.0%} is false, {within} the {Q:.0%} aimed at."
    )


def _share(results: Results) -> str:
    truth = results.truth["default"]["industry_by_tenure"][0]
    one = calibrate([record["share"] for record in results.effects["default"]], truth)
    return (
        f"**Share of departures that goes with an industry:** {percent(one.coverage)} of its 95% intervals hold the truth "
        f"({truth:.1%}, found by asking the simulator again)."
    )


def _rank(results: Results, arm: str) -> str:
    records, shares = results.table[arm], results.truth[arm]["shares"]
    first, second = sorted(shares, key=lambda name: -shares[name][0])[:2]
    table, alone = ranks_first(records, first), ranks_first(records, first, by_share=True)
    ahead = pairwise(records, first, second)
    return (
        f"**The largest cause, {ARMS[arm].title.lower()} ({len(records):,} companies):** {_lower(words.CANDIDATES[first])}, with "
        f"{shares[first][0]:.0%} of departures, before {_lower(words.CANDIDATES[second])} with {shares[second][0]:.0%}. The cause "
        f"table has it first in {percent(table)} of companies, and before the second in {percent(ahead)}; ordered by share alone it is "
        f"first in {percent(alone)}."
    )


def _naive(records: Sequence[Record]) -> str:
    false = 0
    for record in records:
        pairs = [record["naive"]["cox"].get(name) for name in ("mobile", "interactions")]
        false += any(abs(pair[0]) > Z * pair[1] for pair in pairs if pair)
    return (
        f"**The usual analysis of lifetime totals** declares one of two things without any effect a driver in "
        f"{percent(Share(false, len(records)))} of companies, and tickets, of which open ones drive customers away, a reason to stay."
    )


def _lower(text: str) -> str:
    # Not of a name such as Asia-Pacific.
    return text if text.startswith("Asia") else text[0].lower() + text[1:]
