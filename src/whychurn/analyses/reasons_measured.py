"""Stated against measured: the share of leavers who give a reason, and of leaving that goes with what would show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.adjustment import TOTAL
from whychurn.analyses.cause_evidence import Headline, headline_of
from whychurn.analyses.common import ratio_row
from whychurn.analyses.contrasts import Effect
from whychurn.analyses.effects import EffectBook
from whychurn.analyses.joined_rows import JoinedRows
from whychurn.analyses.reasons_shares import joint_share
from whychurn.analyses.reasons_stated import ABSENT, BASE
from whychurn.analyses.risk_rows import CLUSTER, of_cause, risk_rows
from whychurn.analyses.share_differences import Share, difference, total
from whychurn.panel import Candidate, Panel
from whychurn.study import TableStudy
from whychurn.study.tables_schema import Reason

#: How what was said and what was measured compare.
AGREE, STATED_MORE, MEASURED_MORE, CANNOT_TELL = (
    "agree", "stated more than measured", "measured more than stated", "cannot tell",
)  # fmt: skip
#: Shares that differ by no more than this, with confidence, agree.
CLOSE = 0.10
MORE_OFTEN, LESS_OFTEN, NO_DIFFERENCE = "more often", "less often", "no clear difference"
BLIND_SPOT = "blind spot"
ONLY = "It is the only reason for this kind of leaving, so all give it: there is nothing to compare."
NOT_KNOWN = Share(np.nan, np.nan, np.nan)


@dataclass(frozen=True)
class Mapped:
    """A section ``[[reasons]]`` with the causes that would show it.

    Attributes
    ----------
    reason : Reason
    name : str
        Its reasons as one.
    candidates : tuple of Candidate
        Of the causes it names, those in use.
    without : str
        Why there is none, or what became of the others.
    """

    reason: Reason
    name: str
    candidates: tuple[Candidate, ...]
    without: str

    @classmethod
    def of(cls, reason: Reason, panel: Panel) -> Mapped:
        """Look up the causes that a section names."""
        declared = [panel.candidate(column) for column in dict.fromkeys(reason.measured_by)]
        used = tuple(candidate for candidate in declared if candidate.used)
        left_out = [
            f"{candidate.label} is left out: {candidate.reason}." for candidate in declared if not candidate.used
        ]
        without = " ".join(left_out) if declared else "The study names no cause that would show it."
        more = f" and {len(reason.values) - 1:,} more" if len(reason.values) > 1 else ""
        return cls(reason, f"{reason.values[0]}{more}", used, without)


def measured_rows(left: pd.DataFrame, panel: Panel, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield, for every reason that the study explains, how it compares with what was measured."""
    sections = [Mapped.of(reason, panel) for reason in study.reasons]
    given = left.loc[left["kind"] != ABSENT, "reason"]
    sections = [one for one in sections if given.isin(one.reason.values).any()]
    mapped = [one for one in sections if one.candidates]
    if mapped:
        rows = risk_rows(panel, study)
        causes = [candidate.column for candidate in panel.used]
        joined = JoinedRows(rows).on(causes, kept=("cause", "amount", CLUSTER))
        signs = rows.loc[rows["event"] == 1, ["account_id", "spell", *causes]]
        last = left.merge(signs, on=["account_id", "spell"], how="inner")
        books = {
            cause: EffectBook(of_cause(joined, cause), panel.used)
            for cause in dict.fromkeys(one.reason.cause for one in mapped)
        }
        for one in mapped:
            yield from _compared(one, last, joined, books[one.reason.cause], study)
    for one in sections:
        if not one.candidates:
            n = int(left["reason"].isin(one.reason.values).sum())
            yield _blind(one.name, n, len(left), study, one.reason.cause, one.without)
    unmapped = left[~left["kind"].eq(ABSENT) & left["cause"].eq("unknown")]
    if len(unmapped):
        note = "The study does not say what they mean."
        yield _blind("reasons not explained", len(unmapped), len(left), study, "unknown", note)


