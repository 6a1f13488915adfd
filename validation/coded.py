"""The Panel of a simulated company, made of its weekly rows by the panel's own coding."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd

from validation.company import Drawn, panel_rows
from whychurn.panel import Panel
from whychurn.panel.measures import registry
from whychurn.panel.panel import FrameRows
from whychurn.panel.table_candidates import table_candidates
from whychurn.sources import Detections, Sources, Verdict
from whychurn.sources.simulator import CompanySettings
from whychurn.sources.simulator.writing import study_text
from whychurn.study import Cause, TableStudy, read_study

ATTRIBUTES = ("parent_account_id", "industry", "size_band", "region", "channel")
#: What validates takes nothing from files, so nothing is detected in them.
NO_SOURCES = cast(Sources, SimpleNamespace(detections=Detections()))


@cache
def study_of(n_accounts: int, years: int) -> TableStudy:
    """Return the demo's study, declared causes and all, for a company of this window."""
    with TemporaryDirectory(prefix="validation-") as folder:
        text = study_text(CompanySettings(n_accounts=n_accounts, years=years, dirty=False))
        (Path(folder) / "study.toml").write_text(text, encoding="utf-8")
        return cast(TableStudy, read_study(Path(folder)))


def panel_of(
    drawn: Drawn, causes: tuple[Cause, ...] | None = None, rows: pd.DataFrame | None = None
) -> tuple[TableStudy, Panel]:
    """Return study and panel of a company.

    Parameters
    ----------
    drawn : Drawn
    causes : tuple of Cause, optional
        In place of those that the demo declares.
    rows : pandas.DataFrame, optional
        In place of :func:`panel_rows`.
    """
    study = study_of(drawn.settings.n_accounts, drawn.settings.years)
    if causes is not None:
        study = replace(study, causes=causes)
    frame = panel_rows(drawn) if rows is None else rows
    measures = tuple(
        measure
        for measure in registry(study, ("reporting", "mobile"), ("price_change", "competitor_offer", "incident"))
        if measure.name in frame
    )
    spells = frame.groupby(["account_id", "spell"], sort=False)
    sizes = spells.size().to_numpy()
    # Columns that are no measure of the panel (a logarithm, say) are declared as attributes are.
    known = {measure.name for measure in measures}
    attributes = [*ATTRIBUTES, *(cause.column for cause in study.causes if cause.column not in {*known, *ATTRIBUTES})]
    candidates, coded, last = table_candidates(FrameRows(frame), measures, attributes, NO_SOURCES, study, sizes)
    accounts = spells.agg(duration=("stop", "last"), event=("event", "last"), cause=("cause", "last")).reset_index()
    accounts = accounts.assign(amount=np.nan, entry=spells["start"].first().to_numpy(), **last)
    provenance: dict[str, Any] = {
        "study": study.name, "tiers": list(study.tiers), "amount_name": study.amount_name,
        "n_accounts": int(frame["account_id"].nunique()), "n_events": int(frame["event"].sum()),
    }  # fmt: skip
    return study, Panel(
        accounts=accounts,
        rows=coded,
        candidates=candidates,
        ledger=(),
        integrity=(),
        verdict=Verdict("sound", ()),
        provenance=provenance,
        measures=measures,
        recorded=FrameRows(frame),
    )
