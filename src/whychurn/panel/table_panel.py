"""The panel of a study of tables."""

from __future__ import annotations

from functools import partial

import pandas as pd

from whychurn.errors import PanelError
from whychurn.panel.attributes import carried_attributes, with_attributes
from whychurn.panel.landmarks import landmark_frame
from whychurn.panel.measure_needs import refuse_unrecorded
from whychurn.panel.notice import make_notice
from whychurn.panel.panel import Panel
from whychurn.panel.provenance import table_provenance
from whychurn.panel.spell_frame import spell_frame
from whychurn.panel.spells import make_spells
from whychurn.panel.store import build_rows
from whychurn.panel.table_candidates import candidate_steps, table_candidates
from whychurn.panel.tables_of import TablesOf
from whychurn.sources import LedgerStep, Sources
from whychurn.study import TableStudy


def build_table_panel(sources: Sources, study: TableStudy) -> Panel:
    """Build the panel of a study of tables; see :func:`whychurn.build_panel`."""
    connection = sources.connection
    refuse_unrecorded(connection, study)
    steps = make_spells(connection, study, study.definition)
    _refuse_nobody(steps, study)
    make_notice(connection, study)
    rows = build_rows(sources, study)
    attributes, left_out = carried_attributes(sources, [measure.name for measure in rows.measures])
    spells = spell_frame(connection, study.definition, attributes)
    described = with_attributes(rows, spells, attributes, study)
    candidates, coded, last = table_candidates(
        described, rows.measures, attributes, sources, study, described.rows_of_spell
    )
    accounts = spells.drop(columns=[name for name in last if name in spells]).assign(**last)
    ledger = (
        *sources.ledger,
        *steps,
        _rows_step(accounts, rows.n_rows, study),
        *left_out,
        *candidate_steps(candidates, rows.n_rows),
    )
    return Panel(
        accounts=accounts,
        rows=coded,
        candidates=candidates,
        ledger=ledger,
        integrity=sources.integrity,
        verdict=sources.verdict,
        tables=TablesOf(sources, study, spells),
        provenance=table_provenance(sources, study, accounts),
        measures=rows.measures,
        recorded=described,
        make_landmarks=partial(landmark_frame, coded, accounts, study),
    )


def _refuse_nobody(steps: tuple[LedgerStep, ...], study: TableStudy) -> None:
    if steps[-1].n_after:
        return
    lost = "; ".join(f"{step.n_affected:,} {step.step}" for step in steps[:-1] if step.n_affected and not step.note)
    raise PanelError(
        f"Nobody was a customer between {study.observed_from} and {study.observed_to}: {lost or 'no subscription'}. "
        "Check observed_from and observed_to of [study], and the dates of subscriptions."
    )


def _rows_step(accounts: pd.DataFrame, n_rows: int, study: TableStudy) -> LedgerStep:
    return LedgerStep(
        step="intervals",
        table="intervals",
        rule=(
            f"Each spell is cut into intervals of {study.interval_days:,} days from its first day at risk; the last is "
            f"cut short where follow-up ends. A measure uses what was known {study.lag_days:,} days before its interval."
        ),
        n_before=len(accounts),
        n_after=n_rows,
        n_affected=len(accounts),
    )
