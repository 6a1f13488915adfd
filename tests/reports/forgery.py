"""What a forger does to a report."""

from __future__ import annotations

import json
from pathlib import Path

from whychurn.reports.results import fingerprint_of, manifest_of, seal_of

REPORT = Path("reports/demo")


def change(path: Path, old: str, new: str, count: int = 1) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8")


def refresh(change_record=lambda results: None, fingerprint: bool = False) -> None:
    """Do what a careful forger does: make manifest and seal fit what is there."""
    path = REPORT / "results.json"
    results = json.loads(path.read_text(encoding="utf-8"))
    change_record(results)
    if fingerprint:
        old = results["fingerprint"]
        results["fingerprint"] = fingerprint_of(results["findings"], results["printed"])
        for page in REPORT.glob("*.html"):
            change(page, old[:16], results["fingerprint"][:16])
    results["manifest"] = manifest_of(REPORT)
    results["seal"] = seal_of(results)
    path.write_text(json.dumps(results), encoding="utf-8")
