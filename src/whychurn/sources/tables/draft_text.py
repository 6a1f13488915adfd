"""Comments of a proposed ``study.toml``, no longer than a line of an editor."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from whychurn.sources.toml_text import comment

WIDTH = 118


def wrapped(text: str) -> Iterator[str]:
    """Yield a text as lines of comment."""
    for line in textwrap.wrap(comment(text), WIDTH, break_long_words=False, break_on_hyphens=False):
        yield f"# {line}"
