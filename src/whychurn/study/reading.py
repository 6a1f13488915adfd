"""Read ``study.toml`` into a Study, or say everything that is wrong with it."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from whychurn.errors import StudyError
from whychurn.study.rules import across_sections, table_list
from whychurn.study.schema import Cause, Churn, Columns, Document, Focus, Question, Source, Study
from whychurn.study.words import closest, prettify

FILE_NAME = "study.toml"


def read_study(path: str | Path) -> Study:
    """Read the question from a study folder or its ``study.toml``.

    Parameters
    ----------
    path : str or Path
        The folder, or the file itself.

    Raises
    ------
    StudyError
        If the file is missing or malformed. Every problem is listed, with its key, what was expected, and the
        closest known key for one that is unknown.
    """
    file = Path(path)
    if file.is_dir():
        file = file / FILE_NAME
    if not file.is_file():
        raise StudyError(f"There is no {file}. Make one with: whychurn new {file.parent}")
    content = file.read_bytes()
    try:
        raw = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise StudyError(f"{file} is not UTF-8 (line {line}). Save it again as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{file} is not valid TOML: {error}. Texts need double quotes around them.") from None
    except RecursionError:
        raise StudyError(f"{file} nests lists or tables too deeply. A study needs two levels at most.") from None
    folder = file.resolve().parent
    document, problems = _validated(raw)
    problems += across_sections(raw, folder)
    if problems or document is None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise StudyError("\n".join([f"{file} has {count}:", *(f"- {problem}" for problem in problems)]))
    causes = tuple(
        cause.model_copy(update={"label": cause.label or prettify(cause.column), "group": cause.group or cause.column})
        for cause in document.causes
    )
    return Study(
        folder=folder,
        digest=hashlib.sha256(content).hexdigest(),
        source=document.source,
        columns=document.columns,
        churn=document.churn,
        causes=causes,
        focus=document.focus,
        **dict(document.study),
    )


def _validated(raw: dict[str, Any]) -> tuple[Document | None, list[str]]:
    try:
        return Document.model_validate(raw), []
    except ValidationError as error:
        return None, list(dict.fromkeys(_sentence(item, raw) for item in error.errors()))


def _sentence(item: Any, raw: dict[str, Any]) -> str:
    """Put one validation error in words: the key, the problem, what is expected."""
    location: tuple[Any, ...] = item["loc"]
    model, description = _described(location)
    key = _key_path(location, raw)
    if item["type"] == "extra_forbidden":
        known = list(model.model_fields)
        guess = closest(str(location[-1]), known)
        return f"{key}: unknown key. " + (f"Did you mean {guess}?" if guess else f"Known keys: {', '.join(known)}.")
    if item["type"] == "missing":
        return f"{key}: is missing. Expected {description}."
    shown = repr(item["input"]) if isinstance(item["input"], str | int | float) else f"a {type(item['input']).__name__}"
    found = shown if len(shown) <= 60 else f"{shown[:57]}…"
    length = (
        f" of {len(item['input'])} characters"
        if item["type"] in ("string_too_long", "too_long") and isinstance(item["input"], str)
        else ""
    )
    limit = f", at most {item['ctx']['max_length']} characters" if length else ""
    why = f" ({item['ctx']['error']})" if item["type"] == "value_error" else ""
    return f"{key}: expected {description}{limit}; found {found}{length}{why}."


def _described(location: tuple[Any, ...]) -> tuple[type[BaseModel], str]:
    """Follow an error's location to the section it lies in and the words for what is expected there."""
    parts = [part for part in location if isinstance(part, str)]
    sections: dict[str, type[BaseModel]] = {
        "study": Question, "source": Source, "columns": Columns, "churn": Churn, "causes": Cause, "focus": Focus,
    }  # fmt: skip
    if not parts or (len(parts) == 1 and not (len(location) > 1 and parts[0] in sections)):
        field = Document.model_fields.get(parts[0]) if parts else None
        return Document, (field.description or "") if field else "sections"
    model = sections.get(parts[0], Document)
    field = model.model_fields.get(parts[1]) if len(parts) > 1 else None
    return model, (field.description or "") if field else "a section with keys"


def _key_path(location: tuple[Any, ...], raw: dict[str, Any]) -> str:
    path = ""
    for part in location:
        path += f"[{part + 1}]" if isinstance(part, int) else f"{'.' if path else ''}{part}"
    if location and location[0] == "causes" and len(location) > 1:
        name = _table(table_list(raw, "causes"), location[1]).get("column")
        path += f" (column {name!r})" if isinstance(name, str) else ""
    return path


def _table(tables: list[dict[str, Any]], index: object) -> dict[str, Any]:
    return tables[index] if isinstance(index, int) and index < len(tables) else {}
