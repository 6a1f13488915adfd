"""Which tests share a worker: those of one ``xdist_group``, because they share what is slow to build.

pytest-xdist 3.8 passes the group of a test from worker to controller inside its node id, which pytest 9.2 no longer
lets it change: every group falls apart without a word, and what it builds once is built on every worker. So the
controller reads the marks itself, in the file that the node id begins with.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from xdist.scheduler import LoadGroupScheduling

#: These start first, so that no worker is left alone with one of them at the end.
LONGEST_FIRST = ("telco report", "synthetic report", "demo report", "wheel", "telco findings", "law of time", "store")

_MARK = re.compile(r'\bxdist_group\("([\w ]+)"\)')


@cache
def group_of(file: Path) -> str | None:
    """Return the group that a file of tests is marked with as a whole."""
    groups = set(_MARK.findall(file.read_text(encoding="utf-8"))) if file.is_file() else set()
    assert len(groups) <= 1, f"{file}: one group for a file, not {groups}"
    return groups.pop() if groups else None


class SharedWorkers(LoadGroupScheduling):
    """Keep each group on one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(self.config.rootpath / nodeid.partition("::")[0]) or nodeid


def long_groups_first(item) -> int:
    """Sort key of a collected test."""
    mark = item.get_closest_marker("xdist_group")
    return LONGEST_FIRST.index(mark.args[0]) if mark and mark.args[0] in LONGEST_FIRST else len(LONGEST_FIRST)
