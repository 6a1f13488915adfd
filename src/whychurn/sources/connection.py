"""A DuckDB connection that can see the study and nothing else."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import duckdb

from whychurn.errors import SourceError

WORK_FOLDER = ".whychurn"
MEMORY_LIMIT = "4GB"


def work_folder(study_folder: Path) -> Path:
    """Return the study's work folder, made if need be.

    Raises
    ------
    SourceError
        If it cannot be made, or is a symbolic link: files would be written, and removed, where the link points.
    """
    folder = study_folder / WORK_FOLDER
    if folder.is_symlink():
        raise SourceError(
            f"{folder} is a symbolic link, so working files would be written outside the study folder. Remove the link."
        )
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError:
        raise SourceError(f"{folder} is a file. Move it away: the work folder must go there.") from None
    except OSError as error:
        raise SourceError(f"Cannot write to {study_folder}: {error.strerror}. The work folder must go there.") from None
    return folder


def locked_connection(
    folders: Sequence[Path],
    files: Sequence[Path] = (),
    memory_limit: str = MEMORY_LIMIT,
    threads: int | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open an in-memory engine that reads and writes inside `folders` (and the named `files`) only.

    No extension can be installed or loaded, nothing is fetched, no Python variable is read as a table, and
    the settings are locked.

    Parameters
    ----------
    folders : sequence of Path
        Folders it may use; the first holds its temporary files.
    files : sequence of Path
        Single files outside those folders.
    memory_limit : str
        Above it, the engine spills to its temporary folder.
    threads : int, optional
        Default: the processors there are, at most four.
    """
    spill = folders[0].resolve() / f"spill-{os.getpid()}-{secrets.token_hex(4)}"
    connection = duckdb.connect(":memory:")
    settings: tuple[tuple[str, object], ...] = (
        ("autoinstall_known_extensions", False),
        ("autoload_known_extensions", False),
        ("allow_community_extensions", False),
        ("temp_directory", str(spill)),
        ("memory_limit", memory_limit),
        ("threads", threads or max(1, min(4, os.cpu_count() or 1))),
        # Record numbers follow from the order of rows.
        ("preserve_insertion_order", True),
        ("allowed_directories", [str(folder.resolve()) for folder in folders]),
        ("allowed_paths", [str(file.resolve()) for file in files]),
        ("enable_external_access", False),
        ("python_enable_replacements", False),
        ("lock_configuration", True),
    )
    for name, value in settings:
        connection.execute(f"SET {name} = {_literal(value)}")
    return connection


def first_row(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    """Return the only row of a query of counts.

    All of it is fetched: a result left half read keeps the connection busy.
    """
    return connection.execute(sql).fetchall()[0]


def _literal(value: object) -> str:
    """Settings take no bound values, so they are written out; text is escaped."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
