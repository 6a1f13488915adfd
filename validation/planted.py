"""What is planted, as terms of one model: every effect in its own form, and the candidates without any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from whychurn.panel import Candidate
from whychurn.sources.simulator import Effects
from whychurn.study import Cause, TableStudy

STEP = "per 1 more"
#: Numbers whose effect is per unit of the logarithm of one more.
LOGARITHMS = {"log_uses_28_reporting": "uses_28_reporting", "log_uses_28_mobile": "uses_28_mobile"}
#: Numbers whose effect is per unit.
PER_UNIT = ("open_tickets", "interactions_84")
#: Not in the model of planted effects: nothing acts through them, and they measure what others measure.
LEFT_OUT = ("quarter", "use_recency")


@dataclass(frozen=True, slots=True)
class Term:
    """One contrast of the model of planted effects.

    Attributes
    ----------
    label : str
        For readers.
    column, level : str
        Of the candidate.
    effect : str
        The field of ``Effects`` that holds its true log hazard ratio; "" where nothing can be planted.
    """

    label: str
    column: str
    level: str
    effect: str = ""

    def truth(self, effects: Effects) -> float:
        """Return the planted log hazard ratio."""
        return float(getattr(effects, self.effect)) if self.effect else 0.0

    @property
    def key(self) -> str:
        """How the term is named in records."""
        return f"{self.column}={self.level}"


TERMS = (
    Term("Medical devices", "industry", "Medical devices", "medical_devices"),
    Term("Finance", "industry", "Finance", "finance"),
    Term("Starter plan", "plan", "Starter", "starter"),
    Term("Enterprise plan", "plan", "Enterprise", "enterprise"),
    Term("Yearly term, outside renewal", "term_months", "12", "annual_term"),
    Term("Week of the yearly renewal", "days_to_renewal", "due this week", "renewal"),
    Term("7-13 days without login", "login_recency", "7-13 days", "login_7_13"),
    Term("14-29 days without login", "login_recency", "14-29 days", "login_14_29"),
    Term("30+ days without login", "login_recency", "30+ days", "login_30"),
    Term("Never logged in", "login_recency", "never yet", "login_never"),
    Term("Reporting, per ln(1 + uses)", "log_uses_28_reporting", STEP, "reporting"),
    Term("Open tickets, each", "open_tickets", STEP, "open_tickets"),
    Term("Last rating 1 or 2", "last_csat", "1 or 2 of 5", "low_csat"),
    Term("Price change", "event_84_price_change", "yes", "price_change"),
    Term("Competitor's offer", "event_84_competitor_offer", "yes", "competitor_offer"),
    Term("Attempt to save", "interventions_84", "1+", "intervention"),
    Term("Mobile, per ln(1 + uses)", "log_uses_28_mobile", STEP, "mobile"),
    Term("Contacts, each", "interactions_84", STEP, "interactions"),
    Term("Asia-Pacific", "region", "Asia-Pacific", "asia_pacific"),
    Term("Won by a partner", "channel", "Partner", "partner_channel"),
    Term("Incident", "event_84_incident", "yes", "incident"),
    Term("1-19 employees", "size_band", "1-19"),
    Term("Detractor", "nps_band", "detractor"),
    Term("Failed charges", "failed_payments_84", "one or more"),
    Term("Overdue charges", "overdue_payments", "one or more"),
)


def null_columns(effects: Effects) -> tuple[str, ...]:
    """Return the candidates of the model through which nothing acts on leaving voluntarily."""
    acts = {term.column for term in TERMS if term.truth(effects)}
    return tuple(dict.fromkeys(term.column for term in TERMS if term.column not in acts))


def planted_causes(study: TableStudy) -> tuple[Cause, ...]:
    """Return the study's causes in the form in which effects are planted, each a group of its own."""
    own = {of: column for column, of in LOGARITHMS.items()}
    causes = []
    for cause in study.causes:
        if cause.column in LEFT_OUT:
            continue
        column = own.get(cause.column, cause.column)
        if column in LOGARITHMS or column in PER_UNIT:
            bare = {
                "type": "number",
                "bands": (),
                "levels": {},
                "missing": "",
                "compare": None,
                "reference": None,
                "per": 1.0,
            }
            cause = cause.model_copy(update={"column": column, **bare})
        causes.append(cause.model_copy(update={"group": column}))
    return tuple(causes)


def with_logarithms(rows: pd.DataFrame) -> pd.DataFrame:
    """Return recorded rows with the logarithms that effects act on."""
    return rows.assign(**{column: np.log1p(rows[of].astype(float)) for column, of in LOGARITHMS.items()})


def side_by_side(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return candidates that all stand in one model, whatever their declared tier and group."""
    return [replace(candidate, group=candidate.column, tier=1) for candidate in candidates]
