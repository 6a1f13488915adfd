"""Record findings in the notebook that computed them, so that a page carries its own evidence."""

from __future__ import annotations

from whychurn.findings import Findings


def record(findings: Findings) -> Findings:
    """Store `findings` in the running notebook and return them unchanged.

    The findings are displayed as data (their mime bundle): a notebook shows one short line, an HTML page
    shows nothing, and the report reads them back exactly. Outside a notebook nothing is displayed.

    Parameters
    ----------
    findings : Findings
        What an analysis returned.

    Returns
    -------
    Findings
        The same object, so that ``found = wc.record(wc.analyse(...))`` reads naturally.

    Raises
    ------
    TypeError
        If `findings` is anything else.
    """
    if not isinstance(findings, Findings):
        raise TypeError(f"record takes Findings, not {type(findings).__name__}.")
    from IPython.core.getipython import get_ipython

    if get_ipython() is not None:  # type: ignore[no-untyped-call]
        from IPython.display import display

        display(findings)  # type: ignore[no-untyped-call]
    return findings
