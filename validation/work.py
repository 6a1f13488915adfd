"""What is measured on one company: everything goes into one record, so that a run can be resumed and summed up later."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from validation.arms import ARMS, settings_of
from validation.coded import panel_of, study_of
from validation.company import Drawn, draw, panel_rows
from validation.frames import panel_from_frames
from validation.naive import naive
from validation.planted import TERMS, planted_causes, side_by_side, with_logarithms
from validation.surveys import surveys_record
from whychurn.analyses import causes as cause_table
from whychurn.analyses.adjustment import DIRECT, TOTAL, UNADJUSTED
from whychurn.analyses.cause_evidence import p_value_of
from whychurn.analyses.cause_share import attributable_to
from whychurn.analyses.contrasts import Effect
from whychurn.analyses.effects import EffectBook
from whychurn.analyses.risk_rows import CLUSTER, VOLUNTARY, of_cause, risk_rows
from whychurn.errors import FitError
from whychurn.models import fit_cox
from whychurn.models.cox import standardised_survival
from whychurn.panel import Panel
from whychurn.study import TableStudy

#: The baseline cause whose total effect is held against re-running the simulator.
CAUSE, LEVEL, REFERENCE = "industry", "Medical devices", "Software"
RISK_DAYS = 365.0
Record = dict[str, Any]


def effects_record(arm: str, seed: int) -> Record:
    """Measure effects, shares, risks and the naive analysis on one company of an arm."""
    began = time.process_time()
    drawn = draw_arm(arm, seed)
    rows = panel_rows(drawn)
    study, panel = panel_of(drawn, rows=rows)
    at_risk = of_cause(risk_rows(panel, study), VOLUNTARY)
    record: Record = {"arm": arm, "seed": seed, "n_rows": len(at_risk), "n_events": int(at_risk["event"].sum())}
    record |= planted_record(drawn, with_logarithms(rows))
    record |= total_record(study, panel, at_risk)
    record["naive"] = naive(drawn)
    record["crude_weekly"] = _pair(
        EffectBook(at_risk, panel.used).effect(panel.candidate("interventions_84"), UNADJUSTED), "1+"
    )
    record["seconds"] = round(time.process_time() - began, 3)
    return record


def draw_arm(arm: str, seed: int) -> Drawn:
    """Draw a company of an arm; of a mixed arm, parts with settings of their own put together."""
    parts = [draw(settings) for settings in settings_of(ARMS[arm], seed)]
    return parts[0] if len(parts) == 1 else _together(parts)


def planted_record(drawn: Drawn, rows: pd.DataFrame) -> Record:
    """Fit all planted effects side by side, in the form in which they are planted, on leaving voluntarily."""
    study, panel = panel_of(drawn, planted_causes(panel_study(drawn)), rows)
    return planted_of(study, panel)


def planted_of(study: TableStudy, panel: Panel) -> Record:
    """Return estimate and standard error of each planted term, and the p-value of each candidate."""
    candidates = side_by_side(panel.used)
    book = EffectBook(of_cause(risk_rows(panel, study), VOLUNTARY), candidates)
    effects = {candidate.column: book.effect(candidate, DIRECT) for candidate in candidates}
    return {
        "planted": {term.key: _pair(effects.get(term.column), term.level) for term in TERMS},
        "model_errors": {term.key: _model_error(effects.get(term.column), term.level) for term in TERMS},
        "p_direct": {name: _number(p_value_of(effect, study.confidence_level)) for name, effect in effects.items()},
    }


def total_record(study: TableStudy, panel: Panel, at_risk: pd.DataFrame) -> Record:
    """Total effect of a baseline cause: hazard ratio, attributable share, and the standardised difference of risk."""
    total = EffectBook(at_risk, panel.used).effect(panel.candidate(CAUSE), TOTAL)
    contrast = total.contrast(LEVEL)
    share = attributable_to(total, contrast, study)[0] if contrast is not None else None
    return {
        "total": _pair(total, LEVEL),
        "share": None if share is None else [share.share, share.std_error, share.conf_low, share.conf_high],
        "risk": _risk_difference(at_risk, study),
    }


def _risk_difference(at_risk: pd.DataFrame, study: TableStudy) -> list[float] | None:
    """Difference of the risk of leaving within a year of signing up, had everybody been in one industry or the other."""
    spells = at_risk.groupby(["account_id", "spell"], sort=False)
    frame = spells.agg(
        start=("start", "first"), stop=("stop", "last"), event=("event", "last"), cluster=(CLUSTER, "last"),
        **{name: (name, "last") for name in ("industry", "size_band", "region", "channel")},
    )  # fmt: skip
    frame = frame.reset_index(drop=True)
    try:
        fit = fit_cox(
            frame, ["industry", "size_band", "region", "channel"], "stop", "event", start="start", cluster=CLUSTER
        )
        populations = {level: frame.assign(**{CAUSE: level}) for level in (REFERENCE, LEVEL)}
        contrast = standardised_survival(
            fit, populations, [RISK_DAYS], conf_level=study.confidence_level
        ).contrasts.iloc[0]
    except FitError:
        return None
    # Of survival; the difference of risk is its negative.
    return [
        -float(contrast["difference"]),
        float(contrast["std_error"]),
        -float(contrast["conf_high"]),
        -float(contrast["conf_low"]),
    ]


def table_record(arm: str, seed: int) -> Record:
    """Run the cause table, on all departures as a report does, and keep what it says of each cause."""
    began = time.process_time()
    study, panel = panel_of(draw_arm(arm, seed))
    return {"arm": arm, "seed": seed, **table_of(study, panel), "seconds": round(time.process_time() - began, 3)}


def table_of(study: TableStudy, panel: Panel) -> Record:
    """Return rank, grade, adjusted p and share of each cause of the cause table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = cause_table.run(panel, study).table
    column = {candidate.label: candidate.column for candidate in panel.candidates}
    out: dict[str, Record] = {}
    for row in found[found["estimand"] == "rank"].itertuples():
        out[column[row.term]] = {
            "rank": int(row.estimate), "grade": row.grade, "p": _number(row.p_value), "p_adjusted": _number(row.p_adjusted),
            "level": row.level,
        }  # fmt: skip
    shares = found[(found["estimand"] == "attributable_share") & (found["group"].fillna("") == "")]
    for row in shares.itertuples():
        out[column[row.term]]["share"] = [_number(row.estimate), _number(row.conf_low), _number(row.conf_high)]
    return {"table": out, "n_events": int(panel.accounts["event"].sum())}


