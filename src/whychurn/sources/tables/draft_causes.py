"""``[[causes]]`` of a proposed study of tables: attributes of accounts, and measures that the tables allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from whychurn.errors import some
from whychurn.sources.draft import MANY_LEVELS
from whychurn.sources.identifiers import FEWEST_ROWS, NEARLY_ALL
from whychurn.sources.names import prettify, shown
from whychurn.sources.shapes import round_number
from whychurn.sources.tables.draft_text import wrapped
from whychurn.sources.tables.guess_words import follows_from_leaving
from whychurn.sources.tables.propose_details import Attribute, Proposal
from whychurn.sources.toml_text import comment, toml_string
from whychurn.study import RESERVED

TIERS = ("Who they are", "What they bought", "How it goes")
#: Names that the panel gives a meaning of its own.
TAKEN = {
    *RESERVED, "spell", "start", "stop", "event", "cause", "reason", "controllable", "duration", "entry", "started_on",
    "entered_on", "ended_on", "start_on", "cut_off", "under_notice", "followed_to", "mrr", "seats", "n_subscriptions",
    "term_months", "days_to_renewal", "quarter", "tenure_days",
}  # fmt: skip
RECENCY = ("0-6 days", "30+ days")


@dataclass(frozen=True, slots=True)
class Suggested:
    """A measure worth declaring: `per` is the unit of a number, `reference` and `compare` levels of a category."""

    name: str
    label: str
    tier: int
    group: str
    why: str
    per: float = 0.0
    reference: str = ""
    compare: str = ""


def draft_causes(p: Proposal) -> Iterator[str]:
    """Yield the sections."""
    left = {one.name: reason for one in p.attributes if (reason := _left_out(p, one))}
    used = [one for one in p.attributes if one.name not in left]
    yield "# --- Candidate causes, declared before looking. CHECK each tier: a cause is adjusted for causes of earlier tiers"
    yield "# and of its own, never for later ones. The reference is the most common level; leaving was not looked at to"
    yield '# choose it. compare = "…" names the level whose contrast with the reference is the headline;'
    yield "# actionable = false marks what the company cannot change."
    if used:
        yield ""
        yield "# Attributes of accounts are as last recorded: one that changes when a customer is about to leave is no cause."
    for one in used:
        yield ""
        yield from _attribute(one)
    measures = list(_suggested(p))
    if measures:
        yield ""
        yield "# Measures are computed week by week from the tables, from what was known lag_days before."
    for measure in measures:
        yield ""
        yield from _measure(measure)
    if left:
        yield ""
        yield "# Left out:"
        for name, reason in left.items():
            yield from wrapped(f"- {shown(name)}: {reason}")


def _left_out(p: Proposal, one: Attribute) -> str:
    rows = p.tables["accounts"].candidate.n_sample
    if one.name == "plan":
        dated = "the plan of the subscription is used, which is dated"
        return dated if p.plans else "by this name the plan of the subscription is meant, and none is recorded"
    if one.name.casefold() in TAKEN or one.name.startswith(("uses_", "logins_", "tickets_")):
        return "this name has a meaning of its own here; rename the column to use it"
    if one.name == one.column and follows_from_leaving(one.name):
        return "by its name it may be known only after leaving, or be a judgement of the risk"
    if one.n_distinct < 2:
        return "it has the same value for every customer"
    if not one.is_number and rows >= FEWEST_ROWS and one.n_distinct >= NEARLY_ALL * rows:
        return "it is different for nearly every customer: an identifier or free text"
    if not one.is_number and one.n_distinct > MANY_LEVELS:
        return f"it has {one.n_distinct:,} different values; group them to use it"
    if one.is_number and one.n_distinct >= NEARLY_ALL * rows and rows >= FEWEST_ROWS and _whole(one):
        return "it is a number different for nearly every customer: probably an identifier"
    return ""


def _whole(one: Attribute) -> bool:
    return all("." not in level and "," not in level for level, _ in one.levels) and one.name != "employees"


def _attribute(one: Attribute) -> Iterator[str]:
    tier = 2 if one.name == "csm" else 1
    yield "[[causes]]"
    yield f"column = {toml_string(one.name)}"
    yield f"label = {toml_string(comment(prettify(one.name))[:120])}"
    if not one.is_number:
        listed = ", ".join(f"{shown(level, 30)} {n:,}" for level, n in one.levels[:6])
        more = f" and {one.n_distinct - 6:,} more" if one.n_distinct > 6 else ""
        yield 'type = "category"'
        yield f"tier = {tier}"
        yield f"reference = {toml_string(one.levels[0][0])}  # {comment(listed)}{more}"
        return
    yield 'type = "number"'
    yield f"tier = {tier}"
    yield f"per = {round_number(one.spread):g}  # {one.low:g} to {one.high:g}"
    if one.n_distinct <= 6:
        yield comment(
            f"# only {one.n_distinct} different values ({some((level for level, _ in one.levels), 6)}): codes?"
        )


def _measure(one: Suggested) -> Iterator[str]:
    yield f"[[causes]]  # CHECK: {one.why}"
    yield f"column = {toml_string(one.name)}"
    yield f"label = {toml_string(one.label)}"
    yield f'type = "{"number" if one.per else "category"}"'
    yield f"tier = {one.tier}"
    yield f"group = {toml_string(one.group)}"
    if one.per:
        yield f"per = {one.per:g}"
    if one.reference:
        yield f"reference = {toml_string(one.reference)}"
    if one.compare:
        yield f"compare = {toml_string(one.compare)}"


def _suggested(p: Proposal) -> Iterator[Suggested]:
    """Measures that the tables allow, those of what was bought first. Windows are those of weekly rows."""
    yield from _bought(p)
    if "usage" in p.tables:
        yield from _used(p)
    yield from _experienced(p)


def _bought(p: Proposal) -> Iterator[Suggested]:
    columns = p.tables["subscriptions"].fit.columns
    if 1 < len(p.plans) <= MANY_LEVELS:
        why = "the plan of the largest subscription"
        yield Suggested("plan", "Plan", 2, "contract", why, reference=p.plans[0][0])
    if "mrr" in columns:
        look = p.tables["subscriptions"].look("mrr")
        per = round_number((look.high - look.low) / 6) if look is not None and look.high > look.low else 1.0
        yield Suggested("mrr", "Monthly revenue", 2, "contract", "what the customer pays a month", per=per)
    if "seats" in columns:
        yield Suggested("seats", "Paid seats", 2, "contract", "seats paid for", per=10)
    if "term_months" in columns:
        yield Suggested("term_months", "Length of the term", 2, "contract", "longest term agreed, in months", per=12)


def _used(p: Proposal) -> Iterator[Suggested]:
    columns, counts = p.tables["usage"].fit.columns, p.actions.counts if p.actions is not None else {}
    reference, compare = RECENCY
    if counts.get("login"):
        why = "days since the last login, in bands"
        yield Suggested("login_recency", "Last login", 3, "login", why, reference=reference, compare=compare)
    elif counts.get("use"):
        why = "days since the last use, in bands; no login is recorded"
        yield Suggested("use_recency", "Last use", 3, "use", why, reference=reference, compare=compare)
    if counts.get("use"):
        yield Suggested("uses_28", "Uses in 28 days", 3, "use", "how much the product is used", per=10)
        yield Suggested(
            "use_trend", "Trend of use", 3, "use", "use in 28 days against the 56 before (log ratio)", per=1
        )
    if "user_id" in columns and "seats" in p.tables["subscriptions"].fit.columns:
        why = "people active in 28 days per paid seat"
        yield Suggested("seat_adoption_28", "Active users per seat", 3, "seats", why, per=0.1)
    elif "user_id" in columns:
        yield Suggested("active_users_28", "Active users in 28 days", 3, "use", "people with a login or a use", per=1)
    if len(p.modules) > 1 and counts.get("use"):
        yield Suggested("modules_used_28", "Modules used in 28 days", 3, "modules", "breadth of use", per=1)
    if counts.get("failed"):
        why = "share of actions that failed"
        yield Suggested("failed_share_28", "Failed actions in 28 days", 3, "friction", why, per=0.1)


def _experienced(p: Proposal) -> Iterator[Suggested]:
    if "tickets" in p.tables:
        yield Suggested("tickets_84", "Tickets in 84 days", 3, "support", "tickets opened", per=1)
        yield Suggested("open_tickets", "Open tickets", 3, "support", "tickets not closed yet", per=1)
        if "csat" in p.tables["tickets"].fit.columns:
            why = "satisfaction with the latest answer; null before there is one"
            yield Suggested("last_csat", "Last satisfaction", 3, "support", why, per=1)
    if "surveys" in p.tables and "score" in p.tables["surveys"].fit.columns:
        yield Suggested(
            "nps_band", "Last survey", 3, "surveys", "band of the latest score; no answer yet is a level of its own",
            reference="promoter", compare="detractor",
        )  # fmt: skip
    if "interactions" in p.tables:
        why = "contacts; they often follow a risk rather than cause one"
        yield Suggested("interactions_84", "Contacts in 84 days", 3, "contacts", why, per=1)
    if "payments" in p.tables:
        columns = p.tables["payments"].fit.columns
        if "failed_on" in columns:
            yield Suggested("failed_payments_84", "Failed payments", 3, "payments", "charges that failed", per=1)
        if "paid_on" in columns:
            why = "payments due and not paid yet"
            yield Suggested("overdue_payments", "Overdue payments", 3, "payments", why, per=1)
