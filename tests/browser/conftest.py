from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def report(request) -> Path:
    """The report to look at: WHYCHURN_REPORT, else the synthetic one."""
    named = os.environ.get("WHYCHURN_REPORT")
    return Path(named) if named else request.getfixturevalue("built") / "reports" / "demo"
