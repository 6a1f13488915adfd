"""Build a report: run the notebooks, frame the pages, record every number, put the folder in place."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from whychurn.errors import NotebookError
from whychurn.findings import Findings
from whychurn.reports import environment
from whychurn.reports.execute import execute_notebooks
from whychurn.reports.markup import finish
from whychurn.reports.needs import LeftOut, split
from whychurn.reports.notebooks import Notebook, NotebookFolder, find_folder, read_notebooks
from whychurn.reports.page import SHELL_ANCHORS, Page, finding_of_page, read_page
from whychurn.reports.place import in_place_of, require_replaceable
from whychurn.reports.preflight import StudyFacts, inspect_study, study_path
from whychurn.reports.progress import Progress
from whychurn.reports.reading import Reading, read_html
from whychurn.reports.results import (
    SCHEMA,
    TOLERANCES,
    fingerprint_of,
    mark_derived,
    merged_records,
    plain_records,
    require_traceable,
    write_results,
)
from whychurn.reports.shell import PENDING, PREFIX, Link, facts_of, frame
from whychurn.reports.tables import tables_of

_ESCAPED = re.compile(r"(?:<|&lt;)(?:data value=|details\b).{0,40}", re.S)

INDEX = "index"
RERUN = "rerun.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is settled before a kernel starts.

    Attributes
    ----------
    facts : StudyFacts
        The study and the fingerprints of its data.
    folder : NotebookFolder
        Where the notebooks come from.
    notebooks : tuple of Notebook
        Those the study can feed, in the order of the pages.
    left_out : tuple of LeftOut
        Those it cannot, and what they would need.
    parameters : dict
        Given to each notebook.
    label : str
        The report as the rerun command on its pages names it.
    """

    facts: StudyFacts
    folder: NotebookFolder
    notebooks: tuple[Notebook, ...]
    left_out: tuple[LeftOut, ...]
    parameters: dict[str, Any]
    label: str


def build_report(
    study: Any,
    out: str | os.PathLike[str] | None = None,
    notebooks: str | os.PathLike[str] | None = None,
    accept_risk: str = "",
    progress: bool = True,
    workers: int = 2,
) -> Path:
    """Build the report of a study and return the path of its index.html.

    Parameters
    ----------
    study : Study or path
        A study, its folder, or its study.toml.
    out : path, optional
        Folder of the report; default ``reports/<study folder name>``. A report that is there is replaced
        once the new one is complete, and stays as it is if the run fails or is interrupted.
    notebooks : path, optional
        Folder of numbered notebooks; default the study's own, else those of whychurn.
    accept_risk : str
        Why the study may be used although its integrity verdict is "refuse"; printed in the report.
    progress : bool
        Whether to say on the error stream what is happening.
    workers : int
        How many notebooks run at the same time.

    Raises
    ------
    StudyError, SourceError
        If the study or its data cannot be used.
    NotebookError
        If a notebook lacks its parameters cell, does not know a parameter, or fails; or if the study lacks what
        every notebook needs.
    WhychurnError
        If `out` holds something that is not a report.
    """
    told = Progress(progress)
    folder = Path(study_path(study))
    folder = folder.parent if folder.suffix == ".toml" else folder
    target = Path(out) if out is not None else Path("reports") / folder.resolve().name
    require_replaceable(target)
    told.say(f"reading {folder}")
    plan = make_plan(study, _label(target), notebooks, accept_risk)
    told.say(f"notebooks: {plan.folder.whose}")
    for one in plan.left_out:
        told.say(f"  {one.notebook.name} left out", f"it needs {one.would_need}")
    with in_place_of(target) as building:
        build_into(building, plan, told, workers)
        _write_rerun(building, target, study_path(study), plan)
    told.say(f"done: open {target / 'index.html'}")
    return target / "index.html"


def make_plan(study: Any, label: str, notebooks: str | os.PathLike[str] | None = None, accept_risk: str = "") -> Plan:
    """Read study, data and notebooks; every user mistake that can be known before running shows here."""
    facts = inspect_study(study, accept_risk)
    folder = find_folder(facts.folder, Path(notebooks) if notebooks is not None else None)
    parameters = {"study": study_path(study), "accept_risk": accept_risk}
    run, left_out = split(read_notebooks(folder, parameters), facts)
    return Plan(facts, folder, run, left_out, parameters, label)


