"""A text file on its way in: fingerprint, strict decoding, and a UTF-8 copy where the engine needs one."""

from __future__ import annotations

import codecs
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 22
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
GUESSES = ("utf-8", "cp1252", "latin-1")
Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class BadBytes:
    """The first place where a file cannot be decoded, and the encodings that would work."""

    offset: int
    line: int
    found: str
    try_encodings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file that was read once from end to end.

    Attributes
    ----------
    sha256, size : str, int
        Of the original bytes.
    readable : Path
        UTF-8 without byte order mark: the file itself, or a copy in the work folder.
    is_copy : bool
        Whether `readable` is a copy, to be removed after use.
    nul_line : int
        First line with a NUL character, else 0.
    also_utf8 : bool
        The file was declared in another encoding, but its bytes are valid UTF-8 with non-ASCII characters.
    bad : BadBytes or None
        Where decoding failed; `readable` is then not to be used.
    """

    sha256: str
    size: int
    readable: Path
    is_copy: bool
    nul_line: int
    also_utf8: bool
    bad: BadBytes | None


def read_text_file(file: Path, encoding: str, work: Path, progress: Progress = lambda done: None) -> TextFile:
    """Fingerprint and decode a text file in one streaming pass.

    Parameters
    ----------
    file : Path
    encoding : str
        Declared in the study; nothing is guessed.
    work : Path
        Folder for a UTF-8 copy, needed for other encodings and for a byte order mark.
    progress : callable
        Called with the number of bytes of each chunk.
    """
    with file.open("rb") as stream:
        head = stream.read(4)
    plain_utf8 = codecs.lookup(encoding).name in ("utf-8", "ascii") and not head.startswith(codecs.BOM_UTF8)
    copy = work / f"text-{os.getpid()}-{secrets.token_hex(4)}.csv"
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)("strict")
    second = codecs.getincrementaldecoder("utf-8")("strict")
    valid_utf8, ascii_only, size, lines, nul_line = not plain_utf8, True, 0, 1, 0
    digest = hashlib.sha256()
    bad: BadBytes | None = None
    out = None if plain_utf8 else copy.open("wb")
    try:
        for chunk, last in _chunks(file):
            digest.update(chunk)
            progress(len(chunk))
            size += len(chunk)
            if bad is not None:
                continue
            valid_utf8 = valid_utf8 and _decodes(second, chunk, last)
            ascii_only = ascii_only and chunk.isascii()
            try:
                text = decoder.decode(chunk, last)
            except UnicodeError as error:
                bad = _bad_bytes(file, encoding, error, size - len(chunk), chunk, lines)
                continue
            if not nul_line and "\x00" in text:
                nul_line = lines + text[: text.index("\x00")].count("\n")
            lines += text.count("\n")
            if out is not None:
                out.write(text.encode("utf-8", "surrogatepass"))
    finally:
        if out is not None:
            out.close()
    if bad is not None:
        copy.unlink(missing_ok=True)
    return TextFile(
        sha256=digest.hexdigest(),
        size=size,
        readable=file if plain_utf8 else copy,
        is_copy=not plain_utf8 and bad is None,
        nul_line=nul_line,
        also_utf8=valid_utf8 and not ascii_only and codecs.lookup(encoding).name not in ("utf-8", "utf-8-sig"),
        bad=bad,
    )


def fingerprint(file: Path, progress: Progress = lambda done: None) -> tuple[str, int]:
    """Return SHA-256 and size of any file."""
    digest, size = hashlib.sha256(), 0
    for chunk, _ in _chunks(file):
        digest.update(chunk)
        size += len(chunk)
        progress(len(chunk))
    return digest.hexdigest(), size


def _chunks(file: Path) -> Iterator[tuple[bytes, bool]]:
    """Yield the file's bytes and whether they are the last; an empty file yields one empty chunk."""
    with file.open("rb") as stream:
        chunk = stream.read(CHUNK)
        while True:
            following = stream.read(CHUNK) if chunk else b""
            yield chunk, not following
            if not following:
                return
            chunk = following


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, last: bool) -> bool:
    try:
        decoder.decode(chunk, last)
    except UnicodeError:
        return False
    return True


def _bad_bytes(file: Path, encoding: str, error: UnicodeError, offset: int, chunk: bytes, lines: int) -> BadBytes:
    within = error.start if isinstance(error, UnicodeDecodeError) else 0
    wrong = error.object[error.start : error.end] if isinstance(error, UnicodeDecodeError) else chunk[:1]
    # The decoder may hold bytes of the chunk before; the position is then short by at most three.
    line = lines + chunk[:within].count(b"\n")
    return BadBytes(offset + within, line, wrong.hex(" "), tuple(_working_encodings(file, encoding)))


def _working_encodings(file: Path, declared: str) -> Iterator[str]:
    with file.open("rb") as stream:
        head = stream.read(4096)
    for mark, name in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            yield name
            return
    if len(head) >= 4 and head[1::2].count(0) > len(head) // 4:
        yield "utf-16-le"
        return
    if len(head) >= 4 and head[::2].count(0) > len(head) // 4:
        yield "utf-16-be"
        return
    for name in GUESSES:
        if codecs.lookup(name).name == codecs.lookup(declared).name:
            continue
        decoder = codecs.getincrementaldecoder(name)("strict")
        if all(_decodes(decoder, chunk, last) for chunk, last in _chunks(file)):
            yield name
