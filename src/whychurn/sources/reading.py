"""One file of any format into the engine as text, with its fingerprint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from whychurn.errors import SourceError
from whychurn.sources.contract import Fingerprint, IntegrityFinding, refuse_all
from whychurn.sources.files import Progress, TextFile, fingerprint, read_text_file
from whychurn.sources.load import RawTable, load_csv
from whychurn.sources.parquet import load_parquet
from whychurn.study import Source

#: First bytes of files that are no text, what they are, and what to do.
BINARY = (
    (b"PAR1", "a Parquet file", "Rename it so that its name ends in .parquet."),
    (
        b"PK\x03\x04",
        "an Excel workbook or a zip archive",
        "Rename a workbook so that its name ends in .xlsx; unpack an archive.",
    ),
    (b"\x1f\x8b", "a gzip archive", "Unpack it."),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", "Save it as .xlsx or as CSV."),
)


@dataclass(frozen=True)
class ReadFile:
    """A file as text in the engine, its fingerprint, and what was noticed on the way."""

    raw: RawTable
    fingerprint: Fingerprint
    findings: tuple[IntegrityFinding, ...]


def read_file(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    source: Source,
    table: str,
    needed: Mapping[str, str],
    work: Path,
    progress: Progress = lambda done: None,
) -> ReadFile:
    """Read a file, whatever its format; it must not change meanwhile.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        One that may read `file` and `work`.
    file : Path
    source : Source
        How the file is declared.
    table : str
        Name of the table, for messages.
    needed : Mapping of str to str
        Columns that must be there, and where the study names them.
    work : Path
        For passing copies.
    progress : callable
        Called with the number of bytes just read.

    Raises
    ------
    SourceError
        If it cannot be read as declared.
    """
    before = file.stat()
    findings: list[IntegrityFinding] = []
    if source.suffix in (".parquet", ".xlsx"):
        sha256, size = fingerprint(file, progress)
        if source.suffix == ".parquet":
            raw = load_parquet(connection, file, source, table, needed)
        else:
            from whychurn.sources.excel import load_excel  # openpyxl takes a while to import

            raw = load_excel(connection, file, source, table, needed, work)
    else:
        require_no_binary(file, source, table)
        text = read_text_file(file, source.encoding, work, progress)
        sha256, size = text.sha256, text.size
        try:
            _require_text(text, source, table)
            raw = load_csv(connection, text.readable, source, table, needed, work)
        finally:
            if text.is_copy:
                text.readable.unlink(missing_ok=True)
        findings += _encoding_doubts(text, source, table)
    after = file.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise SourceError(f"{source.file} changed while it was read. Try again once it is complete.")
    findings = [*other_file(sha256, source, table), *findings, *raw.findings]
    return ReadFile(raw, Fingerprint(source.file, sha256, raw.n_records, size), tuple(findings))


def require_no_binary(file: Path, source: Source, table: str) -> None:
    """Refuse a file that is declared as text but begins like one of :data:`BINARY`.

    Raises
    ------
    SourceError
        If it does.
    """
    with file.open("rb") as stream:
        head = stream.read(8)
    for magic, what, fix in BINARY:
        if head.startswith(magic):
            problem = f"It is {what}, though its name ends in {source.suffix}."
            finding = IntegrityFinding("binary-file", "refuse", table, problem, action=fix, count=1)
            raise refuse_all(f"{source.file} cannot be used:", [finding])


def _require_text(text: TextFile, source: Source, table: str) -> None:
    if text.bad is not None:
        bad = text.bad
        problem = f"It is not {source.encoding}: byte {bad.offset:,} on line {bad.line:,} ({bad.found}) does not fit."
        fix = "Save the file again as UTF-8."
        if bad.try_encodings:
            others = f" (or {', '.join(bad.try_encodings[1:])})" if len(bad.try_encodings) > 1 else ""
            fix = (
                f'Write encoding = "{bad.try_encodings[0]}"{others} under [source], and check that accented '
                "letters come out right."
            )
        code = "wrong-encoding"
    elif text.nul_line:
        problem = f"Line {text.nul_line:,} holds a NUL character: it is not plain text, or not {source.encoding}."
        fix, code = 'Export it again as text, or declare its encoding, such as encoding = "utf-16".', "nul-bytes"
    else:
        return
    finding = IntegrityFinding(code, "refuse", table, problem, action=fix, count=1)
    raise refuse_all(f"{source.file} cannot be used:", [finding])


def _encoding_doubts(text: TextFile, source: Source, table: str) -> list[IntegrityFinding]:
    if not text.also_utf8:
        return []
    return [
        IntegrityFinding(
            code="encoding-doubtful", severity="caveat", table=table, count=1,
            problem=f"The file is declared as {source.encoding}, but its bytes are valid UTF-8.",
            consequence="Accented letters are then misread, and levels that hold them look odd.",
            action='Write encoding = "utf-8" under [source] if names look wrong.',
        )
    ]  # fmt: skip


def other_file(sha256: str, source: Source, table: str) -> list[IntegrityFinding]:
    """Return a refusal if a file is not the one whose SHA-256 the study declares, else nothing."""
    if not source.sha256 or source.sha256 == sha256:
        return []
    return [
        IntegrityFinding(
            code="other-fingerprint", severity="refuse", table=table, count=1,
            problem=f"{source.file} is not the file that study.toml names: its SHA-256 is {sha256}.",
            consequence="Numbers would differ from those of the declared data.",
            action="Restore the file; if the new data are meant, write the new SHA-256 under [source].",
        )
    ]  # fmt: skip
