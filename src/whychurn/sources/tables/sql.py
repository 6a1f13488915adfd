"""Values bound into SQL by name, so that none of a user's text is ever part of a statement."""

from __future__ import annotations

import re
from typing import Any

import duckdb


class Bound:
    """Values under the names by which SQL refers to them."""

    def __init__(self) -> None:
        self._values: dict[str, object] = {}

    def __call__(self, value: object) -> str:
        """Return the parameter that stands for a value."""
        name = f"b{len(self._values)}_"
        self._values[name] = value
        return f"${name}"

    def run(self, connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
        """Execute a statement with those of the values that it refers to; return all rows."""
        used = set(re.findall(r"\$(b\d+_)", sql))
        return connection.execute(sql, {name: self._values[name] for name in used}).fetchall()
