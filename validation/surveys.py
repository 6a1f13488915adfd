"""Answers to surveys on one company: is the planted driver of recommending found, and the score set right for who answers?"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from validation.arms import ARMS, settings_of
from validation.frames import panel_from_frames
from validation.redrawn import redrawn
from whychurn.analyses.answers import BANDS, bands_of, valid_answers
from whychurn.analyses.nps_response.findings import run as who_answers
from whychurn.analyses.nps_response.invitations import valid_invitations
from whychurn.analyses.promoters.findings import run as who_recommends
from whychurn.analyses.promoters.model import Model, fit_model
from whychurn.analyses.promoters.rows import AnswerRows, answer_rows
from whychurn.errors import FitError
from whychurn.models import fit_ordered_logit
from whychurn.sources.simulator import CompanySettings
from whychurn.sources.simulator.block import block_count, simulate_block
from whychurn.sources.simulator.settings import BLOCK

#: The module whose use raises the score, and by how much per unit of ``ln(1 + uses)``; all others do nothing.
DRIVER, PER_LOG = "reporting", 0.7
#: Standard deviation of what else moves a score.
NOISE = 1.7
#: A score is rounded: promoters feel 8.5 or more, detractors less than 6.5.
PROMOTER_FROM, DETRACTOR_BELOW = 8.5, 6.5
#: Log odds ratio per doubling of uses if that noise were logistic, of the same spread.
TRUE_SLOPE = PER_LOG * math.log(2.0) / (NOISE * math.sqrt(3.0) / math.pi)
Record = dict[str, Any]


def surveys_record(arm: str, seed: int) -> Record:
    """Run both pages on answers on one company, the whole way from its tables, and keep what they say beside the truth."""
    began = time.process_time()
    settings = settings_of(ARMS[arm], seed)[0]
    with panel_from_frames(settings) as (study, panel):
        invited = valid_invitations(panel, study).frame
        response, drivers = who_answers(panel, study), who_recommends(panel, study)
        rows = answer_rows(panel, study)
        sent = valid_answers(panel, study).frame[["response_id", "invited_at"]]
        rows = replace(rows, frame=rows.frame.merge(sent, on="response_id", how="left", validate="1:1"))
        model = fit_model(rows)
    known = known_at(settings, invited)
    truth = expected(known)
    record: Record = {"arm": arm, "seed": seed, "n_invited": len(invited), "n_answered": int(invited["answered"].sum())}
    record |= {"truth": float(truth.mean()), "truth_answered": float(truth[invited["answered"] == 1].mean())}
    record |= scores_of(response.table) | drivers_of(drivers.table)
    record["exact"] = exact_slope(known, invited)
    record["redrawn"] = drawn_again(settings, rows, model, seed)
    record["seconds"] = round(time.process_time() - began, 3)
    return record


def known_at(settings: CompanySettings, invited: pd.DataFrame) -> pd.DataFrame:
    """Return what answering and the score depend on, as it was on the day of each invitation, in the order given.

    Parameters
    ----------
    settings : CompanySettings
    invited : pandas.DataFrame
        ``account_id`` and ``day`` of invitations.
    """
    place = invited["account_id"].str[1:].astype(int).to_numpy() - 1
    day = (invited["day"].to_numpy().astype("datetime64[D]") - settings.origin).astype(int)
    names = ("active_days_28", "uses_28_reporting", "open_tickets", "last_csat")
    out = pd.DataFrame(0.0, index=invited.index, columns=list(names))
    for number in range(block_count(settings)):
        block = simulate_block(settings, number)
        mine = (place >= number * BLOCK) & (place < number * BLOCK + len(block.accounts))
        known = block.followed.history.at(place[mine] - number * BLOCK, day[mine])
        for name in names:
            out.loc[mine, name] = known[name]
    return out


def expected(known: pd.DataFrame) -> np.ndarray:
    """Return what each answer would add to the score on average, had everybody answered, shape (n,)."""
    felt = feeling(known)
    return np.asarray(norm.sf((PROMOTER_FROM - felt) / NOISE) - norm.cdf((DETRACTOR_BELOW - felt) / NOISE))


def drawn_again(settings: CompanySettings, rows: AnswerRows, model: Model, seed: int) -> Record | None:
    """Return what intervals of modules do where the same customers answer again."""
    if model.fit is None or DRIVER not in model.names:
        return None
    asked = pd.DataFrame({"account_id": rows.frame["account_id"], "day": rows.frame["invited_at"].dt.normalize()})
    by_formula = feeling(known_at(settings, asked))
    by_driver = 6.6 + PER_LOG * math.log(2.0) * rows.frame[model.names[DRIVER]].to_numpy()
    edges = (DETRACTOR_BELOW, PROMOTER_FROM)
    return redrawn(rows.frame, model.coded.names, model.names, DRIVER, (by_formula, by_driver), edges, NOISE, seed)


def feeling(known: pd.DataFrame) -> np.ndarray:
    """Return what each answer would be on average, before it is rounded, shape (n,)."""
    unhappy = known["last_csat"].between(1, 2)
    felt = 6.6 + PER_LOG * np.log1p(known["uses_28_reporting"]) - 0.7 * known["open_tickets"] - 1.6 * unhappy
    return felt.to_numpy(dtype=float)


def exact_slope(known: pd.DataFrame, invited: pd.DataFrame) -> list[float] | None:
    """Return the driver's slope, and its error, from the measures that the score acts on, where nothing is out of date."""
    frame = pd.DataFrame({
        "x": np.log2(1.0 + known["uses_28_reporting"]), "tickets": known["open_tickets"],
        "unhappy": known["last_csat"].between(1, 2).astype(float), "cluster": invited["cluster"], "score": invited["score"],
    })  # fmt: skip
    frame = frame[frame["score"].notna()]
    frame["band"] = bands_of(frame["score"])
    try:
        fit = fit_ordered_logit(
            frame, ["x", "tickets", "unhappy"], "band", BANDS, covariance="cluster", cluster="cluster"
        )
    except FitError:
        return None
    return [round(value, 6) for value in fit.contrast({"x": 1.0})]


