"""Write the company as a study folder: its tables, its study.toml and what is true of it."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Any

import duckdb
import pandas as pd

from whychurn.errors import SourceError, some
from whychurn.sources.canon import TABLES
from whychurn.sources.connection import locked_connection
from whychurn.sources.names import literal
from whychurn.sources.simulator.company import Progress, run_blocks
from whychurn.sources.simulator.settings import NOT_TRACKED, SURVEYS_FROM, TICKETS_FROM, USAGE_FROM, CompanySettings
from whychurn.sources.simulator.truth import MADE_BY, VERSION
from whychurn.sources.simulator.usage import UsageRows
from whychurn.sources.simulator.world import MODULES

TRUTH, STUDY, USAGE = "truth.json", "study.toml", "usage.parquet"
TEMPLATE = Path(__file__).with_name("study_template.toml")

_USAGE_SQL = f"""
SELECT printf('A%06d', account) AS account_id,
       CAST(moment AS TIMESTAMP) AS "at",
       printf('A%06d-U%d', account, who) AS user_id,
       CASE WHEN what < 0 THEN NULL ELSE list_extract([{", ".join(f"'{name}'" for name in MODULES)}], what + 1) END
           AS module,
       CASE WHEN failed THEN 'failed' WHEN what < 0 THEN 'login' ELSE 'use' END AS action,
       CAST(times AS BIGINT) AS "count",
       CASE WHEN isnan(value) THEN NULL ELSE value END AS value
FROM piece
"""
_PARQUET = "(FORMAT parquet, COMPRESSION zstd)"


def write_company(folder: Path, settings: CompanySettings, progress: Progress | None = None) -> Path:
    """Write a company into a folder, ready for ``whychurn check`` and ``whychurn report``.

    Files are put in place when all of them are complete. A folder that already holds this very company is left as
    it is. Usage is written in pieces, so that its size is not limited by memory.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.
    settings : CompanySettings
    progress : callable, optional
        Called with the accounts simulated so far and how many there will be.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    SourceError
        If the folder holds somebody's own data or study, or cannot be written to.
    """
    folder = Path(folder)
    study = study_text(settings)
    if _is_there(folder, settings, study):
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _working_folder(folder) as work:
            frames, truth = _write_tables(work, settings, progress)
            (work / STUDY).write_bytes(study.encode())
            sizes = {file.name: file.stat().st_size for file in sorted(work.iterdir())}
            truth |= {"files": sizes, "study_sha256": hashlib.sha256(study.encode()).hexdigest()}
            (work / TRUTH).write_bytes((json.dumps(truth, indent=1, ensure_ascii=False) + "\n").encode())
            # The truth first: it tells an interrupted folder from a complete one, and from somebody's own.
            for name in (TRUTH, STUDY, USAGE, *(f"{table}.csv" for table in frames)):
                (work / name).replace(folder / name)
    except OSError as error:
        raise SourceError(f"Cannot write to {folder}: {error.strerror or error}. Choose another folder.") from None
    return folder


def study_text(settings: CompanySettings) -> str:
    """Return the study.toml of a company."""
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        seed=settings.seed,
        n_accounts=f"{settings.n_accounts:,}",
        observed_from=settings.start.isoformat(),
        observed_to=settings.end.isoformat(),
        tickets_from=settings.day(TICKETS_FROM).isoformat(),
        usage_from=settings.day(USAGE_FROM).isoformat(),
        surveys_from=settings.day(SURVEYS_FROM).isoformat(),
        gap_from=settings.day(NOT_TRACKED[0]).isoformat(),
        gap_to=settings.day(NOT_TRACKED[1]).isoformat(),
    )


def _is_there(folder: Path, settings: CompanySettings, study: str) -> bool:
    """Whether the folder holds this company, complete; an error if it holds anything that is not a demo's."""
    truth = _truth_of(folder)
    if truth is None:
        names = (STUDY, TRUTH, USAGE, *(f"{table}.csv" for table in TABLES))
        own = [name for name in names if (folder / name).exists()]
        if own:
            raise SourceError(
                f"{folder} holds {some(own)}, which a demo has not written and would replace. Choose another folder."
            )
        return False
    same = truth.get("version") == VERSION and truth.get("settings") == json.loads(json.dumps(settings.as_json()))
    sizes = truth.get("files", {})
    complete = all((folder / name).is_file() for name in (STUDY, *sizes)) and all(
        (folder / name).stat().st_size == size for name, size in sizes.items() if name != STUDY
    )
    if same and complete:
        return True
    if (folder / STUDY).is_file():
        digest = hashlib.sha256((folder / STUDY).read_bytes()).hexdigest()
        if digest not in (truth.get("study_sha256"), hashlib.sha256(study.encode()).hexdigest()):
            raise SourceError(
                f"{folder / STUDY} was edited since the demo wrote it, and another company would replace it. "
                "Move it away, or choose another folder."
            )
    return False


def _truth_of(folder: Path) -> dict[str, Any] | None:
    """The truth a demo has written, None where there is none."""
    try:
        truth = json.loads((folder / TRUTH).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return truth if isinstance(truth, dict) and truth.get("made_by") == MADE_BY else None


@contextmanager
def _working_folder(folder: Path) -> Iterator[Path]:
    work = folder / f".demo-{os.getpid()}-{secrets.token_hex(4)}"
    work.mkdir()
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write_tables(
    work: Path, settings: CompanySettings, progress: Progress | None
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    pieces = work / "pieces"
    pieces.mkdir()
    # One thread: the order of rows, and with it the bytes, must not depend on who is faster.
    connection = locked_connection([work], memory_limit="1GB", threads=1)
    try:
        written = 0

        def take(rows: UsageRows) -> None:
            nonlocal written
            _write_piece(connection, settings, rows, pieces / f"{written:06d}.parquet")
            written += 1

        frames, truth, _ = run_blocks(settings, take, progress=progress)
        sources = f"read_parquet({literal(str(pieces / '*.parquet'))})" if written else f"({_no_usage()})"
        connection.execute(f"COPY (FROM {sources}) TO {literal(str(work / USAGE))} {_PARQUET}")
    except duckdb.Error as error:
        raise SourceError(f"Usage cannot be written: {str(error).splitlines()[0]}") from None
    finally:
        connection.close()
    shutil.rmtree(pieces)
    for leftover in work.glob("spill-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    for name, frame in frames.items():
        frame.to_csv(work / f"{name}.csv", index=False, lineterminator="\n", encoding="utf-8")
    return frames, truth


def _write_piece(connection: duckdb.DuckDBPyConnection, settings: CompanySettings, rows: UsageRows, file: Path) -> None:
    frame = pd.DataFrame({
        "account": rows.account, "moment": settings.origin.astype("datetime64[s]") + rows.second, "who": rows.user,
        "what": rows.what, "failed": rows.failed, "times": rows.count, "value": rows.value,
    })  # fmt: skip
    connection.register("piece", frame)
    connection.execute(f"COPY ({_USAGE_SQL}) TO {literal(str(file))} {_PARQUET}")
    connection.unregister("piece")


def _no_usage() -> str:
    return (
        'SELECT CAST(NULL AS VARCHAR) AS account_id, CAST(NULL AS TIMESTAMP) AS "at", CAST(NULL AS VARCHAR) AS user_id, '
        'CAST(NULL AS VARCHAR) AS module, CAST(NULL AS VARCHAR) AS action, CAST(NULL AS BIGINT) AS "count", '
        "CAST(NULL AS DOUBLE) AS value WHERE false"
    )
