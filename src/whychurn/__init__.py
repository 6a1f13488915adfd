"""whychurn: why do customers leave a subscription business, how sure are we, and what is it worth?

The public verbs, in the order of a study::

    import whychurn as wc

    study = wc.read_study("data/telco")
    sources = wc.open_sources(study)
    panel = wc.build_panel(sources, study)
    findings = wc.analyse("segments", panel, study)
    wc.build_report(study, out="reports/telco")
    wc.verify_report("reports/telco")
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from whychurn.analyses import analyse
    from whychurn.findings import Findings
    from whychurn.panel import Panel, build_panel
    from whychurn.reports import build_report, record, verify_report
    from whychurn.sources import Sources, open_sources
    from whychurn.study import Study, read_study

try:
    __version__ = version("whychurn")
except PackageNotFoundError:  # running from a source tree that was never installed
    __version__ = "0+unknown"

#: Where each public name lives. Loaded on first use, so that `whychurn --help` answers at once.
_HOMES = {
    "analyse": "whychurn.analyses",
    "Findings": "whychurn.findings",
    "Panel": "whychurn.panel",
    "build_panel": "whychurn.panel",
    "build_report": "whychurn.reports",
    "record": "whychurn.reports",
    "verify_report": "whychurn.reports",
    "Sources": "whychurn.sources",
    "open_sources": "whychurn.sources",
    "Study": "whychurn.study",
    "read_study": "whychurn.study",
}

__all__ = [
    "Findings",
    "Panel",
    "Sources",
    "Study",
    "__version__",
    "analyse",
    "build_panel",
    "build_report",
    "open_sources",
    "read_study",
    "record",
    "verify_report",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'whychurn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
