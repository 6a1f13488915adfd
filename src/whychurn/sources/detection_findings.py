"""What the detectors found, in words for a reader."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pandas as pd

from whychurn.errors import some
from whychurn.sources.contract import AliasedLevel, Detections, IntegrityFinding, Severity
from whychurn.sources.flat import TABLE
from whychurn.sources.names import shown
from whychurn.sources.shapes import date_like
from whychurn.study import Study


def explain_detections(frame: pd.DataFrame, study: Study, found: Detections) -> Iterator[IntegrityFinding]:
    """Yield a finding for each detection.

    What is acted on is a note; what the study keeps on purpose, or what gives churn away by its values, a caveat.
    """
    keep = {cause.column: cause.keep for cause in study.causes if cause.keep}
    for total in found.accumulating:
        yield _left_out(
            "accumulates-with-tenure", total.column, len(frame), keep,
            f"{shown(total.column)} grows with tenure like a running total (its mean rises as tenure to the power "
            f"{total.slope:.1f}).",
            "It measures how long a customer stayed, not why one leaves; as a cause it would look protective.",
            "Use an amount per time unit instead.",
        )  # fmt: skip
    for late in found.known_after:
        yield _left_out(
            "known-only-after-leaving", late.column, int(frame[late.column].notna().sum()), keep,
            f"{shown(late.column)} is known only after leaving: {late.why}.",
            "It would predict churn perfectly and explain nothing.",
            "Use what was known while the customer was still here.",
            severity="caveat" if late.by_value else "note",
        )  # fmt: skip
    for name in found.identifiers:
        yield _left_out(
            "looks-like-an-identifier", name, int(frame[name].nunique()), keep,
            f"{shown(name)} has a different value for nearly every customer ({frame[name].nunique():,} values): "
            "it looks like {'a date' if date_like(frame[name]) else 'an identifier or free text'}.",
            "It cannot be compared between customers.",
            "Compute the tenure, or the time to another date, from it."
            if date_like(frame[name])
            else "Remove it from the causes, or group its values in the file.",
        )  # fmt: skip
    for sum_ in found.determined:
        n = len(sum_.by)
        yield IntegrityFinding(
            code="determined-by-others", severity="note", table=TABLE, column=sum_.column, count=n,
            problem=f"{shown(sum_.column)} follows from {some(map(shown, sum_.by))} to {_share(sum_.r_squared)}.",
            consequence="Beside them it has nothing of its own to say, so they never stand in one model.",
            action="Declare it in their group if they measure the same thing.",
        )  # fmt: skip
    for later, earlier in found.duplicates:
        yield IntegrityFinding(
            code="duplicate-column", severity="note", table=TABLE, column=later, count=len(frame),
            problem=f"{shown(later)} divides the customers exactly as {shown(earlier)} does.",
            consequence="The two cannot be told apart; the first one declared stands for both.",
            action="Remove one of them from the causes.",
        )  # fmt: skip
    yield from _aliases(found.aliased)


def _left_out(
    code: str,
    column: str,
    count: int,
    keep: dict[str, str],
    problem: str,
    consequence: str,
    remedy: str,
    severity: Severity = "note",
) -> IntegrityFinding:
    reason = keep.get(column)
    if reason:
        return IntegrityFinding(
            code=code, severity="caveat", table=TABLE, column=column, count=count, problem=problem,
            consequence=consequence, action=f"The study keeps it all the same: {reason}",
        )  # fmt: skip
    return IntegrityFinding(
        code=code, severity=severity, table=TABLE, column=column, count=count, problem=problem,
        consequence=consequence, action=f"It is left out. {remedy} To keep it, give a reason: keep = \"…\".",
    )  # fmt: skip


def _aliases(aliased: tuple[AliasedLevel, ...]) -> Iterator[IntegrityFinding]:
    groups: dict[tuple[str, str], list[AliasedLevel]] = defaultdict(list)
    for alias in aliased:
        groups[alias.because_column, alias.because_level].append(alias)
    for (column, level), aliases in groups.items():
        into = some(dict.fromkeys(shown(alias.into) for alias in aliases))
        levels = list(dict.fromkeys(shown(alias.level) for alias in aliases))
        columns = [shown(alias.column) for alias in aliases]
        yield IntegrityFinding(
            code="aliased-level", severity="note", table=TABLE, column=column, count=aliases[0].count,
            rows=tuple(alias.column for alias in aliases[:3]),
            problem=f"{some(levels)} in {some(columns, 8)} is {shown(column)} = {shown(level)} under another name: the "
            f"same {aliases[0].count:,} customers.",
            consequence=f"Where both stand in one model it is merged into {into}; curves and tables show it as it is.",
        )  # fmt: skip


def _share(r_squared: float) -> str:
    text = f"{100 * r_squared:.1f}%"
    return "more than 99.9%" if text == "100.0%" and r_squared < 1 - 1e-9 else text.replace("100.0%", "100%")
