"""The area under the ROC curve of weighted cases and controls, with the influence of each of them.

Source: DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44:837 (placement values); Sun & Xu (2014), IEEE
Signal Process. Lett. 21:1389 (their computation by ranks).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from whychurn.models.columns import Booleans, Floats, tally
from whychurn.models.distinct import distinct_codes


@dataclass(frozen=True, slots=True)
class Placements:
    """How each case stands among the controls, and each control among the cases.

    Attributes
    ----------
    area
        Weighted share of case-control pairs in which the case has the higher score, ties half.
    case_share, control_share
        Share of controls that a case outranks, and of cases that outrank a control; ties half, shape
        (n,). Zero for rows that are no case, no control.
    case_total, control_total
        Total weights.
    """

    area: float
    case_share: Floats
    control_share: Floats
    case_total: float
    control_total: float

    def slope(self) -> tuple[Floats, Floats]:
        """Return the derivative of the area in each row's weight as a case and as a control, shape (n,) each."""
        return (self.case_share - self.area) / self.case_total, (self.control_share - self.area) / self.control_total


def place(score: Floats, case_weight: Floats, control_weight: Floats) -> Placements:
    """Rank cases among controls, O(n log n).

    Parameters
    ----------
    score
        High for those expected to be cases, shape (n,).
    case_weight, control_weight
        Weight of each row as a case and as a control, zero where it is none, shape (n,). Both totals must
        be positive.
    """
    _, rank = distinct_codes(score)
    cases, controls = tally(rank, case_weight), tally(rank, control_weight)
    controls_below = np.cumsum(controls) - 0.5 * controls
    cases_below = np.cumsum(cases) - 0.5 * cases
    case_total, control_total = float(cases.sum()), float(controls.sum())
    case_share = controls_below / control_total
    control_share = 1.0 - cases_below / case_total
    return Placements(
        area=float(cases @ case_share / case_total),
        case_share=np.where(case_weight > 0.0, case_share[rank], 0.0),
        control_share=np.where(control_weight > 0.0, control_share[rank], 0.0),
        case_total=case_total,
        control_total=control_total,
    )


def delong_contributions(found: Placements, cases: Booleans, controls: Booleans) -> Floats:
    """Return what each unweighted independent row adds to DeLong's variance as a square, shape (n,).

    Cases and controls are two samples, each with its own n / (n - 1). NaN with a single case or control.
    """
    m, n = int(cases.sum()), int(controls.sum())
    if m < 2 or n < 2:
        return np.full(cases.size, np.nan)
    of_case, of_control = found.slope()
    return np.where(cases, of_case * np.sqrt(m / (m - 1.0)), of_control * np.sqrt(n / (n - 1.0)))
