"""Read a built page back: its traceable numbers, and every other digit a reader can see."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

_DIGITS = re.compile(r"[<>≤≥+\-\u2212]?\d(?:[\d.,:/]*\d)?%?")  # without the punctuation around them
#: A fingerprint in a code element: of the data, or of a part of them. It names a file and counts nothing.
_FINGERPRINT = re.compile(r"(?=[0-9]*[a-f])[0-9a-f]{12,64}")
_SPOKEN = ("alt", "aria-label", "title", "data-l")
_DRAWN = (
    "viewbox", "d", "points", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "dx", "dy",
    "width", "height", "transform", "offset", "stroke-width", "stroke-dasharray", "opacity", "font-size",
)  # fmt: skip
_SILENT = {"script", "style", "template"}
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass(slots=True)
class Reading:
    """What a page says.

    Attributes
    ----------
    printed : list of dict
        One per <data> element, in order: text, value, format, finding.
    digits : list of str
        Every other run of digits that is visible or spoken, with its sign, in order; not those of fingerprints.
    drawn : list of str
        Every number that places something in a drawing (attributes of SVG, inline styles), in order.
    programs : str
        Scripts and style sheets, joined.
    fingerprint : str
        The results fingerprint in the footer.
    text : str
        All visible and spoken text, for looking up what must not be there; without the code of the notebook.
    code : str
        The folded code of the notebook.
    """

    printed: list[dict[str, Any]] = field(default_factory=list)
    digits: list[str] = field(default_factory=list)
    drawn: list[str] = field(default_factory=list)
    programs: str = ""
    fingerprint: str = ""
    text: str = ""
    code: str = ""


def read_html(html: str) -> Reading:
    """Return what a built page says, number by number."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.reading


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.reading = Reading()
        self._open: list[str] = []
        self._code_in = 0  # how deep the folded code stands that is being read
        self._data: dict[str, Any] | None = None
        self._seal = False
        self._named = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "data":
            self._data = {
                "text": "",
                "value": given.get("value", ""),
                "format": given.get("data-format", ""),
                "finding": given.get("data-finding", ""),
            }
        self._seal = "data-fingerprint" in given
        self._named = tag == "code" and given.get("title", "").startswith("SHA-256")
        for name in _SPOKEN:
            if name in given and not (self._named and name == "title"):
                self._say(given[name])
        drawn = [given[name] for name in _DRAWN if name in given] if self._in_drawing(tag) else []
        for text in (*drawn, given.get("style", "")):
            without_names = re.sub(
                r"url\([^)]*\)", "", text
            )  # a name such as p10e7157 is no number, and reads as infinite
            self.reading.drawn.extend(re.findall(r"-?\d*\.?\d+(?:e-?\d+)?", without_names))
        if tag not in _VOID:
            self._open.append(tag)
            if tag == "details" and "code" in given.get("class", "").split() and not self._code_in:
                self._code_in = len(self._open)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "data" and self._data is not None:
            self.reading.printed.append(self._data)
            self._data = None
        self._seal = self._named = False
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if len(self._open) < self._code_in:
            self._code_in = 0

    def handle_data(self, data: str) -> None:
        if _SILENT & set(self._open[-1:]):
            self.reading.programs += data
        elif self._seal:
            self.reading.fingerprint += data.strip()
        elif self._data is not None:
            self._data["text"] += data
            self.reading.text += data
        else:
            in_code = "code" in self._open[-1:]
            self._say(data, counts=not (self._named or (in_code and _FINGERPRINT.fullmatch(data.strip()))))

    def _in_drawing(self, tag: str) -> bool:
        return tag == "svg" or "svg" in self._open

    def _say(self, text: str, counts: bool = True) -> None:
        spaced = f" {text} " if text.strip() else " "
        if self._code_in:
            self.reading.code += spaced
        else:
            self.reading.text += spaced
        if counts:
            self.reading.digits.extend(_DIGITS.findall(text))
