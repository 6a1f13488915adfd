"""What is true of the simulated company: what a study of it should find, and what it should not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from whychurn.sources.simulator import world
from whychurn.sources.simulator.block import Block
from whychurn.sources.simulator.dirt import left_for_good
from whychurn.sources.simulator.settings import NEVER, NOT_TRACKED, CompanySettings
from whychurn.sources.simulator.stays import CAUSES, Stay
from whychurn.sources.simulator.usage import usual_reporting

MADE_BY = "whychurn demo"
VERSION = 1

#: Effect -> the measure it acts on, by its column in a panel, and how the measure is coded.
ACTS_ON = {
    "medical_devices": ("industry", "1 for Medical devices, else 0"),
    "finance": ("industry", "1 for Finance, else 0"),
    "starter": ("plan", "1 for Starter, else 0 (contract state)"),
    "enterprise": ("plan", "1 for Enterprise, else 0 (contract state)"),
    "annual_term": ("term_months", "1 for 12, else 0"),
    "renewal": ("days_to_renewal", "1 from 15 to 21 (the renewal falls into the row), else 0"),
    "login_7_13": ("login_recency", "1 for 7-13 days, else 0"),
    "login_14_29": ("login_recency", "1 for 14-29 days, else 0"),
    "login_30": ("login_recency", "1 for 30+ days, else 0"),
    "login_never": ("login_recency", "1 for never yet, else 0"),
    "reporting": ("uses_28_reporting", "ln(1 + x)"),
    "open_tickets": ("open_tickets", "x"),
    "low_csat": ("last_csat", "1 for 1 and 2, else 0, also without an answer"),
    "price_change": ("event_84_price_change", "x"),
    "competitor_offer": ("event_84_competitor_offer", "x"),
    "intervention": ("interventions_84", "1 above 0, else 0"),
    "mobile": ("uses_28_mobile", "ln(1 + x)"),
    "interactions": ("interactions_84", "x"),
    "asia_pacific": ("region", "1 for Asia-Pacific, else 0"),
    "partner_channel": ("channel", "1 for Partner, else 0"),
    "incident": ("event_84_incident", "x"),
}
#: Measures that nothing acts through, whatever the settings.
NEVER_CAUSAL = ("size_band", "csm", "nps_band")


@dataclass
class Tally:
    """What happened, counted block by block."""

    counts: Counter[str] = field(default_factory=Counter)
    left: list[tuple[int, int]] = field(default_factory=list)

    def add(self, block: Block) -> None:
        """Count a block."""
        settings, numbers = block.settings, block.accounts.number
        stays = block.followed.stays
        at_risk = [stay for stay in stays if stay.ends > 0]
        self.counts["accounts"] += len(numbers)
        self.counts["lost before the window"] += int((block.accounts.gone < NEVER).sum())
        self.counts["spells at risk"] += len({(stay.account, stay.spell) for stay in at_risk})
        self.counts["returns within the allowed gap"] += sum(1 for stay in stays if stay.cause and _paused(stay))
        self.counts["returns as a new spell"] += sum(1 for stay in stays if stay.spell > 1 and _opens(stay))
        self.counts["days at risk"] += sum(min(stay.ends, settings.days) - max(stay.begins, 0) for stay in at_risk)
        for stay in at_risk:
            if stay.counts:
                self.counts[f"events: {CAUSES[stay.cause]}"] += 1
        self.left += left_for_good(stays, numbers, settings)


def _paused(stay: Stay) -> bool:
    return 0 < stay.ends < NEVER and not stay.counts


def _opens(stay: Stay) -> bool:
    return bool(stay.begins == stay.spell_started)


def truth_of(settings: CompanySettings, tally: Tally, dirt: dict[str, int], rows: dict[str, int]) -> dict[str, Any]:
    """Return the content of ``truth.json``.

    Parameters
    ----------
    settings : CompanySettings
    tally : Tally
    dirt : dict of str to int
        What was planted.
    rows : dict of str to int
        Rows by table.
    """
    effects = settings.effects
    planted = {name: getattr(effects, name) for name in ACTS_ON}
    counts = dict(sorted(tally.counts.items()))
    events = sum(n for name, n in counts.items() if name.startswith("events: "))
    acted_on = {ACTS_ON[name][0] for name, value in planted.items() if value}
    null = sorted({ACTS_ON[name][0] for name, value in planted.items() if not value} - acted_on)
    return {
        "made_by": MADE_BY,
        "version": VERSION,
        "settings": settings.as_json(),
        "window": {"observed_from": settings.start.isoformat(), "observed_to": settings.end.isoformat()},
        "hazard": (
            "Leaving voluntarily: per day, base(days since the spell began) * exp(sum of effects), constant within a "
            "weekly row of the panel's grid; measures as known 14 days before the row begins. Effects are log hazard "
            "ratios. Unpaid charges depend on the plan alone, bankruptcy on the size of the customer alone."
        ),
        "base": (
            f"{settings.leaving_per_year} / 365 * (1 + 1.2 * exp(-t / 120)) at {usual_reporting(settings):.3f} uses of reporting"
        ),
        "effects": [
            {
                "name": name, "measure": measure, "coding": coding, "log_hazard_ratio": planted[name],
                "cause": "voluntary",
            }
            for name, (measure, coding) in ACTS_ON.items()
            if planted[name]
        ],
        "null_candidates": [*null, *NEVER_CAUSAL],
        "mediators": [
            {
                "from": "industry", "through": ["login_recency", "uses_28_reporting"], "to": "leaving",
                "log_odds_of_an_active_day": {
                    "Medical devices": -settings.industry_on_usage, "Finance": settings.industry_on_usage,
                },
                "means": "the total effect of industry goes further than its effects listed above",
            }
        ],
        "confounders": [
            {
                "of": ["login_recency", "uses_28_reporting"], "by": "plan",
                "log_odds_of_an_active_day": dict(zip(world.PLANS, world.ENGAGEMENT_BY_PLAN, strict=True)),
            },
            {
                "of": ["interventions_84"], "by": ["login_recency", "last_csat", "event_84_competitor_offer"],
                "means": "customers at risk are the ones who are called, so crudely the calls look harmful",
            },
        ],
        "other_causes": {
            "involuntary": {
                "measure": "plan", "charge_fails": dict(zip(world.PLANS, world.CHARGE_FAILS, strict=True)),
                "never_recovered": world.NEVER_RECOVERED, "service_ends_after_days": world.CUT_OFF_AFTER_DAYS,
            },
            "bankruptcy": {
                "measure": "size_band",
                "per_year": dict(zip(world.SIZE_BANDS, world.BANKRUPTCY_PER_YEAR, strict=True)),
            },
        },
        "reflections": [
            {"measure": "nps_band", "of": ["uses_28_reporting", "open_tickets", "last_csat"]},
            {"measure": "nps_band", "level": "no answer yet", "of": ["active_days_28", "last_csat"]},
        ],
        "not_tracked": {"usage": [settings.day(day).isoformat() for day in NOT_TRACKED]},
        "dirt": dirt,
        "realised": {
            **counts,
            "rows": rows,
            "churn per customer and year": round(events / max(counts["days at risk"], 1) * 365.25, 4),
        },
    }  # fmt: skip
