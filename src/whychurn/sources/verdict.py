"""The integrity verdict: may numbers from these data be shown to anyone?

- **refuse**: at least one finding says so. The study stops, unless someone states a reason to go on, which is
  then printed on every page.
- **usable with caveats**: no refusal, at least one caveat. The caveats are printed on the first page.
- **sound**: notes at most. A flat study is never sound: one row per customer cannot prove what was known before
  the customer left.
"""

from __future__ import annotations

from collections.abc import Sequence

from whychurn.sources.contract import IntegrityFinding, Verdict


def grade(findings: Sequence[IntegrityFinding]) -> Verdict:
    """Return the verdict on these findings; its reasons are the findings that decided it, refusals first."""
    refusals = [finding.problem for finding in findings if finding.severity == "refuse"]
    caveats = [finding.problem for finding in findings if finding.severity == "caveat"]
    if refusals:
        return Verdict("refuse", (*refusals, *caveats))
    return Verdict("usable with caveats", tuple(caveats)) if caveats else Verdict("sound")
