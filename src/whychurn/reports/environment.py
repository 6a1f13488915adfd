"""What the results were computed with: versions, the lock file, and the commit of the checkout."""

from __future__ import annotations

import hashlib
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path

from whychurn.reports.notebooks import checkout


def versions() -> dict[str, str]:
    """Return the versions of Python, of whychurn, and of every package it asks for."""
    found = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
    try:
        required = metadata.requires("whychurn") or []
        found["whychurn"] = metadata.version("whychurn")
    except metadata.PackageNotFoundError:
        required = []
    for line in sorted(required, key=str.lower):
        name = re.match(r"[A-Za-z0-9_.-]+", line)
        if name and "extra ==" not in line:
            try:
                found[name.group()] = metadata.version(name.group())
            except metadata.PackageNotFoundError:
                found[name.group()] = "not installed"
    return found


def lock_sha256() -> str:
    """Return the SHA-256 of requirements.lock, or "" where there is none."""
    root = checkout()
    lock = root / "requirements.lock" if root else None
    return sha256_of(lock) if lock is not None and lock.is_file() else ""


def commit() -> str:
    """Return the commit of the checkout, with ``+changes`` if files differ from it, or "" without git."""
    root = checkout()
    if root is None or not (root / ".git").exists():
        return ""
    head = _git(root, "rev-parse", "HEAD")
    if not head:
        return ""
    return f"{head}+changes" if _git(root, "status", "--porcelain", "--untracked-files=normal") else head


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _git(root: Path, *arguments: str) -> str:
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""
