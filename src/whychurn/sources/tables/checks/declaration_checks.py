"""Does what study.toml declares meet what the tables hold, and what would more tables tell?"""

from __future__ import annotations

from collections.abc import Iterator

from whychurn.errors import some
from whychurn.sources.canon import TABLES
from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.names import shown, suggestion
from whychurn.sources.tables.checks.evidence import SOME, Evidence, agreeing, few_or_many, percent
from whychurn.sources.tables.checks.spans import SPANS
from whychurn.sources.tables.checks.spelling_checks import further_columns
from whychurn.sources.tables.ends import end_of_service

#: Measures by what their names begin with, and those without a window or a level in their names.
FAMILIES = (
    "days_since_use_", "logins_", "active_days_", "uses_", "active_users_", "seat_adoption_", "adopted_", "share_",
    "modules_used_", "peak_uses_", "peak_share_", "volume_", "failed_", "tickets_", "interactions_", "interventions_",
    "event_",
)  # fmt: skip
MEASURES = (
    "days_since_login", "days_since_use", "login_recency", "use_recency", "use_trend", "open_tickets", "last_csat",
    "last_nps", "nps_band", "overdue_payments", "mrr", "seats", "plan", "n_subscriptions", "term_months",
    "days_to_renewal", "quarter", "tenure_days",
)  # fmt: skip


