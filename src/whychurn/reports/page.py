"""From an executed notebook to the body of a page and the findings it recorded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whychurn.errors import NotebookError
from whychurn.findings import MIME
from whychurn.reports.markup import Heading, finish
from whychurn.reports.notebooks import PARAMETERS_TAG, title_and_summary

SHELL_ANCHORS = ("main", "contents", "report-footer")
INJECTED_TAG = "injected-parameters"
_IMAGES = ("image/svg+xml", "image/png")
_MAY_BE_FINDING = re.compile(r"<p\b[^>]*\bfinding\b.*?</p>", re.S | re.I)
_SHOWN = ("text/html", "text/markdown", *_IMAGES, "text/plain")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the report before it gets its frame.

    Attributes
    ----------
    name : str
        ``02_retention``; the file is ``02_retention.html``.
    title, summary : str
        The notebook's first heading and the paragraph after it, as plain text.
    body : str
        HTML of everything inside <main>.
    headings : tuple of Heading
        For the table of contents.
    records : tuple of dict
        The findings recorded on this page, in order, as in :meth:`Findings.to_records`.
    provenance : dict
        Provenance of the first findings recorded.
    warnings : tuple of str
        What the kernel wrote to its error stream; never part of the page.
    """

    name: str
    title: str
    summary: str
    body: str
    headings: tuple[Heading, ...]
    records: tuple[dict[str, Any], ...]
    provenance: dict[str, Any]
    warnings: tuple[str, ...]

    @property
    def href(self) -> str:
        """File name of the page, relative to the report."""
        return f"{self.name}.html"


def read_page(executed: Path) -> Page:
    """Return the page that an executed notebook makes; tidies the notebook file on the way.

    Raises
    ------
    NotebookError
        If the notebook has no title, or shows an image without a text alternative.
    """
    import nbformat

    notebook = nbformat.read(executed, as_version=4)
    _forget_run(notebook)
    nbformat.write(notebook, executed)
    name = executed.stem
    title, summary = _title(notebook, name)
    bundles, warnings = _withdraw(notebook)
    notebook.cells = _arranged(notebook, name)
    body, headings = finish(_render(notebook), SHELL_ANCHORS)
    records = [record for bundle in bundles for record in bundle.get("records", [])]
    provenance: dict[str, Any] = next((bundle["provenance"] for bundle in bundles if bundle.get("provenance")), {})
    return Page(name, title, summary, body, headings, tuple(records), provenance, tuple(warnings))


def finding_of_page(body: str) -> str:
    """Return the HTML of the first finding that a page states, with its traceable numbers; "" if it states none."""
    from bs4 import BeautifulSoup

    # A page is large, and most of it is drawings: only what may be the paragraph is parsed.
    for candidate in _MAY_BE_FINDING.finditer(body):
        found = BeautifulSoup(candidate[0], "html.parser").find("p", class_="finding")
        if found is not None:
            return found.decode_contents()
    return ""


def _forget_run(notebook: Any) -> None:
    """Leave out when and where the notebook ran: its report may be handed on."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)


def _title(notebook: Any, name: str) -> tuple[str, str]:
    first = notebook.cells[0] if notebook.cells else None
    title, summary = title_and_summary(first.source if first and first.cell_type == "markdown" else "")
    if not title:
        raise NotebookError(f"Notebook {name} does not begin with a title; make its first cell '# ' and a title.")
    return title, summary


def _withdraw(notebook: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Take findings and warnings out of the outputs; a finding shown twice in a cell counts once."""
    bundles: list[dict[str, Any]] = []
    warnings: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        kept = []
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                warnings.append(output.text.strip())
            elif MIME in output.get("data", {}):
                bundles.append(output.data[MIME])
            else:
                kept.append(output)
        cell.outputs = kept
    return bundles, warnings


def _arranged(notebook: Any, name: str) -> list[Any]:
    """Hide parameters, and let the code of silent cells join the code of the next cell that shows something."""
    from nbformat.v4 import new_code_cell

    cells: list[Any] = []
    pending: list[str] = []

    def flush() -> None:
        if pending:
            cells.append(new_code_cell("\n\n".join(pending), metadata={"whychurn": "code"}))
            pending.clear()

    own = [cell for cell in notebook.cells if INJECTED_TAG not in cell.metadata.get("tags", [])]
    for number, cell in enumerate(own, start=1):  # as a person counts the cells of the notebook
        if PARAMETERS_TAG in (cell.metadata.get("tags", [])):
            continue
        if cell.cell_type == "markdown":
            flush()
            cells.append(cell)
        elif cell.cell_type == "code":
            if cell.source.strip():
                pending.append(cell.source.strip())
            shown = [output for output in cell.outputs if _shows(output)]
            if shown:
                _require_alternatives(shown, f"Notebook {name}, cell {number}")
                cell.outputs = shown
                cells.append(cell)
                flush()
    flush()
    return cells


def _shows(output: Any) -> bool:
    if output.output_type == "stream":
        return bool(output.text.strip())
    return output.output_type != "error" and any(kind in output.data for kind in _SHOWN)


def _require_alternatives(outputs: list[Any], where: str) -> None:
    for output in outputs:
        data = output.get("data", {})
        if "text/html" in data or "text/markdown" in data:
            continue
        for kind in _IMAGES:
            if kind in data and not str(output.metadata.get(kind, {}).get("alt", "")).strip():
                raise NotebookError(
                    f"{where} shows an image without a text alternative; show it with "
                    f"display(data, raw=True, metadata={{{kind!r}: {{'alt': 'what the image says'}}}})."
                )


def _render(notebook: Any) -> str:
    from whychurn.reports.exporter import page_exporter

    body, _ = page_exporter().from_notebook_node(notebook)
    return str(body)
