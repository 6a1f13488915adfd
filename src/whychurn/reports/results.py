"""results.json: every finding, every printed number, and what they were computed from. No clocks."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from whychurn.errors import NotebookError, VerifyError, some
from whychurn.findings import COLUMNS
from whychurn.reports.environment import sha256_of
from whychurn.reports.page import Page

SCHEMA = "whychurn results, version 1"
FILE = "results.json"

#: How far a rerun may differ before a number counts as moved; the name is the ``tolerance`` of every finding.
TOLERANCES: dict[str, dict[str, Any]] = {
    "standard": {
        "text": "exact",
        "integers": "exact",
        "numbers": {"relative": 1e-9, "absolute": 1e-14},
        "p_values": {"relative": 1e-9, "absolute": 1e-12},
    }
}


def merged_records(pages: Sequence[Page]) -> list[dict[str, Any]]:
    """Return the findings of all pages in order, each once, with the page that recorded it first.

    Raises
    ------
    NotebookError
        If two pages recorded different values for the same finding.
    """
    merged: dict[str, dict[str, Any]] = {}
    for page in pages:
        for record in page.records:
            known = merged.get(record["id"])
            if known is None:
                merged[record["id"]] = {
                    "id": record["id"],
                    "page": page.name,
                    **{name: record[name] for name in COLUMNS if name in record},
                    "tolerance": "standard",
                }
            elif any(known.get(name) != record.get(name) for name in {*record, *known} - {"page", "tolerance"}):
                raise NotebookError(
                    f"Pages {known['page']} and {page.name} recorded different values for the finding "
                    f"{described(record)}. One finding has one value: compute it once, or give the two "
                    "different keys."
                )
    return list(merged.values())


def plain_records(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return recorded findings without what the report added, ready for ``Findings.from_records``."""
    return [{name: value for name, value in record.items() if name not in ("page", "tolerance")} for record in records]


def described(record: Mapping[str, Any]) -> str:
    """Return a finding in words: analysis, term, level, group, time and estimand, as far as it has them."""
    parts = [str(record[name]) for name in ("analysis", "term", "level", "group", "estimand") if record.get(name)]
    if "time" in record:
        parts.append(f"time {record['time']:g}")
    return " / ".join(parts)


def require_traceable(printed: Iterable[Mapping[str, Any]], records: Iterable[Mapping[str, Any]]) -> None:
    """Raise if a page prints a number of a finding that no page recorded.

    Raises
    ------
    NotebookError
        Naming the pages and numbers.
    """
    known = {"provenance", *(record["id"] for record in records)}
    lost = [
        f"{number['page']} prints {number['text']}"
        for number in printed
        if number["finding"] and finding_of(number)[0] not in known
    ]
    if lost:
        raise NotebookError(
            f"{len(lost):,} printed numbers come from findings that no notebook recorded: {some(lost)}. "
            "Pass the findings through wc.record(...) before showing them."
        )


def mark_derived(printed: Iterable[dict[str, Any]], records: Iterable[Mapping[str, Any]]) -> None:
    """Mark printed numbers that were worked out from their finding and are not its value as recorded."""
    findings = {record["id"]: record for record in records}
    for number in printed:
        finding, column = finding_of(number)
        if finding in findings and findings[finding].get(column) != float(number["value"]):
            number["derived"] = True


def finding_of(number: Mapping[str, Any]) -> tuple[str, str]:
    """Return the id of the finding a printed number comes from, and the column."""
    finding, _, column = str(number["finding"]).partition(".")
    return finding, column


def fingerprint_of(records: Iterable[Mapping[str, Any]], printed: Iterable[Mapping[str, Any]]) -> str:
    """Return the SHA-256 of all findings and printed numbers in canonical JSON."""
    return _digest({"findings": list(records), "printed": list(printed)})


def seal_of(results: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the content of results.json without its own seal."""
    return _digest({name: value for name, value in results.items() if name != "seal"})


def manifest_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every page and table under a report folder, by relative path."""
    files = [path for ending in ("*.html", "tables/*.csv") for path in folder.glob(ending)]
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in sorted(files)}


def write_results(folder: Path, results: Mapping[str, Any]) -> None:
    """Add manifest and seal to `results` and write them into the report folder."""
    content = {**results, "manifest": manifest_of(folder)}
    content["seal"] = seal_of(content)
    (folder / FILE).write_text(_text(content), encoding="utf-8", newline="\n")


def read_results(folder: Path) -> dict[str, Any]:
    """Read results.json of a report folder.

    Raises
    ------
    VerifyError
        If the folder is not a report, or its record cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        raise VerifyError(
            f"{folder} is not a report: it holds no {FILE}. Name the folder that whychurn report wrote, such as "
            "reports/telco."
        )
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as error:
        raise VerifyError(f"{path} cannot be read as JSON ({error}). Build the report again.") from None
    needed = ("findings", "printed", "manifest", "seal", "fingerprint", "data", "study_sha256", "report")
    missing = [] if isinstance(results, dict) else list(needed)
    missing = missing or [name for name in needed if name not in results]
    if missing or results.get("schema") != SCHEMA:
        lacks = f"it lacks {some(missing, 8)}" if missing else f"its layout is {results.get('schema')!r}"
        raise VerifyError(f"{path} is not the record of a report that this version can read: {lacks}.")
    return results


def is_number(value: Any) -> bool:
    """Whether a JSON value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _text(content: Mapping[str, Any]) -> str:
    """JSON with one line for each finding and printed number, so that two records can be compared by eye."""
    parts = []
    for name, value in content.items():
        if isinstance(value, list) and value:
            lines = ",\n".join(f"  {json.dumps(one, ensure_ascii=False, allow_nan=False)}" for one in value)
            parts.append(f" {json.dumps(name)}: [\n{lines}\n ]")
        else:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1).replace("\n", "\n ")
            parts.append(f" {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
