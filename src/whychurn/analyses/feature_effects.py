"""Which modules go with staying: each alone, all beside each other, and in bands of how much."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.common import OUTCOME
from whychurn.analyses.feature_bands import Bands, use_bands
from whychurn.analyses.feature_fits import PROTECTIVE, RISKY, Estimate, UsageFit, verdict
from whychurn.analyses.feature_models import Term, UsageModels
from whychurn.analyses.feature_rows import FeatureRows, Module, headline_cause, raw_name
from whychurn.models import adjust_p_values
from whychurn.study import Study

ANALYSIS, METHOD, IN_BANDS = "feature_usage", "Cox, Efron ties", "Cox, Efron ties, in bands"
#: Uses enter as ln(1 + uses): the tenth use counts for less than the first.
SCALE = "ln(1 + uses)"


class Effects:
    """Hazard ratios of usage.

    Parameters
    ----------
    study : Study
    rows : FeatureRows
    modules : sequence of Module
    """

    def __init__(self, study: Study, rows: FeatureRows, modules: Sequence[Module]) -> None:
        self.study, self.rows, self.modules = study, rows, modules
        self.frame = rows.frame
        self.models = UsageModels(self.frame, rows.adjusters)
        self.cause = headline_cause(self.frame)
        self.owner, _ = pd.factorize(self.frame["account_id"])
        self.left = {
            outcome: ((self.frame["event"] == 1) & ((self.frame["cause"] == outcome) | (outcome == OUTCOME))).to_numpy()
            for outcome in {self.outcome, OUTCOME}
        }
        self.uses = {module: self.frame[raw_name(module.uses)].to_numpy(dtype=float) for module in modules}
        self.names = {module: f"own_{index}" for index, module in enumerate(modules)}
        self.amounts: dict[str, Term] = {self.names[m]: np.log1p(self.uses[m]) for m in modules}
        #: Median of uses in the window, over the time in which the module is used at all.
        self.usual = {m: float(np.median(u[u > 0])) if (u > 0).any() else math.nan for m, u in self.uses.items()}

    @property
    def outcome(self) -> str:
        """What verdicts are about: leaving by the customer's own decision, or all leaving where no reason says so."""
        return self.cause or OUTCOME

    def module_rows(self) -> list[dict[str, Any]]:
        """Hazard ratios of the usual amount of each module against none: each alone, and beside all others."""
        together = self.models.fit(self.cause, self.amounts)
        rows = self._ratios(together, self.outcome, "total")
        rows += self._per_unit(together)
        alone = {
            name: self.models.fit(self.cause, {name: amount}, adjusted=False) for name, amount in self.amounts.items()
        }
        for module, name in self.names.items():
            rows += self._ratios(alone[name], self.outcome, "unadjusted", [module])
        if self.cause:
            rows += self._ratios(self.models.fit("", self.amounts), OUTCOME, "total")
        return rows

    def _ratios(self, fit: UsageFit, outcome: str, kind: str, modules: Sequence[Module] = ()) -> list[dict[str, Any]]:
        chosen = modules or self.modules
        estimates = [
            fit.number(self.names[m]).times(math.log1p(self.usual[m])) if self.usual[m] > 0 else _never()
            for m in chosen
        ]
        rows = [estimate.columns(self.study.confidence_level) for estimate in estimates]
        adjusted = adjust_p_values([row.get("p_value", math.nan) for row in rows], method="bh")
        for module, row, p_adjusted in zip(chosen, rows, adjusted, strict=True):
            used = self.uses[module] > 0
            row |= {
                **self._base(module, outcome, kind, fit),
                "level": f"{self.usual[module]:,.6g} uses" if self.usual[module] > 0 else "in use",
                "reference": "no use",
                **self._counts(used, outcome),
            }
            if kind == "total":
                row |= {
                    "p_adjusted": float(p_adjusted),
                    "family": f"{len(chosen)} modules",
                    "grade": verdict(row, float(p_adjusted), fit.events_per_coefficient),
                }
        return rows

    def _base(self, module: Module, outcome: str, kind: str, fit: UsageFit) -> dict[str, Any]:
        others = [f"uses of {m.name}" for m in self.modules if m is not module] if kind == "total" else []
        what = "with all other modules and what is held equal" if kind == "total" else "alone"
        return {
            "analysis": ANALYSIS,
            "outcome": outcome,
            "method": METHOD,
            "term": module.name,
            "estimand": "hazard_ratio",
            "effect_kind": kind,
            "declared": "in advance",
            "adjusted_for": ", ".join([*fit.adjusted_for, *others]),
            "definition": f"median uses in {module.window} days while in use against none, as {SCALE}, {what}",
        }

    def _counts(self, at: np.ndarray, outcome: str) -> dict[str, int]:
        customers = np.count_nonzero(np.bincount(self.owner[at])) if at.any() else 0
        return {"n_accounts": int(customers), "n_events": int((self.left[outcome] & at).sum())}

    def _per_unit(self, fit: UsageFit) -> list[dict[str, Any]]:
        """Coefficients as they are, for whoever wants to hold them against another model; and how many leavers carry them."""
        rows = []
        for module, name in self.names.items():
            estimate = fit.number(name)
            row = self._base(module, self.outcome, "total", fit) | {
                "estimand": "log_hazard_ratio",
                "unit": f"per unit of {SCALE}",
                "note": estimate.note,
            }
            if estimate.std_error > 0:
                ratio = estimate.columns(self.study.confidence_level)
                row |= {"estimate": estimate.log_hr, "std_error": estimate.std_error, "std_error_scale": "identity"}
                if "estimate" in ratio:
                    row |= {name: math.log(ratio[name]) for name in ("conf_low", "conf_high")}
                    row |= {"conf_level": self.study.confidence_level, "p_value": ratio["p_value"]}
            rows.append(row)
        known = {} if fit.fit is None else {"estimate": fit.events_per_coefficient}
        carried = {
            "analysis": ANALYSIS,
            "outcome": self.outcome,
            "method": METHOD,
            "term": "All modules together",
            "estimand": "events_per_coefficient",
            "effect_kind": "total",
            "adjusted_for": ", ".join(fit.adjusted_for),
            "definition": "leavers per coefficient of the model of all modules",
            "note": " ".join(part for part in (fit.note, self.rows.note) if part),
            **self._counts(np.ones(len(self.frame), dtype=bool), self.outcome),
        }
        return [*rows, carried | known]

    def dose_rows(self, verdicts: Mapping[str, str]) -> list[dict[str, Any]]:
        """Hazard ratios in bands of uses, and a test for a trend, for modules that protect or go with leaving."""
        chosen = [m for m in self.modules if verdicts.get(m.name) in (PROTECTIVE, RISKY)]
        if not chosen:
            return []
        bands = {self.names[m]: use_bands(self.uses[m]) for m in chosen}
        fit = self.models.fit(self.cause, self.amounts | {name: band.values for name, band in bands.items()})
        rows: list[dict[str, Any]] = []
        for module in chosen:
            name = self.names[module]
            base = self._base(module, self.outcome, "total", fit) | {"method": IN_BANDS}
            rows += self.band_rows(base, fit, name, bands[name], f"uses in {module.window} days")
            trend = fit.trend(name, bands[name].order)
            rows.append(base | {"estimand": "trend_test", "definition": "linear contrast over the bands"} | trend)
        return rows

    def band_rows(
        self, base: Mapping[str, Any], fit: UsageFit, name: str, bands: Bands, what: str
    ) -> list[dict[str, Any]]:
        """Return the hazard ratio of each band against the reference, and its share of the time."""
        levels = list(fit.levels.get(name, ()))
        reference = levels[0] if levels else str(bands.values.categories[0])
        days = (self.frame["stop"] - self.frame["start"]).to_numpy(dtype=float)
        rows = []
        for level in (*bands.order, *[c for c in bands.values.categories if c not in bands.order]):
            at = np.asarray(bands.values == level)
            if not at.any():
                continue
            row = dict(base) | {
                "level": level,
                "reference": reference,
                "definition": f"{what}; {bands.definition}",
                **self._counts(at, self.outcome),
            }
            rows.append(
                row
                | {
                    "estimand": "time_share",
                    "effect_kind": "",
                    "estimate": float(days[at].sum() / days.sum()),
                    "numerator": float(days[at].sum()),
                    "denominator": float(days.sum()),
                    "unit": "of customer-time",
                }
            )
            if level != reference:
                rows.append(row | fit.level(name, level).columns(self.study.confidence_level))
        return rows


def _never() -> Estimate:
    return Estimate(math.nan, math.nan, "Nobody used it while usage was recorded.")


def verdicts_of(rows: Sequence[Mapping[str, Any]], outcome: str) -> dict[str, str]:
    """Return the verdict on each module."""
    return {
        row["term"]: row["grade"]
        for row in rows
        if row["estimand"] == "hazard_ratio" and row["effect_kind"] == "total" and row["outcome"] == outcome
    }
