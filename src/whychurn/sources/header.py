"""The header of a file: read by ourselves, because engines rename, guess and forgive."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence

from whychurn.errors import some
from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.names import shown, suggestion
from whychurn.study import FlatStudy

DELIMITERS = (",", ";", "\t", "|")
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def parse_header(text: str, delimiter: str) -> list[str]:
    """Split the header record into names, spaces around them removed."""
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    return [name.strip() for name in rows[0]] if rows else []


def header_problems(
    names: Sequence[str], needed: Mapping[str, str], table: str, line: str = "", delimiter: str = ""
) -> list[IntegrityFinding]:
    """List all that is wrong with a header: names missing, empty or repeated, or a wrong delimiter.

    Parameters
    ----------
    names : sequence of str
        As in the file.
    needed : Mapping of str to str
        Columns that the study names, and where it names them.
    table : str
    line : str
        The header as text, where the file is text.
    delimiter : str
        As declared, where the file is text.
    """
    wrong = _wrong_delimiter(names, line, delimiter, table)
    if wrong is not None:
        return [wrong]
    problems = []
    empty = [position for position, name in enumerate(names, start=1) if not name]
    if empty:
        problems.append(
            IntegrityFinding(
                code="header-empty-name", severity="refuse", table=table, count=len(empty),
                problem=f"{len(empty):,} of {len(names):,} columns have no name (column {some(empty)} from the left).",
                action="Give every column a name in the first line, or remove the column.",
            )
        )  # fmt: skip
    counts = Counter(name.casefold() for name in names if name)
    for folded, count in counts.items():
        if count > 1:
            same = [name for name in names if name.casefold() == folded]
            problems.append(
                IntegrityFinding(
                    code="header-repeated-name", severity="refuse", table=table, column=same[0], count=count,
                    problem=f"{count} columns share a name, apart from upper and lower case: "
                    f"{some(map(shown, same))}.",
                    action="Rename them in the file, so that it is clear which one is meant.",
                )
            )  # fmt: skip
    return problems + _missing(names, needed, table)


def used_columns(study: FlatStudy) -> dict[str, str]:
    """Return the columns of the file that the study names, and where it names them."""
    roles = {role: getattr(study.columns, role) for role in ("account_id", "tenure", "churned", "amount")}
    used = {name: f"columns.{role}" for role, name in roles.items() if name}
    for position, cause in enumerate(study.causes, start=1):
        used.setdefault(cause.column, f"causes[{position}]")
    for position, focus in enumerate(study.focus, start=1):
        for name in focus.where:
            used.setdefault(name, f"focus[{position}].where")
    return used


def _missing(names: Sequence[str], needed: Mapping[str, str], table: str) -> list[IntegrityFinding]:
    listed = ", ".join(shown(name, 40) for name in names[:30]) + (" …" if len(names) > 30 else "")
    problems = []
    for name, where in needed.items():
        if name not in names:
            problems.append(
                IntegrityFinding(
                    code="missing-column", severity="refuse", table=table, column=name, count=1,
                    problem=f"There is no column {shown(name)}, which study.toml names in {where}."
                    + suggestion(name, names),
                )
            )  # fmt: skip
    if problems:
        last = problems.pop()
        problems.append(
            IntegrityFinding(
                code=last.code, severity="refuse", table=table, column=last.column, count=1, problem=last.problem,
                action=f"The file's columns are {listed}.",
            )
        )  # fmt: skip
    return problems


def _wrong_delimiter(names: Sequence[str], line: str, delimiter: str, table: str) -> IntegrityFinding | None:
    if len(names) != 1 or not delimiter:
        return None
    better = max((other for other in DELIMITERS if other != delimiter), key=line.count)
    name = DELIMITER_NAMES.get(delimiter, delimiter)
    if not line.count(better):
        fix = "Check that this is the right file: a study needs a column for tenure and one for churn at least."
    else:
        escape = "\\t" if better == "\t" else better
        times = f"The {DELIMITER_NAMES[better]} stands in it {line.count(better)} times"
        fix = f'{times}: write delimiter = "{escape}" under [source].'
    return IntegrityFinding(
        code="wrong-delimiter", severity="refuse", table=table, count=1,
        problem=f"Split at the {name}, the first line is a single column: {shown(line, 80)}.", action=fix,
    )  # fmt: skip
