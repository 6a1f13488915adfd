"""What the score would be if everybody invited had answered, as far as what is recorded tells."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from whychurn.analyses.answer_terms import fit_what_can_be
from whychurn.analyses.nps_response.covariates import ACTIVE_BANDS, Known
from whychurn.analyses.nps_response.invitations import Invitations
from whychurn.findings import CENTRED_ELSEWHERE
from whychurn.models import ResponseWeights, WeightedMean, adjust_p_values, fit_response_weights, net_promoter_interval
from whychurn.models.wald import normal_quantile
from whychurn.study import TableStudy

BASE: dict[str, Any] = {"analysis": "nps_response", "outcome": "recommendation", "declared": "in advance"}
ALL = "All answers"
RAW, WEIGHTED = "as answered", "weighted"
#: Stabilised weights are cut at this; a segment with fewer answers has no score.
CAP, FEWEST = 10.0, 10
#: Fewest answers, and fewest invitations without, for weights.
FEWEST_EACH = 20
NOTE = "Weights correct only for what is recorded of those invited."
SCORE = "share of promoters (9 or 10) less share of detractors (0 to 6)"


def response_weights(sent: Invitations, known: Known) -> tuple[ResponseWeights | None, dict[str, str], str]:
    """Fit the chance to answer on what was known before the invitation.

    Returns
    -------
    weights : ResponseWeights or None
    text : dict
        ``adjusted_for``, what is in the model; ``left``, what had to leave.
    note : str
        Why there are no weights, or "".
    """
    rows = pd.concat([sent.frame[["answered", "cluster"]], known.coded.frame], axis=1)
    none, some = int((rows["answered"] == 0).sum()), int(rows["answered"].sum())
    if min(none, some) < FEWEST_EACH or rows["cluster"].nunique() < FEWEST_EACH:
        note = f"{some:,} answers and {none:,} invitations without: too few to tell who answers."
        return None, {"adjusted_for": "", "left": ""}, note
    weights, coded, note = fit_what_can_be(
        lambda names: fit_response_weights(rows, names, "answered", cluster="cluster", cap=CAP), known.coded
    )
    text = {
        "adjusted_for": ", ".join(term.label for term in coded.terms),
        "left": "; ".join(f"{label} ({why[:1].lower()}{why[1:].rstrip('.')})" for label, why in coded.left),
    }
    return weights, text, note


def weight_rows(weights: ResponseWeights, text: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yield what the weights are like."""
    given = weights.weights[weights.answered]
    n = float(weights.answered.sum())
    base = BASE | {"method": "inverse chance to answer", "adjusted_for": text["adjusted_for"]}
    yield base | {
        "estimand": "effective_answers", "estimate": weights.n_effective, "denominator": n, "unit": "answers",
        "definition": "square of the sum of weights over the sum of their squares", "note": text["left"],
    }  # fmt: skip
    yield base | {
        "estimand": "weights_cut", "estimate": float(weights.n_trimmed), "denominator": n, "unit": "answers",
        "definition": f"weights above {CAP:g} times the mean are set to {CAP:g} times the mean",
    }  # fmt: skip
    yield base | {"estimand": "largest_weight", "estimate": float(given.max()), "unit": "ratio"}
    yield base | {"estimand": "smallest_chance", "estimate": float(weights.probability.min()), "unit": "share"}