def scores_of(table: pd.DataFrame) -> Record:
    """Return the score as answered and weighted, with limits, and the shift."""
    scores = table[(table["estimand"] == "nps") & (table["term"] == "All answers")].set_index("level")
    shift = table[(table["estimand"] == "nps_shift") & (table["term"] == "All answers")]
    names = ("estimate", "std_error", "conf_low", "conf_high")
    found: Record = {
        name: [_number(scores.loc[level, column]) for column in names]
        for name, level in (("raw", "as answered"), ("weighted", "weighted"))
    }
    found["shift"] = (
        [_number(shift.iloc[0][column]) for column in ("estimate", "std_error", "p_value")] if len(shift) else None
    )
    return found


def drivers_of(table: pd.DataFrame) -> Record:
    """Return log odds ratios of modules, contrasts of the declared one, and what is said of the claim."""
    modules = table[(table["estimand"] == "odds_ratio") & (table["group"] == "module")]
    claim = table[table["estimand"] == "claim"].iloc[0]
    contrasts = table[table["estimand"] == "contrast"]
    whole = table[(table["estimand"] == "one_ratio_test") & (table["term"] == "All terms")]
    return {
        "modules": {row.term: _log(row) for row in modules.itertuples()},
        "contrasts": {row.reference: _log(row) for row in contrasts.itertuples()},
        "term": claim["term"],
        "grade": claim["grade"],
        "one_ratio": _number(whole.iloc[0]["p_value"]) if len(whole) else None,
    }


def _log(row: Any) -> list[float] | None:
    """Log ratio, its standard error and adjusted p; None where there is no estimate."""
    if math.isnan(row.estimate):
        return None
    return [round(math.log(row.estimate), 6), round(row.std_error, 6), float(row.p_adjusted)]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 8)


def closer(records: Sequence[Record]) -> list[bool]:
    """Tell for each company with weights whether the weighted score is nearer the truth than the raw one."""
    return [
        abs(record["weighted"][0] - record["truth"]) < abs(record["raw"][0] - record["truth"])
        for record in records
        if record["weighted"][0] is not None
    ]
