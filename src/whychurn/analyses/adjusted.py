"""Models of an analysis's own terms beside the declared causes that come earlier."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from whychurn.analyses.adjustment import TOTAL, adjustment_set
from whychurn.analyses.fits import fit_rows
from whychurn.analyses.rows import ModelRows, model_rows
from whychurn.models.cox import CoxFit
from whychurn.panel import Candidate, Panel

#: Groups of measures that describe how a customer uses the product, and how it goes with support and billing.
USAGE_GROUPS = ("login", "use", "modules", "seats", "friction")
RELATION_GROUPS = ("support", "surveys", "contacts", "payments")


@dataclass(frozen=True, slots=True)
class AdjustedFit:
    """A Cox model of own terms and adjusters, or why there is none.

    Attributes
    ----------
    fit : CoxFit or None
    rows : ModelRows
        The rows of the fit; ``rows.frame["row"]`` are their places among the rows given.
    adjusted_for : tuple of str
        Labels of the adjusters that are in the model.
    note : str
        Why there is no fit, or what had to give way.
    """

    fit: CoxFit | None
    rows: ModelRows
    adjusted_for: tuple[str, ...]
    note: str


def fit_adjusted(rows: pd.DataFrame, own: Sequence[str], adjusters: Sequence[Candidate]) -> AdjustedFit:
    """Fit own terms beside declared causes.

    Parameters
    ----------
    rows : pandas.DataFrame
        From :func:`whychurn.analyses.risk_rows.risk_rows`, with the columns that the own terms read. Those names must
        not be ``v`` and a number, and rows without a value must have been left out.
    own : sequence of str
        Columns or formulaic terms.
    adjusters : sequence of Candidate
        See :func:`adjusters_of`.
    """
    coded = model_rows(rows, adjusters)
    place = coded.frame["row"].to_numpy()
    more = [name for name in rows.columns if name not in coded.frame and name not in {c.column for c in adjusters}]
    for name in more:
        coded.frame[name] = rows[name].to_numpy()[place]
    fit, note, coded = fit_rows(coded, own)
    labels = tuple(candidate.label for candidate in adjusters if candidate.column in coded.names)
    return AdjustedFit(fit, coded, labels, note)


def adjusters_of(
    panel: Panel, groups: Collection[str] = USAGE_GROUPS, without: Collection[str] = ()
) -> tuple[Candidate, ...]:
    """Return the declared causes that what belongs to some groups of measures is adjusted for.

    They are those of earlier tiers than the first cause declared among these measures; without such a cause,
    attributes of the account and of the contract.

    Parameters
    ----------
    panel : Panel
    groups : collection of str
        Groups of measures, as in ``Measure.group``.
    without : collection of str
        Columns that are not to be adjusted for.
    """
    group_of = {measure.name: measure.group for measure in panel.measures}
    own = [candidate for candidate in panel.used if group_of.get(candidate.column) in groups]
    others = [candidate for candidate in panel.used if candidate.column not in without and not candidate.determined_by]
    if own:
        first = min(candidate.tier for candidate in own)
        return tuple(candidate for candidate in others if candidate.tier < first)
    return tuple(
        candidate for candidate in others if group_of.get(candidate.column, "") in ("", "contract", "calendar")
    )


def adjusters_of_cause(panel: Panel, column: str, groups: Collection[str] = USAGE_GROUPS) -> tuple[Candidate, ...]:
    """Return what the total effect of a measure adjusts for: as declared, else as for its groups of measures."""
    declared = next((candidate for candidate in panel.used if candidate.column == column), None)
    return adjusters_of(panel, groups) if declared is None else adjustment_set(declared, panel.used, TOTAL)
