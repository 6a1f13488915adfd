"""A small folder of tables for tests to break."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from whychurn.sources.contract import Sources
from whychurn.sources.tables import opening
from whychurn.study import TableStudy, read_study

ACCOUNTS = "account_id,started_on,segment\n" + "".join(f"a{i},2023-01-0{1 + i % 9},s{i % 2}\n" for i in range(1, 41))
SUBSCRIPTIONS = "subscription_id,account_id,started_on,ended_on\n" + "".join(
    f"s{i},a{i},2023-01-0{1 + i % 9},{'2024-06-01' if i % 3 == 0 else ''}\n" for i in range(1, 41)
)
HEAD = """
[study]
name = "Test"
kind = "tables"
horizon = 90
observed_from = 2024-01-01
observed_to = 2025-01-01
lag_days = 7
time_zone = "{zone}"
"""


class Folder:
    """Writes files and a study.toml that names them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tables: dict[str, str] = {}
        self.zone = "UTC"
        self.more = ""
        self.write("accounts", ACCOUNTS)
        self.write("subscriptions", SUBSCRIPTIONS)

    def write(self, name: str, content: str | bytes, settings: str = "", file: str = "") -> None:
        """Write a table's file; `settings` are further lines of its section."""
        file = file or f"{name}.csv"
        (self.path / file).parent.mkdir(parents=True, exist_ok=True)
        (self.path / file).write_bytes(content.encode() if isinstance(content, str) else content)
        self.declare(name, f'file = "{file}"\n{settings}')

    def declare(self, name: str, settings: str) -> None:
        """Declare a table whose file is there."""
        self.tables[name] = settings

    @property
    def study(self) -> TableStudy:
        """The study as it stands."""
        sections = "".join(f"[tables.{name}]\n{settings}\n" for name, settings in self.tables.items())
        (self.path / "study.toml").write_text(HEAD.format(zone=self.zone) + sections + self.more, encoding="utf-8")
        study = read_study(self.path)
        assert isinstance(study, TableStudy)
        return study

    def open(self) -> Sources:
        """Read the tables, whatever the grade."""
        return opening.inspect_tables(self.study)


def codes(sources: Sources, table: str = "") -> Mapping[str, str]:
    """Code -> severity of what was found while reading, in one table or all."""
    return {found.code: found.severity for found in sources.integrity if table in ("", found.table)}
