"""Read ``study.toml`` into a Study, or say everything that is wrong with it."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from whychurn.errors import StudyError
from whychurn.study.flat_schema import FlatDocument, FlatStudy
from whychurn.study.rules import across_sections, table_list
from whychurn.study.schema import Cause, Study
from whychurn.study.table_rules import across_tables
from whychurn.study.tables_schema import Definition, TablesDocument, TableStudy, recording
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
    model = _document(raw)
    document, problems = _validated(model, raw)
    problems += across_tables(raw, folder) if model is TablesDocument else across_sections(raw, folder)
    if problems or document is None:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise StudyError("\n".join([f"{file} has {count}:", *(f"- {problem}" for problem in problems)]))
    digest = hashlib.sha256(content).hexdigest()
    return (
        _table_study(document, folder, digest)
        if isinstance(document, TablesDocument)
        else _flat(document, folder, digest)
    )


def _document(raw: dict[str, Any]) -> type[FlatDocument] | type[TablesDocument]:
    """Which kind of study this is: as it says, else by the sections it has."""
    study = raw.get("study")
    kind = study.get("kind") if isinstance(study, dict) else None
    if kind == "tables" or (kind is None and "tables" in raw and "source" not in raw):
        return TablesDocument
    return FlatDocument


def _flat(document: FlatDocument, folder: Path, digest: str) -> FlatStudy:
    return FlatStudy(
        folder=folder,
        digest=digest,
        source=document.source,
        columns=document.columns,
        churn=document.churn,
        causes=_labelled(document.causes),
        focus=document.focus,
        value=document.value,
        **dict(document.study),
    )


def _table_study(document: TablesDocument, folder: Path, digest: str) -> TableStudy:
    churn = document.churn
    return TableStudy(
        folder=folder,
        digest=digest,
        churn=recording(churn),
        causes=_labelled(document.causes),
        focus=document.focus,
        tables=document.tables,
        database=document.database,
        definition=Definition(**{name: getattr(churn, name) for name in Definition.model_fields}),
        definitions=document.definitions,
        reasons=document.reasons,
        comments=document.comments,
        measures=document.measures,
        value=document.value,
        recommending=document.recommending,
        engine=document.engine,
        **dict(document.study),
    )


def _labelled(causes: tuple[Cause, ...]) -> tuple[Cause, ...]:
    return tuple(
        cause.model_copy(update={"label": cause.label or prettify(cause.column), "group": cause.group or cause.column})
        for cause in causes
    )


def _validated(
    model: type[FlatDocument] | type[TablesDocument], raw: dict[str, Any]
) -> tuple[FlatDocument | TablesDocument | None, list[str]]:
    try:
        return model.model_validate(raw), []
    except ValidationError as error:
        return None, list(dict.fromkeys(_sentence(model, item, raw) for item in error.errors()))


def _sentence(document: type[BaseModel], item: Any, raw: dict[str, Any]) -> str:
    """Put one validation error in words: the key, the problem, what is expected."""
    location: tuple[Any, ...] = item["loc"]
    model, description = _described(document, location)
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


def _described(document: type[BaseModel], location: tuple[Any, ...]) -> tuple[type[BaseModel], str]:
    """Follow an error's location to the section it lies in and the words for what is expected there.

    A section may be an array of tables (``causes``) or a table of tables (``tables.NAME``): positions and names
    between the section and its keys are passed over.
    """
    model, description = document, "sections"
    for part in location:
        field = model.model_fields.get(str(part))
        if field is None:
            continue
        description = field.description or ""
        inner = _section_of(field.annotation)
        if inner is None:
            break
        model = inner
    return model, description


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """The section inside an annotation such as ``tuple[Cause, ...]`` or ``dict[str, Table]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_of(part)) is not None), None)


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
