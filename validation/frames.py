"""The panel of a company the long way: its tables, read and built as a user's are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from whychurn.panel import Panel, build_panel
from whychurn.sources.from_frames import sources_from_frames
from whychurn.sources.simulator import CompanySettings, simulate_company
from whychurn.sources.simulator.writing import study_text
from whychurn.study import TableStudy, read_study


@contextmanager
def panel_from_frames(settings: CompanySettings) -> Iterator[tuple[TableStudy, Panel]]:
    """Yield study and panel of the whole company, usage and all."""
    with TemporaryDirectory(prefix="validation-") as name:
        folder = Path(name)
        (folder / "study.toml").write_text(study_text(settings), encoding="utf-8")
        work = folder / ".whychurn"
        work.mkdir()
        study = cast(TableStudy, read_study(folder))
        sources = sources_from_frames(study, simulate_company(settings).frames, work)
        try:
            yield study, build_panel(sources, study)
        finally:
            sources.connection.close()
