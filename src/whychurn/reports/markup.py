"""Finish a page's HTML: anchors for headings, scopes for header cells, focusable regions around tables.

The text is copied through piece by piece and only the tags in question are rewritten, so that inline SVG
keeps the spelling of its attributes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser

_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_SVG = re.compile(r"<svg\b.*?</svg>", re.S | re.I)
_ID = re.compile(r"""\bid=["']([^"']+)""")
_DRAWING = "whychurn-drawing"
_LAID_ASIDE = re.compile(rf"<{_DRAWING}-(\d+)></{_DRAWING}-\1>")


@dataclass(frozen=True, slots=True)
class Heading:
    """An entry of the table of contents; `label` is HTML that keeps only text and traceable numbers."""

    level: int
    anchor: str
    label: str


def finish(html: str, taken: tuple[str, ...] = ()) -> tuple[str, tuple[Heading, ...]]:
    """Return `html` with anchors, scopes and scrollable regions, and its headings of level 2 and 3.

    Parameters
    ----------
    html : str
        The body of a page.
    taken : tuple of str
        Anchors that the page around the body already uses.
    """
    drawings: list[str] = []

    def lay_aside(found: re.Match[str]) -> str:
        drawings.append(found[0])
        return f"<{_DRAWING}-{len(drawings) - 1}></{_DRAWING}-{len(drawings) - 1}>"

    # Most tags of a page are in its drawings, and none of them changes.
    rest = _SVG.sub(lay_aside, html)
    survey = _Survey()
    survey.feed(rest)
    survey.close()
    ids = {name for drawing in drawings for name in _ID.findall(drawing)}
    anchors = _anchors(survey.headings, {*taken, *survey.ids, *ids})
    rewriter = _Rewriter(anchors, _labels(survey.tables))
    rewriter.feed(rest)
    rewriter.close()
    finished = _LAID_ASIDE.sub(lambda found: drawings[int(found[1])], "".join(rewriter.out))
    headings = tuple(
        Heading(found.level, anchor, found.label.strip())
        for found, anchor in zip(survey.headings, anchors, strict=True)
    )
    return finished, headings


@dataclass(slots=True)
class _Found:
    level: int
    anchor: str = ""
    label: str = ""
    words: str = ""


class _Survey(HTMLParser):
    """First reading: headings with their labels, tables with their captions, and every id in use."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.headings: list[_Found] = []
        self.tables: list[str] = []
        self.ids: set[str] = set()
        self._heading: _Found | None = None
        self._table: list[int] = []
        self._caption = False
        self._in_data = False
        self._last_words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("h2", "h3"):
            self._heading = _Found(int(tag[1]), given.get("id") or "")
            self.headings.append(self._heading)
        elif given.get("id"):
            self.ids.add(str(given["id"]))
        if tag == "table":
            self._table.append(len(self.tables))
            self.tables.append("")
        self._caption = self._caption or tag == "caption"
        if tag == "data":
            self._in_data = True
            if self._heading:
                self._heading.label += self.get_starttag_text() or ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h2", "h3") and self._heading:
            self._last_words = self._heading.words
            self._heading = None
        elif tag == "table" and self._table:
            number = self._table.pop()
            self.tables[number] = self.tables[number].strip() or self._last_words.strip()
        elif tag == "caption":
            self._caption = False
        elif tag == "data":
            self._in_data = False
            if self._heading:
                self._heading.label += "</data>"

    def handle_data(self, data: str) -> None:
        if self._heading:
            self._heading.label += escape(data, quote=False)
            self._heading.words += "" if self._in_data else data
        if self._caption and self._table:
            self.tables[self._table[-1]] += data


def _anchors(headings: list[_Found], taken: set[str]) -> list[str]:
    """Anchors come from words alone, never from numbers: a link survives when a number moves."""
    used = taken | {found.anchor for found in headings if found.anchor}
    anchors = []
    for found in headings:
        anchor = found.anchor
        if not anchor:
            base = re.sub(r"[^a-z]+", "-", found.words.lower()).strip("-")[:60].strip("-") or "section"
            anchor, count = base, 2
            while anchor in used:
                anchor, count = f"{base}-{count}", count + 1
            used.add(anchor)
        anchors.append(anchor)
    return anchors


def _labels(captions: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    labels = []
    for caption in captions:
        text = " ".join(caption.split()) or "Table"
        seen[text] = seen.get(text, 0) + 1
        labels.append(text if seen[text] == 1 else f"{text} (part {seen[text]})")
    return labels


class _Rewriter(HTMLParser):
    """Second reading: copy everything and rewrite headings, tables and header cells."""

    def __init__(self, anchors: list[str], labels: list[str]) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self._anchors = iter(anchors)
        self._labels = iter(labels)
        self._open: list[str] = []
        self._regions: list[int] = []  # how deep each open region with class "scroll" stands
        self._wrapped: list[bool] = []
        self._in_head = False
        self._dropping = False
        self._blank_header = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raw = self.get_starttag_text() or ""
        given = {name: value or "" for name, value in attrs}
        if tag == "style" and "scoped" in given:
            self._dropping = True  # pandas writes one for each frame
            return
        self._flush_header()
        if tag in ("h2", "h3"):
            anchor = next(self._anchors)
            raw = raw if given.get("id") else f'{raw[:-1]} id="{anchor}">'
        elif tag == "table":
            raw = self._open_table(raw, given)
        elif tag == "thead":
            self._in_head = True
        elif tag == "tbody":
            self._in_head = False
        elif tag == "th" and "scope" not in given:
            self._blank_header = _with(raw, "scope", "col" if self._in_head else "row")
            self._open.append(tag)
            return
        if tag not in _VOID:
            self._open.append(tag)
        if "scroll" in given.get("class", "").split():
            self._regions.append(len(self._open))
        self.out.append(raw)

    def _open_table(self, raw: str, given: dict[str, str]) -> str:
        classes = given.get("class", "").split()
        label = next(self._labels)
        if "dataframe" in classes:
            raw = '<table class="data frame">'
        elif not classes:
            raw = '<table class="data">'
        wrap = "causes" not in classes and not self._regions
        self._wrapped.append(wrap)
        if wrap:
            raw = f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(label)}">{raw}'
        return raw

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._flush_header()
        self.out.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if self._dropping:
            self._dropping = tag != "style"
            return
        if self._blank_header:
            # A header cell without text announces nothing: it becomes a plain cell.
            self.out.append("<td>" if tag == "th" else self._blank_header)
            blank, self._blank_header = tag == "th", ""
        else:
            blank = False
        if self._open and tag in self._open:
            while self._open.pop() != tag:
                pass
        while self._regions and len(self._open) < self._regions[-1]:
            self._regions.pop()
        self.out.append("</td>" if blank else f"</{tag}>")
        if tag == "thead":
            self._in_head = False
        elif tag == "table" and self._wrapped and self._wrapped.pop():
            self.out.append("</div>")

    def _flush_header(self) -> None:
        if self._blank_header:
            self.out.append(self._blank_header)
            self._blank_header = ""

    def _copy(self, text: str) -> None:
        if self._dropping:
            return
        if text.strip():
            self._flush_header()
        self.out.append(text)

    def handle_data(self, data: str) -> None:
        self._copy(data)

    def handle_entityref(self, name: str) -> None:
        self._copy(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._copy(f"&#{name};")

    def handle_comment(self, data: str) -> None:
        return


def _with(raw: str, name: str, value: str) -> str:
    return f'{raw[:-1]} {name}="{value}">'
