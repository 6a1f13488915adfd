"""Where the tables of a study lie: files by name, list or pattern, or tables of a database file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from whychurn.errors import some
from whychurn.sources.connection import WORK_FOLDER
from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.names import counted, shown
from whychurn.study import SUFFIXES, FileFormat, Source, Table, TableStudy

WILD = "*?["


@dataclass(frozen=True, slots=True)
class Place:
    """One file of a table.

    Attributes
    ----------
    path : Path
        With symbolic links resolved.
    source : Source
        How it is written; its ``file`` is the name to show.
    relation : tuple of str
        Schema and name, where `path` is a database; else empty.
    """

    path: Path
    source: Source
    relation: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """What to call it in messages and fingerprints."""
        return self.source.file + (f" ({'.'.join(self.relation)})" if self.relation else "")


def locate(study: TableStudy, name: str) -> tuple[tuple[Place, ...], list[IntegrityFinding]]:
    """Find the files of a table, in the order of the study and, for a pattern, by name.

    Returns
    -------
    tuple of Place, list of IntegrityFinding
        Without places there is at least one problem.
    """
    table = study.tables[name]
    if table.table:
        return _in_database(study, name, table)
    problems: list[IntegrityFinding] = []
    found: dict[Path, str] = {}
    for pattern in table.file:
        for path, label in _matches(study.folder.resolve(), pattern, name, table.allow_outside, problems):
            found.setdefault(path, label)
    if len(found) > 1 and table.sha256:
        text = f"tables.{name}.sha256 is that of one file, but the table has {counted(len(found), 'file')}."
        fix = "Remove it; the fingerprints of all files are printed in every report."
        problems.append(IntegrityFinding("other-fingerprint", "refuse", name, text, action=fix, count=len(found)))
    places = tuple(Place(path, _described(label, table)) for path, label in found.items())
    return places, problems


def _matches(
    folder: Path, pattern: str, name: str, allow_outside: bool, problems: list[IntegrityFinding]
) -> list[tuple[Path, str]]:
    """Return (resolved path, name to show) of what a name or pattern stands for."""
    exact = folder / pattern
    if not _can_be_file(exact) and any("**" in part and part != "**" for part in Path(pattern).parts):
        text = f"tables.{name}.file: in the pattern {shown(pattern)}, ** must be a whole part of the path."
        fix = (
            'Write "usage/*.csv" for the files of one folder, "usage/**/*.csv" for those of all folders in it as well.'
        )
        problems.append(IntegrityFinding("wrong-pattern", "refuse", name, text, action=fix, count=1))
        return []
    if _can_be_file(exact):
        candidates = [exact]
    elif any(letter in pattern for letter in WILD):
        anchor = Path(pattern).anchor
        hits = Path(anchor or folder).glob(pattern.removeprefix(anchor))
        candidates = sorted(path for path in hits if path.is_file())
        candidates = [path for path in candidates if WORK_FOLDER not in path.parts]
    else:
        candidates = []
    if not candidates:
        what = "matches the pattern" if any(letter in pattern for letter in WILD) else "is called"
        text = f"tables.{name}.file: no file {what} {shown(pattern)}."
        problems.append(IntegrityFinding("missing-file", "refuse", name, text, action=_there(exact, folder), count=1))
        return []
    outside = [path for path in candidates if not path.resolve().is_relative_to(folder)]
    if outside and not allow_outside:
        text = (
            f"tables.{name}.file: {some(shown(_label(path, folder)) for path in outside)} "
            f"{'lies' if len(outside) == 1 else 'lie'} outside the study folder, by the path or a symbolic link."
        )
        fix = "Move the data into the folder, or write allow_outside = true beside it if that is meant."
        problems.append(IntegrityFinding("outside-folder", "refuse", name, text, action=fix, count=len(outside)))
        return []
    return [(path.resolve(), _label(path, folder)) for path in candidates]


def _can_be_file(path: Path) -> bool:
    """Whether it is a file; a name that no file can have, for its length or its letters, is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _label(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)


def _there(wanted: Path, folder: Path) -> str:
    """Say which data files lie where one was looked for."""
    place = wanted.parent if wanted.parent.is_dir() else folder
    files = sorted(path.name for path in place.iterdir() if path.suffix.lower() in SUFFIXES)
    where = "The study folder" if place == folder else f"The folder {shown(_label(place, folder))}"
    return f"{where} holds {some(map(shown, files)) if files else 'no data file'}."


def _described(label: str, table: Table) -> Source:
    """Describe one file of a table as the readers of a flat file expect it."""
    return Source(file=label, **{key: getattr(table, key) for key in FileFormat.model_fields})


def _in_database(study: TableStudy, name: str, table: Table) -> tuple[tuple[Place, ...], list[IntegrityFinding]]:
    database = study.database
    if database is None:
        text = f"tables.{name}.table: there is no [database] to look into."
        return (), [IntegrityFinding("missing-file", "refuse", name, text, count=1)]
    problems: list[IntegrityFinding] = []
    found = _matches(study.folder.resolve(), database.file, name, database.allow_outside, problems)
    relation = tuple(part.strip().strip('"') for part in table.table.split("."))
    if len(relation) > 2 or not all(relation):
        text = f"tables.{name}.table: {shown(table.table)} is not the name of a table."
        fix = 'Write table = "name" or table = "schema.name".'
        problems.append(IntegrityFinding("missing-table", "refuse", name, text, action=fix, count=1))
    for path, label in found:
        log = path.with_name(path.name + ".wal")
        if log.exists() and log.stat().st_size:
            # The fingerprint is of the database alone; what lies in the log could change without it.
            text = f"{label} has changes that are not yet in it ({log.name} lies beside it)."
            fix = "Close the program that writes to it, or run CHECKPOINT there."
            problems.append(IntegrityFinding("unreadable-file", "refuse", name, text, action=fix, count=1))
    if problems:
        return (), problems
    relation = relation if len(relation) == 2 else ("main", *relation)
    return tuple(Place(path, _described(label, table), relation) for path, label in found[:1]), []
