"""Shared by all tests: the telco study, panel and findings, built once per worker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import whychurn as wc
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.study import Study

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(Path(__file__).parent / "browser"))


@cache
def _telco() -> tuple[Study, Panel]:
    study = wc.read_study(ROOT / "data" / "telco")
    return study, wc.build_panel(wc.open_sources(study), study)


@cache
def _telco_findings(name: str) -> Findings:
    study, panel = _telco()
    return wc.analyse(name, panel, study)


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def telco_study() -> Study:
    return _telco()[0]


@pytest.fixture(scope="session")
def telco_panel() -> Panel:
    return _telco()[1]


@pytest.fixture(scope="session")
def telco_findings():
    """Return the findings of one analysis of the telco study, by name."""
    return _telco_findings


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's chromium, one for the whole session: playwright allows no second one beside it."""
    from checks import chromium

    with chromium() as opened:
        yield opened
