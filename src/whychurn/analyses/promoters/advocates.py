"""Who could be asked to speak up: customers who recommend, and who use the product widely and often."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.answers import DETRACTOR, PROMOTER, valid_answers
from whychurn.analyses.last_known import last_known
from whychurn.analyses.promoters.model import BASE
from whychurn.panel import Panel
from whychurn.study import TableStudy

#: An answer this old in days still speaks for the customer; a customer silent for so many days is not asked.
FRESH_DAYS, SILENT_DAYS = 365, 14
MOST_LISTED = 15
_USES, _BREADTH, _SILENCE = r"uses_\d+", r"modules_used_\d+", "days_since_use"
_OPEN = "open_tickets"
#: Why customers who recommend and use much are not asked all the same.
AT_ODDS, WAITING = "somebody else there would not recommend us", "a ticket is open"


def advocate_rows(panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield how many advocates there are, what they pay, and the first of them."""
    base = BASE | {"method": "count", "declared": "in advance"}
    measures = {kind: _measure(panel, kind) for kind in (_USES, _BREADTH, _SILENCE)}
    if not all(measures.values()):
        yield base | {
            "estimand": "advocates",
            "unit": "customers",
            "note": "How often and how widely they use it is not recorded.",
        }
        return
    now = customers_now(panel, study)
    promoters = recent_promoters(panel, study)
    now["score"] = now["account_id"].map(promoters)
    tickets = [_OPEN] if any(measure.name == _OPEN for measure in panel.measures) else []
    known = last_known(panel, study, now, [*map(str, measures.values()), *tickets], recorded=True)
    for kind, name in measures.items():
        now[kind] = pd.to_numeric(known[str(name)], errors="coerce").to_numpy(dtype=float)
    deep, often = (float(np.nanmedian(now[kind])) if now[kind].notna().any() else np.nan for kind in (_BREADTH, _USES))
    able = now["score"].notna() & (now[_USES] > often) & (now[_BREADTH] >= deep) & (now[_SILENCE] < SILENT_DAYS)
    at_odds = now["account_id"].isin(with_detractors(panel, study))
    waiting = (
        pd.to_numeric(known[_OPEN], errors="coerce").gt(0).set_axis(now.index)
        if tickets
        else pd.Series(False, index=now.index)
    )
    chosen = now[able & ~at_odds & ~waiting].sort_values(
        [_USES, _BREADTH, "account_id"], ascending=[False, False, True]
    )
    for why, those in ((AT_ODDS, able & at_odds), (WAITING, able & ~at_odds & waiting)):
        yield base | {
            "estimand": "advocates_not_asked", "level": why, "unit": "customers", "estimate": float(those.sum()),
            "denominator": float(able.sum()), "definition": "would be asked, were it not for this; under the first that holds",
        }  # fmt: skip
    rule = (
        f"customers at the end of the window whose last answer, no older than {FRESH_DAYS} days, was 9 or 10, who use the product "
        f"more often than half of all customers and at least as many modules, and used it within {SILENT_DAYS} days before "
        "the last cut-off; nobody else there was a detractor when last asked in that time, and no ticket is open"
    )
    recommending = now["score"].notna()
    paid = chosen["amount"].fillna(0.0)
    yield base | {
        "estimand": "advocates", "unit": "customers", "estimate": float(len(chosen)), "numerator": float(len(chosen)),
        "denominator": float(recommending.sum()), "n_accounts": len(chosen), "definition": rule,
    }  # fmt: skip
    yield base | {
        "estimand": "advocates_amount", "unit": study.currency, "estimate": float(paid.sum()),
        "denominator": float(now["amount"].fillna(0.0).sum()), "definition": study.amount_name,
        "note": "" if chosen["amount"].notna().all() else f"The amount of {int(chosen['amount'].isna().sum())} is not known.",
    }  # fmt: skip
    for estimand, value in (("advocate_uses_above", often), ("advocate_modules_from", deep)):
        yield base | {
            "estimand": estimand,
            "estimate": value,
            "n_accounts": len(now),
            "definition": "median of customers",
        }
    for place, row in enumerate(chosen.head(MOST_LISTED).to_dict("records")):
        listed = {
            "advocate_uses": row[_USES], "advocate_modules": row[_BREADTH], "advocate_score": row["score"],
            "advocate_amount": row["amount"],
        }  # fmt: skip
        for estimand, value in listed.items():
            yield base | {"estimand": estimand, "term": str(row["account_id"]), "time": float(place), "estimate": value}


def customers_now(panel: Panel, study: TableStudy) -> pd.DataFrame:
    """Return the spells at risk to the end of the window, as of their last day: one per customer."""
    spells = panel.accounts
    here = (spells["event"] == 0) & (spells["followed_to"] >= pd.Timestamp(study.observed_to))
    now = spells.loc[here, ["account_id", "spell", "duration", "amount"]].reset_index(drop=True)
    return now.assign(days_since_start=now["duration"].astype(np.int64) - 1)


def recent_promoters(panel: Panel, study: TableStudy) -> pd.Series:
    """Return the score of accounts whose last answer is recent and a promoter's."""
    last = valid_answers(panel, study).latest(("account_id",))
    fresh = last["day"] >= pd.Timestamp(study.observed_to) - pd.Timedelta(days=FRESH_DAYS)
    kept = last[fresh & (last["band"] == PROMOTER)]
    return kept.set_index("account_id")["score"].astype(float)


def with_detractors(panel: Panel, study: TableStudy) -> set[str]:
    """Return accounts of which some person's last answer is recent and a detractor's."""
    last = valid_answers(panel, study).latest()
    fresh = last["day"] >= pd.Timestamp(study.observed_to) - pd.Timedelta(days=FRESH_DAYS)
    return set(last.loc[fresh & (last["band"] == DETRACTOR), "account_id"])


def _measure(panel: Panel, pattern: str) -> str | None:
    return next((measure.name for measure in panel.measures if re.fullmatch(pattern, measure.name)), None)
