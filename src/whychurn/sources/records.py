"""Where each record of a text file begins, counted independently of the engine that reads it.

A line end inside quotes does not end a record. The positions of quotes and line ends are found by NumPy,
window by window, over the mapped file; nothing is parsed twice in Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

QUOTE, LINE_FEED, CARRIAGE_RETURN = 34, 10, 13
WINDOW = 1 << 24


@dataclass(frozen=True, slots=True)
class Records:
    """Non-blank records of a text file.

    Attributes
    ----------
    starts, ends : ndarray of int64, shape (records,)
        Byte range of each record (line end excluded); the first is the header.
    lines : ndarray of int64, shape (records,)
        Line, from 1, on which each record begins.
    quoted_line_ends : bool
        Whether any value holds a line end.
    surplus : ndarray of int64
        Offsets of bytes that :func:`plain_copy` leaves out: carriage returns of line ends, and blank lines.
    stray_quotes, bare_returns : tuple of int
        Lines on which a quote stands inside a value, or a carriage return ends a line on its own.
    unclosed : int
        Line of the last quote if it is never closed, else 0.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    lines: NDArray[np.int64]
    quoted_line_ends: bool
    surplus: NDArray[np.int64]
    stray_quotes: tuple[int, ...]
    bare_returns: tuple[int, ...]
    unclosed: int

    def __len__(self) -> int:
        return len(self.starts)


def scan_records(file: Path, delimiter: str) -> Records:
    """Find the records of a UTF-8 text file without byte order mark.

    Parameters
    ----------
    file : Path
    delimiter : str
        One ASCII character.

    Returns
    -------
    Records
        Blank lines hold no record. Where quotes are not sound, records are as good as a reader could guess,
        and ``stray_quotes`` or ``unclosed`` say so.
    """
    data = np.memmap(file, dtype=np.uint8, mode="r") if file.stat().st_size else np.zeros(0, np.uint8)
    size = len(data)
    line_ends, quotes, returns = _positions(data)
    inside = np.searchsorted(quotes, line_ends) % 2 == 1
    last_line_end = line_ends[~inside]
    ends = np.append(last_line_end, size) if not len(last_line_end) or last_line_end[-1] != size - 1 else last_line_end
    starts = np.concatenate(([0], ends[:-1] + 1)).astype(np.int64)[: len(ends)]
    ends = ends.astype(np.int64)
    before = np.clip(ends - 1, 0, max(size - 1, 0))
    trimmed = ends - ((ends > starts) & (data[before] == CARRIAGE_RETURN)) if size else ends
    lines = np.searchsorted(line_ends, starts) + 1
    full = trimmed > starts
    outside = returns[np.searchsorted(quotes, returns) % 2 == 0]
    bare = outside[_next(data, outside) != LINE_FEED]
    line_returns = np.setdiff1d(outside, bare, assume_unique=True)
    blank_ends = ends[~full & (ends < size)]
    return Records(
        starts=starts[full],
        ends=trimmed[full],
        lines=lines[full].astype(np.int64),
        quoted_line_ends=bool(inside.any()),
        stray_quotes=_lines_of(_stray(data, quotes, ord(delimiter)), line_ends),
        surplus=np.sort(np.concatenate((line_returns, blank_ends))),
        bare_returns=_lines_of(bare, line_ends),
        unclosed=int(np.searchsorted(line_ends, quotes[-1]) + 1) if len(quotes) % 2 else 0,
    )


def _positions(data: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Offsets of line feeds, of quotes, and of carriage returns."""
    found: tuple[list[NDArray[np.int64]], ...] = ([], [], [])
    for begin in range(0, len(data), WINDOW):
        window = np.asarray(data[begin : begin + WINDOW])
        for kept, byte in zip(found, (LINE_FEED, QUOTE, CARRIAGE_RETURN), strict=True):
            kept.append(np.flatnonzero(window == byte).astype(np.int64) + begin)
    none = np.zeros(0, np.int64)
    line_ends, quotes, returns = (np.concatenate(kept) if kept else none for kept in found)
    return line_ends, quotes, returns


def _stray(data: NDArray[np.uint8], quotes: NDArray[np.int64], delimiter: int) -> NDArray[np.int64]:
    """Quotes that neither begin nor end a value nor are doubled inside one."""
    if not len(quotes):
        return quotes
    before = np.where(quotes > 0, data[np.maximum(quotes - 1, 0)], LINE_FEED)
    after = _next(data, quotes)
    opens = np.arange(len(quotes)) % 2 == 0
    doubled = np.zeros(len(quotes), dtype=bool)
    doubled[1:] = np.diff(quotes) == 1
    sound_open = doubled | np.isin(before, (delimiter, LINE_FEED))
    sound_close = np.isin(after, (delimiter, LINE_FEED, CARRIAGE_RETURN, QUOTE))
    return quotes[np.where(opens, ~sound_open, ~sound_close)]


def _next(data: NDArray[np.uint8], positions: NDArray[np.int64]) -> NDArray[np.uint8]:
    """The byte after each position; at the end of the file, a line feed."""
    if not len(positions):
        return np.zeros(0, np.uint8)
    after = data[np.minimum(positions + 1, len(data) - 1)]
    return np.where(positions < len(data) - 1, after, LINE_FEED).astype(np.uint8)


def plain_copy(file: Path, records: Records, copy: Path) -> None:
    """Write a copy without blank lines, and with line feeds alone at line ends; what is quoted stays as it is."""
    data = np.memmap(file, dtype=np.uint8, mode="r")
    with copy.open("wb") as stream:
        for begin in range(0, len(data), WINDOW):
            end = min(begin + WINDOW, len(data))
            first, last = np.searchsorted(records.surplus, (begin, end))
            stream.write(np.delete(data[begin:end], records.surplus[first:last] - begin).tobytes())


def _lines_of(positions: NDArray[np.int64], line_ends: NDArray[np.int64]) -> tuple[int, ...]:
    return tuple(int(line) for line in np.unique(np.searchsorted(line_ends, positions) + 1))