def frames_record(arm: str, seed: int) -> Record:
    """Measure one company twice: from the simulator's rows, and from its tables through reading and building."""
    began = time.process_time()
    drawn = draw_arm(arm, seed)
    rows = panel_rows(drawn)
    record: Record = {"arm": arm, "seed": seed, "rows": planted_record(drawn, with_logarithms(rows))}
    record["rows"] |= declared_of(*panel_of(drawn, rows=rows))
    with panel_from_frames(drawn.settings) as (study, panel):
        recorded = with_logarithms(panel.recorded.read(list(panel.recorded.columns)))  # type: ignore[union-attr]
        # Logarithms are no measures of the panel, so the planted form is coded here; what is declared is the panel's own.
        record["frames"] = planted_of(*panel_of(drawn, planted_causes(panel_study(drawn)), recorded))
        record["frames"] |= declared_of(study, panel)
    record["seconds"] = round(time.process_time() - began, 3)
    return record


def declared_of(study: TableStudy, panel: Panel) -> Record:
    """Return the total effect of each declared comparison, and how many left voluntarily."""
    rows = of_cause(risk_rows(panel, study), VOLUNTARY)
    book = EffectBook(rows, panel.used)
    declared = {cause.column: _pair(book.effect(cause, TOTAL), cause.compare) for cause in panel.ranked}
    return {"declared": declared, "n_events": int(rows["event"].sum())}


def panel_study(drawn: Drawn) -> TableStudy:
    """Return the study that the demo declares for such a company."""
    return study_of(drawn.settings.n_accounts, drawn.settings.years)


def _together(parts: list[Drawn]) -> Drawn:
    """Put companies together: accounts are numbered on."""
    rows, frames, moved = [], [], 0
    for part in parts:
        rows.append(part.rows.assign(account=part.rows["account"] + moved))
        frames.append({name: _renumbered(frame, moved) for name, frame in part.frames.items()})
        moved += part.settings.n_accounts
    settings = replace(parts[0].settings, n_accounts=moved)
    joined = {name: pd.concat([frame[name] for frame in frames], ignore_index=True) for name in frames[0]}
    return Drawn(
        settings, [block for part in parts for block in part.blocks], joined, pd.concat(rows, ignore_index=True)
    )


def _renumbered(frame: pd.DataFrame, by: int) -> pd.DataFrame:
    def moved(ids: pd.Series) -> pd.Series:
        return ids.map(lambda one: one if one is None else f"A{int(one[1:]) + by:06d}")

    named = [name for name in ("account_id", "parent_account_id") if name in frame]
    return frame.assign(**{name: moved(frame[name]) for name in named}) if by else frame


def _pair(effect: Effect | None, level: str) -> list[float] | None:
    """Estimate and standard error of a contrast; None where the model has none."""
    contrast = effect.contrast(level) if effect is not None else None
    if contrast is None or not contrast.std_error > 0:
        return None
    return [round(contrast.log_hr, 6), round(contrast.std_error, 6)]


def _model_error(effect: Effect | None, level: str) -> float | None:
    """Standard error of a contrast from the information, taking rows of one account for unrelated."""
    if effect is None or effect.fit is None or effect.rows is None or _pair(effect, level) is None:
        return None
    column = effect.candidate.column
    levels = effect.rows.levels(column)[1:] or [level]
    place = list(effect.fit.term_slices[effect.rows.names[column]])[levels.index(level)]
    return round(float(effect.fit.std_errors[place]), 6)


def _number(value: float) -> float | None:
    return None if value is None or math.isnan(value) else float(np.format_float_scientific(value, 8))


#: What can be measured on a company.
PARTS: dict[str, Callable[[str, int], Record]] = {
    "effects": effects_record,
    "table": table_record,
    "frames": frames_record,
    "surveys": surveys_record,
}
