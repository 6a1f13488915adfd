"""Who leaves within the horizon, on a study of tables? Customers at landmarks, one horizon apart.

Every customer at a landmark is followed through its whole horizon, so that no weights are needed. The logistic regression
of all declared causes says what goes with leaving; fitted to the earlier landmarks only, it is held against what happened
after the later ones, and beside a Cox regression of the weekly rows.
"""

from __future__ import annotations

from typing import Any

from whychurn.analyses.common import share_interval
from whychurn.analyses.landmark_forecasts import EVERYONE, forecast_rows
from whychurn.analyses.landmark_logistic import logistic_rows
from whychurn.analyses.landmark_naive import LOGIN
from whychurn.analyses.landmark_renewal import RENEWAL, TERM
from whychurn.analyses.landmark_rows import RECORDED, Landmarks, landmark_rows
from whychurn.analyses.risk_rows import recorded, risk_rows
from whychurn.findings import Findings
from whychurn.panel import Panel
from whychurn.panel.panel import FrameRows
from whychurn.study import Study, TableStudy

PERIODS = (
    "customers at landmarks one horizon apart who left within it / customers at them; a customer at a landmark is one "
    "person-period of a discrete-time survival model (Allison 1982)"
)


def run(panel: Panel, study: Study) -> Findings:
    """Share that leaves after every landmark, what goes with it, how well it could be foretold, and what Cox says.

    Errors keep the rows of one account, or of all accounts under one parent, together.
    """
    if not isinstance(study, TableStudy):
        return Findings.from_rows(
            [{"analysis": "landmarks", "estimand": "left_within", "note": "No dates, no landmarks."}]
        )
    rows = risk_rows(panel, study)
    held = panel.recorded or panel.rows
    known = [name for name in dict.fromkeys((RENEWAL, TERM, LOGIN)) if name in held.columns]
    if known:
        values = recorded(panel, known)
        rows = rows.assign(**{f"{RECORDED}{name}": values[name].to_numpy() for name in known})
    at = landmark_rows(FrameRows(rows), panel, study)
    base = {"analysis": "landmarks", "outcome": at.outcome, "conf_level": study.confidence_level}
    out = _share_rows(at, base, study)
    if len(at.frame):
        out += logistic_rows(at, base, study)
        out += forecast_rows(at, rows, panel, base, study)
    return Findings.from_rows(out)


def _share_rows(at: Landmarks, base: dict[str, Any], study: TableStudy) -> list[dict[str, Any]]:
    """Return the share that left within the horizon, over all landmarks and at each."""
    base = base | {"method": "landmarks", "estimand": "left_within", "unit": "share", "effect_kind": "unadjusted"}
    if not len(at.frame):
        return [
            base | {"term": EVERYONE, "note": "No customer at a landmark has a horizon that lies within the window."}
        ]
    out = []
    for date in ("", *at.dates):
        inside = at.frame[at.frame["date"] == date] if date else at.frame
        events, n = int(inside["event"].sum()), len(inside)
        low, high = share_interval(events, n, study.confidence_level)
        out.append(
            base
            | {
                "term": "Landmark" if date else EVERYONE,
                "level": date,
                "estimate": events / n,
                "conf_low": low,
                "conf_high": high,
                "numerator": events,
                "denominator": n,
                "n_accounts": inside["account_id"].nunique(),
                "n_events": events,
                "definition": PERIODS,
            }
        )
    if at.n_unfollowed:
        out[0]["note"] = (
            f"{at.n_unfollowed:,} rows are left out: those customers were not followed to the end of the horizon."
        )
    return out
