"""The claim: frequent users of one module, and not of the others, are the best promoters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

from whychurn.analyses.promoters.model import BASE, FOUND, IN_ADVANCE, Model, declared_driver
from whychurn.analyses.promoters.rows import AnswerRows
from whychurn.models import OrderedLogitFit, adjust_p_values
from whychurn.models.wald import normal_quantile
from whychurn.study import TableStudy

HOLDS, AHEAD, PARTLY, NO, BEHIND, CANNOT = (
    "holds", "ahead of all, but not alone", "ahead of some", "no module stands out", "another is ahead", "cannot tell",
)  # fmt: skip
LEVEL = 0.05
_METHOD = "ordered logit, by account"


@dataclass(frozen=True)
class Compared:
    """One module held against each other one.

    Attributes
    ----------
    module : str
        Of which the claim speaks.
    declared : bool
        Whether the study named it before looking; else the data chose it.
    lead : str
        The module with the largest coefficient.
    pairs : dict of str to (difference, standard error, p, adjusted p)
        Other module -> log odds ratio of this module less that of the other, the closest rival first.
    family : int
        How many comparisons the p-values are adjusted for.
    """

    module: str
    declared: bool
    lead: str
    pairs: dict[str, tuple[float, float, float, float]]
    family: int


def claim_rows(rows: AnswerRows, model: Model, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield the comparison of one module to each other one, which module leads, and what holds.

    The module is the one that the study declares as the driver of recommending, whatever the data say; its comparisons
    are the family. Where the study declares none, or one that is not in the model, it is the module with the largest
    coefficient: the data then chose it, and the family is that of all pairs.
    """
    base = BASE | {"estimand": "claim", "method": _METHOD}
    driver, why = declared_driver(rows, model, study)
    if model.fit is None or len(model.names) < 2:
        note = model.note or "There are fewer than two modules to compare."
        yield base | {"grade": CANNOT, "note": note, "declared": IN_ADVANCE if driver else FOUND}
        return
    found = compare(model.fit, model.names, driver)
    how = IN_ADVANCE if found.declared else FOUND
    shared = {"declared": how, "family": f"{found.family} comparisons"}
    for other, pair in found.pairs.items():
        yield _contrast(found.module, other, pair, rows, study) | shared
    own = _own_p(model)
    ratios = {module: float(model.fit.params[name]) for module, name in model.names.items()}
    ahead = [other for other, (gap, _, _, p) in found.pairs.items() if gap > 0 and p < LEVEL]
    beaten_by = [other for other, (gap, _, _, p) in found.pairs.items() if gap < 0 and p < LEVEL]
    also = [other for other in found.pairs if own[other] < LEVEL and ratios[other] > 0]
    yield base | shared | {
        "term": found.module, "unit": "modules", "estimate": float(len(ahead)), "numerator": float(len(also)),
        "denominator": float(len(found.pairs)), "p_adjusted": own[found.module], "level": ", ".join(also),
        "reference": ", ".join(found.pairs), "note": why,
        "grade": _grade(ratios[found.module], own[found.module], ahead, also, beaten_by, list(found.pairs)),
        "definition": "ahead: its odds ratio is larger (Holm over the family, 5%); also: modules whose own odds ratio is "
        "above one (Holm over modules, 5%)",
    }  # fmt: skip
    if found.lead != found.module:
        lead = _contrast(found.module, found.lead, found.pairs[found.lead], rows, study)
        yield lead | shared | {"estimand": "leader", "term": found.lead, "reference": found.module, "declared": FOUND} | _turned(lead)  # fmt: skip


def compare(fit: OrderedLogitFit, names: dict[str, str], driver: str = "") -> Compared:
    """Hold the driver, or where there is none the module with the largest coefficient, against each other module."""
    slopes = {module: float(fit.params[name]) for module, name in names.items()}
    lead = max(slopes, key=lambda module: slopes[module])
    module = driver or lead
    listed = family(list(names), {module} if driver else set(names))
    found = {pair: fit.contrast({names[pair[0]]: 1.0, names[pair[1]]: -1.0}) for pair in listed}
    raw = {pair: _p(*gap) for pair, gap in found.items()}
    adjusted = dict(zip(found, adjust_p_values(list(raw.values()), "holm"), strict=True))
    pairs = {}
    for other in sorted((each for each in slopes if each != module), key=lambda each: -slopes[each]):
        pair = (module, other) if (module, other) in found else (other, module)
        gap, error = found[pair]
        sign = 1.0 if pair[0] == module else -1.0
        pairs[other] = (sign * gap, error, raw[pair], float(adjusted[pair]))
    return Compared(module, bool(driver), lead, pairs, len(found))


def family(modules: Sequence[str], leads: set[str]) -> list[tuple[str, str]]:
    """Return the pairs of modules of which at least one could lead, each once, a lead first."""
    pairs = []
    for one, other in itertools.combinations(modules, 2):
        if one in leads:
            pairs.append((one, other))
        elif other in leads:
            pairs.append((other, one))
    return pairs


def _contrast(
    module: str, other: str, pair: tuple[float, float, float, float], rows: AnswerRows, study: TableStudy
) -> dict[str, Any]:
    gap, error, p, adjusted = pair
    half = normal_quantile(study.confidence_level) * error
    row = BASE | {
        "estimand": "contrast", "method": _METHOD, "term": module, "reference": other, "unit": "ratio",
        "conf_level": study.confidence_level, "n_events": len(rows.frame),
        "n_accounts": int(rows.frame["account_id"].nunique()),
        "definition": "odds ratio of one module over that of the other, each per doubling of uses",
    }  # fmt: skip
    if not error > 0:
        return row | {"note": "The two cannot be told apart."}
    return row | {
        "estimate": math.exp(gap), "std_error": error, "std_error_scale": "log", "conf_low": math.exp(gap - half),
        "conf_high": math.exp(gap + half), "statistic": gap / error, "df": 1, "p_value": p, "p_adjusted": adjusted,
    }  # fmt: skip


def _turned(row: dict[str, Any]) -> dict[str, Any]:
    """Return a contrast seen from the other module."""
    if "estimate" not in row:
        return {}
    low, high = 1.0 / row["conf_high"], 1.0 / row["conf_low"]
    return {"estimate": 1.0 / row["estimate"], "conf_low": low, "conf_high": high, "statistic": -row["statistic"]}


def _grade(
    slope: float, own: float, ahead: Sequence[str], also: Sequence[str], beaten_by: Sequence[str], others: Sequence[str]
) -> str:
    if beaten_by:
        return BEHIND
    if not (slope > 0 and own < LEVEL):
        return NO
    if len(ahead) == len(others):
        return AHEAD if also else HOLDS
    return PARTLY if ahead else NO


def _own_p(model: Model) -> dict[str, float]:
    """Return the p-value of each module's own odds ratio, adjusted over modules."""
    fit = model.fit
    assert fit is not None
    raw = [_p(*fit.contrast({name: 1.0})) for name in model.names.values()]
    return {module: float(p) for module, p in zip(model.names, adjust_p_values(raw, "holm"), strict=True)}


def _p(estimate: float, error: float) -> float:
    return float(2.0 * stats.norm.sf(abs(estimate / error))) if error > 0 else math.nan
