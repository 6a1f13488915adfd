"""Do price, seats, plan and renewal of a subscription say what was agreed, or what was last recorded?"""

from __future__ import annotations

from collections.abc import Iterator

from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.tables.checks.evidence import SOME, Evidence, agreeing, percent
from whychurn.sources.tables.ends import end_of_service

#: Terms look overwritten if, of so many accounts with so many months of service, hardly any ever had another row.
LONG_SERVICE_MONTHS = 18
FEWEST_LONG = 50
WITH_CHANGES = 0.02
#: A renewal this many days after the first term is still its own.
SLACK_DAYS = 15
_TERMS = {"mrr": "the amount", "seats": "the seats", "plan": "the plan"}


def check_terms(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """Yield findings about terms that a later one may have replaced in place."""
    if not evidence.has("subscriptions"):
        return
    later, dated, undated, examples = evidence.rows(
        "SELECT count(*) FILTER (WHERE renewal_on > started_on + to_months(CAST(round(term_months) AS INTEGER)) "
        f"+ to_days({SLACK_DAYS})), count(*) FILTER (WHERE term_months >= 0.5), "
        "count(*) FILTER (WHERE coalesce(term_months, 0) < 0.5), "
        "min(DISTINCT account_id, 3) FILTER (WHERE coalesce(term_months, 0) < 0.5) "
        "FROM subscriptions WHERE renewal_on > started_on"
    )[0]
    yield from _overwritten(evidence, later, dated)
    if undated:
        n = undated + dated
        yield IntegrityFinding(
            code="renewal-without-term", severity="note", table="subscriptions", column="renewal_on", count=undated,
            rows=tuple(examples),
            problem=f"{undated:,} of {n:,} subscriptions with a renewal day ({percent(undated, n)}) "
            f"{agreeing(undated, 'have no')} length of the term.",
            consequence="When such a day was agreed nobody can say, so it is not used: their days to renewal are empty.",
            action="Fill in term_months.",
        )  # fmt: skip


def _overwritten(evidence: Evidence, later: int, dated: int) -> Iterator[IntegrityFinding]:
    end, study = end_of_service(evidence.study.definition), evidence.study
    changed, long, mrr, seats, plan = evidence.rows(
        "WITH served AS (SELECT account_id, count(*) AS n, sum(date_diff('day', started_on, until)) AS days, "
        "count(mrr) > 0 AS mrr, count(seats) > 0 AS seats, count(plan) > 0 AS plan FROM "
        f"(SELECT *, least(coalesce({end}, $end), $end) AS until FROM subscriptions) WHERE until > started_on "
        "GROUP BY account_id) "
        f"SELECT count(*) FILTER (WHERE n > 1 AND days > $long), count(*) FILTER (WHERE days > $long), "
        "coalesce(bool_or(mrr), false), coalesce(bool_or(seats), false), coalesce(bool_or(plan), false) FROM served",
        end=study.observed_to, long=round(LONG_SERVICE_MONTHS * 365.25 / 12),
    )[0]  # fmt: skip
    held = [words for words, there in zip(_TERMS.values(), (mrr, seats, plan), strict=True) if there]
    signs = []
    if held and long >= FEWEST_LONG and changed < WITH_CHANGES * long:
        signs.append(
            f"of {long:,} accounts with more than {LONG_SERVICE_MONTHS} months of service, "
            f"{f'only {changed:,}' if changed else 'none'} ever had another row of subscriptions"
        )
    renewed = later > SOME * dated
    if renewed:
        signs.append(
            f"{later:,} of {dated:,} renewal days ({percent(later, dated)}) lie more than one term after the first day"
        )
    if not signs:
        return
    text = "; ".join(signs)
    listed = " and ".join(filter(None, (", ".join(held[:-1]), *held[-1:]))) or "what a subscription holds"
    known = f"{listed[0].upper()}{listed[1:]}{' of a subscription' if held else ''} may be"
    renewals = " Days to renewal are computed from the first term instead." if renewed else ""
    yield IntegrityFinding(
        code="terms-overwritten", severity="caveat", table="subscriptions", column="renewal_on" if renewed else "mrr",
        count=later if renewed else long, problem=f"{text[0].upper()}{text[1:]}.",
        consequence=f"{known} as last recorded, as attributes are: a change before leaving would be taken for what was "
        f"agreed long ago.{renewals}",
        action="Export one row per term, or per change of price, seats or plan.",
    )  # fmt: skip
