"""Data on disk between processes: one .npy file per column, which Python and R both read.

``columns.txt`` says, line by line, a column's name and its role: time, start, event, group, score, outcome,
covariate or factor.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Columns = dict[str, np.ndarray]


@dataclass(frozen=True)
class Table:
    """Columns of equal length with their roles.

    Attributes
    ----------
    columns
        Arrays of shape (n,) by name. Factors are stored as codes 0, 1, ...
    roles
        Role of each column, by name.
    """

    columns: Columns
    roles: dict[str, str]

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values())))

    def names(self, *roles: str) -> list[str]:
        """Names of the columns that have one of the roles, in order."""
        return [name for name, role in self.roles.items() if role in roles]

    def frame(self, *names: str) -> pd.DataFrame:
        """Return all columns, or those named, as a frame; factors and the group become categories."""
        wanted = names or tuple(self.columns)
        return pd.DataFrame({name: self._pandas(name) for name in wanted}, copy=True)

    def matrix(self) -> np.ndarray:
        """Return the covariates, factors as indicators of all levels but the first, shape (n, p), by columns."""
        parts = [self.columns[name] for name in self.names("covariate")]
        for name in self.names("factor"):
            codes = self.columns[name]
            parts += [codes == level for level in range(1, int(codes.max()) + 1)]
        matrix = np.empty((self.n, len(parts)), order="F")
        for place, part in enumerate(parts):
            matrix[:, place] = part
        return matrix

    def matrix_names(self) -> list[str]:
        """Return the names of the columns of `matrix`."""
        names = self.names("covariate")
        for name in self.names("factor"):
            names += [f"{name}_{level}" for level in range(1, int(self.columns[name].max()) + 1)]
        return names

    def _pandas(self, name: str) -> Any:
        column = self.columns[name]
        if self.roles[name] not in ("factor", "group"):
            return column
        levels = pd.Index([f"{name}{code:02d}" for code in range(int(column.max()) + 1)])
        return pd.Categorical.from_codes(column, levels)


def write(table: Table, folder: Path) -> None:
    """Write a table to an empty or new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, column in table.columns.items():
        np.save(folder / f"{name}.npy", column)
    lines = [f"{name} {role}\n" for name, role in table.roles.items()]
    (folder / "columns.txt").write_text("".join(lines), encoding="utf-8")


def read(folder: Path, rows: int | None = None, covariates: int | None = None) -> Table:
    """Read a table, or its first `rows` rows and first `covariates` covariates, into memory."""
    lines = (folder / "columns.txt").read_text(encoding="utf-8").splitlines()
    roles = dict(line.split() for line in lines)
    surplus = [name for name, role in roles.items() if role == "covariate"][covariates:] if covariates else []
    kept = {name: role for name, role in roles.items() if name not in surplus}
    columns = {name: np.array(np.load(folder / f"{name}.npy", mmap_mode="r")[:rows]) for name in kept}
    return Table(columns, kept)
