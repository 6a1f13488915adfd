"""nbconvert with our template, and without its second reading of the page.

The HTML exporter of nbconvert parses its own output again, which reorders attributes and lowers the case of
SVG; a page is left exactly as the template wrote it. Imported only where a page is made: nbconvert is slow to
load.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbconvert.filters.highlight import Highlight2HTML

TEMPLATES = Path(__file__).parent / "templates"


class PageExporter(HTMLExporter):  # type: ignore[misc]
    """Turn a notebook into the body of a page."""

    def from_notebook_node(  # type: ignore[override]
        self, nb: Any, resources: Any = None, **kw: Any
    ) -> tuple[str, Any]:
        """Return the HTML of a notebook as the template writes it."""
        self.register_filter("highlight_code", Highlight2HTML(pygments_lexer="python", parent=self))
        body, resources = TemplateExporter.from_notebook_node(self, nb, resources, **kw)
        return str(body), resources


@functools.cache
def page_exporter() -> PageExporter:
    """Return the exporter; its templates are parsed once."""
    return PageExporter(template_name="whychurn", extra_template_basedirs=[str(TEMPLATES)], exclude_anchor_links=True)