def score_rows(
    sent: Invitations, known: Known, weights: ResponseWeights | None, note: str, study: TableStudy
) -> Iterator[dict[str, Any]]:
    """Yield the score as answered and weighted, overall and by segment, with the shift between them."""
    score = sent.frame["score"].to_numpy(dtype=float)
    counted = ~np.isnan(score)
    parts: list[tuple[str, str, np.ndarray]] = [(ALL, "", np.ones(len(score), dtype=bool))]
    for label, values in known.segments.items():
        names = [name for _, name in ACTIVE_BANDS if (values == name).any()]
        levels = names or sorted(map(str, values.dropna().unique()))
        parts += [(label, name, (values == name).to_numpy()) for name in levels]
    shifts = []
    for term, level, inside in parts:
        inside &= counted
        base = BASE | {"term": term, "group": level, "unit": "score", "conf_level": study.confidence_level,
                       "n_accounts": int(sent.frame.loc[inside, "account_id"].nunique()), "definition": SCORE}  # fmt: skip
        if inside.sum() < FEWEST:
            few = f"{int(inside.sum())} answers: too few for a score."
            yield from (base | {"estimand": "nps", "level": kind, "note": few} for kind in (RAW, WEIGHTED))
            continue
        found = _score(score, inside, sent, weights)
        yield base | _nps(found, RAW, study.confidence_level)
        if found.mean is None:
            yield base | {"estimand": "nps", "level": WEIGHTED, "note": note}
            continue
        yield base | _nps(found, WEIGHTED, study.confidence_level)
        shifts.append(base | _shift(found.mean, study.confidence_level))
    adjusted: Any = adjust_p_values([row.get("p_value", math.nan) for row in shifts], "holm") if shifts else []
    for row, p in zip(shifts, adjusted, strict=True):
        yield row | {"p_adjusted": float(p), "family": "shifts of the score"}


class _Score:
    """Shares and errors of one segment; without weights the plain ones, clustered, alone."""

    def __init__(self, kinds: np.ndarray, inside: np.ndarray, sent: Invitations, weights: ResponseWeights | None):
        self.n = int(inside.sum())
        shares = [np.where(kinds == side, 1.0, 0.0) for side in (1.0, -1.0)]
        self.mean: WeightedMean | None = None
        self.shares = {RAW: tuple(float(share[inside].mean()) for share in shares)}
        if weights is not None:
            self.mean = weights.mean(kinds, inside)
            mass = np.where(inside & weights.answered, weights.weights, 0.0)
            self.shares[WEIGHTED] = tuple(float(mass @ share / mass.sum()) for share in shares)
            self.errors = {RAW: self.mean.raw_error, WEIGHTED: self.mean.weighted_error}
            return
        codes, groups = pd.factorize(sent.frame.loc[inside, "cluster"])
        summed = np.bincount(codes, weights=kinds[inside] - kinds[inside].mean())
        scale = len(groups) / (len(groups) - 1) if len(groups) > 1 else 1.0
        self.errors = {RAW: float(np.sqrt((summed**2).sum() * scale)) / self.n}

    def effective(self, kind: str) -> float:
        """As many independent answers as have this error; where all answer alike, the answers themselves."""
        up, down = self.shares[kind]
        spread = up + down - (up - down) ** 2
        error = self.errors[kind]
        return spread / error**2 if error > 0 and spread > 0 else float(self.n)


def _score(score: np.ndarray, inside: np.ndarray, sent: Invitations, weights: ResponseWeights | None) -> _Score:
    kinds = np.select([score >= 9, score <= 6], [1.0, -1.0], 0.0)
    return _Score(kinds, inside, sent, weights)


def _nps(found: _Score, kind: str, conf_level: float) -> dict[str, Any]:
    up, down = found.shares[kind]
    low, high = net_promoter_interval(up, down, found.effective(kind), conf_level)
    return {
        "estimand": "nps", "level": kind, "method": "adjusted Wald, by account", "estimate": up - down, "conf_low": low,
        "conf_high": high, "std_error": found.errors[kind], "numerator": found.effective(kind), "denominator": float(found.n),
        "note": f"{NOTE if kind == WEIGHTED else ''} {CENTRED_ELSEWHERE}".strip(),
    }  # fmt: skip


def _shift(mean: WeightedMean, conf_level: float) -> dict[str, Any]:
    z = normal_quantile(conf_level)
    return {
        "estimand": "nps_shift", "level": WEIGHTED, "reference": RAW, "method": "linearised, by account",
        "estimate": mean.difference, "std_error": mean.difference_error, "conf_low": mean.difference - z * mean.difference_error,
        "conf_high": mean.difference + z * mean.difference_error, "p_value": mean.p_value,
        "statistic": mean.difference / mean.difference_error if mean.difference_error > 0 else math.nan,
        "denominator": float(mean.n), "note": NOTE,
    }  # fmt: skip
