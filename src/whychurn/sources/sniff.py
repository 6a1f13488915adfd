"""How a text file is written, as a proposal for ``study.toml``; reading itself guesses nothing."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from whychurn.sources.files import BYTE_ORDER_MARKS
from whychurn.sources.header import DELIMITERS

SAMPLE = 1 << 18


@dataclass(frozen=True, slots=True)
class Sniffed:
    """Encoding, delimiter and decimal mark, and whether the encoding is sure."""

    encoding: str
    delimiter: str
    decimal: str
    sure: bool


def sniff(file: Path) -> Sniffed:
    """Look at a text file.

    UTF-8 and files with a byte order mark are recognised for sure; other bytes are proposed as cp1252.
    """
    encoding, sure = _encoding(file)
    with file.open("rb") as stream:
        text = codecs.getincrementaldecoder(encoding)("replace").decode(stream.read(SAMPLE))
    text = text.removeprefix("\ufeff")
    delimiter = _delimiter(text, file.suffix.lower())
    return Sniffed(encoding, delimiter, _decimal(text, delimiter), sure)


def _encoding(file: Path) -> tuple[str, bool]:
    with file.open("rb") as stream:
        head = stream.read(4)
        for mark, name in BYTE_ORDER_MARKS:
            if head.startswith(mark):
                return name, True
        stream.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")("strict")
        try:
            while chunk := stream.read(1 << 22):
                decoder.decode(chunk)
            decoder.decode(b"", True)
        except UnicodeDecodeError:
            return "cp1252", False
    return "utf-8", True


def _rows(text: str, delimiter: str, most: int = 200) -> list[list[str]]:
    rows = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if row:
                rows.append(row)
            if len(rows) >= most:
                break
    except csv.Error:
        pass
    return rows


def _delimiter(text: str, suffix: str) -> str:
    """The delimiter that gives the header several columns and most rows as many."""
    best, most = "\t" if suffix == ".tsv" else ",", 0.0
    for delimiter in DELIMITERS:
        rows = _rows(text, delimiter)
        if rows and len(rows[0]) > 1:
            same = Counter(map(len, rows))[len(rows[0])] / len(rows)
            score = same * (1 + len(rows[0]) / 1000)
            # Split at the wrong place, quotes end up inside names, and may swallow the lines after them.
            score /= 1 + any(mark in name for name in rows[0] for mark in '"\n')
            if score > most:
                best, most = delimiter, score
    return best


def _decimal(text: str, delimiter: str) -> str:
    values = [value.strip() for row in _rows(text, delimiter)[1:] for value in row]
    commas = sum(bool(re.fullmatch(r"[+-]?\d+,\d+", value)) for value in values)
    points = sum(bool(re.fullmatch(r"[+-]?\d+\.\d+", value)) for value in values)
    return "," if commas > points else "."
