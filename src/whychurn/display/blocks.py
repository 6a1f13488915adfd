"""Pieces of a page: text, tables and figures as escaped HTML that JupyterLab and the reports both show."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup, escape

Text = str | Markup


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a page. Plain strings given to the builders below are escaped; only Markup passes as HTML."""

    markup: Markup

    def __html__(self) -> Markup:
        return self.markup

    def __add__(self, other: Block) -> Block:
        return Block(self.markup + other.markup)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"text/html": str(self.markup), "text/plain": Markup(self.markup).striptags()[:200]}


def say(template: str, **parts: object) -> Markup:
    """Fill a sentence. The template is ours and may hold markup; every part is escaped unless it is Markup."""
    return Markup(template).format(**{name: escape(part) for name, part in parts.items()})


def finding(sentence: Text) -> Block:
    """Return the headline sentence of a section."""
    return Block(Markup('<p class="finding">{}</p>').format(sentence))


def paragraph(text: Text, css: str = "") -> Block:
    """Return a paragraph, with one of the page's classes: "sub" for explanation, "note" for a caution."""
    return Block(Markup('<p class="{}">{}</p>').format(css, text) if css else Markup("<p>{}</p>").format(text))


def section(title: Text, *blocks: Block, level: int = 3, anchor: str = "") -> Block:
    """Return blocks under a heading."""
    opening = Markup("<section><h{level}{anchor}>{title}</h{level}>").format(
        level=level, title=title, anchor=Markup(' id="{}"').format(anchor) if anchor else ""
    )
    return Block(opening + Markup("").join(block.markup for block in blocks) + Markup("</section>"))


def bullets(items: Iterable[Text], css: str = "") -> Block:
    """Return a list."""
    inner = Markup("").join(Markup("<li>{}</li>").format(item) for item in items)
    return Block((Markup('<ul class="{}">').format(css) if css else Markup("<ul>")) + inner + Markup("</ul>"))


def folded(summary: Text, *blocks: Block) -> Block:
    """Return blocks behind a line that opens them."""
    inner = Markup("").join(block.markup for block in blocks)
    return Block(Markup("<details><summary>{}</summary>{}</details>").format(summary, inner))


@dataclass(frozen=True, slots=True)
class Column:
    """A table column: its heading (and what stands under it), where its cells come from, whether they are numbers."""

    title: str
    key: str
    number: bool = False
    css: str = ""
    under: Markup = field(default_factory=Markup)


def table(
    caption: Text,
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, object]],
    css: str = "data",
    label: str = "",
) -> Block:
    """Return a table whose first column heads its rows.

    On phones the cells name their own column through ``data-l``; wide tables scroll inside a focusable region.

    Parameters
    ----------
    caption : str or Markup
        What the table shows; it names the table for screen readers too.
    columns : sequence of Column
        The first one holds the row headers.
    rows : iterable of mapping
        Cell content by column key; what a row leaves out is empty.
    css : str
        Class of the table.
    """
    head = Markup("").join(
        Markup('<th scope="col" class="{}">{}{}</th>').format(
            "n" if column.number else column.css, column.title, column.under
        )
        for column in columns
    )
    body = Markup("").join(_table_row(columns, row) for row in rows)
    # The title stands outside the scrolling region, so that it wraps on a phone instead of scrolling away.
    anchor = "t" + hashlib.sha256(f"{caption}{body}".encode()).hexdigest()[:10]
    return Block(
        Markup(
            '<p class="caption" id="{a}">{caption}</p><div class="scroll" role="region" tabindex="0" aria-labelledby="{a}">'
            '<table class="{css}" aria-labelledby="{a}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        ).format(a=anchor, caption=caption, css=css, head=head, body=body)
    )


def _table_row(columns: Sequence[Column], row: Mapping[str, object]) -> Markup:
    first, *others = columns
    cells = [Markup('<th scope="row" class="{}">{}</th>').format(first.css, row.get(first.key, ""))]
    cells += [
        Markup('<td class="{}" data-l="{}">{}</td>').format(
            "n" if column.number else column.css, column.title, row.get(column.key, "")
        )
        for column in others
    ]
    return Markup("<tr>{}</tr>").format(Markup("").join(cells))


def figure(wide: Markup, narrow: Markup, caption: object, after: Block | None = None) -> Block:
    """Return a figure in two widths (a page shows the one that fits) under its finding as title."""
    below = after.markup if after else Markup("")
    return Block(
        Markup(
            '<figure class="chart"><figcaption>{}</figcaption><div class="wide">{}</div><div class="narrow" style="display:none">{}</div>{}</figure>'
        ).format(caption, wide, narrow, below)
    )
