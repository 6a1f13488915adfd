"""Open the sources of a study: read, check, grade."""

from __future__ import annotations

from whychurn.errors import SourceError
from whychurn.sources.contract import Sources, Verdict, refuse_all
from whychurn.sources.flat_opening import inspect_flat
from whychurn.sources.tables.opening import inspect_tables
from whychurn.study import FlatStudy, Study, TableStudy


def open_sources(study: Study, accept_risk: str = "") -> Sources:
    """Read a study's tables and check them.

    Parameters
    ----------
    study : Study
        See :func:`whychurn.read_study`.
    accept_risk : str
        A reason to go on although the data are graded "refuse"; it is kept in the verdict and printed.

    Returns
    -------
    Sources

    Raises
    ------
    SourceError
        If the data cannot be read, or are graded "refuse" and no reason to go on is given. Every problem
        found is listed.
    """
    sources = inspect_sources(study)
    if sources.verdict.grade != "refuse":
        return sources
    reason = accept_risk.strip()
    if not reason:
        sources.close()
        problems = [finding for finding in sources.integrity if finding.severity == "refuse"]
        title = f"The data of {study.name} are graded “refuse”:"
        error = refuse_all(title, problems)
        raise SourceError(f"{error}\nTo go on all the same, state why: --accept-risk REASON.", problems)
    verdict = Verdict(sources.verdict.grade, sources.verdict.reasons, reason)
    return Sources(**{**vars(sources), "verdict": verdict})


def inspect_sources(study: Study) -> Sources:
    """Read a study's tables and grade them, whatever the grade.

    Raises
    ------
    SourceError
        If the data cannot be read at all.
    """
    if isinstance(study, FlatStudy):
        return inspect_flat(study)
    if isinstance(study, TableStudy):
        return inspect_tables(study)
    raise TypeError(f"A study is read with whychurn.read_study; this is {type(study).__name__}.")
