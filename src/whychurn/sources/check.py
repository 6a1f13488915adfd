"""``whychurn check``: look at a study's data and say everything that was found, good or bad."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from whychurn.errors import SourceError, StudyError
from whychurn.sources.contract import ColumnProfile, Fingerprint, IntegrityFinding, LedgerStep, Verdict
from whychurn.sources.flat_opening import REJECTS_FILE
from whychurn.sources.opening import inspect_sources
from whychurn.study import Study, read_study


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes
    ----------
    path : str
        As asked for.
    study_name : str
        "" if ``study.toml`` cannot be read.
    error : str
        Why the study or its data cannot be read at all; "" if they can.
    verdict : Verdict or None
        None where there is an error.
    integrity : tuple of IntegrityFinding
        Also the problems behind an error.
    n_customers, n_left : int
    tenure : tuple of float
        Shortest and longest.
    time_unit : str
    rejects_file : str
        Where the rows set aside are listed; "" if there are none.
    """

    path: str
    study_name: str = ""
    error: str = ""
    verdict: Verdict | None = None
    fingerprints: tuple[Fingerprint, ...] = ()
    ledger: tuple[LedgerStep, ...] = ()
    integrity: tuple[IntegrityFinding, ...] = ()
    columns: tuple[ColumnProfile, ...] = ()
    n_customers: int = 0
    n_left: int = 0
    tenure: tuple[float, float] = (math.nan, math.nan)
    time_unit: str = ""
    rejects_file: str = ""

    @property
    def exit_code(self) -> int:
        """0 for data graded sound or usable, 1 for an error or a refusal."""
        return 1 if self.error or self.verdict is None or self.verdict.grade == "refuse" else 0

    def as_json(self) -> str:
        """Return everything as JSON text; numbers that do not exist are null."""
        content = {**asdict(self), "exit_code": self.exit_code}
        return json.dumps(_without_nan(content), ensure_ascii=False, indent=2)


def check_study(path: str | Path) -> CheckResult:
    """Check a study folder or its ``study.toml``: nothing is raised for what is wrong with it, all is told.

    Parameters
    ----------
    path : str or Path
    """
    try:
        study = read_study(path)
    except StudyError as error:
        return CheckResult(str(path), error=str(error))
    try:
        return _checked(str(path), study)
    except SourceError as error:
        problems = tuple(problem for problem in error.problems if isinstance(problem, IntegrityFinding))
        return CheckResult(str(path), study.name, error=str(error), integrity=problems)


def _checked(path: str, study: Study) -> CheckResult:
    with inspect_sources(study) as sources:
        frame = sources.frame("accounts")
        return CheckResult(
            path=path,
            study_name=study.name,
            verdict=sources.verdict,
            fingerprints=sources.fingerprints,
            ledger=sources.ledger,
            integrity=sources.integrity,
            columns=sources.columns,
            n_customers=len(frame),
            n_left=int(frame["churned"].sum()),
            tenure=(float(frame["tenure"].min()), float(frame["tenure"].max())),
            time_unit=study.time_unit,
            rejects_file=f".whychurn/{REJECTS_FILE}" if len(sources.rejects) else "",
        )


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