def build_into(folder: Path, plan: Plan, told: Progress, workers: int = 2) -> None:
    """Run the plan's notebooks and write pages, tables and results.json into an empty folder."""
    with told.notebooks(len(plan.notebooks)):
        executed = execute_notebooks(plan.notebooks, plan.parameters, folder / "notebooks", max(1, workers), told.watch)
    told.say("writing pages")
    pages = [read_page(executed[notebook.name]) for notebook in plan.notebooks]
    warnings = [text for page in pages for text in page.warnings]
    if warnings:
        count = f"{len(warnings):,} warning{'s' if len(warnings) > 1 else ''} in the notebooks"
        told.say(count, "(shown in the executed notebooks beside the report)")
    records = merged_records(pages)
    provenance = next((page.provenance for page in pages if page.provenance), {})
    documents = _documents(pages, records, provenance, plan)
    readings = {name: read_html(html) for name, html in documents.items()}
    printed = [
        {"page": name, "position": position, **number}
        for name, reading in readings.items()
        for position, number in enumerate(reading.printed, start=1)
    ]
    require_traceable(printed, records)
    mark_derived(printed, records)
    fingerprint = fingerprint_of(records, printed)
    recorded = _texts(
        [records, provenance, *(page.provenance for page in pages), plan.facts.name, plan.parameters["accept_risk"]]
    )
    for name, html in documents.items():
        _require_portable(name, readings[name], recorded)
        _require_escaped_once(name, readings[name])
        _write(folder / f"{name}.html", html.replace(PENDING, fingerprint[:PREFIX]))
    for name, text in tables_of(records).items():
        _write(folder / "tables" / name, text)
    write_results(
        folder,
        {
            "schema": SCHEMA,
            "study": plan.facts.name,
            "report": plan.label,
            "fingerprint": fingerprint,
            "study_sha256": plan.facts.study_sha256,
            "data": list(plan.facts.files),
            "seed": plan.facts.seed,
            "commit": environment.commit(),
            "lock_sha256": environment.lock_sha256(),
            "versions": environment.versions(),
            "notebooks": {notebook.name: notebook.sha256 for notebook in plan.notebooks},
            "kind": plan.facts.kind,
            "left_out": {one.notebook.name: one.record() for one in plan.left_out},
            "provenance": provenance,
            "tolerances": TOLERANCES,
            "findings": records,
            "printed": printed,
        },
    )


def _documents(
    pages: Sequence[Page], records: list[dict[str, Any]], provenance: dict[str, Any], plan: Plan
) -> dict[str, str]:
    """Return the framed HTML of index and pages by name, without the fingerprint."""
    from whychurn.display.leadership import render_index
    from whychurn.display.left_out import render_left_out

    links = [
        Link(INDEX, "index.html", "Summary"),
        *(Link(page.name, page.href, page.title) for page in pages),
    ]
    findings = Findings.from_records(plain_records(records), provenance)
    listed = [{"name": page.name, "title": page.title, "href": page.href, "summary": page.summary,
               "finding": finding_of_page(page.body)} for page in pages]  # fmt: skip
    first = Markup(render_index(findings, listed))
    if plan.left_out:
        first += render_left_out([one.listed() for one in plan.left_out])
    body, headings = finish(str(first), SHELL_ANCHORS)
    framed = {
        INDEX: frame(
            body,
            name=INDEX,
            title="Summary",
            pages=links,
            headings=headings,
            facts=facts_of(provenance, plan.facts.name, plan.label),
        )
    }
    for page in pages:
        framed[page.name] = frame(
            page.body,
            name=page.name,
            title=page.title,
            pages=links,
            headings=page.headings,
            facts=facts_of(page.provenance or provenance, plan.facts.name, plan.label),
        )
    return framed


def _require_portable(name: str, reading: Reading, recorded: str) -> None:
    """A report may be handed on: no page names a folder of this machine.

    Values of the data may look like one, and reach a page by the findings: what stands in `recorded` is no path of ours.
    """
    text = reading.text + reading.code
    for place in (Path.home(), Path.cwd(), Path(tempfile.gettempdir())):
        if len(place.parts) < 2:
            continue
        for found in re.finditer(rf"(?<![\w.]){re.escape(str(place))}(?![\w-])([^\s<>\"'“”‘’]*)(?=(.{{0,60}}))", text):
            # On a page a long value may be cut, and a sentence goes on after it.
            if (str(place) + found[1]).rstrip("….,;:)]") in recorded:
                continue
            raise NotebookError(
                f"Page {name} shows a path of this machine: {(found.group() + found[2]).strip()!r}. A report is handed on; show "
                "a relative path or a file name instead."
            )


def _texts(value: Any) -> str:
    """Every text in records, one per line."""
    if isinstance(value, Mapping):
        return "\n".join(_texts(part) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple):
        return "\n".join(map(_texts, value))
    return value if isinstance(value, str) else ""


def _require_escaped_once(name: str, reading: Reading) -> None:
    """A reader sees numbers and boxes, never their markup; the code of a notebook may spell it out."""
    found = _ESCAPED.search(reading.text)
    if found:
        raise NotebookError(
            f"Page {name} shows markup as text: {found.group().strip()!r}. Something was escaped twice; hand the "
            "markup on as Markup, not as plain text."
        )


def _label(target: Path) -> str:
    """The report as a command typed here would name it; never an absolute path."""
    try:
        return target.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except ValueError:
        return target.name


def _write_rerun(building: Path, target: Path, study: str, plan: Plan) -> None:
    place = target.resolve()
    content = {
        "study": _relative(Path(study), place),
        "notebooks": plan.folder.kind,
        "notebook_folder": _relative(plan.folder.path, place) if plan.folder.kind == "given" else "",
        "accept_risk": plan.parameters["accept_risk"],
    }
    _write(building / RERUN, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def _relative(path: Path, start: Path) -> str:
    return Path(os.path.relpath(path.resolve(), start)).as_posix()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
