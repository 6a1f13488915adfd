"""The panel of a study of tables."""

from __future__ import annotations

from whychurn.errors import PanelError
from whychurn.panel.panel import Panel
from whychurn.sources import Sources
from whychurn.study import TableStudy


def build_table_panel(sources: Sources, study: TableStudy) -> Panel:
    """Build the panel of a study of tables; see :func:`whychurn.build_panel`."""
    raise PanelError("being written")
