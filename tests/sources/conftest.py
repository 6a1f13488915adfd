"""Small studies written on the fly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from whychurn.study import Study, read_study

HEAD = """
[study]
name = "Test"
time_unit = "months"
horizon = 6
[source]
file = "{file}"
{source}
[columns]
account_id = "id"
tenure = "tenure"
churned = "churned"
churned_when = ["yes"]
stayed_when = ["no"]
{columns}
[churn]
leavers_in_file = "all"
{causes}
"""
PLAN = '[[causes]]\ncolumn = "plan"\ntype = "category"\n'

MakeStudy = Callable[..., Study]


@pytest.fixture
def make_study(tmp_path: Path) -> MakeStudy:
    """Write a data file and a study.toml for it; return the study."""

    def make(
        content: bytes | str | None = None,
        file: str = "data.csv",
        source: str = "",
        columns: str = "",
        causes: str = PLAN,
        encoding: str = "utf-8",
    ) -> Study:
        if content is not None:
            (tmp_path / file).write_bytes(content.encode(encoding) if isinstance(content, str) else content)
        text = HEAD.format(file=file, source=source, columns=columns, causes=causes)
        (tmp_path / "study.toml").write_text(text, encoding="utf-8")
        return read_study(tmp_path)

    return make
