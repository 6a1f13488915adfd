"""Small sound files for tests to break."""

from __future__ import annotations

import random
from collections.abc import Iterable


def rows(n: int = 60, left: int = 20, start: int = 1) -> list[list[str]]:
    """Sound rows: id, tenure, churned, plan."""
    rng = random.Random(7)
    return [
        [
            f"c{i}",
            str(1 + i % 24),
            "yes" if i < start + left else "no",
            rng.choice(["basic", "pro"]),
        ]
        for i in range(start, start + n)
    ]


def text(body: Iterable[Iterable[str]], header: str = "id,tenure,churned,plan", sep: str = ",", end: str = "\n") -> str:
    """Join rows without quoting."""
    lines = [header.replace(",", sep), *(sep.join(row) for row in body)]
    return end.join(lines) + end
