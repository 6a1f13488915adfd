"""The model of recommending: one odds ratio per module, effects on the chance of a promoter, and its assumption tested."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from whychurn.analyses.answer_terms import CodedTerms, fit_what_can_be, in_words
from whychurn.analyses.answers import BANDS, PROMOTER
from whychurn.analyses.promoters.rows import AnswerRows, bands_present
from whychurn.models import OrderedLogitFit, ParallelTest, adjust_p_values, fit_ordered_logit
from whychurn.models.wald import normal_quantile
from whychurn.study import TableStudy

BASE: dict[str, Any] = {"analysis": "promoters", "outcome": "recommendation"}
IN_ADVANCE, FOUND = "in advance", "found"
MODULE, EQUAL, OVERALL = "module", "held equal", "All terms"
DOUBLING = (
    "odds of a higher band (detractor, passive, promoter) where one more than the uses in the window is twice as many"
)
#: What a cut point tells apart, in words.
CUTS = {"detractor|passive": "no detractor", "passive|promoter": "promoter", "detractor|promoter": "promoter"}
#: Fewest answers of each band, fewest accounts.
FEWEST_EACH, FEWEST_ACCOUNTS = 10, 20


@dataclass(frozen=True)
class Model:
    """The fit and what is in it, or why there is none.

    Attributes
    ----------
    fit : OrderedLogitFit or None
    coded : CodedTerms
        Terms in the model, and what had to leave.
    names : dict of str to str
        Module in the model -> neutral name.
    note : str
    """

    fit: OrderedLogitFit | None
    coded: CodedTerms
    names: dict[str, str]
    note: str


def fit_model(rows: AnswerRows) -> Model:
    """Fit the band of the answer on the modules used before it and what is held equal."""
    present = bands_present(rows.frame)
    counts = rows.frame["band"].value_counts()
    accounts = rows.frame["cluster"].nunique()
    if not rows.modules:
        return Model(None, rows.coded, {}, "No use of modules is recorded.")
    few = len(present) < 2 or PROMOTER not in present or int(counts[present].min()) < FEWEST_EACH
    if few or accounts < FEWEST_ACCOUNTS:
        text = ", ".join(f"{int(counts.get(band, 0)):,} {band}s" for band in BANDS)
        return Model(None, rows.coded, {}, f"Too few answers to compare: {text} of {accounts:,} accounts.")
    fit, coded, note = fit_what_can_be(
        lambda names: fit_ordered_logit(rows.frame, names, "band", BANDS, covariance="cluster", cluster="cluster"),
        rows.coded,
    )
    inside = set(coded.names)
    return Model(fit, coded, {module: name for module, name in rows.names.items() if name in inside}, note)


def declared_driver(rows: AnswerRows, model: Model, study: TableStudy) -> tuple[str, str]:
    """Return the module that the study declares to make promoters, "" where there is none to compare; and why not.

    A cause of leaving is no such declaration: what makes customers stay need not make them recommend.
    """
    said = study.recommending.driver
    if not said:
        return "", ""
    named = [module.name for module in rows.modules if module.name == said]
    named += [module.name for module in rows.modules if module.name.strip().casefold() == said.strip().casefold()]
    if not named:
        known = ", ".join(module.name for module in rows.modules)
        return "", f"The study declares “{said}”, but no use of such a module is recorded (recorded: {known})."
    if model.fit is not None and named[0] not in model.names:
        why = dict(model.coded.left).get(named[0], "It is not in the model.")
        return "", f"The study declares “{said}”, which cannot be compared. {why}"
    return named[0], ""


def model_rows(rows: AnswerRows, model: Model, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield odds ratios of modules and of what is held equal, and effects on the chance of a promoter."""
    driver, _ = declared_driver(rows, model, study)
    level = study.confidence_level
    common = {
        "method": "ordered logit, by account", "conf_level": level, "n_accounts": int(rows.frame["account_id"].nunique()),
        "n_events": len(rows.frame),
    }  # fmt: skip
    why = dict(model.coded.left)
    for module in rows.modules:
        if module.name not in model.names:
            note = model.note or why.get(module.name, "It is not in the model.")
            yield (
                BASE
                | common
                | {"estimand": "odds_ratio", "term": module.name, "group": MODULE, "unit": "ratio", "note": note}
                | {"declared": IN_ADVANCE if module.name == driver else FOUND, "definition": DOUBLING}
            )
    if model.fit is None:
        return
    names = {name: module for module, name in model.names.items()}
    tidy = model.fit.tidy(level)
    listed: list[Any] = list(tidy.itertuples())
    adjusted = adjust_p_values([row.p_value for row in listed if row.term in names], "holm")
    by_module = dict(zip([row.term for row in listed if row.term in names], adjusted, strict=True))
    equal = ", ".join(term.label for term in model.coded.terms if term.name not in names)
    for row in listed:
        inside = row.term in names
        base = BASE | common | {
            "estimand": "odds_ratio", "unit": "ratio", "effect_kind": "adjusted",
            "term": names[row.term] if inside else model.coded.label_of(row.term), "level": str(row.level),
            "reference": str(row.reference), "group": MODULE if inside else EQUAL, "estimate": row.odds_ratio,
            "std_error": row.std_error, "std_error_scale": "log", "conf_low": row.conf_low, "conf_high": row.conf_high,
            "statistic": row.statistic, "df": 1, "p_value": row.p_value,
        }  # fmt: skip
        if not inside:
            yield base | {"declared": IN_ADVANCE}
            continue
        yield base | {
            "p_adjusted": float(by_module[row.term]), "family": "modules", "definition": DOUBLING,
            "declared": IN_ADVANCE if names[row.term] == driver else FOUND,
            "adjusted_for": f"the other modules, {equal}" if equal else "the other modules",
        }  # fmt: skip
        yield from _effects(model.fit, row.term, base, rows, names[row.term], level)


