"""Customers and money lost by segment, each level against all other customers, and departures per customer-month."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

from whychurn.analyses.flat_metrics.base import BASE, NO_AMOUNTS, Reading
from whychurn.analyses.flat_metrics.definitions import definition_of
from whychurn.analyses.metrics.base import FEWEST
from whychurn.analyses.metrics.intervals import Sums, difference_test, share_of_revenue
from whychurn.analyses.share_differences import Share, difference
from whychurn.models import adjust_p_values, hazard_by_time
from whychurn.panel import Candidate, Panel
from whychurn.study import FlatStudy

NOTHING = "No declared category tells these customers apart."
FEW = f"Fewer than {FEWEST} customers on one side: not compared."
CUSTOMERS, MONEY = "segment_difference", "segment_mrr_difference"


def segment_rows(customers: pd.DataFrame, first: Reading, panel: Panel, study: FlatStudy) -> Iterator[dict[str, Any]]:
    """Yield shares lost by level of every declared category in use, and the differences from all other customers.

    Of two levels each is the other's rest, so that such a category is one comparison of the family. A level that holds for
    exactly the customers of another category's level is named and not compared a second time.
    """
    chosen = [candidate for candidate in panel.ranked if candidate.kind == "category"]
    if not chosen:
        yield BASE | {"estimand": "segment_churn", "method": "count", "note": NOTHING}
        return
    tests: list[tuple[tuple[str, str], dict[str, Any]]] = []
    labels = {candidate.column: candidate.label for candidate in chosen}
    for candidate in chosen:
        values = customers[candidate.column].astype(str)
        levels = _levels(values, customers["event"])
        repeated = {merge.level: merge for merge in candidate.merged if merge.because_column in labels}
        hazards = _hazards(first, customers, values, study.confidence_level)
        for level in levels:
            inside = (values == level).to_numpy()
            base = BASE | {"term": candidate.label, "level": level, "method": "count", "effect_kind": "unadjusted"}
            base |= {"n_accounts": int(inside.sum()), "n_events": int(customers["event"][inside].sum())}
            base |= {"conf_level": study.confidence_level}
            if level in repeated:
                same = repeated[level]
                note = f"The customers with {labels[same.because_column]} “{same.because_level}”."
                yield base | {"estimand": "segment_repeated", "note": note}
                continue
            yield from _shares(customers, inside, base, candidate)
            if level in hazards:
                yield (
                    base
                    | {"estimand": "segment_hazard", "group": first.name, "method": "exact Poisson"}
                    | hazards[level]
                )
            comparison = candidate.label, "" if len(levels) == 2 else level
            tests += [(comparison, row) for row in _differences(customers, inside, base)]
    for estimand in (CUSTOMERS, MONEY):
        yield from _adjusted([(key, row) for key, row in tests if row["estimand"] == estimand])


def _levels(values: pd.Series, event: pd.Series) -> list[str]:
    shares = event.groupby(values).mean()
    return [str(level) for level in sorted(shares.index, key=lambda level: (-shares[level], str(level)))]


def _hazards(
    first: Reading, customers: pd.DataFrame, values: pd.Series, conf_level: float
) -> dict[str, dict[str, Any]]:
    of = dict(zip(customers["account_id"], values, strict=True))
    rows = first.rows.assign(level=first.rows["account_id"].map(of))
    each: Any
    found = hazard_by_time(
        rows, "stop", "event", [0.0, float(rows["stop"].max())], start="start", group="level", conf_level=conf_level
    ).rates
    rates: dict[str, dict[str, Any]] = {}
    for each in found.itertuples():
        if each.time_at_risk > 0:
            rates[str(each.group)] = {
                "estimate": each.rate, "conf_low": each.conf_low, "conf_high": each.conf_high, "unit": "per customer-month",
                "numerator": each.n_events, "denominator": each.time_at_risk, "definition": definition_of("hazard"),
            }  # fmt: skip
    return rates


def _shares(
    customers: pd.DataFrame, inside: np.ndarray[Any, Any], base: dict[str, Any], candidate: Candidate
) -> Iterator[dict[str, Any]]:
    left = customers["event"].to_numpy()
    share = Share.of(int(left[inside].sum()), int(inside.sum()), base["conf_level"])
    words = {"unit": "share", "definition": definition_of("churn_per_acquired"), "note": candidate.note}
    yield base | {"estimand": "segment_churn"} | words | share.row()
    sums = _sums(customers, inside)
    row = base | {"estimand": "segment_mrr_lost_share", "unit": "share", "definition": definition_of("mrr_lost_share")}
    if not sums.whole > 0:
        yield row | {"note": _no_money(customers)}
        return
    yield row | share_of_revenue(sums, base["conf_level"])
    all_lost = float((customers["amount"] * customers["event"]).sum())
    if all_lost > 0:
        yield base | {
            "estimand": "segment_part_of_lost", "unit": "share", "estimate": sums.part / all_lost, "numerator": sums.part,
            "denominator": all_lost, "definition": "part of all recurring revenue lost",
        }  # fmt: skip


def _sums(customers: pd.DataFrame, inside: np.ndarray[Any, Any]) -> Sums:
    known = customers[inside & customers["amount"].notna().to_numpy()]
    return Sums.of(known["amount"] * known["event"], known["amount"])


def _no_money(customers: pd.DataFrame) -> str:
    return NO_AMOUNTS if customers["amount"].isna().all() else "No amount is recorded on one side."


def _differences(
    customers: pd.DataFrame, inside: np.ndarray[Any, Any], base: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Yield the level less all other customers: of customers with Fisher's test, of money with a linearised one."""
    common = base | {"unit": "share", "reference": "all other customers"}
    n, rest = int(inside.sum()), int((~inside).sum())
    if min(n, rest) < FEWEST:
        for estimand in (CUSTOMERS, MONEY):
            yield common | {"estimand": estimand, "note": FEW}
        return
    left = customers["event"].to_numpy()
    one, other = int(left[inside].sum()), int(left[~inside].sum())
    shares = [Share.of(count, total, base["conf_level"]) for count, total in ((one, n), (other, rest))]
    apart = difference(*shares)
    yield common | {
        "estimand": CUSTOMERS, "estimate": apart.estimate, "conf_low": apart.conf_low, "conf_high": apart.conf_high,
        "p_value": float(fisher_exact([[one, n - one], [other, rest - other]]).pvalue),
        "definition": "share of customers lost less that of all other customers; Newcombe's interval, Fisher's test",
    }  # fmt: skip
    yield (
        common
        | {"estimand": MONEY}
        | (
            _money_apart(_sums(customers, inside), _sums(customers, ~inside), base["conf_level"])
            or {"note": _no_money(customers)}
        )
    )


