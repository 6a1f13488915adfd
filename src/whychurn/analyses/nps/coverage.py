"""How often such an interval holds the truth: counted over all outcomes, not simulated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from whychurn.analyses.answers import BANDS
from whychurn.analyses.nps.scores import BASE
from whychurn.models import nps_coverage
from whychurn.study import TableStudy

SIZES = (5, 10, 30, 100, 300)
#: True shares of promoters, passives and detractors: nearly all alike, and mixed; then those of the study.
SHARES = {"98%, 1%, 1%": (0.98, 0.01, 0.01), "50%, 30%, 20%": (0.5, 0.3, 0.2)}
OWN = "as found here"
METHODS = {"adjusted": "adjusted Wald", "wald": "plain Wald"}


def coverage_rows(persons: pd.DataFrame, study: TableStudy) -> Iterator[dict[str, Any]]:
    """Yield the coverage of the adjusted and of the plain interval for independent answers."""
    detractors, passives, promoters = ((persons["band"] == band).mean() for band in BANDS)
    cases = SHARES | {OWN: (float(promoters), float(passives), float(detractors))}
    for name, shares in cases.items():
        for n in SIZES:
            for method, words in METHODS.items():
                yield BASE | {
                    "method": words,
                    "estimand": "coverage",
                    "term": "True shares of promoters, passives and detractors",
                    "level": name,
                    "time": float(n),
                    "unit": "share",
                    "estimate": nps_coverage(n, *shares, method=method, conf_level=study.confidence_level),
                    "conf_level": study.confidence_level,
                    "denominator": n,
                    "definition": "chance that the interval of so many independent answers holds the true score",
                }