def check_declarations(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """Yield findings about reasons, causes, the lag, and tables that are not there."""
    yield from _reasons(evidence)
    yield from _causes(evidence)
    yield from _settings(evidence)
    yield from _missing_tables(evidence)


def _reasons(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """Reasons of accounts that left: a subscription that another one followed needs none."""
    study = evidence.study
    counts = dict(
        evidence.rows(
            "SELECT reason, count(*) FROM (SELECT account_id, arg_min(end_reason, subscription_id) AS reason "
            f"FROM subscriptions JOIN {SPANS} USING (account_id) "
            f"WHERE last_on > $begin AND last_on < $end AND {end_of_service(study.definition)} = last_on GROUP BY account_id) "
            "GROUP BY 1 ORDER BY 2 DESC, 1",
            begin=study.observed_from,
            end=study.observed_to,
        )
    )
    left, absent = sum(counts.values()), counts.pop(None, 0)
    mapped = [value for reason in study.reasons for value in reason.values]
    unmapped = {value: n for value, n in counts.items() if value not in mapped}
    if unmapped:
        n = sum(unmapped.values())
        first = next(iter(unmapped))
        listed = some([f"{shown(value, 40)} ({count:,})" for value, count in unmapped.items()], 6)
        yield IntegrityFinding(
            code="reasons-not-mapped", severity=few_or_many(n, left, SOME), table="subscriptions",
            column="end_reason", count=n, rows=tuple(list(unmapped)[:3]),
            problem=f"{n:,} of {left:,} accounts that left ({percent(n, left)}) {agreeing(n, 'give a')} reason that "
            f"study.toml does not explain: {listed}.{suggestion(first, mapped)}",
            consequence="Their leaving counts as of unknown cause: whether it was voluntary cannot be said.",
            action=f'Add them: [[reasons]] with values = ["{first}"] and cause = "voluntary", "involuntary" or '
            '"bankruptcy".',
        )  # fmt: skip
    if absent:
        yield IntegrityFinding(
            code="no-reason-given", severity="note", table="subscriptions", column="end_reason", count=absent,
            problem="No account that left has a reason for leaving."
            if absent == left
            else f"{absent:,} of {left:,} accounts that left ({percent(absent, left)}) {agreeing(absent, 'have no')} "
            "reason for leaving.",
            consequence="Voluntary and involuntary churn cannot be told apart for them.",
            action="Ask for the reason when a customer leaves, and record it with the subscription.",
        )  # fmt: skip
    ever = {reason for (reason,) in evidence.rows("SELECT DISTINCT end_reason FROM subscriptions")} if mapped else set()
    unseen = [value for value in mapped if value not in ever]
    if unseen:
        yield IntegrityFinding(
            code="reasons-never-seen", severity="note", table="subscriptions", column="end_reason", count=len(unseen),
            rows=tuple(unseen[:3]),
            problem=f"No subscription gives {some(map(shown, unseen))}, which study.toml explains."
            f"{suggestion(unseen[0], unmapped)}",
            action="Check the spelling, or remove them.",
        )  # fmt: skip


def _causes(evidence: Evidence) -> Iterator[IntegrityFinding]:
    study = evidence.study
    attributes = [column.name for column in TABLES["accounts"].columns if column.name != "account_id"]
    attributes += further_columns(evidence, texts_only=False)
    known = [*attributes, *MEASURES, *(family.rstrip("_") for family in FAMILIES)]
    for cause in study.causes:
        name = cause.column
        if name not in attributes and name not in MEASURES and not name.startswith(FAMILIES):
            yield IntegrityFinding(
                code="unknown-cause", severity="caveat", table="accounts", column=name,
                problem=f"The cause {shown(name)} is neither an attribute of accounts nor a measure."
                f"{suggestion(name, known)}",
                consequence="Nothing can be said about it.",
                action="Attributes are "
                f"{some(attributes, 12)}; measures are named in docs/tables.md.",
            )  # fmt: skip
    if not study.causes:
        yield IntegrityFinding(
            code="no-causes", severity="note", table="accounts", problem="The study declares no causes.",
            consequence="Churn is described, but nothing can be said about why customers leave.",
            action="Add [[causes]] to study.toml, one per attribute or measure.",
        )  # fmt: skip
    if any(name in attributes for name in (cause.column for cause in study.causes)):
        yield IntegrityFinding(
            code="attributes-as-last-recorded", severity="note", table="accounts",
            problem="Attributes of accounts are as last recorded; when they changed is not known.",
            consequence="An attribute that changes before, or because of, leaving would be taken for a cause.",
            action="Use attributes that stay, such as industry; what changes is better taken from dated tables.",
        )  # fmt: skip


def _settings(evidence: Evidence) -> Iterator[IntegrityFinding]:
    study = evidence.study
    if study.lag_days == 0:
        yield IntegrityFinding(
            code="no-lag", severity="caveat", table="",
            problem="lag_days is 0: measures are taken up to the day before a customer leaves.",
            consequence="Who is about to leave has already stopped, so days since the last login say that customers "
            "leave, not why.",
            action="Write how long before leaving a warning would still help, such as lag_days = 28, under [study].",
        )  # fmt: skip
    outside = [name for name, table in study.tables.items() if table.allow_outside]
    if study.database is not None and study.database.allow_outside:
        outside.append("[database]")
    if outside:
        yield IntegrityFinding(
            code="file-outside", severity="note", table="", count=len(outside), rows=tuple(outside[:3]),
            problem=f"{some(outside)} may be read from outside the study folder (allow_outside = true).",
            consequence="Whoever wrote study.toml decides which file of this computer is read.",
            action="Move the file into the folder and remove the line, unless that is meant.",
        )  # fmt: skip
    tiers = {cause.tier for cause in study.causes}
    if len(study.causes) > 1 and len(tiers) == 1:
        yield IntegrityFinding(
            code="one-tier", severity="note", table="", count=len(study.causes),
            problem=f"All {len(study.causes)} causes stand in tier {tiers.pop()}, so every cause is adjusted for every "
            "other.",
            consequence="What one cause does through another is then not counted as its own.",
            action="Give later ones a higher tier.",
        )  # fmt: skip


def _missing_tables(evidence: Evidence) -> Iterator[IntegrityFinding]:
    for name, contract in TABLES.items():
        if not evidence.has(name):
            empty = name in evidence.tables
            yield IntegrityFinding(
                code="table-missing", severity="note", table=name,
                problem=f"There {'are' if name.endswith('s') else 'is'} no {name}"
                f"{': the table is empty' if empty else ''}.",
                consequence=f"The table would unlock {contract.unlocks}.",
                action=f"Add [tables.{name}] to study.toml if the company has it.",
            )  # fmt: skip
