"""SHA-256 of data files, remembered as long as a file looks untouched.

A file is hashed again unless its size, its times of change (to the nanosecond) and its inode are those of the last
time it was hashed. The second of these times is the file system's own: tools that copy or edit can set the first one
back, as ``touch`` and ``rsync --times`` do, and leave no trace but this. A file that changed within the last two seconds is never remembered: it could change again
without its time telling.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from pathlib import Path

from whychurn.sources.files import fingerprint
from whychurn.sources.progress import reading

FILE = "fingerprints.json"
SETTLED_NS = 2_000_000_000


class FingerprintBook:
    """What is known of files that were hashed before.

    Parameters
    ----------
    folder : Path
        Where the book is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._known = _read(self._file)
        self._seen: dict[str, dict[str, object]] = {}

    def sha256(self, path: Path) -> str:
        """Return the SHA-256 of a file's bytes."""
        before = path.stat()
        look = {
            "size": before.st_size, "mtime_ns": before.st_mtime_ns, "ctime_ns": before.st_ctime_ns,
            "inode": before.st_ino,
        }  # fmt: skip
        known = self._known.get(str(path), {})
        if isinstance(known, dict) and known.items() >= look.items() and isinstance(known.get("sha256"), str):
            self._seen[str(path)] = known
            return str(known["sha256"])
        with reading(path) as progress:
            digest, _ = fingerprint(path, progress)
        if time.time_ns() - before.st_mtime_ns > SETTLED_NS:
            self._seen[str(path)] = {**look, "sha256": digest}
        return digest

    def save(self) -> None:
        """Write the book, with the files of this study only, in one move."""
        part = self._file.with_name(f".{FILE}-{os.getpid()}-{secrets.token_hex(4)}")
        try:
            part.write_text(json.dumps(self._seen, indent=1), encoding="utf-8")
            part.replace(self._file)
        finally:
            part.unlink(missing_ok=True)


def _read(file: Path) -> dict[str, dict[str, object]]:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
