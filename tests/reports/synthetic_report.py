"""A small study, its notebooks and stand-ins for the rooms the report builder calls."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from markupsafe import Markup
from synthetic_pages import causes, headline, tiles

from whychurn.findings import Findings
from whychurn.reports.preflight import StudyFacts

HERE = Path(__file__).parent

PARAMETERS = 'study = "data/telco"\naccept_risk = ""'
LOAD = "import synthetic_pages as pages\nfrom whychurn.reports.recording import record\n\nframe = pages.load(study)"


def cell(kind: str, source: str, number: int, tags: tuple[str, ...] = ()) -> dict:
    made = {"cell_type": kind, "id": f"cell-{number}", "metadata": {"tags": list(tags)} if tags else {}}
    made["source"] = source
    return made | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def write_notebook(path: Path, *cells: tuple) -> Path:
    """Write a notebook from (kind, source) or (kind, source, tags)."""
    content = {
        "cells": [cell(one[0], one[1], number, *one[2:]) for number, one in enumerate(cells)],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return path


def make_study(folder: Path) -> Path:
    """A study folder with eighty customers on four plans."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["id,plan,tenure,churned"]
    plans = ["Month to month", "One year", "Two years", "=Trial <b>"]
    for number in range(80):
        plan = plans[number % 4]
        churned = "Yes" if (number * 7) % 10 < 5 - number % 4 else "No"
        lines.append(f"{number},{plan},{1 + (number * 13) % 60},{churned}")
    (folder / "customers.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "study.toml").write_text('[study]\nname = "Synthetic"\n', encoding="utf-8")
    return folder


def make_notebooks(folder: Path) -> Path:
    write_notebook(
        folder / "01_shares.ipynb",
        ("markdown", "# Who leaves\n\nThe share of customers on each plan who *left*, and how sure we are."),
        ("code", PARAMETERS, ("parameters",)),
        ("code", LOAD),
        ("code", "shares = record(pages.shares(frame))"),
        ("code", "pages.headline(shares)"),
        ("code", "pages.tiles(shares)"),
        ("markdown", "## What each plan loses\n\nThe picture first, then the same numbers in a table."),
        ("code", "pages.chart(shares)"),
        ("markdown", "### The same in a table"),
        ("code", "pages.table(shares)"),
        ("markdown", "## Ranked by evidence\n\n> Association is not proof of cause."),
        ("code", "pages.causes(shares)"),
    )
    write_notebook(
        folder / "02_tenure.ipynb",
        ("markdown", "# How long they stay\n\nMean tenure by plan."),
        ("code", PARAMETERS, ("parameters",)),
        ("code", LOAD),
        ("code", "import warnings\n\nwarnings.warn('a warning that no reader sees')\nprint('a printed line')"),
        ("code", "found = record(pages.tenure(frame))\nfound"),
        ("markdown", "## A wide table\n\n| plan | meaning |\n|---|---|\n| one | `first` |"),
        ("code", "pages.wide_frame(frame)"),
    )
    return folder


def inspect_study(study: object, accept_risk: str = "") -> StudyFacts:
    """Stand-in for whychurn.reports.preflight.inspect_study."""
    folder = Path(str(study))
    data = folder / "customers.csv"

    def sha256(path: Path) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()

    files = ({"file": data.name, "sha256": sha256(data), "rows": len(data.read_text().splitlines()) - 1},)
    return StudyFacts("Synthetic", folder, 1, sha256(folder / "study.toml"), files)


def render_index(findings: Findings, pages: list[dict]) -> Markup:
    """Stand-in for whychurn.display.leadership.render_index."""
    shares = findings.where(analysis="shares")
    links = Markup("").join(
        Markup('<li><a href="{}">{}</a>: {}</li>').format(page["href"], page["title"], page["summary"])
        for page in pages
    )
    return Markup(
        '<h1>Why customers leave</h1><p class="lede">Drawn from findings.</p>{}{}<section><h2>Why they leave</h2>{}'
        '</section><div class="two"><section><h2>Read on</h2><ul>{}</ul></section><section id="sure">'
        '<h2>How sure we are</h2><p class="sub">Usable with caveats.</p></section></div>'
    ).format(Markup(tiles(shares).markup), Markup(headline(shares).markup), Markup(causes(shares).markup), links)
