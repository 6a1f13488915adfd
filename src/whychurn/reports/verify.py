"""Verify a report: is it as it was built, are the data still the same, and does a rerun give the numbers?"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whychurn.errors import SourceError, StudyError, VerifyError
from whychurn.reports import environment
from whychurn.reports.build import RERUN, Plan, make_plan
from whychurn.reports.compare import Moved
from whychurn.reports.evidence import find_edits, read_pages
from whychurn.reports.progress import Progress
from whychurn.reports.rerun import Rerun
from whychurn.reports.results import read_results
from whychurn.reports.trust import require_trusted

REPRODUCED, MOVED, DATA_CHANGED, EDITED = 0, 2, 3, 4
_OUTCOMES = {
    REPRODUCED: "reproduced",
    MOVED: "a number moved",
    DATA_CHANGED: "the data changed",
    EDITED: "a page or record was edited",
}


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found.

    Attributes
    ----------
    report : str
        The report as it was named.
    data : tuple of str
        How the data or study.toml differ from what the report was built on.
    edited : tuple of str
        Signs that a page, a table or the record was edited.
    moved : tuple of Moved
        Numbers that the rerun does not reproduce.
    environment : tuple of str
        How this environment differs from the one that built the report; alone it is no failure.
    n_findings, n_printed, n_pages : int
        How much was compared.
    """

    report: str
    data: tuple[str, ...]
    edited: tuple[str, ...]
    moved: tuple[Moved, ...]
    environment: tuple[str, ...]
    n_findings: int
    n_printed: int
    n_pages: int

    @property
    def exit_code(self) -> int:
        """0 reproduced, 2 a number moved, 3 the data changed, 4 a page or record was edited (3 before 4 before 2)."""
        if self.data:
            return DATA_CHANGED
        if self.edited:
            return EDITED
        return MOVED if self.moved else REPRODUCED

    @property
    def outcome(self) -> str:
        """The exit code in words."""
        return _OUTCOMES[self.exit_code]

    def summary(self, most: int = 20) -> str:
        """Return the verification as text for a terminal, with at most `most` entries of each kind."""
        compared = f"{self.n_findings:,} findings and {self.n_printed:,} printed numbers on {self.n_pages:,} pages"
        if self.exit_code == REPRODUCED:
            lines = [f"{self.report}: reproduced. {compared} agree with the rerun."]
        else:
            lines = [f"{self.report}: {self.outcome}. Compared: {compared}."]
        lines += _listed("The data changed", self.data, most)
        lines += _listed("Edited since it was built", self.edited, most)
        lines += _listed("Moved in the rerun", [str(one) for one in self.moved], most)
        lines += _listed("This environment differs (no failure by itself)", self.environment, most)
        return "\n".join(lines)


def verify_report(
    path: str | os.PathLike[str],
    study: str | os.PathLike[str] | None = None,
    progress: bool = False,
    workers: int = 2,
    trust_notebooks: bool = False,
) -> Verification:
    """Verify a report: read it, check its data, run it again in a temporary folder and compare both ways.

    Parameters
    ----------
    path : path
        Folder of the report (or its index.html).
    study : path, optional
        Folder of the study; default where it was when the report was built, relative to the report.
    progress : bool
        Whether to say on the error stream what is happening.
    workers : int
        How many notebooks run at the same time.
    trust_notebooks : bool
        Whether notebooks that do not come with whychurn may run although the report chose their folder, or
        although they are not those it was built from.

    Raises
    ------
    VerifyError
        If `path` is not a report, its study cannot be found, or notebooks would run that are not trusted.
    NotebookError
        If the notebooks of the report are gone.
    """
    folder = Path(path)
    folder = folder.parent if folder.suffix == ".html" else folder
    told = Progress(progress)
    told.say(f"reading {folder}")
    results = read_results(folder)
    pages = read_pages(folder)
    edited = find_edits(folder, results, pages)
    data: list[str] = []
    moved: list[Moved] = []
    changes = _environment(results)
    try:
        plan = _plan(folder, results, study)
    except (SourceError, StudyError) as error:
        data.append(f"the study cannot be opened as it is now: {error}")
    else:
        data += _data(results, plan)
        notebooks = _notebooks(results, plan)
        require_trusted(plan, notebooks, chosen=study is not None, trusted=trust_notebooks)
        told.say(f"notebooks: {plan.folder.whose}")
        changes += [f"notebook {name} was changed" for name in notebooks]
        rerun = Rerun(results, pages, plan, told, workers)
        moved += rerun.moved
        # A drawing on any page may show a finding that moved, and titles of notebooks stand on every page.
        everywhere = data or notebooks or any(one.finding for one in moved)
        unsettled = set(pages) if everywhere else {page for one in moved for page in one.pages}
        same_program = _same_program(results)
        differences = rerun.differences(unsettled, strict=same_program)
        edited += differences.edited
        if differences.edited and not same_program:
            changes.append(
                "the report may come from another state of whychurn than this one; where only the text of a page "
                "differs, build the report again before suspecting anybody"
            )
        moved += differences.moved
    return Verification(
        str(folder),
        tuple(data),
        tuple(dict.fromkeys(edited)),
        tuple(moved),
        tuple(changes),
        len(results["findings"]),
        len(results["printed"]),
        len(pages),
    )


