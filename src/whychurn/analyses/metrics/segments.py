"""Churn and revenue retention of the last twelve months by segment, each level against all other customers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

from whychurn.analyses.metrics.base import (
    BASE,
    FEWEST,
    LAST,
    NO_REVENUE,
    SHARE,
    after_sums,
    cells_of,
    customer_sums,
    grown_sums,
    kept_sums,
    last_year,
    lost_sums,
    money,
    share_of_customers,
    sums,
)
from whychurn.analyses.metrics.definitions import definition_of
from whychurn.analyses.metrics.intervals import Sums, difference_test, net_retention, share_of_revenue
from whychurn.analyses.metrics.renewals import term_name
from whychurn.analyses.share_differences import Share, difference
from whychurn.models import adjust_p_values
from whychurn.panel import Candidate, Panel
from whychurn.panel.levels import read_categories
from whychurn.study import TableStudy

#: Tiers of causes that say who customers are and what they bought.
TIERS = 2
MOST_LEVELS = 25
OTHERS, UNKNOWN = "all others", "not recorded"
MANAGER, MANAGER_LABEL = "csm", "Customer success manager"
NOTHING = "The study declares no attribute by which customers could be told apart."
FEW = f"Fewer than {FEWEST} customers: not compared."
_CUSTOMERS = "segment_customer_difference"
_REVENUE = {
    "segment_mrr_difference": (lost_sums, "share of revenue lost"),
    "segment_grr_difference": (kept_sums, "gross revenue retention"),
    "segment_nrr_difference": (after_sums, "net revenue retention"),
}
_TESTS = (_CUSTOMERS, *_REVENUE)
#: A level of this cause is a number of months.
TERM = "term_months"


def segment_rows(panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield rates by level, then their differences from all other customers, adjusted for how many there are."""
    everybody = last_year(panel)
    levels = segments_at(panel, study, pd.Timestamp(everybody.starts_on))
    if levels.empty:
        yield BASE | {"estimand": "segment_customer_churn", "method": LAST, "note": NOTHING}
        return
    table = sums(panel, LAST, levels)
    tests: list[dict[str, Any]] = []
    for cell in sorted(cells_of(table), key=_order(levels)):
        if cell.opening == 0:
            continue
        base = BASE | {"method": LAST, "term": cell.segment, "level": cell.level}
        base |= {"n_accounts": cell.opening, "n_events": cell.lost, "effect_kind": "unadjusted"}
        yield from _levels(cell, everybody, base, study)
        tests += _differences(cell, everybody, base, study.confidence_level)
    for estimand in _TESTS:
        family = [row for row in tests if row["estimand"] == estimand]
        adjusted = adjust_p_values([row.get("p_value", np.nan) for row in family], method="bh")
        for row, p in zip(family, adjusted, strict=True):
            yield row | {"p_adjusted": p, "family": f"{len(family)} levels of all segments"}


def segments_at(panel: Panel, study: TableStudy, day: pd.Timestamp) -> pd.DataFrame:
    """Return the levels of every spell the day before `day`, or when it began if that was later.

    Returns
    -------
    pandas.DataFrame
        ``account_id``, ``spell``, ``segment`` (the label), ``level``. Rare levels of a segment with many are together.
    """
    # A number in bands, such as the days to renewal, says where customers stand today, not who they are.
    passing = {measure.name for measure in panel.measures} - {
        one.column for one in study.causes if one.type == "category"
    }
    chosen = [one for one in panel.ranked if one.kind == "category" and one.tier <= TIERS and one.column not in passing]
    columns = ["account_id", "spell", "start_on", *(candidate.column for candidate in chosen)]
    rows = read_categories(panel.rows, columns)
    at = _row_of_each_spell(rows, day)
    spells = rows.iloc[at][["account_id", "spell"]].astype({"account_id": object})
    parts = [_one(spells, rows[one.column].iloc[at], one.label, one) for one in chosen]
    if MANAGER in panel.accounts and MANAGER not in {one.column for one in chosen}:
        known = panel.accounts[["account_id", "spell"]]
        parts.append(_one(known, panel.accounts[MANAGER], MANAGER_LABEL, None))
    names = ["account_id", "spell", "segment", "level"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)


