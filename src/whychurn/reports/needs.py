"""What a notebook needs of a study, whether the study has it, and how to say so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from whychurn.errors import NotebookError, some
from whychurn.reports.notebooks import Notebook
from whychurn.reports.preflight import StudyFacts
from whychurn.sources.canon import TABLES

#: Where a notebook's metadata say what it needs: ``{"whychurn": {"needs": ["usage"]}}``.
SECTION, KEY = "whychurn", "needs"
#: Kinds of study a notebook can ask for, in words; every further need is a table of the contract.
KINDS: Mapping[str, str] = {
    "flat": "a file with one row per customer",
    "tables": "tables with dates: accounts and subscriptions at least",
}
WORDS = (*KINDS, *TABLES)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A notebook that does not run because the study lacks what it needs.

    Attributes
    ----------
    notebook : Notebook
    missing : tuple of str
        Needs that the study does not meet, as the notebook names them.
    """

    notebook: Notebook
    missing: tuple[str, ...]

    @property
    def would_need(self) -> str:
        """What the study would have to have, in words."""
        return needs_in_words(self.missing)

    @property
    def unlocks(self) -> str:
        """What the missing tables would unlock besides this page; "" where no table is missing."""
        return "; ".join(TABLES[name].unlocks for name in self.missing if name in TABLES)

    def record(self) -> dict[str, Any]:
        """Return what results.json keeps."""
        return {
            "title": self.notebook.title,
            "needs": list(self.notebook.needs),
            "missing": list(self.missing),
            "sha256": self.notebook.sha256,
        }

    def listed(self) -> dict[str, str]:
        """Return what the first page says of it."""
        return {
            "name": self.notebook.name,
            "title": self.notebook.title,
            "summary": self.notebook.summary,
            "needs": self.would_need,
            "unlocks": self.unlocks,
        }


def problem_of(needs: object) -> str:
    """Return what is wrong with declared needs, or "" if nothing is."""
    if not isinstance(needs, list | tuple) or not all(isinstance(word, str) for word in needs):
        return f"its {SECTION}.{KEY} are no list of words"
    unknown = [word for word in needs if word not in WORDS]
    if unknown:
        return f"it needs {some(repr(word) for word in unknown)}, which no study can have; known: {', '.join(WORDS)}"
    if len(set(needs)) < len(needs):
        return f"its {SECTION}.{KEY} name something twice"
    return "it needs both kinds of study at once" if set(KINDS) <= set(needs) else ""


def split(notebooks: Sequence[Notebook], facts: StudyFacts) -> tuple[tuple[Notebook, ...], tuple[LeftOut, ...]]:
    """Part notebooks into those the study can feed and those it cannot, each in order.

    Raises
    ------
    NotebookError
        If a notebook's needs are not words of the contract, or no notebook is left to run.
    """
    for notebook in notebooks:
        problem = problem_of(notebook.needs)
        if problem:
            raise NotebookError(f"Notebook {notebook.path.name}: {problem}. Correct the metadata of the notebook.")
    had = {facts.kind, *facts.tables}
    run: list[Notebook] = []
    left: list[LeftOut] = []
    for notebook in notebooks:
        missing = tuple(word for word in notebook.needs if word not in had)
        if missing:
            left.append(LeftOut(notebook, missing))
        else:
            run.append(notebook)
    if not run:
        reasons = "; ".join(f"{one.notebook.path.name} needs {one.would_need}" for one in left[:3])
        reasons += f"; and {len(left) - 3:,} more" if len(left) > 3 else ""
        raise NotebookError(
            f"None of the {len(left):,} notebooks fits the study {facts.name!r}: {reasons}. Add what is missing to "
            "study.toml, or name a folder of notebooks that fit."
        )
    return tuple(run), tuple(left)


def needs_in_words(needs: Sequence[str]) -> str:
    """Return needs as a phrase, such as "the tables usage and tickets"."""
    kinds = [KINDS[word] for word in needs if word in KINDS]
    tables = [word for word in needs if word not in KINDS]
    if tables:
        kinds.append(
            f"the table{'s' if len(tables) > 1 else ''} {', '.join(tables[:-1])}{' and ' if tables[1:] else ''}{tables[-1]}"
        )
    return ", and ".join(kinds)
