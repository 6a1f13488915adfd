"""Do events happen to one customer or to all, but not to both by mistake?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.names import counted, shown
from whychurn.sources.tables.checks.evidence import Evidence, percent


def check_events(evidence: Evidence) -> Iterator[IntegrityFinding]:
    """Yield a finding per kind of event that some records give to an account and others to nobody."""
    if not evidence.has("events"):
        return
    kinds = evidence.rows(
        "SELECT kind, count(*) FILTER (WHERE account_id IS NULL), count(*) FROM events GROUP BY kind "
        "HAVING count(account_id) BETWEEN 1 AND count(*) - 1 ORDER BY kind"
    )
    for kind, common, n in kinds:
        declared = [cause.column for cause in evidence.study.causes if _is_of(cause.column, kind)]
        used = f" The cause {shown(declared[0])} is measured from it." if declared else ""
        yield IntegrityFinding(
            code="events-own-and-common", severity="caveat" if declared else "note", table="events",
            column="account_id", count=common, rows=(shown(kind),),
            problem=f"{common:,} of {counted(n, 'event')} of the kind {shown(kind)} ({percent(common, n)}) name no account.",
            consequence="Such an event counts for everybody, as a change of prices would; if only the account is missing, "
            f"all customers seem to have had it.{used}",
            action="Fill the account in, leave such rows out, or give events for all a kind of their own.",
        )  # fmt: skip


def _is_of(column: str, kind: str) -> bool:
    """Whether a measure is that of a kind of event: its name ends as the kind does, without case and punctuation."""
    part = re.sub(r"[\W_]+", "_", kind.lower()) or "_"
    return re.fullmatch(rf"event_\d+_{re.escape(part)}(_\d+)?", column) is not None
