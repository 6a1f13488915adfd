from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "reports"))

from synthetic_rooms import build_synthetic


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Path:
    """The report to look at: WHYCHURN_REPORT, else the synthetic one."""
    named = os.environ.get("WHYCHURN_REPORT")
    return Path(named) if named else build_synthetic(tmp_path_factory.mktemp("browser")) / "reports" / "demo"
