"""Drawings as their readers have them: their HTML, and the text of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from whychurn import display
from whychurn.findings import Findings


def html_of(found: Findings, parts: Iterable[str]) -> str:
    """The HTML of some drawings of the same findings, one after the other."""
    return "".join(str(block.markup) for block in (getattr(display, name)(found) for name in parts) if block)


def text_of(shown: object, drawings: bool = True) -> str:
    """The text of a block or of HTML in one line, with or without what stands inside drawings."""
    html = str(getattr(shown, "markup", shown))
    if not drawings:
        html = re.sub(r"<svg.*?</svg>", "", html, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html)).strip()