def _plan(folder: Path, results: Mapping[str, Any], study: str | os.PathLike[str] | None) -> Plan:
    try:
        rerun = json.loads((folder / RERUN).read_text(encoding="utf-8"))
        recorded, given = folder.resolve() / rerun["study"], rerun.get("notebook_folder") or ""
        accept_risk = str(rerun.get("accept_risk", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        if study is None:
            raise VerifyError(
                f"{folder / RERUN} is missing or cannot be read, so the study is unknown; name it with --study."
            ) from None
        recorded, given, accept_risk = Path(study), "", ""
    place = Path(study) if study is not None else _from_here(recorded)
    if not place.exists():
        raise VerifyError(f"The study is not at {place} any more; name its folder with --study.")
    notebooks = _from_here(folder.resolve() / given) if given else None
    return make_plan(place, str(results["report"]), notebooks, accept_risk)


def _from_here(path: Path) -> Path:
    """Return `path` relative to the working directory where it lies below it, as a person would name it."""
    path = Path(os.path.normpath(path))
    return path.relative_to(Path.cwd().resolve()) if path.is_relative_to(Path.cwd().resolve()) else path


def _data(results: Mapping[str, Any], plan: Plan) -> list[str]:
    found = []
    before = {str(file.get("file")): file for file in results["data"]}
    after = {str(file["file"]): file for file in plan.facts.files}
    for name in {**before, **after}:
        was, now = before.get(name), after.get(name)
        if was is None or now is None:
            found.append(f"{name} is {'new' if was is None else 'gone'}")
        elif was.get("sha256") != now["sha256"]:
            rows = "" if was.get("rows") == now["rows"] else f", {was.get('rows'):,} → {now['rows']:,} rows"
            found.append(f"{name} differs ({str(was.get('sha256'))[:12]} → {now['sha256'][:12]}{rows})")
    if results["study_sha256"] != plan.facts.study_sha256:
        found.append("study.toml differs")
    return found


def _notebooks(results: Mapping[str, Any], plan: Plan) -> list[str]:
    before = {**results.get("notebooks", {}), **_left_out(results.get("left_out", {}))}
    after = {notebook.name: notebook.sha256 for notebook in plan.notebooks}
    after |= _left_out({one.notebook.name: one.record() for one in plan.left_out})
    return [name for name in {**before, **after} if before.get(name) != after.get(name)]


def _left_out(records: Mapping[str, Any]) -> dict[str, str]:
    """Fingerprint of every notebook left out, with what it lacked, by name."""
    return {
        name: f"{record.get('sha256')} without {', '.join(record.get('missing', []))}"
        for name, record in records.items()
    }


def _environment(results: Mapping[str, Any]) -> list[str]:
    before = {**results.get("versions", {})}
    after = environment.versions()
    before["commit"], after["commit"] = results.get("commit", ""), environment.commit()
    before["requirements.lock"], after["requirements.lock"] = (
        results.get("lock_sha256", ""),
        environment.lock_sha256(),
    )
    return [
        f"{name}: {_brief(before.get(name))} → {_brief(after.get(name))}"
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


def _brief(value: Any) -> str:
    text = str(value or "none")
    head = re.fullmatch(r"([0-9a-f]{12})[0-9a-f]+(\+changes)?", text)
    return f"{head[1]}{head[2] or ''}" if head else text


def _same_program(results: Mapping[str, Any]) -> bool:
    """Whether the report was surely built by this very program, so that even scripts must be the same."""
    now = environment.commit()
    versions = environment.versions()
    return (
        results.get("commit") == now
        and not now.endswith("+changes")
        and results.get("versions", {}).get("whychurn") == versions.get("whychurn")
    )


def _listed(title: str, entries: Sequence[str], most: int) -> list[str]:
    if not entries:
        return []
    shown = [f"  {entry}" for entry in entries[:most]]
    more = [f"  and {len(entries) - most:,} more"] if len(entries) > most else []
    return [f"{title}: {len(entries):,}", *shown, *more]
