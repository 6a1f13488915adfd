"""Options of ``whychurn new`` for several tables, and the questions that they answer."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from whychurn.errors import StudyError
from whychurn.sources.canon import ACTIONS, TABLES
from whychurn.sources.names import shown, suggestion
from whychurn.sources.tables.date_formats import ISO, UNIX_MILLISECONDS, UNIX_SECONDS

IGNORE = "ignore"


@dataclass(frozen=True)
class TableOptions:
    """What was said on the command line.

    Attributes
    ----------
    tables : Mapping of str to str
        Table -> file; "" for a table that the company does not have.
    columns : Mapping of str to Mapping of str to str
        Table -> canonical column -> column of the file; "" for none.
    date_formats : Mapping of str to str
        ``TABLE.COLUMN`` -> format; "" -> format of all dates in doubt.
    actions : Mapping of str to str
        Value -> login, use, failed or ignore.
    other_actions : str
        "", use or ignore.
    given : tuple of str
        The options as words, to repeat them in a command.
    """

    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    date_formats: Mapping[str, str] = field(default_factory=dict)
    actions: Mapping[str, str] = field(default_factory=dict)
    other_actions: str = ""
    given: tuple[str, ...] = ()


def read_options(
    tables: Sequence[str] = (),
    columns: Sequence[str] = (),
    date_formats: Sequence[str] = (),
    actions: Sequence[str] = (),
    other_actions: str = "",
) -> TableOptions:
    """Read options as given on the command line.

    Parameters
    ----------
    tables, columns, date_formats, actions : sequence of str
        ``NAME=FILE``, ``TABLE.CANONICAL=COLUMN``, ``TABLE.COLUMN=FORMAT`` or ``FORMAT``, ``VALUE=ACTION``.
    other_actions : str
        What all other actions are: use or ignore.

    Raises
    ------
    StudyError
        If one of them cannot be understood.
    """
    for option, texts in (("--table", tables), ("--column", columns), ("--date-format", date_formats)):
        places = [text.partition("=")[0].strip() for text in texts if "=" in text]
        for place in places:
            if places.count(place) > 1:
                raise StudyError(f"{option}: {shown(place)} is given {places.count(place)} times.")
    by_table: dict[str, dict[str, str]] = {}
    for text in columns:
        place, theirs = _pair(text, "--column", "TABLE.CANONICAL=COLUMN")
        table, _, canonical = place.partition(".")
        _require_table(table, "--column")
        known = [column.name for column in TABLES[table].columns]
        if canonical not in known:
            raise StudyError(
                f"--column: {table} has no column {shown(canonical)}.{suggestion(canonical, known)} "
                f"Known: {', '.join(known)}."
            )
        by_table.setdefault(table, {})[canonical] = theirs
    files: dict[str, str] = {}
    for text in tables:
        name, file = _pair(text, "--table", "NAME=FILE")
        _require_table(name, "--table")
        files[name] = file
    formats = dict(_format(text) for text in date_formats)
    meanings: dict[str, str] = {}
    for text in actions:
        value, meaning = _pair(text, "--action", "VALUE=login|use|failed|ignore")
        if meaning not in (*ACTIONS, IGNORE):
            raise StudyError(f"--action: {shown(meaning)} is none of {', '.join(ACTIONS)} and {IGNORE}.")
        meanings[value] = meaning
    if other_actions not in ("", "use", IGNORE):
        raise StudyError(f"--other-actions: {shown(other_actions)} is neither use nor {IGNORE}.")
    words = [("--table", text) for text in tables] + [("--column", text) for text in columns]
    words += [("--date-format", text) for text in date_formats] + [("--action", text) for text in actions]
    words += [("--other-actions", other_actions)] if other_actions else []
    return TableOptions(
        files, by_table, formats, meanings, other_actions, tuple(word for pair in words for word in pair)
    )


def _pair(text: str, option: str, form: str) -> tuple[str, str]:
    # A value of a log may hold an equals sign itself; the answer after the last one never does.
    name, sign, value = text.rpartition("=") if option == "--action" else text.partition("=")
    if not sign or not name.strip():
        raise StudyError(f"{option}: {shown(text)} is not of the form {form}.")
    return name.strip(), value.strip()


def _require_table(name: str, option: str) -> None:
    if name not in TABLES:
        raise StudyError(
            f"{option}: there is no table {shown(name)}.{suggestion(name, TABLES)} Known: {', '.join(TABLES)}."
        )


def _format(text: str) -> tuple[str, str]:
    place, sign, format = text.partition("=")
    place, format = (place.strip(), format.strip()) if sign else ("", text.strip())
    if format not in (ISO, UNIX_SECONDS, UNIX_MILLISECONDS) and "%" not in format:
        raise StudyError(
            f"--date-format: {shown(format)} is no format. Expected {ISO}, {UNIX_SECONDS}, {UNIX_MILLISECONDS} or such "
            'as "%d/%m/%Y".'
        )
    if place:
        _require_table(place.partition(".")[0], "--date-format")
    return place, format


@dataclass
class Questions:
    """What stays open, with likely answers for an example command."""

    folder: Path
    options: TableOptions
    force: bool = False
    texts: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)

    def ask(self, text: str, *answer: str, without: str = "") -> None:
        """Keep a question; `answer` is an option and its likely value, `without` what has no likely value."""
        self.texts.append(text)
        self.without += [without] if without else []
        if answer and answer[1] not in self.answers:
            self.answers += answer

    def raise_if_any(self, also: Iterable[str] = ()) -> None:
        """Raise one StudyError with every question, what else should be known, and a command that answers them."""
        if not self.texts:
            return
        words = ["whychurn", "new", str(self.folder), *(["--kind", "tables"] if self.force else [])]
        command = shlex.join([*words, *self.options.given, *self.answers])
        n = len(self.texts)
        title = f"{'1 thing' if n == 1 else f'{n} things'} cannot be told from the files in {self.folder}:"
        lines = [title, *(f"- {text}" for text in self.texts), *also]
        if self.without:
            lines.append(f"Missing, with nothing in the files to propose: {', '.join(self.without)}.")
        raise StudyError("\n".join([*lines, f"For example: {command}"] if self.answers else lines))