def _effects(
    fit: OrderedLogitFit, name: str, base: dict[str, Any], rows: AnswerRows, module: str, level: float
) -> Iterator[dict[str, Any]]:
    """Yield how much likelier a promoter is with twice as many uses, and at no use and at frequent use."""
    empty = dict.fromkeys(("std_error", "statistic", "df", "p_value"), math.nan)
    effect = fit.average_marginal_effects(name, conf_level=level).iloc[0]
    yield base | empty | {
        "estimand": "promoter_effect", "unit": "share", "std_error_scale": "", "estimate": effect["estimate"],
        "std_error": effect["std_error"], "conf_low": effect["conf_low"], "conf_high": effect["conf_high"],
        "p_value": effect["p_value"], "definition": "average change of the chance to be a promoter, per doubling",
    }  # fmt: skip
    used = rows.uses[module][rows.uses[module] > 0]
    often = float(np.ceil(used.quantile(0.75))) if len(used) else math.nan
    for label, value in (("no use", 0.0), ("frequent use", often)):
        if math.isnan(value):
            continue
        chance, low, high = fit.average_chance(name, math.log2(1.0 + value), conf_level=level)
        yield base | empty | {
            "estimand": "promoter_chance", "level": label, "unit": "share", "std_error_scale": "", "estimate": chance,
            "conf_low": min(low, chance), "conf_high": max(high, chance), "numerator": value,
            "definition": "average chance to be a promoter, had all who answered used it so often; frequent is what the top "
            "quarter of its users reach",
        }  # fmt: skip


def assumption_rows(model: Model, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield the test that one odds ratio does for both steps, and the odds ratios of each step."""
    if model.fit is None:
        return
    found = model.fit.parallel_test()
    base = BASE | {
        "estimand": "one_ratio_test", "method": "Wald test of binary regressions (Brant), by account", "declared": IN_ADVANCE,
        "definition": "no difference between the odds ratios of not being a detractor and of being a promoter; of clusters, against F",
        "n_accounts": model.fit.n_clusters,
    }  # fmt: skip
    modules = {name: module for module, name in model.names.items()}
    if found.note:
        yield base | {"term": OVERALL, "note": in_words(found.note, model.coded)}
        return
    yield base | {"term": OVERALL} | _test(found.overall)
    names = [name for name in found.by_term if name in modules]
    adjusted = adjust_p_values([found.by_term[name].p_value for name in names], "holm")
    for name, p in zip(names, adjusted, strict=True):
        own = {"term": modules[name], "p_adjusted": float(p), "family": "one ratio"}
        yield base | own | _test(found.by_term[name])
    yield from _steps(found, modules, study)


def _steps(found: ParallelTest, modules: dict[str, str], study: TableStudy) -> Iterator[dict[str, Any]]:
    z = normal_quantile(study.confidence_level)
    listed: list[Any] = list(found.tidy(study.confidence_level).itertuples())
    for row in listed:
        if row.column not in modules or not row.std_error > 0:
            continue
        yield BASE | {
            "estimand": "odds_ratio_of_step", "method": "binary logit, by account", "declared": IN_ADVANCE, "unit": "ratio",
            "term": modules[row.column], "level": CUTS.get(row.cut, row.cut), "estimate": row.odds_ratio,
            "std_error": row.std_error, "std_error_scale": "log", "conf_low": row.conf_low, "conf_high": row.conf_high,
            "conf_level": study.confidence_level, "statistic": row.estimate / row.std_error,
            "p_value": float(math.erfc(abs(row.estimate / row.std_error) / math.sqrt(2))),
            "definition": f"{DOUBLING}; interval of {z:.2f} standard errors",
        }  # fmt: skip


def _test(test: Any) -> dict[str, float]:
    return {"statistic": test.statistic, "df": test.df, "p_value": test.p_value}
