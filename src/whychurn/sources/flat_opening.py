"""Read, check and grade the one file of a flat study."""

from __future__ import annotations

from pathlib import Path

import duckdb

from whychurn.errors import SourceError
from whychurn.sources.connection import locked_connection, work_folder
from whychurn.sources.contract import Sources
from whychurn.sources.detectors import detect
from whychurn.sources.example import write_example
from whychurn.sources.flat import TABLE, build_flat_table
from whychurn.sources.header import used_columns
from whychurn.sources.integrity import by_severity, check_accounts
from whychurn.sources.names import shown
from whychurn.sources.profile import profile_columns
from whychurn.sources.progress import reading
from whychurn.sources.reading import read_file
from whychurn.sources.rejects import write_rejects
from whychurn.sources.verdict import grade
from whychurn.study import FlatStudy

REJECTS_FILE = f"rejects-{TABLE}.csv"


def inspect_flat(study: FlatStudy) -> Sources:
    """Read the file of a flat study and grade it, whatever the grade.

    Raises
    ------
    SourceError
        If the data cannot be read at all.
    """
    file = _data_file(study)
    work = work_folder(study.folder)
    connection = locked_connection([work, study.folder], [file])
    try:
        return _inspect(study, file, work, connection)
    except BaseException:
        connection.close()
        raise


def _inspect(study: FlatStudy, file: Path, work: Path, connection: duckdb.DuckDBPyConnection) -> Sources:
    with reading(file) as progress:
        read = read_file(connection, file, study.source, TABLE, used_columns(study), work, progress)
    table = build_flat_table(connection, read.raw, study)
    detections = detect(table.frame, study)
    found = check_accounts(table, read.raw.n_records, study, detections)
    integrity = by_severity((*read.findings, *found))
    write_rejects(table.rejects, work / REJECTS_FILE)
    return Sources(
        study_name=study.name,
        work=work,
        connection=connection,
        tables={TABLE: len(table.frame)},
        fingerprints=(read.fingerprint,),
        integrity=integrity,
        ledger=table.ledger,
        columns=profile_columns(table, study),
        rejects=table.rejects,
        detections=detections,
        verdict=grade(integrity),
        copies={TABLE: table.copy} if table.copy else {},
    )


def _data_file(study: FlatStudy) -> Path:
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
