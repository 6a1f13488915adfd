"""Open the study once before any kernel starts, so that a mistake in the data is a clean message."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whychurn.errors import StudyError


@dataclass(frozen=True, slots=True)
class StudyFacts:
    """What a report must know of its study without running anything.

    Attributes
    ----------
    name : str
        Name of the study.
    folder : Path
        Folder of study.toml.
    seed : int
        Seed of the study.
    study_sha256 : str
        Fingerprint of study.toml.
    files : tuple of dict
        file, sha256 and rows of every data file.
    kind : str
        "flat" or "tables".
    tables : tuple of str
        Of a study of tables: those of the contract that hold rows.
    """

    name: str
    folder: Path
    seed: int
    study_sha256: str
    files: tuple[dict[str, Any], ...]
    kind: str = "flat"
    tables: tuple[str, ...] = ()


def inspect_study(study: Any, accept_risk: str = "") -> StudyFacts:
    """Read the study and open its sources.

    Parameters
    ----------
    study : Study or path
        A study, its folder, or its study.toml.
    accept_risk : str
        Why the study may be used although its integrity verdict is "refuse".

    Raises
    ------
    StudyError, SourceError
        If the study or its data cannot be used; every problem is listed.
    """
    from whychurn.sources import open_sources
    from whychurn.study import read_study

    if not hasattr(study, "folder"):
        path = Path(study)
        toml = path if path.suffix == ".toml" else path / "study.toml"
        if path.exists() and not toml.is_file():
            raise StudyError(f"{path} holds no study.toml. Propose one with: whychurn new {path}")
        study = read_study(path)
    sources = open_sources(study, accept_risk=accept_risk)
    files = tuple(
        {"file": _portable(found.file), "sha256": found.sha256, "rows": found.rows} for found in sources.fingerprints
    )
    tables = tuple(name for name, rows in sources.tables.items() if rows) if study.kind == "tables" else ()
    return StudyFacts(study.name, Path(study.folder), study.seed, study.digest, files, study.kind, tables)


def study_path(study: Any) -> str:
    """Return the study as a notebook parameter: the path as given, or the folder of a Study."""
    return str(study.folder) if hasattr(study, "folder") else str(study)


def _portable(file: str) -> str:
    """Name a data file without the folders of this machine."""
    return Path(file).name if Path(file).is_absolute() or ".." in Path(file).parts else file
