"""Would the warning come earlier? The ratio after long silence, with silence measured longer before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from whychurn.analyses.inactivity_fits import LevelFit, fit_levels, ratio_values
from whychurn.analyses.inactivity_rows import BANDS, LEVELS, AtRisk, Ints, Silence
from whychurn.study import TableStudy

#: Lags in days at which the ratio is wanted; each is taken at the nearest whole interval.
WANTED = (0, 7, 14, 28, 42)
#: The level of rows so early in a spell that none of its rows saw that far back.
EARLIER = "before the first row"
_LABELS = (*LEVELS, EARLIER)
SHORTER = (
    "Not computed: the study's rows know nothing of the last {lag} days before they begin. Those who stayed have later "
    "rows that tell, those who left do not: to fill in the one and not the other would compare them by what became of "
    "them. A smaller lag_days in study.toml shows it."
)


@dataclass(frozen=True, slots=True)
class AtLag:
    """The longest band of silence at one lag: `fit` is None for a lag shorter than the study's."""

    wanted: int
    lag: int
    fit: LevelFit | None


def lags_of(study: TableStudy) -> list[tuple[int, int]]:
    """Return wanted lags and by how many intervals each goes further back than the study's own; -1: it is shorter."""
    steps = {0: study.lag_days}
    shorter = []
    for wanted in WANTED:
        back = round((wanted - study.lag_days) / study.interval_days)
        if wanted < study.lag_days:
            shorter.append((wanted, -1))
        else:
            steps.setdefault(back, wanted)
    return [*shorter, *((wanted, back) for back, wanted in sorted(steps.items()))]


def shifted(silence: Silence, rows: AtRisk, back: int) -> Ints:
    """Return the level of each row as known so many intervals earlier, places in LEVELS and then EARLIER, shape (n,)."""
    level = np.full(len(silence.level), len(LEVELS), dtype=np.int64)
    if back == 0:
        return silence.level
    same = rows.spell[back:] == rows.spell[:-back]
    level[back:] = np.where(same, silence.level[:-back], len(LEVELS))
    return level


def fit_lags(rows: AtRisk, silence: Silence, study: TableStudy, own: LevelFit) -> list[AtLag]:
    """Return the fit at each lag; `own` is that at the study's."""
    found = []
    for wanted, back in lags_of(study):
        if back < 0:
            found.append(AtLag(wanted, wanted, None))
        elif back == 0:
            found.append(AtLag(wanted, study.lag_days, own))
        else:
            lag = study.lag_days + back * study.interval_days
            found.append(AtLag(wanted, lag, fit_levels(rows, shifted(silence, rows, back), _LABELS, own)))
    return found


def lag_rows(found: list[AtLag], study: TableStudy, conf_level: float, base: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one row per lag."""
    out = []
    for at in found:
        row: dict[str, Any] = base | {
            "estimand": "hazard_ratio_at_lag", "time": float(at.lag), "level": BANDS[-1], "reference": BANDS[0],
            "unit": "ratio", "conf_level": conf_level,
            "definition": "hazard ratio of leaving with silence as known so many days before the row at risk begins",
        }  # fmt: skip
        if at.fit is None:
            out.append(row | {"note": SHORTER.format(lag=study.lag_days)})
            continue
        contrast = at.fit.contrast(BANDS[-1])
        row["adjusted_for"] = ", ".join(at.fit.adjusted_for)
        if contrast is None or not contrast.std_error > 0:
            note = contrast.note if contrast else at.fit.note
            out.append(row | {"note": note or "Nobody was silent for so long."})
            continue
        row |= ratio_values(contrast.log_hr, contrast.std_error, conf_level)
        out.append(row | {"n_accounts": contrast.n_accounts, "n_events": contrast.n_events, "note": at.fit.note})
    return out
