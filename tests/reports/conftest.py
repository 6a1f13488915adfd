from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from synthetic_rooms import stand_ins

from whychurn.reports import build


@pytest.fixture
def home(built, tmp_path, monkeypatch) -> Path:
    """A copy of :func:`built` to change at will; the working directory of the test."""
    copy = tmp_path / "home"
    shutil.copytree(built, copy)
    monkeypatch.chdir(copy)
    with stand_ins():
        yield copy


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