def _row_of_each_spell(rows: pd.DataFrame, day: pd.Timestamp) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the place of the last row of each spell that began before `day`, or of its first row."""
    account, _ = pd.factorize(rows["account_id"])
    spell = rows["spell"].to_numpy()
    first = np.flatnonzero(np.r_[True, (account[1:] != account[:-1]) | (spell[1:] != spell[:-1])])
    before = (pd.to_datetime(rows["start_on"]) < day).to_numpy()
    found: np.ndarray[Any, np.dtype[np.int64]] = first + np.maximum(
        np.add.reduceat(before, first, dtype=np.int64) - 1, 0
    )
    return found


def _one(spells: pd.DataFrame, values: pd.Series, label: str, candidate: Candidate | None) -> pd.DataFrame:
    missing = candidate.missing_level if candidate is not None else UNKNOWN
    known = values.astype(object)
    text: np.ndarray[Any, Any] = known.where(known.notna(), missing).astype(str).to_numpy(dtype=object)
    if candidate is not None and candidate.column == TERM:
        text = np.array([_term(level) for level in text], dtype=object)
    names, counts = np.unique(text.astype(str), return_counts=True)
    if len(names) > MOST_LEVELS:
        rare = names[np.argsort(-counts, kind="stable")[MOST_LEVELS - 1 :]]
        text = np.where(np.isin(text, rare), OTHERS, text)
    return spells.assign(segment=label, level=text)


def _term(level: str) -> str:
    """Return what contracts of a length are called; levels that the study has named stay as they are."""
    return term_name(float(level)) if level.replace(".", "", 1).isdigit() else level


def _order(levels: pd.DataFrame) -> Any:
    segments = {name: place for place, name in enumerate(dict.fromkeys(levels["segment"]))}

    def key(cell: Any) -> tuple[int, float, str]:
        return segments[cell.segment], -(cell.lost / cell.opening if cell.opening else 0.0), cell.level

    return key


def _levels(cell: Any, everybody: Any, base: dict[str, Any], study: TableStudy) -> Iterator[dict[str, Any]]:
    conf_level = study.confidence_level
    small = {"note": FEW} if cell.opening < FEWEST else {}
    rates = {
        "customer_churn": share_of_customers(customer_sums(cell), conf_level),
        "mrr_churn": share_of_revenue(lost_sums(cell), conf_level),
        "grr": share_of_revenue(kept_sums(cell), conf_level),
        "nrr": net_retention(kept_sums(cell), grown_sums(cell), conf_level),
    }
    for estimand, row in rates.items():
        unknown = {} if "estimate" in row else {"note": NO_REVENUE}
        yield (
            base
            | {"estimand": f"segment_{estimand}", "unit": SHARE, "definition": definition_of(estimand)}
            | row
            | unknown
            | small
        )
    yield (
        base | money(study, cell.mrr_lost) | {key: base[key] for key in ("method",)} | {"estimand": "segment_mrr_lost"}
    )
    share = {
        "estimand": "segment_lost_share",
        "unit": SHARE,
        "numerator": cell.mrr_lost,
        "denominator": everybody.mrr_lost,
    }
    yield (
        base
        | share
        | ({"estimate": cell.mrr_lost / everybody.mrr_lost} if everybody.mrr_lost > 0 else {"note": NO_REVENUE})
    )


def _differences(cell: Any, everybody: Any, base: dict[str, Any], conf_level: float) -> Iterator[dict[str, Any]]:
    """Yield the level less all others, who are everybody less the level."""
    rest = everybody.opening - cell.opening
    common = base | {"unit": SHARE, "reference": "all other customers", "conf_level": conf_level}
    if cell.opening < FEWEST or rest < FEWEST:
        note = FEW if cell.opening < FEWEST else f"Fewer than {FEWEST} customers are elsewhere: not compared."
        for estimand in _TESTS:
            yield common | {"estimand": estimand, "note": note}
        return
    yield (
        common | {"estimand": _CUSTOMERS} | _customers_apart(customer_sums(cell), customer_sums(everybody), conf_level)
    )
    for estimand, (sums_of, what) in _REVENUE.items():
        mine, all_of = sums_of(cell), sums_of(everybody)
        row = difference_test(mine, all_of - mine)
        words = f"{what} less that of all other customers; scatter that of all customers together"
        yield common | {"estimand": estimand, "definition": words} | row | ({} if row else {"note": NO_REVENUE})


def _customers_apart(mine: Sums, all_of: Sums, conf_level: float) -> dict[str, Any]:
    """Return the columns of the difference of the shares lost, and of its test.

    Fisher's test takes customers for independent; where some belong to one owner, the shares are compared as revenue is.
    """
    rest = all_of - mine
    one, other = (_share(sums_of, conf_level) for sums_of in (mine, rest))
    apart = difference(one, other)
    row = {"estimate": apart.estimate, "conf_low": apart.conf_low, "conf_high": apart.conf_high}
    words = "share lost less that of all other customers; "
    if all_of.n == all_of.whole:
        counts = [[each.part, each.whole - each.part] for each in (mine, rest)]
        return row | {
            "p_value": float(fisher_exact(np.array(counts, dtype=int)).pvalue),
            "definition": words + "Fisher's test",
        }
    return difference_test(mine, rest) | row | {"definition": words + "owners as clusters"}


def _share(sums_of: Sums, conf_level: float) -> Share:
    row = share_of_customers(sums_of, conf_level)
    return Share(row["estimate"], row["conf_low"], row["conf_high"])
