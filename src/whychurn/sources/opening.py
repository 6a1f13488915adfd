"""Open the sources of a study: read, check, grade."""

from __future__ import annotations

from pathlib import Path

import duckdb

from whychurn.errors import SourceError
from whychurn.sources.connection import locked_connection, work_folder
from whychurn.sources.contract import Fingerprint, IntegrityFinding, Sources, Verdict, refuse_all
from whychurn.sources.detectors import detect
from whychurn.sources.example import write_example
from whychurn.sources.files import TextFile, fingerprint, read_text_file
from whychurn.sources.flat import TABLE, build_flat_table
from whychurn.sources.integrity import by_severity, check_accounts
from whychurn.sources.load import RawTable, load_csv
from whychurn.sources.names import shown
from whychurn.sources.parquet import load_parquet
from whychurn.sources.profile import profile_columns
from whychurn.sources.progress import Progress, reading
from whychurn.sources.rejects import write_rejects
from whychurn.sources.verdict import grade
from whychurn.study import Study

REJECTS_FILE = f"rejects-{TABLE}.csv"


def open_sources(study: Study, accept_risk: str = "") -> Sources:
    """Read a study's tables and check them.

    Parameters
    ----------
    study : Study
        See :func:`whychurn.read_study`.
    accept_risk : str
        A reason to go on although the data are graded "refuse"; it is kept in the verdict and printed.

    Returns
    -------
    Sources

    Raises
    ------
    SourceError
        If the data cannot be read, or are graded "refuse" and no reason to go on is given. Every problem
        found is listed.
    """
    sources = inspect_sources(study)
    if sources.verdict.grade != "refuse":
        return sources
    reason = accept_risk.strip()
    if not reason:
        sources.close()
        problems = [finding for finding in sources.integrity if finding.severity == "refuse"]
        title = f"The data of {study.name} are graded “refuse”:"
        error = refuse_all(title, problems)
        raise SourceError(f"{error}\nTo go on all the same, state why: --accept-risk REASON.", problems)
    verdict = Verdict(sources.verdict.grade, sources.verdict.reasons, reason)
    return Sources(**{**vars(sources), "verdict": verdict})


def inspect_sources(study: Study) -> Sources:
    """Read a study's tables and grade them, whatever the grade.

    Raises
    ------
    SourceError
        If the data cannot be read at all.
    """
    file = _data_file(study)
    try:
        work = work_folder(study.folder)
    except OSError as error:
        raise SourceError(f"Cannot write to {study.folder}: {error.strerror}. The work folder must go there.") from None
    connection = locked_connection([work, study.folder], [file])
    try:
        return _inspect(study, file, work, connection)
    except BaseException:
        connection.close()
        raise


def _inspect(study: Study, file: Path, work: Path, connection: duckdb.DuckDBPyConnection) -> Sources:
    with reading(file) as progress:
        raw, sha256, size, findings = _load(study, file, work, connection, progress)
    table = build_flat_table(connection, raw, study)
    detections = detect(table.frame, study)
    found = check_accounts(table, raw.n_records, study, detections)
    integrity = by_severity((*findings, *raw.findings, *found))
    write_rejects(table.rejects, work / REJECTS_FILE)
    return Sources(
        study_name=study.name,
        connection=connection,
        tables={TABLE: len(table.frame)},
        fingerprints=(Fingerprint(study.source.file, sha256, raw.n_records, size),),
        integrity=integrity,
        ledger=table.ledger,
        columns=profile_columns(table, study),
        rejects=table.rejects,
        detections=detections,
        verdict=grade(integrity),
        copies={TABLE: table.copy} if table.copy else {},
    )


def _data_file(study: Study) -> Path:
    """The data file: there, inside the folder, and written first if it is an example."""
    file = study.data_file
    if not study.source.allow_outside and not file.is_relative_to(study.folder.resolve()):
        raise SourceError(f"{study.source.file} lies outside the study folder {study.folder}.")
    if not file.exists() and study.source.example:
        write_example(study.source.example, file)
    if not file.is_file():
        others = sorted(other.name for other in study.folder.iterdir() if other.suffix.lower() == file.suffix.lower())
        there = f" The folder holds {', '.join(map(shown, others[:3]))}." if others else ""
        raise SourceError(f"There is no file {study.source.file} in {study.folder}.{there}")
    return file


def _load(
    study: Study, file: Path, work: Path, connection: duckdb.DuckDBPyConnection, progress: Progress
) -> tuple[RawTable, str, int, tuple[IntegrityFinding, ...]]:
    """Load the file as text, whatever its format; it must not change meanwhile."""
    before = file.stat()
    findings: list[IntegrityFinding] = []
    if study.source.suffix == ".parquet":
        sha256, size = fingerprint(file, progress)
        raw = load_parquet(connection, file, study, TABLE)
    elif study.source.suffix == ".xlsx":
        from whychurn.sources.excel import load_excel

        sha256, size = fingerprint(file, progress)
        raw = load_excel(connection, file, study, TABLE, work)
    else:
        text = read_text_file(file, study.source.encoding, work, progress)
        sha256, size = text.sha256, text.size
        try:
            _require_readable(text, study)
            raw = load_csv(connection, text.readable, study, TABLE)
        finally:
            if text.is_copy:
                text.readable.unlink(missing_ok=True)
        findings += _encoding_doubts(text, study)
    after = file.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise SourceError(f"{study.source.file} changed while it was read. Try again once it is complete.")
    return raw, sha256, size, (*_other_file(sha256, study), *findings)


def _require_readable(text: TextFile, study: Study) -> None:
    name = study.source.file
    if text.bad is not None:
        bad = text.bad
        fix = (
            f'Write encoding = "{bad.try_encodings[0]}" under [source]'
            + (f" (or {', '.join(bad.try_encodings[1:])})" if len(bad.try_encodings) > 1 else "")
            + ", and check that accented letters come out right."
            if bad.try_encodings
            else "Save the file again as UTF-8."
        )
        problem = (
            f"It is not {study.source.encoding}: byte {bad.offset:,} on line {bad.line:,} ({bad.found}) does not fit."
        )
        code = "wrong-encoding"
    elif text.nul_line:
        problem = (
            f"Line {text.nul_line:,} holds a NUL character: this is not plain text, or not {study.source.encoding}."
        )
        fix, code = 'Export it again as text, or declare its encoding, such as encoding = "utf-16".', "nul-bytes"
    else:
        return
    finding = IntegrityFinding(code, "refuse", TABLE, problem, action=fix, count=1)
    raise refuse_all(f"{name} cannot be used:", [finding])


def _encoding_doubts(text: TextFile, study: Study) -> list[IntegrityFinding]:
    if not text.also_utf8:
        return []
    return [
        IntegrityFinding(
            code="encoding-doubtful", severity="caveat", table=TABLE, count=1,
            problem=f"The file is declared as {study.source.encoding}, but its bytes are valid UTF-8.",
            consequence="Accented letters are then misread, and levels that hold them look odd.",
            action='Write encoding = "utf-8" under [source] if names look wrong.',
        )
    ]  # fmt: skip


def _other_file(sha256: str, study: Study) -> list[IntegrityFinding]:
    if not study.source.sha256 or study.source.sha256 == sha256:
        return []
    return [
        IntegrityFinding(
            code="other-fingerprint", severity="refuse", table=TABLE, count=1,
            problem=f"{study.source.file} is not the file that study.toml names: its SHA-256 is {sha256}.",
            consequence="Numbers would differ from those of the declared data.",
            action="Restore the file; if the new data are meant, write the new SHA-256 under [source].",
        )
    ]  # fmt: skip
