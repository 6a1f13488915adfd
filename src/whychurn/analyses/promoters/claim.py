"""The claim: frequent users of one module, and not of the others, are the best promoters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

from scipy import stats

from whychurn.analyses.promoters.model import BASE, FOUND, IN_ADVANCE, Model, declared_modules
from whychurn.analyses.promoters.rows import AnswerRows
from whychurn.models import adjust_p_values
from whychurn.models.wald import normal_quantile
from whychurn.study import TableStudy

HOLDS, AHEAD, PARTLY, NO, CANNOT = (
    "holds", "ahead of all, but not alone", "ahead of some", "no module stands out", "cannot tell",
)  # fmt: skip
LEVEL = 0.05


def claim_rows(rows: AnswerRows, model: Model, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield the comparison of the module that goes furthest with recommending to each other, and what holds.

    The module is the one with the largest coefficient. If the study declares its use as a cause, all comparisons that
    any declared module could have led to are one family; else those of all pairs are, for then the data chose it.
    """
    base = BASE | {"estimand": "claim", "method": "ordered logit, by account"}
    fit, names = model.fit, model.names
    if fit is None or len(names) < 2:
        note = model.note or "There are fewer than two modules to compare."
        yield base | {"grade": CANNOT, "note": note, "declared": IN_ADVANCE}
        return
    slopes = {module: float(fit.params[name]) for module, name in names.items()}
    lead = max(slopes, key=lambda module: slopes[module])
    declared = declared_modules(rows, study) & set(names)
    pairs = family(list(names), declared if lead in declared else set(names))
    found = {pair: fit.contrast({names[pair[0]]: 1.0, names[pair[1]]: -1.0}) for pair in pairs}
    raw = [_p(estimate, error) for estimate, error in found.values()]
    adjusted = dict(zip(found, adjust_p_values(raw, "holm"), strict=True))
    how = IN_ADVANCE if lead in declared else FOUND
    z, ahead = normal_quantile(study.confidence_level), []
    others = [module for module in sorted(slopes, key=lambda module: -slopes[module]) if module != lead]
    for other in others:
        pair = (lead, other) if (lead, other) in found else (other, lead)
        sign = 1.0 if pair[0] == lead else -1.0
        estimate, error, p = sign * found[pair][0], found[pair][1], float(adjusted[pair])
        if estimate > 0 and p < LEVEL:
            ahead.append(other)
        row = BASE | {
            "estimand": "contrast", "method": "ordered logit, by account", "term": lead, "reference": other, "unit": "ratio",
            "declared": how, "family": f"{len(found)} comparisons", "conf_level": study.confidence_level,
            "definition": "odds ratio of one module over that of the other, each per doubling of uses",
            "n_events": len(rows.frame), "n_accounts": int(rows.frame["account_id"].nunique()),
        }  # fmt: skip
        if not error > 0:
            yield row | {"note": "The two cannot be told apart."}
            continue
        yield row | {
            "estimate": math.exp(estimate), "std_error": error, "std_error_scale": "log",
            "conf_low": math.exp(estimate - z * error), "conf_high": math.exp(estimate + z * error),
            "statistic": estimate / error, "df": 1, "p_value": _p(estimate, error), "p_adjusted": p,
        }  # fmt: skip
    own_p = _own_p(model)
    also = [module for module in others if own_p[module] < LEVEL and slopes[module] > 0]
    own = own_p[lead]
    yield base | {
        "term": lead, "declared": how, "grade": _grade(slopes[lead], own, ahead, also, others), "unit": "modules",
        "estimate": float(len(ahead)), "numerator": float(len(also)), "denominator": float(len(others)), "p_adjusted": own,
        "family": f"{len(found)} comparisons", "level": ", ".join(also), "reference": ", ".join(others),
        "definition": "ahead: its odds ratio is larger (Holm over the family, 5%); also: modules whose own odds ratio is "
        "above one (Holm over modules, 5%)",
    }  # fmt: skip


def family(modules: Sequence[str], leads: set[str]) -> list[tuple[str, str]]:
    """Return the pairs of modules of which at least one could lead, each once, a lead first."""
    pairs = []
    for one, other in itertools.combinations(modules, 2):
        if one in leads:
            pairs.append((one, other))
        elif other in leads:
            pairs.append((other, one))
    return pairs


def _grade(slope: float, own: float, ahead: Sequence[str], also: Sequence[str], others: Sequence[str]) -> str:
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