def _money_apart(mine: Sums, others: Sums, conf_level: float) -> dict[str, Any]:
    """Return the difference of two shares of revenue: tested on common scatter, its interval made of theirs; else nothing."""
    row = difference_test(mine, others)
    if not row:
        return {}
    words = (
        "share of revenue lost less that of all other customers; interval from those of both (MOVER), test with the scatter of "
        "all customers together"
    )
    shares = [share_of_revenue(sums, conf_level) for sums in (mine, others)]
    row |= {"definition": words, "std_error_scale": "share under no difference" if "std_error" in row else ""}
    if all("conf_low" in share for share in shares):
        apart = difference(*(Share(share["estimate"], share["conf_low"], share["conf_high"]) for share in shares))
        row |= {"conf_low": apart.conf_low, "conf_high": apart.conf_high}
    return row


def _adjusted(tests: list[tuple[tuple[str, str], dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """Yield the tests with p adjusted over the different comparisons (Benjamini and Hochberg)."""
    family = {key: row.get("p_value", np.nan) for key, row in tests}
    adjusted = dict(zip(family, adjust_p_values(list(family.values()), method="bh"), strict=True))
    made = sum(not np.isnan(value) for value in family.values())
    for key, row in tests:
        yield row | {
            "p_adjusted": float(adjusted[key]),
            "family": f"{made} comparison{'s' if made != 1 else ''} of levels with all other customers",
        }
