"""Build a report again in a temporary folder and say how it differs, number by number."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path
from typing import Any

from whychurn.errors import NotebookError
from whychurn.reports.build import Plan, build_into
from whychurn.reports.compare import Moved, moved_findings, moved_numbers, pages_of
from whychurn.reports.evidence import read_pages
from whychurn.reports.progress import Progress
from whychurn.reports.reading import Reading
from whychurn.reports.results import read_results

#: How far a coordinate may differ: drawings are rounded to tenths.
_DRAWING_SLACK = 0.051


@dataclass(frozen=True, slots=True)
class Differences:
    """Digits outside the traceable numbers that are not what the rerun says, by what they mean."""

    edited: list[str]
    moved: list[Moved]


class Rerun:
    """The report built again in a temporary folder, compared and thrown away."""

    def __init__(
        self, results: Mapping[str, Any], pages: Mapping[str, Reading], plan: Plan, told: Progress, workers: int
    ) -> None:
        self.moved: list[Moved] = []
        self._old = pages
        self._new: dict[str, Reading] | None = None
        with tempfile.TemporaryDirectory(prefix="whychurn-verify-") as temporary:
            fresh = Path(temporary, "report")
            fresh.mkdir()
            try:
                build_into(fresh, replace(plan, label=str(results["report"])), told, workers)
            except NotebookError as error:
                self.moved.append(Moved(f"the rerun stopped: {error}", "", "nothing to compare", ()))
                return
            again = read_results(fresh)
            self._new = read_pages(fresh)
        where = pages_of([*results["printed"], *again["printed"]])
        self.moved += moved_findings(results["findings"], again["findings"], where)
        known = {one.finding for one in self.moved}
        self.moved += moved_numbers(results["printed"], again["printed"], known)

    def differences(self, unsettled: set[str], strict: bool) -> Differences:
        """Compare every digit outside the traceable numbers.

        Parameters
        ----------
        unsettled : set of str
            Pages where such digits may differ for a reason that is already reported.
        strict : bool
            Whether drawings and scripts must agree as well.
        """
        found = Differences([], [])
        if self._new is None:
            return found
        for name, old in self._old.items():
            new = self._new.get(name)
            if new is None:
                found.edited.append(f"page {name} does not belong to the report")
                continue
            for was, now in _digits(old.digits, new.digits):
                if name in unsettled:
                    found.moved.append(Moved(f"page {name}, in the text", was, now, (name,)))
                else:
                    found.edited.append(f"page {name} says {was or 'nothing'} where the rerun says {now or 'nothing'}")
            if strict and name not in unsettled:
                found.edited.extend(_drawn(name, old, new))
        return found


def _digits(old: Sequence[str], new: Sequence[str]) -> Iterable[tuple[str, str]]:
    if list(old) == list(new):
        return
    for kind, a, b, c, d in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from zip_longest(old[a:b], new[c:d], fillvalue="")


def _drawn(name: str, old: Reading, new: Reading) -> list[str]:
    edits = []
    same = len(old.drawn) == len(new.drawn) and all(
        was == now or abs(float(was) - float(now)) <= _DRAWING_SLACK
        for was, now in zip(old.drawn, new.drawn, strict=True)
    )
    if not same:
        edits.append(f"page {name}: a drawing is not what the rerun draws")
    if old.programs != new.programs:
        edits.append(f"page {name}: its scripts or styles are not those of this version")
    return edits
