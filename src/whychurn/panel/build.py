"""Build the panel of a study from its sources."""

from __future__ import annotations

from whychurn.panel.flat_panel import build_flat_panel
from whychurn.panel.panel import Panel
from whychurn.panel.table_panel import build_table_panel
from whychurn.sources import Sources
from whychurn.study import FlatStudy, Study, TableStudy


def build_panel(sources: Sources, study: Study) -> Panel:
    """Build the panel: rows at risk, candidates, and the ledger of every row left out.

    Parameters
    ----------
    sources : Sources
        Validated tables (:func:`whychurn.open_sources`).
    study : Study
        The question (:func:`whychurn.read_study`).

    Returns
    -------
    Panel
        Of a flat study, each customer is one row over ``(0, tenure]``, in the study's own time unit. Of a study of
        tables, each spell of a customer is cut into intervals of ``interval_days``, and a measure on a row uses only
        what was known before the row's cut-off.

    Raises
    ------
    PanelError
        If nobody has time at risk.
    """
    if isinstance(study, FlatStudy):
        return build_flat_panel(sources, study)
    if isinstance(study, TableStudy):
        return build_table_panel(sources, study)
    raise TypeError(f"A study is read with whychurn.read_study; this is {type(study).__name__}.")
