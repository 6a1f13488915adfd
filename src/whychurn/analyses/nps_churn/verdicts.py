"""What the ratios say of the score, its change and the rating, by fixed rules and by the grades of evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from whychurn.analyses.adjustment import DIRECT, UNADJUSTED
from whychurn.analyses.grades import Evidence, grade
from whychurn.analyses.nps_churn.base import BASE, RATING
from whychurn.analyses.nps_churn.effects import Models
from whychurn.analyses.nps_churn.signs import Sign
from whychurn.models import adjust_p_values

ALPHA = 0.05
BEYOND, PERHAPS, CARRIES, REVERSE, NO_TIE, UNCLEAR, UNKNOWN = (
    "foretells beyond all else", "may foretell beyond all else", "carries the news", "the reverse", "no tie",
    "no clear tie", "not estimated",
)  # fmt: skip
RULES = {
    BEYOND: "interval with all else held constant above 1, p adjusted for the number of questions below 0.05",
    PERHAPS: "interval with all else held constant above 1, p adjusted for the number of questions not below 0.05",
    CARRIES: "unadjusted interval above 1; with all else held constant it holds 1",
    REVERSE: "interval with all else held constant below 1",
    NO_TIE: "unadjusted interval not above 1; with all else held constant it lies inside 0.8 to 1.25",
    UNCLEAR: "unadjusted interval not above 1; with all else held constant it holds 1 and is wider than 0.8 to 1.25",
    UNKNOWN: "no interval",
}


def with_adjusted_p(rows: list[dict[str, Any]], signs: dict[str, Sign], outcome: str) -> list[dict[str, Any]]:
    """Return the rows with the p-values of the questions of the page adjusted for their number (Benjamini-Hochberg)."""
    asked = [row for row in rows if _asked(row, signs, outcome)]
    adjusted = adjust_p_values([row.get("p_value", math.nan) for row in asked], method="bh")
    many = sum(not math.isnan(value) for value in adjusted)
    for row, value in zip(asked, adjusted, strict=True):
        row |= {"p_adjusted": float(value), "family": f"{many} questions asked in advance, with all else held constant"}
    return rows


def verdict_rows(
    rows: Sequence[dict[str, Any]], signs: dict[str, Sign], score: Sign | None, models: Models, outcome: str
) -> list[dict[str, Any]]:
    """Return one verdict and one grade per term, for the first outcome."""
    out = []
    for term, sign in signs.items():
        direct = next((row for row in rows if row["term"] == term and _asked(row, signs, outcome)), None)
        crude = next(
            (
                row for row in rows
                if row["term"] == term and row["outcome"] == outcome and row.get("level") == sign.candidate.compare
                and row["effect_kind"] == UNADJUSTED and row["estimand"] == "hazard_ratio"
            ),
            None,
        )  # fmt: skip
        said = verdict(crude, direct)
        out.append(
            BASE
            | {
                "outcome": outcome, "estimand": "verdict", "method": "fixed rule", "term": term, "level": said,
                "definition": RULES[said],
                # The rating is a cause like others, graded among them; here it only stands beside the score.
                "grade": "" if term == RATING else _grade(crude, direct, rows, sign, term, score, models, outcome),
                "conf_level": models.conf_level,
            }
        )  # fmt: skip
    return out


def verdict(crude: dict[str, Any] | None, direct: dict[str, Any] | None) -> str:
    """Return what two ratios say: as they are, and with everything else held constant."""
    if direct is None or "conf_low" not in direct:
        return UNKNOWN
    if direct["conf_low"] > 1:
        return BEYOND if direct.get("p_adjusted", 1.0) < ALPHA else PERHAPS
    if direct["conf_high"] < 1:
        return REVERSE
    if crude is not None and crude.get("conf_low", 0.0) > 1:
        return CARRIES
    return NO_TIE if direct["conf_low"] > 0.8 and direct["conf_high"] < 1.25 else UNCLEAR


def _asked(row: dict[str, Any], signs: dict[str, Sign], outcome: str) -> bool:
    sign = signs.get(row["term"])
    return (
        sign is not None
        and row["estimand"] == "hazard_ratio"
        and row["effect_kind"] == DIRECT
        and row["outcome"] == outcome
        and row.get("level") == sign.candidate.compare
        and row.get("reference") == sign.candidate.reference
    )


def _grade(
    crude: dict[str, Any] | None,
    direct: dict[str, Any] | None,
    rows: Sequence[dict[str, Any]],
    sign: Sign,
    term: str,
    score: Sign | None,
    models: Models,
    outcome: str,
) -> str:
    if direct is None or "conf_low" not in direct:
        return grade(Evidence((), math.nan, (), 0, 0))
    events = models.effect(sign, models.others_of(sign, score), DIRECT, outcome)
    per = events.fit.n_events / len(events.fit.params) if events.fit is not None else 0.0
    interval = (direct["conf_low"], direct["conf_high"])
    p_adjusted = direct.get("p_adjusted", math.nan)
    return grade(
        Evidence(
            intervals=(interval,),
            p_adjusted=p_adjusted,
            directions=_early_and_late(sign, score, models, outcome) if _may_be_strong(interval, p_adjusted) else (),
            sign_unadjusted=_sign(crude),
            sign_adjusted=_sign(direct),
            p_headline=direct["p_value"],
            events_per_coefficient=per,
        )
    )


def _may_be_strong(interval: tuple[float, float], p_adjusted: float) -> bool:
    return p_adjusted < 0.01 and (interval[0] > 1.25 or interval[1] < 0.8)


def _early_and_late(sign: Sign, score: Sign | None, models: Models, outcome: str) -> tuple[int, ...]:
    """Return the direction of the effect in each half of tenure, cut where half of the departures had happened."""
    book = models.book(sign, models.others_of(sign, score), outcome)
    stops = book.intervals.loc[book.intervals["event"] == 1, "stop"]
    parts = book.by_period(sign.candidate, [float(stops.median())], DIRECT)
    found = [effect.contrast(sign.candidate.compare) for _, effect in parts]
    return tuple(contrast.direction if contrast is not None else 0 for contrast in found)


def _sign(row: dict[str, Any] | None) -> int:
    if row is None or "estimate" not in row:
        return 0
    return 1 if row["estimate"] > 1 else -1
