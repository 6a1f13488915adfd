from __future__ import annotations

import shutil
import sys
import types
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import synthetic_report as synthetic

from whychurn.reports import build


@pytest.fixture(scope="session")
def rooms():
    """Stand-ins for sources and for the leadership page, in this process and in every kernel."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", str(synthetic.HERE))
    leadership = types.ModuleType("whychurn.display.leadership")
    leadership.render_index = synthetic.render_index
    patch.setitem(sys.modules, "whychurn.display.leadership", leadership)
    patch.setattr(build, "inspect_study", synthetic.inspect_study)
    yield patch
    patch.undo()


@pytest.fixture(scope="session")
def built(rooms, tmp_path_factory) -> Path:
    """A working directory with a study, its notebooks and a report that really ran; never change it."""
    home = tmp_path_factory.mktemp("built")
    synthetic.make_study(home / "data" / "demo")
    synthetic.make_notebooks(home / "data" / "demo" / "notebooks")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        assert build.build_report("data/demo", progress=False) == Path("reports/demo/index.html")
    return home


@pytest.fixture
def home(built, tmp_path, monkeypatch) -> Path:
    """A copy of :func:`built` to change at will; the working directory of the test."""
    copy = tmp_path / "home"
    shutil.copytree(built, copy)
    monkeypatch.chdir(copy)
    return copy


@pytest.fixture
def without_kernels(built, monkeypatch):
    """Let a rerun take the notebooks that were executed before instead of starting kernels."""

    def execute(notebooks, parameters, folder, workers=2, watch=None):
        folder.mkdir(parents=True, exist_ok=True)
        for notebook in notebooks:
            shutil.copy(built / "reports" / "demo" / "notebooks" / f"{notebook.name}.ipynb", folder)
        return {notebook.name: folder / f"{notebook.name}.ipynb" for notebook in notebooks}

    monkeypatch.setattr(build, "execute_notebooks", execute)
    return monkeypatch
