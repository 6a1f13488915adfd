"""Checks of tables against one another are not run again until a table, a setting or a check changes."""

from __future__ import annotations

import json

import pytest
from tables_folder import Folder

from whychurn.sources.tables import kept_checks, opening

USAGE = "account_id,at\na1,2024-05-01\na2,2024-05-02\nzz,2024-05-02\n"


@pytest.fixture
def folder(tmp_path):
    made = Folder(tmp_path)
    made.write("usage", USAGE)
    return made


@pytest.fixture
def runs(monkeypatch):
    """A list that grows with every run of the checks."""
    made = []
    check = opening.check_tables

    def watched(*given):
        made.append(1)
        return check(*given)

    monkeypatch.setattr(opening, "check_tables", watched)
    return made


def integrity(folder):
    with folder.open() as sources:
        return sources.integrity


def test_a_second_open_checks_nothing_and_says_the_same(folder, runs):
    first = integrity(folder)
    assert len(first) > 1
    assert integrity(folder) == first
    assert len(runs) == 1


def test_another_byte_another_setting_or_another_check_is_checked_again(folder, runs, monkeypatch):
    integrity(folder)
    folder.write("usage", USAGE.replace("05-01", "05-03"))
    integrity(folder)
    assert len(runs) == 2
    folder.more = '[[causes]]\ncolumn = "segment"\ntype = "category"\n'
    integrity(folder)
    assert len(runs) == 3
    monkeypatch.setattr(kept_checks, "_code", lambda: "another version")
    integrity(folder)
    assert len(runs) == 4
    integrity(folder)
    assert len(runs) == 4


@pytest.mark.parametrize("broken", ["", "{}", '{"key": 1, "findings": []}', "[1]"])
def test_what_cannot_be_trusted_is_found_again(folder, runs, broken):
    first = integrity(folder)
    file = folder.path / ".whychurn" / kept_checks.FILE
    whole = json.loads(file.read_text())
    for text in (broken, json.dumps(whole | {"findings": [{"code": "odd"}]})):
        file.write_text(text)
        assert integrity(folder) == first
    assert len(runs) == 3
    assert [path.name for path in file.parent.glob(".checks*")] == []
