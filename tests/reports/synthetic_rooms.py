"""Build the synthetic report with stand-ins for the rooms that the builder calls."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import synthetic_report as synthetic

from whychurn.reports import build
from whychurn.reports.verify import verify_report

#: The notebooks of the synthetic report are its study's own, and these tests trust them.
verify = partial(verify_report, trust_notebooks=True)


@contextmanager
def stand_ins() -> Iterator[pytest.MonkeyPatch]:
    """Replace sources and the leadership page, here and in every kernel, for as long as the body takes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(synthetic.HERE))
        leadership = types.ModuleType("whychurn.display.leadership")
        leadership.render_index = synthetic.render_index
        patch.setitem(sys.modules, "whychurn.display.leadership", leadership)
        patch.setattr(build, "inspect_study", synthetic.inspect_study)
        yield patch


def build_synthetic(home: Path) -> Path:
    """Make a study with notebooks under `home`, run them and build the report; return `home`."""
    synthetic.make_study(home / "data" / "demo")
    synthetic.make_notebooks(home / "data" / "demo" / "notebooks")
    with stand_ins() as patch:
        patch.chdir(home)
        assert build.build_report("data/demo", progress=False) == Path("reports/demo/index.html")
    return home
