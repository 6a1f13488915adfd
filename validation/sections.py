"""Sections of docs/validation.md: false discoveries, total effects, ranks, the naive analysis."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from validation import words
from validation.arms import ARMS
from validation.markdown import calibration_table, percent, signed, table
from validation.naive import TOTALS
from validation.planted import TERMS, null_columns
from validation.results import Record, Results
from validation.summary import (
    Discoveries,
    Mean,
    Share,
    Z,
    adjusted_families,
    calibrate,
    discoveries,
    grades_of,
    pairwise,
    ranks_first,
    significant,
    table_families,
)

#: Through these nothing acts on any kind of leaving, neither directly nor through what follows.
TOTAL_NULLS = ("region", "channel", "uses_28_mobile", "nps_band", "interactions_84", "event_84_incident")
GRADES = ("strong", "moderate", "weak", "no sizeable effect", "inconclusive")


def false_discoveries(results: Results) -> Iterable[str]:
    """What is found where there is nothing: families, single tests, grades."""
    yield "## False discoveries"
    yield words.FALSE
    lines = []
    for arm, records in results.effects.items():
        if arm == "hidden":
            continue
        nulls = null_columns(ARMS[arm].effects)
        for q in (0.05, 0.10):
            lines.append(
                (ARMS[arm].title, "direct effects", *_found(discoveries(adjusted_families(records), nulls, q), records))
            )
    for arm, records in results.table.items():
        for q in (0.05, 0.10):
            lines.append(
                (
                    ARMS[arm].title,
                    "cause table",
                    *_found(discoveries(table_families(records), _total_nulls(arm), q), records),
                )
            )
    yield table(
        ("companies", "family", "number", "aimed at", "false among discoveries", "companies with a false discovery",
         "effects found"), lines,
    )  # fmt: skip
    yield words.SINGLE
    arms = [arm for arm in results.effects if arm != "hidden"]
    nulls = null_columns(ARMS["default"].effects)
    lines = []
    for column in nulls:
        cells = [words.CANDIDATES[column]]
        for arm in arms:
            values = [record["p_direct"].get(column) for record in results.effects[arm]]
            known = [value for value in values if value is not None]
            cells.append(percent(Share(sum(value < 0.05 for value in known), len(known))))
        lines.append(cells)
    yield table(("candidate without effect: p below .05", *(ARMS[arm].title for arm in arms)), lines)
    for arm, records in results.table.items():
        yield words.GRADES.format(arm=ARMS[arm].title, n=len(records))
        yield _grades(records, arm)


def _total_nulls(arm: str) -> tuple[str, ...]:
    """Of all departures: unpaid charges depend on the plan and bankruptcy on size, whatever is planted."""
    if arm != "null":
        return TOTAL_NULLS
    other = {"plan", "size_band", "failed_payments_84", "overdue_payments"}
    return tuple(column for column in words.CANDIDATES if column not in other)


def _grades(records: Sequence[Record], arm: str) -> str:
    nulls = _total_nulls(arm)
    lines = []
    columns = list(dict.fromkeys(column for record in records for column in record["table"]))
    for column in columns:
        found = grades_of(records, column)
        total = sum(found.values())
        kind = "nothing" if column in nulls else "something"
        lines.append((words.CANDIDATES.get(column, column), kind, *(f"{found[grade] / total:.0%}" for grade in GRADES)))
    lines.sort(key=lambda cells: cells[1])
    return table(("cause", "acts on leaving", *GRADES), lines)


def _found(one: Discoveries, records: Sequence[Record]) -> tuple[str, ...]:
    power = "–" if math.isnan(one.power.value) else f"{one.power.value:.0%}"
    return (f"{len(records):,}", f"{one.q:.0%}", percent(one.proportion), percent(one.any_false), power)


def totals(results: Results) -> Iterable[str]:
    """Total effect of a baseline cause, against the simulator asked again."""
    yield "## Total effects, and the share of departures that goes with a cause"
    yield words.TOTALS
    found = []
    for arm in results.effects:
        if arm not in results.truth:
            continue
        truth, records = results.truth[arm], results.effects[arm]
        share, risk = truth["industry_by_tenure"], truth["risk"]["difference"]
        found.append(
            (f"{ARMS[arm].title}: share of voluntary departures", calibrate([r["share"] for r in records], share[0]))
        )
        found.append(
            (f"{ARMS[arm].title}: difference of risk in a year", calibrate([r["risk"] for r in records], risk[0]))
        )
    yield calibration_table("medical devices against software", found, digits=3)
    truth = results.truth["default"]
    same, tenure, counted = (truth["voluntary"]["industry"], truth["industry_by_tenure"], truth["industry_by_counting"])
    yield words.COUNTED.format(
        **{
            name: f"{one[0]:.1%} ± {Z * one[1]:.1%}"
            for name, one in (("same", same), ("tenure", tenure), ("counted", counted))
        },
        high=f"{truth['risk']['Medical devices'][0]:.1%}",
        low=f"{truth['risk']['Software'][0]:.1%}",
    )


def ranking(results: Results) -> Iterable[str]:
    """How often the largest cause is ranked first, and neighbours rightly."""
    yield "## Does the largest cause come first?"
    yield words.RANKING
    for arm, records in results.table.items():
        if arm not in results.truth:
            continue
        shares = results.truth[arm]["shares"]
        order = sorted(shares, key=lambda name: -shares[name][0])
        harmful = [name for name in order if shares[name][0] > 0.005]
        yield f"### {ARMS[arm].title}: {len(records):,} companies of {ARMS[arm].n_accounts:,} customers"
        yield table(
            ("cause", "true share", "mean estimate, where given", "ranked first", "first by share alone"),
            [
                (words.CANDIDATES[name], f"{shares[name][0]:.1%}", _mean_share(records, name),
                 percent(ranks_first(records, name)), percent(ranks_first(records, name, by_share=True)))
                for name in harmful
            ],
        )  # fmt: skip
        yield words.PAIRWISE
        yield table(
            ("larger", "smaller", "difference of true shares", "in this order", "in this order by share alone"),
            [
                (words.CANDIDATES[one], words.CANDIDATES[other], f"{shares[one][0] - shares[other][0]:.1%}",
                 percent(pairwise(records, one, other)), percent(pairwise(records, one, other, by_share=True)))
                for one, other in itertools.pairwise(harmful)
            ],
        )  # fmt: skip


def _mean_share(records: Sequence[Record], name: str) -> str:
    known = [record["table"][name]["share"][0] for record in records if record["table"].get(name, {}).get("share")]
    return f"{np.mean(known):.1%} ({len(known) / len(records):.0%} of companies)" if known else "–"


def naive(results: Results) -> Iterable[str]:
    """The analysis of lifetime totals, on the same companies."""
    yield "## The usual analysis, on the same companies"
    yield words.NAIVE
    records = results.effects["default"]
    lines = []
    for name, label in TOTALS.items():
        cells: list[str] = [label, words.NAIVE_TRUTH[name]]
        for kind in ("cox", "logistic"):
            pairs = [record["naive"][kind].get(name) for record in records]
            mean = Mean.of([pair[0] for pair in pairs if pair])
            cells += [signed(mean), percent(significant(pairs, -1)), percent(significant(pairs, 1))]
        lines.append(cells)
    heads = ("lifetime total", "what is true", "Cox: mean log ratio", "“protects”, p < .05", "“harms”, p < .05",
             "logistic: mean log odds ratio", "“protects”, p < .05", "“harms”, p < .05")  # fmt: skip
    yield table(heads, lines)
    yield words.CRUDE
    saved = next(term for term in TERMS if term.effect == "intervention")
    ways: list[tuple[str, Callable[[Record], Any]]] = [
        ("ever called against never called, share that left", lambda record: record["naive"]["crude_saved"]),
        ("Cox model of lifetime totals", lambda record: record["naive"]["cox"].get("saved")),
        ("weekly rows, nothing held constant", lambda record: record["crude_weekly"]),
        ("weekly rows, the model of this page", lambda record: record["planted"][saved.key]),
    ]
    lines = []
    for label, read in ways:
        pairs = [read(record) for record in records]
        mean = Mean.of([pair[0] for pair in pairs if pair])
        lines.append([label, signed(mean), percent(significant(pairs, -1)), percent(significant(pairs, 1))])
    yield table(("attempt to save (truth −0.25)", "mean log ratio", "“helps”, p < .05", "“harms”, p < .05"), lines)
    false = []
    for record in records:
        pairs = [record["naive"]["cox"].get(name) for name in ("mobile", "interactions")]
        false.append(sum(abs(pair[0]) > Z * pair[1] for pair in pairs if pair))
    yield words.NAIVE_FALSE.format(any=percent(Share(sum(n > 0 for n in false), len(false))))
