"""The folder that a panel is kept in: one builder at a time, leftovers removed, never removed while someone reads.

``panel/build.lock`` is held while a panel is built; ``panel/KEY/in-use`` is shared by all who read that panel. Both
locks end with the process that holds them, however it ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from whychurn.errors import PanelError

MANIFEST = "manifest.json"
_IN_USE = "in-use"
_BUILDING = "build.lock"


class PanelFolder:
    """The files of one panel, in use until this object is gone.

    Attributes
    ----------
    path : Path
    """

    def __init__(self, path: Path, in_use: int) -> None:
        self.path = path
        self._in_use = in_use

    def __del__(self) -> None:
        os.close(self._in_use)

    @property
    def manifest(self) -> dict[str, Any]:
        """What is known about the build; empty before it began."""
        try:
            return dict(json.loads((self.path / MANIFEST).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return {}

    @property
    def complete(self) -> bool:
        """Whether every bucket is there, and of the size it was written with."""
        manifest = self.manifest
        return bool(manifest.get("complete")) and manifest.get("sizes") == self.sizes

    @property
    def sizes(self) -> list[int]:
        """The size of each bucket's file in bytes; -1 where there is none."""
        return [file.stat().st_size if file.is_file() else -1 for file in self.files]

    @property
    def files(self) -> list[Path]:
        """The files of all buckets, in order."""
        return [self.bucket(number) for number in range(len(self.manifest.get("bounds", [0])) - 1)]

    def bucket(self, number: int) -> Path:
        """Return the file of a bucket."""
        return self.path / f"bucket-{number:02d}.parquet"

    def write_manifest(self, content: dict[str, Any]) -> None:
        """Write what is known about the build, all or nothing."""
        temporary = self.path / f"{MANIFEST}.{os.getpid()}.tmp"
        with temporary.open("w", encoding="utf-8") as out:
            json.dump(content, out, indent=1)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(self.path / MANIFEST)


def reading(home: Path, key: str) -> PanelFolder | None:
    """Return the folder of a panel if it is complete, held so that nobody removes it."""
    path = home / key
    if not (path / MANIFEST).is_file():
        return None
    try:
        held = os.open(path / _IN_USE, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    folder = PanelFolder(path, held)
    fcntl.flock(held, fcntl.LOCK_SH)
    # Someone may have removed it while this one waited.
    return folder if _same(held, path / _IN_USE) and folder.complete else None


@contextmanager
def building(home: Path, key: str) -> Iterator[PanelFolder]:
    """Give the folder of a panel to one builder alone; others wait. Leftovers of other panels are removed.

    Raises
    ------
    PanelError
        If the folder cannot be made, or is a symbolic link.
    """
    if home.is_symlink():
        raise PanelError(f"{home} is a symbolic link, so files would be removed where it points. Remove the link.")
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = _open(home / _BUILDING)
    except OSError as error:
        raise PanelError(f"Cannot write to {home}: {error.strerror}. The panel is kept there.") from None
    try:
        _wait_for(lock)
        _tidy(home, key)
        (home / key).mkdir(exist_ok=True)
        held = _open(home / key / _IN_USE)
        folder = PanelFolder(home / key, held)
        fcntl.flock(held, fcntl.LOCK_SH)
        yield folder
    finally:
        os.close(lock)


def _wait_for(lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if sys.stderr.isatty():
            from rich.console import Console

            Console(stderr=True).print("Another process is building a panel of this study. Waiting for it.")
        fcntl.flock(lock, fcntl.LOCK_EX)


def _tidy(home: Path, key: str) -> None:
    """Remove temporary files, and panels that nobody is reading."""
    for path in home.iterdir():
        if path.is_dir() and not path.is_symlink() and path.name != key:
            _remove_unread(path)
    for file in (home / key).glob("*.tmp"):
        file.unlink()


def _remove_unread(path: Path) -> None:
    try:
        held = os.open(path / _IN_USE, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        shutil.rmtree(path)
        return
    try:
        # Held until all is gone: a reader that comes now must wait, and then finds nothing.
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(path)
    finally:
        os.close(held)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)


def _same(held: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    return os.fstat(held).st_ino == there.st_ino