def _blind(name: str, n: int, of: int, study: TableStudy, cause: str, note: str) -> dict[str, Any]:
    share = Share.of(n, of, study.confidence_level)
    return (
        BASE
        | share.row()
        | {
            "estimand": BLIND_SPOT.replace(" ", "_"),
            "term": name,
            "group": cause,
            "unit": "share",
            "n_events": n,
            "conf_level": study.confidence_level,
            "definition": "departures for a reason that nothing measured would show, per departure",
            "note": note,
        }
    )


def _compared(
    one: Mapped, last: pd.DataFrame, rows: pd.DataFrame, book: EffectBook, study: TableStudy
) -> Iterator[dict[str, Any]]:
    level, cause = study.confidence_level, one.reason.cause
    base = BASE | {
        "outcome": f"{cause} churn",
        "term": one.name,
        "group": cause,
        "level": ", ".join(candidate.label for candidate in one.candidates),
        "conf_level": level,
    }
    leavers = last[last["cause"] == cause]
    stating = leavers["reason"].isin(one.reason.values)
    stated = Share.of(int(stating.sum()), len(leavers), level)
    yield (
        base
        | stated.row()
        | {
            "estimand": "stated_of_cause",
            "unit": "share",
            "n_events": len(leavers),
            "definition": f"leavers who gave this reason, per leaver for a reason that means {cause} leaving",
        }
    )
    only = stated.count == stated.total
    effects = [] if only else [_headed(book.effect(candidate, TOTAL), level) for candidate in one.candidates]
    with_ratio = [(effect, headline) for effect, headline in effects if headline is not None]
    yield from _ratio_rows(base, with_ratio, cause)
    measured, note = (NOT_KNOWN, ONLY) if only else _measured(with_ratio, study)
    of_effects = [effect.note for effect, headline in effects if headline is None or not headline.contrast.limit]
    notes = " ".join(dict.fromkeys(part for part in (one.without, note, *of_effects) if part))
    yield (
        base
        | measured.row()
        | {
            "estimand": "measured_share",
            "method": "Cox, attributable fraction",
            "unit": "share",
            "effect_kind": TOTAL,
            "n_events": len(leavers),
            "numerator": np.nan,
            "denominator": np.nan,
            "definition": f"share of {cause} leaving that goes with these causes beyond what their references would have had",
            "note": notes,
        }
    )
    yield base | _agreement(stated, measured)
    headlines = {effect.candidate.column: headline for effect, headline in effects}
    shown = [(candidate, sign_of(candidate, headlines.get(candidate.column))) for candidate in one.candidates]
    yield from _signs(base, [(c, sign) for c, sign in shown if sign], leavers, stating, rows, level)


def _headed(effect: Effect, conf_level: float) -> tuple[Effect, Headline | None]:
    return effect, headline_of(effect, conf_level)


def _ratio_rows(
    base: dict[str, Any], effects: Sequence[tuple[Effect, Headline]], cause: str
) -> Iterator[dict[str, Any]]:
    for effect, headline in effects:
        more = base | {
            "method": "Cox, Efron ties, cause-specific",
            "effect_kind": TOTAL,
            "adjusted_for": ", ".join(effect.adjusted_for),
            "definition": f"hazard ratio of {cause} leaving, adjusted for earlier tiers and for other causes of the same tier",
            "note": headline.note,
        }
        del more["level"], more["conf_level"]
        row = ratio_row(headline.contrast, headline.conf_level, **more)
        yield row | {"level": f"{effect.candidate.label}: {row['level']}"}


def _measured(effects: Sequence[tuple[Effect, Headline]], study: TableStudy) -> tuple[Share, str]:
    """Return the share of leaving that goes with the causes: jointly where one model holds them, else added up."""
    by_fit: dict[int, list[tuple[Effect, Headline]]] = {}
    for effect, headline in effects:
        by_fit.setdefault(id(effect.fit), []).append((effect, headline))
    shares, notes = [], []
    for together in by_fit.values():
        share, note = joint_share([(effect, headline.contrast) for effect, headline in together], study)
        notes.append(note)
        if share is not None:
            shares.append(share)
    if not shares:
        return NOT_KNOWN, " ".join(note for note in notes if note) or "No share could be estimated."
    if len(shares) > 1:
        notes.append("Its causes are adjusted for different things, so their shares are added up and may overlap.")
    return (shares[0] if len(shares) == 1 else total(shares)), " ".join(note for note in notes if note)


