"""Leaving after the landmark, by milestones met and by how much was done in the first weeks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from whychurn.analyses.common import OUTCOME, share_interval
from whychurn.analyses.feature_fits import Estimate, UsageFit, verdict
from whychurn.analyses.feature_models import Term, UsageModels, without_repeats
from whychurn.analyses.feature_rows import Module, headline_cause
from whychurn.analyses.onboarding_milestones import EARLY, FIRST_USE, LOGIN, Milestone, as_term
from whychurn.analyses.onboarding_rows import NewCustomers, at_cut_off, recorded_throughout
from whychurn.models import adjust_p_values, smallest_detectable_hazard_ratio

ANALYSIS, METHOD = "onboarding", "Cox from the landmark on, Efron ties"
ACTIVITY = "own_activity"
DIRECT, TOTAL, UNADJUSTED = "direct", "total", "unadjusted"


class AfterLandmark:
    """Hazard ratios among new customers who are still there at a landmark.

    Parameters
    ----------
    new : NewCustomers
    conf_level : float
    """

    def __init__(self, new: NewCustomers, conf_level: float) -> None:
        self.new, self.conf_level = new, conf_level
        self.cause = headline_cause(new.rows)
        self.activity = f"logins in {new.measures.logins.split('_')[-1]} days" if new.measures.logins else ""
        happened = (new.rows["event"] == 1).to_numpy()
        decided = (new.rows["cause"] == self.cause).to_numpy()
        self.left = {OUTCOME: happened, self.outcome: happened & decided if self.cause else happened}
        self._models: dict[tuple[int, bytes], UsageModels] = {}
        self._together: dict[tuple[int, bytes, tuple[str, ...]], UsageFit] = {}

    @property
    def outcome(self) -> str:
        """What verdicts are about."""
        return self.cause or OUTCOME

    def models(self, landmark: int, chosen: np.ndarray) -> UsageModels:
        """Return the models of what follows the landmark, of some customers; they enter on that day."""
        key = (landmark, chosen.tobytes())
        if key not in self._models:
            rows = self.new.rows
            kept = rows[(rows["start"].to_numpy() >= landmark) & chosen[rows["customer"].to_numpy()]]
            columns = [candidate.column for candidate in self.new.adjusters]
            self._models[key] = UsageModels(without_repeats(kept, columns), self.new.adjusters)
        return self._models[key]

    def milestone_rows(self, listed: Sequence[Milestone]) -> list[dict[str, Any]]:
        """Share that met each milestone, hazard ratios, and a verdict adjusted for the number of milestones."""
        rows: list[dict[str, Any]] = []
        heads = []
        for milestone in listed:
            rows += self._share(milestone)
            ratios = self._ratios(milestone, listed)
            heads.append(ratios[-1])
            rows += [row for row, _ in ratios]
        adjusted = adjust_p_values([row.get("p_value", math.nan) for row, _ in heads], method="bh")
        for (row, fit), p_adjusted in zip(heads, adjusted, strict=True):
            row |= {
                "p_adjusted": float(p_adjusted),
                "family": f"{len(heads)} milestones",
                "grade": verdict(row, float(p_adjusted), fit.events_per_coefficient),
            }
        return rows

    def _base(self, milestone: Milestone) -> dict[str, Any]:
        return {
            "analysis": ANALYSIS,
            "outcome": self.outcome,
            "method": METHOD,
            "term": milestone.name,
            "declared": "in advance",
            "time": float(milestone.landmark),
        }

    def _share(self, milestone: Milestone) -> list[dict[str, Any]]:
        known = ~np.isnan(milestone.met)
        met = int((milestone.met == 1).sum())
        row: dict[str, Any] = {
            **self._base(milestone),
            "method": "Wilson interval",
            "estimand": "milestone_met",
            "numerator": met,
            "denominator": int(known.sum()),
            "unit": "share",
            "definition": (
                f"as known on day {milestone.judged:,} of new customers still there on day {milestone.landmark:,} whose "
                f"usage was recorded throughout{self._since(milestone)}"
            ),
            "note": milestone.note,
        }
        if known.any():
            low, high = share_interval(met, float(known.sum()), self.conf_level)
            row |= {
                "estimate": met / int(known.sum()),
                "conf_low": low,
                "conf_high": high,
                "conf_level": self.conf_level,
            }
        return [row]

    def _since(self, milestone: Milestone) -> str:
        if milestone.module is None or not self.new.late(milestone.module):
            return ""
        return f", and who came since {self.new.first_seen[milestone.module]}, when anybody first used it"

    def _ratios(self, milestone: Milestone, listed: Sequence[Milestone]) -> list[tuple[dict[str, Any], UsageFit]]:
        """Unadjusted, all leaving, total, and last the one that the verdict goes by."""
        known = ~np.isnan(milestone.met)
        why = milestone.note or self._constant(milestone)
        if why:
            return [self._ratio(milestone, UsageFit(None, why), "own_0", self.outcome, TOTAL, ())]
        models = self.models(milestone.landmark, known)
        customer = models.frame["customer"].to_numpy()
        own: dict[str, Term] = {"own_0": as_term(milestone.met, customer)}
        alone = models.fit(self.cause, own, adjusted=False)
        rows = [self._ratio(milestone, alone, "own_0", self.outcome, UNADJUSTED, ())]
        if self.cause:
            rows.append(self._ratio(milestone, models.fit("", own), "own_0", OUTCOME, TOTAL, ()))
        rows.append(self._ratio(milestone, models.fit(self.cause, own), "own_0", self.outcome, TOTAL, ()))
        if milestone.kind == LOGIN:
            return rows
        fit, name, labels = self._equally_active(milestone, listed, known)
        if fit is not None:
            rows.append(self._ratio(milestone, fit, name, self.outcome, DIRECT, labels))
        return rows

    @staticmethod
    def _constant(milestone: Milestone) -> str:
        values = milestone.met[~np.isnan(milestone.met)]
        if not len(values):
            return "Of nobody is it known whether they met it."
        if values.min() == values.max():
            who = "Everyone" if values[0] == 1 else "No one"
            return f"{who} of whom it is known met it, so there is nobody to compare with."
        return ""

    def _equally_active(
        self, milestone: Milestone, listed: Sequence[Milestone], known: np.ndarray
    ) -> tuple[UsageFit | None, str, list[str]]:
        """Hold equal how active a customer was by the landmark and, for a first use, the other modules' first uses by then.

        Returns
        -------
        The model (None where nothing more can be held equal), the milestone's name in it, and what is held equal.
        """
        models = self.models(milestone.landmark, known)
        customer = models.frame["customer"].to_numpy()
        together = [m for m in listed if m.kind == FIRST_USE and m.day == milestone.day]
        if milestone.kind != FIRST_USE:
            together = [milestone]
        names = {m.name: f"own_{place}" for place, m in enumerate(together)}
        labels = [self.activity] if self.activity else []
        labels += [f"first use of {m.module.name}" for m in together if m.module and m is not milestone]
        if not labels:
            return None, "", []
        key = (milestone.landmark, known.tobytes(), tuple(names))
        if key not in self._together:
            # Whoever came before a module was there had not used it.
            own: dict[str, Term] = {
                names[m.name]: as_term(np.nan_to_num(m.met) if m is not milestone else m.met, customer)
                for m in together
            }
            if self.activity:
                own[ACTIVITY] = self._logins(milestone.judged)[customer]
            self._together[key] = models.fit(self.cause, own)
        return self._together[key], names[milestone.name], labels

    def _logins(self, judged: int) -> np.ndarray:
        name = self.new.measures.logins
        return np.log1p(at_cut_off(self.new, judged, [name])[name].to_numpy(dtype=float))

    def _ratio(
        self, milestone: Milestone, fit: UsageFit, name: str, outcome: str, kind: str, beside: Sequence[str]
    ) -> tuple[dict[str, Any], UsageFit]:
        met, known = milestone.met == 1, ~np.isnan(milestone.met)
        row = {
            **self._base(milestone),
            "outcome": outcome,
            "level": "met",
            "reference": "not met",
            "estimand": "hazard_ratio",
            "effect_kind": kind,
            "adjusted_for": ", ".join([*fit.adjusted_for, *beside]),
            "definition": f"leaving from day {milestone.landmark:,} on, of those still there, by what was known on day {milestone.judged:,}",
            "n_accounts": int(met.sum()),
            "n_events": self._left(milestone.landmark, met, outcome),
            "numerator": float(self._left(milestone.landmark, known, outcome)),
            "denominator": float(known.sum()),
            **fit.level(name, "met").columns(self.conf_level),
        }
        return row, fit

    def _left(self, landmark: int, chosen: np.ndarray, outcome: str) -> int:
        after = self.new.rows["start"].to_numpy() >= landmark
        return int((self.left[outcome] & after & chosen[self.new.rows["customer"].to_numpy()]).sum())

    def amount_rows(self, modules: Sequence[Module]) -> list[dict[str, Any]]:
        """Hazard ratios of the usual amount of each module in the first weeks against none, all beside each other."""
        judged = self.new.judged_on(EARLY)
        if judged is None or not modules:
            return []
        names = [module.uses for module in modules]
        uses = at_cut_off(self.new, judged, names)[names].to_numpy(dtype=float)
        known = ~np.isnan(uses).any(axis=1) & recorded_throughout(self.new, judged, modules[0].window)
        landmark = judged + self.new.lag_days
        models = self.models(landmark, known)
        customer = models.frame["customer"].to_numpy()
        own: dict[str, Term] = {f"own_{place}": np.log1p(uses[:, place])[customer] for place in range(len(modules))}
        if self.activity:
            own[ACTIVITY] = self._logins(judged)[customer]
        fit = models.fit(self.cause, own)
        usual = [self._usual(uses[known, place]) for place in range(len(modules))]
        ratios = [
            (
                fit.number(f"own_{place}").times(math.log1p(amount))
                if amount > 0
                else Estimate(math.nan, math.nan, "Nobody used it so early.")
            ).columns(self.conf_level)
            for place, amount in enumerate(usual)
        ]
        adjusted = adjust_p_values([row.get("p_value", math.nan) for row in ratios], method="bh")
        out = []
        for place, (module, row, p_adjusted) in enumerate(zip(modules, ratios, adjusted, strict=True)):
            others = [f"uses of {m.name}" for m in modules if m is not module]
            used = known & (uses[:, place] > 0)
            out.append(
                {
                    "analysis": ANALYSIS,
                    "outcome": self.outcome,
                    "method": METHOD,
                    "term": module.name,
                    "time": float(landmark),
                    "declared": "in advance",
                    "level": f"{usual[place]:,.6g} uses" if usual[place] > 0 else "in use",
                    "reference": "no use",
                    "estimand": "hazard_ratio_of_amount",
                    "effect_kind": DIRECT,
                    "adjusted_for": ", ".join(
                        [*fit.adjusted_for, *([self.activity] if self.activity else []), *others]
                    ),
                    "definition": f"median uses in {module.window} days of those who used it by day {judged:,}, against none",
                    "n_accounts": int(used.sum()),
                    "n_events": self._left(landmark, used, self.outcome),
                    "p_adjusted": float(p_adjusted),
                    "family": f"{len(modules)} modules",
                    "grade": verdict(row, float(p_adjusted), fit.events_per_coefficient),
                }
                | row
            )
        return out

    @staticmethod
    def _usual(uses: np.ndarray) -> float:
        used = uses[uses > 0]
        return float(np.median(used)) if len(used) else math.nan


def detectable_row(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the smallest effect that the best-measured milestone would have shown with a chance of four in five."""
    heads = [row for row in rows if row["estimand"] == "hazard_ratio" and row.get("family") and "estimate" in row]
    if not heads:
        return []
    best = min(heads, key=lambda row: row["std_error"])
    return [
        {
            "analysis": ANALYSIS,
            "outcome": best["outcome"],
            "method": METHOD,
            "term": best["term"],
            "estimand": "smallest_detectable",
            "estimate": 1 / smallest_detectable_hazard_ratio(best["std_error"]),
            "unit": "ratio",
            "definition": "protective hazard ratio that would have been found with a chance of 80%, before adjusting for the number of tests",
        }
    ]
