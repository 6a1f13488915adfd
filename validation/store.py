"""Records on disk, a line each, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CACHE = HERE / "cache"
#: What numbers depend on; the rest of the project may change without a new run.
MEASURED = (
    *(
        HERE / f"{name}.py"
        for name in (
            "arms",
            "coded",
            "company",
            "frames",
            "naive",
            "planted",
            "work",
            "do",
            "again",
            "surveys",
            "redrawn",
        )
    ),
    *(HERE.parent / "src" / "whychurn" / name for name in ("analyses", "models", "panel", "sources/simulator")),
)


def code_digest() -> str:
    """Return a digest of the code that numbers depend on."""
    digest = hashlib.sha256()
    for place in MEASURED:
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.suffix in (".py", ".toml"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def read(part: str, arm: str, cache: Path = CACHE) -> list[dict[str, Any]]:
    """Return the records of a part and arm, the latest of each seed, in the order of seeds."""
    file = cache / f"{part}-{arm}.jsonl"
    if not file.is_file():
        return []
    found: dict[int, dict[str, Any]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue  # cut short by an interruption
        found[record["seed"]] = record
    return [found[seed] for seed in sorted(found)]


def append(part: str, arm: str, records: Iterable[dict[str, Any]], cache: Path = CACHE) -> None:
    """Add records, on lines of their own whatever was cut short before them."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{part}-{arm}.jsonl").open("a+", encoding="utf-8") as file:
        file.seek(0)
        if (before := file.read()) and not before.endswith("\n"):
            file.write("\n")
        for record in records:
            file.write(json.dumps(_plain(record), allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    """NaN as null, which is JSON."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value
