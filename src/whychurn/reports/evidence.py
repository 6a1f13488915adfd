"""Read a report folder and find what was edited since it was built, without running anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from whychurn.reports.compare import wrong_print
from whychurn.reports.reading import Reading, read_html
from whychurn.reports.results import finding_of, fingerprint_of, manifest_of, seal_of
from whychurn.reports.shell import PREFIX
from whychurn.reports.tables import tables_of


def read_pages(folder: Path) -> dict[str, Reading]:
    """Return what every page in the folder says, by page name."""
    return {
        path.stem: read_html(path.read_text(encoding="utf-8", errors="replace"))
        for path in sorted(folder.glob("*.html"))
    }


def find_edits(folder: Path, results: Mapping[str, Any], pages: Mapping[str, Reading]) -> list[str]:
    """Return every sign that a page, a table or the record is not as it was built.

    Parameters
    ----------
    folder : Path
        A report.
    results : mapping
        Its results.json.
    pages : mapping
        See :func:`read_pages`.
    """
    return [
        *_record(results),
        *_files(folder, results),
        *_tables(folder, results),
        *(edit for name, page in pages.items() for edit in _page(name, page, results)),
    ]


def _record(results: Mapping[str, Any]) -> list[str]:
    edits = []
    if seal_of(results) != results["seal"]:
        edits.append("results.json is not as it was built: its seal does not fit its content")
    if fingerprint_of(results["findings"], results["printed"]) != results["fingerprint"]:
        edits.append("results.json: the fingerprint does not fit the numbers it lists")
    return edits


def _files(folder: Path, results: Mapping[str, Any]) -> list[str]:
    listed, there = results["manifest"], manifest_of(folder)
    edits = [f"{name} is missing" for name in listed if name not in there]
    edits += [f"{name} is not as it was built" for name in listed if name in there and there[name] != listed[name]]
    edits += [f"{name} was added" for name in there if name not in listed]
    return edits


def _tables(folder: Path, results: Mapping[str, Any]) -> list[str]:
    edits = []
    for name, text in tables_of(results["findings"]).items():
        path = folder / "tables" / name
        if path.is_file() and path.read_bytes() != text.encode():
            edits.append(f"tables/{name} does not say what results.json says")
    return edits


def _page(name: str, page: Reading, results: Mapping[str, Any]) -> list[str]:
    edits = []
    if not page.fingerprint or not str(results["fingerprint"]).startswith(page.fingerprint):
        edits.append(f"page {name} carries another results fingerprint than results.json")
    elif len(page.fingerprint) != PREFIX:
        edits.append(f"page {name} carries a shortened results fingerprint")
    recorded = [number for number in results["printed"] if number["page"] == name]
    if len(recorded) != len(page.printed):
        edits.append(
            f"page {name} prints {len(page.printed):,} traceable numbers where results.json lists {len(recorded):,}"
        )
    findings = {record["id"]: record for record in results["findings"]}
    for position, number in enumerate(page.printed, start=1):
        edits += _number(name, position, number, recorded, findings)
    return edits


def _number(
    name: str,
    position: int,
    number: Mapping[str, Any],
    recorded: list[Mapping[str, Any]],
    findings: Mapping[str, Mapping[str, Any]],
) -> list[str]:
    where = f"page {name}, number {position}"
    expected = wrong_print(number)
    if expected:
        return [f"{where}: {number['text']} where its value reads {expected}"]
    listed = recorded[position - 1] if position <= len(recorded) else None
    if listed and any(listed[key] != number[key] for key in ("text", "value", "format", "finding")):
        return [f"{where}: {number['text']} where results.json lists {listed['text']}"]
    finding, column = finding_of(number)
    record = findings.get(finding)
    if record is None or column not in record:
        return []
    value = record[column]
    if (listed and listed.get("derived")) or value == float(number["value"]):
        return []
    return [f"{where}: {number['text']} where its finding records {value} ({column})"]
