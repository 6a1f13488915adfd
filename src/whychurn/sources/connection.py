"""A DuckDB connection that can see the study and nothing else."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from whychurn.errors import SourceError

WORK_FOLDER = ".whychurn"
MEMORY_LIMIT = "4GB"
#: What a process that is gone has spilled is removed when it has been left alone for this many seconds.
ABANDONED = 3600.0
#: What does not fit into memory may take half of the disk that is free, and never more than this.
MOST_SPILLED = 50_000_000_000
LONGEST_MESSAGE = 200


def work_folder(study_folder: Path) -> Path:
    """Return the study's work folder, made if need be, without what killed runs have spilled into it.

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
    for spill in folder.glob("spill-*-*"):
        if _abandoned(spill):
            shutil.rmtree(spill, ignore_errors=True)
    return folder


def _abandoned(spill: Path) -> bool:
    """Whether the process that spilled is gone, and nothing has been written for long (it may run on another machine)."""
    try:
        os.kill(int(spill.name.split("-")[1]), 0)
    except ProcessLookupError:
        try:
            times = [path.stat().st_mtime for path in (spill, *spill.iterdir())]
        except OSError:  # somebody else removes it
            return False
        return time.time() - max(times) > ABANDONED
    except (OSError, ValueError, OverflowError):
        pass
    return False


def locked_connection(
    folders: Sequence[Path],
    files: Sequence[Path] = (),
    memory_limit: str = MEMORY_LIMIT,
    threads: int | None = None,
) -> duckdb.DuckDBPyConnection:
    """Open an in-memory engine that reads and writes inside `folders` (and the named `files`) only.

    No extension can be installed or loaded, nothing is fetched, no Python variable is read as a table, and
    the settings are locked. What it spills is bounded (:func:`room_to_spill`), so that no view can fill the disk.

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
        ("max_temp_directory_size", f"{room_to_spill(folders[0])}B"),
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


def room_to_spill(folder: Path) -> int:
    """Return how many bytes the engine may spill into a folder: half of what is free, at most 50 GB."""
    return min(MOST_SPILLED, shutil.disk_usage(folder).free // 2)


def engine_words(error: duckdb.Error) -> str:
    """Return what the engine says as part of a message: its first line, without control characters, not too long."""
    first = str(error)[: 10 * LONGEST_MESSAGE].strip().split("\n")[0]
    text = "".join(letter if letter.isprintable() else " " for letter in first)
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


@contextmanager
def within_limits(what: str) -> Iterator[None]:
    """Turn it into a message for the user when the engine runs out of memory, or of disk, while it reads `what`.

    Raises
    ------
    SourceError
    """
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise SourceError(
            f"{what} does not fit into the memory and the disk that the engine may use ({engine_words(error)}). Raise "
            f'memory_limit under [engine], such as memory_limit = "8GB"; what does not fit into memory may take half '
            f"of the free disk, at most {MOST_SPILLED // 10**9} GB. If it comes from a view, make sure that the view ends."
        ) from None
    except duckdb.IOException as error:
        raise SourceError(
            f"{what}: the engine could not read or write a file ({engine_words(error)}). Check that the disk has room "
            "and that the files are whole."
        ) from None


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