def _agreement(stated: Share, measured: Share) -> dict[str, Any]:
    row: dict[str, Any] = {
        "estimand": "agreement",
        "method": "difference of shares (MOVER)",
        "unit": "share",
        "definition": f"stated less measured share; they agree where the interval holds 0 and lies within {100 * CLOSE:g} points of it",
    }
    if stated.count == stated.total:
        return row | {"grade": CANNOT_TELL, "note": ONLY}
    if not (stated.known and measured.known):
        return row | {"grade": CANNOT_TELL, "note": "One of the two shares is not known."}
    gap = difference(stated, measured)
    if gap.conf_low > 0:
        grade = STATED_MORE
    elif gap.conf_high < 0:
        grade = MEASURED_MORE
    else:
        grade = AGREE if max(-gap.conf_low, gap.conf_high) <= CLOSE else CANNOT_TELL
    return row | {"estimate": gap.estimate, "conf_low": gap.conf_low, "conf_high": gap.conf_high, "grade": grade}


def _signs(
    base: dict[str, Any],
    shown: Sequence[tuple[Candidate, str]],
    leavers: pd.DataFrame,
    stating: pd.Series,
    rows: pd.DataFrame,
    conf_level: float,
) -> Iterator[dict[str, Any]]:
    """Of those who gave the reason, of other leavers, and of customer-time, how much shows the sign."""
    what = base | {"level": ", ".join(f"{candidate.label}: {level}" for candidate, level in shown), "unit": "share"}
    if not shown:
        note = "None of its causes has a level that would be the sign of it."
        yield what | {"estimand": "sign_difference", "grade": CANNOT_TELL, "note": note}
        return
    at = _any(leavers, shown)
    of_stating = Share.of(int((at & stating).sum()), int(stating.sum()), conf_level)
    of_others = Share.of(int((at & ~stating).sum()), int((~stating).sum()), conf_level)
    days = (rows["stop"] - rows["start"]).to_numpy()
    spent = float(days[_any(rows, shown).to_numpy()].sum())
    said = "showed the sign on their last row at risk"
    yield (
        what
        | of_stating.row()
        | {"estimand": "sign_of_stating", "definition": f"of those who gave the reason, who {said}"}
    )
    yield what | of_others.row() | {"estimand": "sign_of_others", "definition": f"of the other leavers, who {said}"}
    yield what | {
        "estimand": "sign_of_time",
        "estimate": spent / float(days.sum()),
        "numerator": spent,
        "denominator": float(days.sum()),
        "definition": "of all time at risk, spent with the sign",
    }
    row = what | {
        "estimand": "sign_difference",
        "method": "difference of shares (Newcombe)",
        "definition": "share of those who gave the reason less share of the other leavers",
    }
    if not (of_stating.known and of_others.known):
        yield row | {"grade": CANNOT_TELL, "note": "There are no others to compare with."}
        return
    gap = difference(of_stating, of_others)
    grade = MORE_OFTEN if gap.conf_low > 0 else LESS_OFTEN if gap.conf_high < 0 else NO_DIFFERENCE
    yield row | {"estimate": gap.estimate, "conf_low": gap.conf_low, "conf_high": gap.conf_high, "grade": grade}


def sign_of(candidate: Candidate, headline: Headline | None) -> str:
    """Return the level at which a cause shows: the one whose contrast stands for it, "" for a number without bands."""
    if candidate.kind != "category":
        return ""
    return headline.contrast.level if headline is not None else candidate.compare


def _any(rows: pd.DataFrame, shown: Sequence[tuple[Candidate, str]]) -> pd.Series:
    found = pd.Series(False, index=rows.index)
    for candidate, level in shown:
        found |= rows[candidate.column].astype(str) == level
    return found
