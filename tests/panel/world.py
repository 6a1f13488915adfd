"""A small company in plain Python, and the real study and sources of it.

For each table a list of records, each a dict with ``date``, ``datetime``, number, text or None. That is what the brute
force reads, what tests mutate, and what becomes the frames of real sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from whychurn.sources import Sources
from whychurn.sources.canon import TABLES
from whychurn.sources.from_frames import sources_from_frames
from whychurn.study import TableStudy, read_study

Record = dict[str, Any]

#: What recorded reasons mean, in every study of a world.
REASONS = (
    {"values": ["too expensive", "competitor"], "cause": "voluntary", "controllable": True},
    {"values": ["moved away"], "cause": "voluntary", "controllable": False},
    {"values": ["card expired"], "cause": "involuntary"},
    {"values": ["bankrupt"], "cause": "bankruptcy", "controllable": False},
)


@dataclass(frozen=True)
class World:
    """A company and the study of it.

    Attributes
    ----------
    seed : int
    observed_from, observed_to : datetime.date
    interval_days, lag_days : int
    churn : Mapping
        The keys of ``[churn]``.
    measures : Mapping
        The keys of ``[measures]``.
    tracked_from : Mapping of str to datetime.date
        As declared.
    not_tracked : Mapping of str to list of (date, date)
    tables : Mapping of str to list of Record
        A table that is not there is one the company does not have.
    engine : Mapping
        The keys of ``[engine]``.
    causes : Mapping of str to str
        Declared candidates: column -> "number" or "category".
    horizon : int
        Days within which leaving counts at a landmark.
    """

    seed: int
    observed_from: date
    observed_to: date
    interval_days: int
    lag_days: int
    churn: Mapping[str, Any]
    measures: Mapping[str, Any]
    tracked_from: Mapping[str, date]
    not_tracked: Mapping[str, list[tuple[date, date]]]
    tables: Mapping[str, list[Record]]
    engine: Mapping[str, Any] = field(default_factory=dict)
    causes: Mapping[str, str] = field(default_factory=dict)
    horizon: int = 90

    def with_tables(self, **tables: list[Record]) -> World:
        """Return the world with some tables replaced."""
        return replace(self, tables={**self.tables, **tables})


def toml_of(world: World) -> str:
    """Return the ``study.toml`` of a world."""
    lines = [
        "[study]", 'kind = "tables"', f'name = "world {world.seed}"', f"horizon = {world.horizon}",
        f"observed_from = {world.observed_from}", f"observed_to = {world.observed_to}",
        f"interval_days = {world.interval_days}", f"lag_days = {world.lag_days}",
    ]  # fmt: skip
    for name in world.tables:
        lines += [f"[tables.{name}]", f'file = "{name}.csv"']
        if name in world.tracked_from:
            lines.append(f"tracked_from = {world.tracked_from[name]}")
        if name in world.not_tracked:
            lines.append(f"not_tracked = {_toml(world.not_tracked[name])}")
    for section in ("churn", "measures", "engine"):
        lines += [f"[{section}]", *(f"{key} = {_toml(value)}" for key, value in getattr(world, section).items())]
    for reason in REASONS:
        lines += ["[[reasons]]", *(f"{key} = {_toml(value)}" for key, value in reason.items())]
    for column, kind in world.causes.items():
        lines += ["[[causes]]", f"column = {_toml(column)}", f"type = {_toml(kind)}"]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return str(value)


def frames_of(world: World) -> dict[str, pd.DataFrame]:
    """Return the tables as frames with the columns of the contract (and any further column of accounts)."""
    frames = {}
    for name, records in world.tables.items():
        columns = [column.name for column in TABLES[name].columns]
        columns += sorted({key for record in records for key in record} - set(columns))
        frames[name] = pd.DataFrame([[r.get(c) for c in columns] for r in records], columns=columns, dtype=object)
    return frames


def study_of(world: World, folder: Path) -> TableStudy:
    """Write ``study.toml`` into a folder and read it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.toml").write_text(toml_of(world), encoding="utf-8")
    study = read_study(folder)
    assert isinstance(study, TableStudy)
    return study


def sources_of(world: World, folder: Path) -> tuple[Sources, TableStudy]:
    """Return real sources and the real study of a world, working in a folder."""
    study = study_of(world, folder)
    work = folder / ".whychurn"
    work.mkdir(exist_ok=True)
    return sources_from_frames(study, frames_of(world), work), study
