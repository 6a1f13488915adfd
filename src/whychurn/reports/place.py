"""Build a folder beside its place and move it there whole, so that no half report is ever seen."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from whychurn.errors import WhychurnError
from whychurn.reports.results import FILE

_BUILDING, _PREVIOUS = "building", "previous"


def require_replaceable(target: Path) -> None:
    """Raise unless `target` is free, empty, or a report that may be replaced.

    Raises
    ------
    WhychurnError
        If it holds anything else: nobody's files are overwritten.
    """
    if not target.exists() and not target.is_symlink():
        return
    if target.is_symlink() or not target.is_dir():
        raise WhychurnError(f"{target} exists and is not a folder; choose another place with --out.")
    if any(target.iterdir()) and not (target / FILE).is_file():
        raise WhychurnError(
            f"{target} exists and is not a report (it holds no {FILE}), so it is left alone; choose another place "
            "with --out."
        )


@contextmanager
def in_place_of(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside `target`; on success it takes the place of `target`.

    If the body raises, or the process ends, `target` stays as it was. What killed runs left behind is
    removed at the start of the next one.
    """
    require_replaceable(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    recover(target)
    building = _beside(target, _BUILDING)
    building.mkdir()
    try:
        yield building
        _swap(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def recover(target: Path) -> None:
    """Remove the remains of killed runs; bring the old report back if one was killed while moving it."""
    if not target.parent.is_dir():
        return
    pattern = re.compile(rf"\.{re.escape(target.name)}\.({_BUILDING}|{_PREVIOUS})-(\d+)")
    for path in sorted(target.parent.iterdir()):
        found = pattern.fullmatch(path.name)
        if not found or _alive(int(found[2])):
            continue
        if found[1] == _PREVIOUS and not target.exists():
            path.rename(target)
        else:
            shutil.rmtree(path, ignore_errors=True)


def _swap(building: Path, target: Path) -> None:
    previous = _beside(target, _PREVIOUS)
    if target.exists():
        target.rename(previous)
    try:
        building.rename(target)
    except BaseException:
        if previous.exists() and not target.exists():
            previous.rename(target)
        raise
    shutil.rmtree(previous, ignore_errors=True)


def _beside(target: Path, what: str) -> Path:
    path = target.parent / f".{target.name}.{what}-{os.getpid()}"
    shutil.rmtree(path, ignore_errors=True)
    return path


def _alive(process: int) -> bool:
    if process == os.getpid():
        return False
    with contextlib.suppress(PermissionError):
        try:
            os.kill(process, 0)
        except (ProcessLookupError, OverflowError):
            return False
    return True
