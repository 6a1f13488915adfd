from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import synthetic_report as synthetic


@pytest.fixture(scope="session")
def rooms():
    """Stand-ins for sources and for the leadership page, in this process and in every kernel."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", str(synthetic.HERE))
    leadership = types.ModuleType("whychurn.display.leadership")
    leadership.render_index = synthetic.render_index
    patch.setitem(sys.modules, "whychurn.display.leadership", leadership)
    import whychurn.reports.build as build

    patch.setattr(build, "inspect_study", synthetic.inspect_study)
    yield patch
    patch.undo()
