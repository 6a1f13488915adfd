"""Study: the frozen question, read from ``study.toml``.

The models below are the schema; their field descriptions are what an error message tells the user to write.
"""

from __future__ import annotations

import codecs
import difflib
import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt, ValidationError

from whychurn.errors import StudyError

FILE_NAME = "study.toml"
SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".xlsx")
#: Names that the frame of a flat study gives a meaning of its own.
RESERVED = ("account_id", "tenure", "churned", "amount", "row_number")


def text_of(value: object) -> object:
    """Return a TOML scalar as the text a data file would hold: ``true``, ``1``, ``0.5``, ``2024-01-31``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.17g}" if value != int(value) else str(int(value))
    return value.isoformat() if isinstance(value, date) else value


def _not_text(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("not a number")
    return value


def _printable(value: object) -> object:
    if isinstance(value, str) and re.search(r"[\x00-\x08\x0b-\x1f\x7f]", value):
        raise ValueError("holds control characters")
    return value


def _encoding(value: object) -> object:
    if isinstance(value, str):
        try:
            known = codecs.lookup(value)
            "".encode(value)
        except (LookupError, UnicodeError, ValueError):
            raise ValueError(f"{value!r} is not a text encoding") from None
        return known.name
    return value


Number = Annotated[float, BeforeValidator(_not_text), Field(allow_inf_nan=False)]
Value = Annotated[str, BeforeValidator(text_of), Field(max_length=1000)]
Column = Annotated[str, Field(min_length=1, max_length=1000)]
Short = Annotated[str, BeforeValidator(_printable), BeforeValidator(text_of), Field(max_length=120)]
Long = Annotated[str, BeforeValidator(_printable), BeforeValidator(text_of), Field(max_length=1000)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(_Section):
    """``[study]``: what is asked, in which units."""

    name: Annotated[Short, Field(min_length=1, description="a short name for the study")]
    kind: Annotated[Literal["flat"], Field(description='"flat": one row per customer')] = "flat"
    description: Annotated[Long, Field(description="a sentence on where the data come from")] = ""
    time_unit: Annotated[
        Literal["days", "weeks", "months", "years"],
        Field(description='what tenure counts: "days", "weeks", "months" or "years"'),
    ]
    horizon: Annotated[Number, Field(gt=0, description="a number above 0: churn within that many time units")]
    currency: Annotated[Short, Field(max_length=12, description='a currency code such as "USD"')] = ""
    confidence_level: Annotated[
        Number, Field(gt=0.5, lt=1, description="a number between 0.5 and 1, such as 0.95")
    ] = 0.95
    seed: Annotated[StrictInt, Field(ge=0, lt=2**32, description="a whole number from 0")] = 1
    as_of: Annotated[Short, Field(description="the date the file was drawn, as text")] = "not recorded"
    tiers: Annotated[tuple[Short, ...], Field(description="a list of names for the causal tiers 1, 2, …")] = ()


class Source(_Section):
    """``[source]``: the file and how it is written."""

    file: Annotated[str, Field(min_length=1, description=f"a file in the study folder: {', '.join(SUFFIXES)}")]
    example: Annotated[str, Field(description='the name of an example data set, "package/name"')] = ""
    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$", description="64 hexadecimal digits in lower case")] = ""
    encoding: Annotated[
        str, BeforeValidator(_encoding), Field(description='the encoding of a text file, such as "utf-8" or "cp1252"')
    ] = "utf-8"
    delimiter: Annotated[
        str,
        Field(pattern=r"^([^\"\r\n\x00\w.\x80-\U0010ffff])?$", description='one character, such as "," or ";" or "\\t"'),
    ] = ""
    decimal: Annotated[Literal[".", ","], Field(description='"." or ","')] = "."
    null_values: Annotated[tuple[Value, ...], Field(description="a list of texts that mean: no value")] = ("", "NA")
    sheet: Annotated[str, Field(max_length=31, description="the name of a sheet in the .xlsx file")] = ""
    allow_outside: Annotated[StrictBool, Field(description="true or false")] = False

    @property
    def suffix(self) -> str:
        """The file's suffix in lower case."""
        return Path(self.file).suffix.lower()

    @property
    def separator(self) -> str:
        """The declared delimiter, else the tab for ``.tsv`` and the comma for other text."""
        return self.delimiter or ("\t" if self.suffix == ".tsv" else ",")


class Columns(_Section):
    """``[columns]``: which columns of the file play which part."""

    account_id: Annotated[Column | None, Field(description="the column that identifies a customer")] = None
    tenure: Annotated[Column, Field(description="the column that counts how long a customer stayed")]
    churned: Annotated[Column, Field(description="the column that says whether a customer left")]
    churned_when: Annotated[
        tuple[Value, ...], Field(min_length=1, description='a list of values that mean "left", such as ["Yes"]')
    ]
    stayed_when: Annotated[
        tuple[Value, ...], Field(min_length=1, description='a list of values that mean "still here", such as ["No"]')
    ]
    amount: Annotated[Column | None, Field(description="the column with the recurring amount per time unit")] = None
    amount_name: Annotated[Short, Field(description="what to call the amount")] = ""


class Churn(_Section):
    """``[churn]``: how leaving was recorded."""

    leavers_in_file: Annotated[
        Literal["all", "recent", "unknown"], Field(description='"all", "recent" or "unknown"')
    ] = "unknown"
    recognised: Annotated[Short, Field(description='text such as "within the last month"')] = ""
    periods: Annotated[
        tuple[Annotated[Number, Field(gt=0)], ...], Field(description="a rising list of times above 0, such as [12, 24]")
    ] = ()
    window: Annotated[
        Number | None, Field(gt=0, description="a number above 0: how many time units the recorded leavers span")
    ] = None
    censoring_by: Annotated[Column | None, Field(description="a declared cause by which follow-up differs")] = None


class Cause(_Section):
    """One ``[[causes]]``: a candidate cause, declared before looking."""

    column: Annotated[Column, Field(description="the name of a column of the file")]
    label: Annotated[Short, Field(description="a readable name")] = ""
    type: Annotated[Literal["category", "number"], Field(description='"category" or "number"')]
    tier: Annotated[StrictInt, Field(ge=1, le=99, description="a whole number from 1 (earliest)")] = 1
    group: Annotated[Short, Field(description="a name shared by measures of the same thing")] = ""
    reference: Annotated[Value | None, Field(description="the level (or number) that others are compared with")] = None
    compare: Annotated[Value | None, Field(description="the level whose contrast is the headline")] = None
    per: Annotated[Number | None, Field(gt=0, description="a number above 0: the unit of the hazard ratio")] = None
    levels: Annotated[dict[str, Value], Field(description='what codes mean: { "0" = "No", "1" = "Yes" }')] = {}
    keep: Annotated[Long, Field(description="the reason to keep the column although it looks unusable")] = ""
    actionable: Annotated[StrictBool, Field(description="true or false: whether the company could change it")] = True


class Focus(_Section):
    """One ``[[focus]]``: a subpopulation declared before looking."""

    name: Annotated[Short, Field(min_length=1, description="a readable name")]
    where: Annotated[
        dict[Column, Annotated[tuple[Value, ...], Field(min_length=1)]],
        Field(min_length=1, description='columns with lists of levels: { contract = ["Month-to-month"] }'),
    ]
    causes: Annotated[tuple[Column, ...], Field(description="a list of declared causes")] = ()
    references: Annotated[dict[Column, Value], Field(description="declared causes with a reference level")] = {}


class _Document(_Section):
    study: Annotated[Question, Field(description="a section [study]")]
    source: Annotated[Source, Field(description="a section [source]")]
    columns: Annotated[Columns, Field(description="a section [columns]")]
    churn: Annotated[Churn, Field(description="a section [churn]")] = Churn()
    causes: Annotated[tuple[Cause, ...], Field(max_length=500, description="sections [[causes]]")] = ()
    focus: Annotated[tuple[Focus, ...], Field(max_length=50, description="sections [[focus]]")] = ()


@dataclass(frozen=True)
class Study:
    """The frozen question of a flat study.

    Attributes
    ----------
    folder : Path
        Where ``study.toml`` lives; the data file is named relative to it.
    digest : str
        SHA-256 of the bytes of ``study.toml``.
    name, kind, description, time_unit, horizon, currency, confidence_level, seed, as_of, tiers
        As in ``[study]``.
    source, columns, churn, causes, focus
        As in the sections of those names. A cause's label and group are filled in where left empty.
    """

    folder: Path
    digest: str
    name: str
    kind: str
    description: str
    time_unit: str
    horizon: float
    currency: str
    confidence_level: float
    seed: int
    as_of: str
    tiers: tuple[str, ...]
    source: Source
    columns: Columns
    churn: Churn
    causes: tuple[Cause, ...]
    focus: tuple[Focus, ...]

    @property
    def data_file(self) -> Path:
        """The data file, with symbolic links resolved."""
        return (self.folder / self.source.file).resolve()


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
    folder = file.resolve().parent
    document, problems = _validated(raw)
    problems += _across_sections(raw, folder)
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


def prettify(column: str) -> str:
    """Return a column name as a label: ``monthly_charges`` becomes ``Monthly charges``."""
    words = re.sub(r"[\s_]+", " ", re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", column)).strip()
    return (words[:1].upper() + words[1:])[:120] or column


def closest(name: str, known: Iterable[str]) -> str:
    """Return the known name most like `name`, ignoring case and punctuation, or ""."""
    plain = {re.sub(r"[\W_]+", "", other).casefold(): other for other in known}
    found = difflib.get_close_matches(re.sub(r"[\W_]+", "", name).casefold(), list(plain), n=1, cutoff=0.6)
    return plain[found[0]] if found else ""


def _validated(raw: dict[str, Any]) -> tuple[_Document | None, list[str]]:
    try:
        return _Document.model_validate(raw), []
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
    length = f" of {len(item['input'])} characters" if item["type"] == "string_too_long" else ""
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
        field = _Document.model_fields.get(parts[0]) if parts else None
        return _Document, (field.description or "") if field else "sections"
    model = sections.get(parts[0], _Document)
    field = model.model_fields.get(parts[1]) if len(parts) > 1 else None
    return model, (field.description or "") if field else "a section with keys"


def _key_path(location: tuple[Any, ...], raw: dict[str, Any]) -> str:
    path = ""
    for part in location:
        path += f"[{part + 1}]" if isinstance(part, int) else f"{'.' if path else ''}{part}"
    if location and location[0] == "causes" and len(location) > 1:
        name = _table(_table_list(raw, "causes"), location[1]).get("column")
        path += f" (column {name!r})" if isinstance(name, str) else ""
    return path


def _table(tables: list[dict[str, Any]], index: object) -> dict[str, Any]:
    return tables[index] if isinstance(index, int) and index < len(tables) else {}


def _table_list(raw: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = raw.get(key, [])
    return [item if isinstance(item, dict) else {} for item in value] if isinstance(value, list) else []


def _section(raw: dict[str, Any], key: str) -> dict[str, Any]:
    value = raw.get(key, {})
    return value if isinstance(value, dict) else {}


def _across_sections(raw: dict[str, Any], folder: Path) -> list[str]:
    """Rules that span keys. They read the raw document, so that they are listed beside the other problems."""
    columns, study = _section(raw, "columns"), _section(raw, "study")
    problems = [*_file_problems(_section(raw, "source"), folder), *_column_problems(columns)]
    periods = _section(raw, "churn").get("periods", [])
    numbers = isinstance(periods, list) and all(isinstance(time, int | float) for time in periods)
    if numbers and any(later <= earlier for earlier, later in pairwise(periods)):
        problems.append("churn.periods: the times must rise, such as [12, 24].")
    causes, tiers = _table_list(raw, "causes"), study.get("tiers", [])
    n_tiers = len(tiers) if isinstance(tiers, list) else 0
    seen: dict[str, int] = {}
    for position, cause in enumerate(causes, start=1):
        problems += [f"causes[{position}]{sentence}" for sentence in _cause_problems(cause, columns, n_tiers)]
        name = cause.get("column")
        if isinstance(name, str) and name in seen:
            problems.append(f"causes[{position}].column: {name!r} is already causes[{seen[name]}]. Remove one of them.")
        seen.setdefault(str(name), position)
    declared = {str(cause.get("column")): cause for cause in causes}
    for position, focus in enumerate(_table_list(raw, "focus"), start=1):
        for key in ("causes", "references"):
            for name in focus.get(key, []) if isinstance(focus.get(key, []), list | dict) else []:
                if str(name) not in declared:
                    guess = closest(str(name), declared)
                    hint = f" Did you mean {guess!r}?" if guess else ""
                    problems.append(f"focus[{position}].{key}: {name!r} is not the column of any [[causes]].{hint}")
    return problems


def _file_problems(source: dict[str, Any], folder: Path) -> Iterator[str]:
    name = source.get("file")
    if not isinstance(name, str) or not name:
        return
    if "\x00" in name:
        yield "source.file: the name holds a NUL character."
        return
    if Path(name).suffix.lower() not in SUFFIXES:
        yield f"source.file: {name!r} is of a kind that cannot be read. Expected {', '.join(SUFFIXES)}."
    inside = (folder / name).resolve().is_relative_to(folder)
    if source.get("allow_outside") is not True and (Path(name).is_absolute() or not inside):
        yield (
            f"source.file: {name!r} lies outside the study folder. Move the file into the folder, or write "
            "allow_outside = true under [source] if that is meant."
        )


def _column_problems(columns: dict[str, Any]) -> Iterator[str]:
    lists = [columns.get(key, []) for key in ("churned_when", "stayed_when")]
    left, stayed = ({str(text_of(value)) for value in items} if isinstance(items, list) else set() for items in lists)
    if left & stayed:
        yield f"columns.churned_when: {', '.join(map(repr, sorted(left & stayed)))} also stands in stayed_when."
    roles = [(key, columns[key]) for key in ("account_id", "tenure", "churned", "amount") if columns.get(key)]
    for index, (key, name) in enumerate(roles):
        for other, same in roles[:index]:
            if name == same:
                yield f"columns.{key}: {name!r} is already columns.{other}. One column cannot be both."


def _cause_problems(cause: dict[str, Any], columns: dict[str, Any], n_tiers: int) -> Iterator[str]:
    """Yield problems as text that follows ``causes[i]``."""
    name, kind, tier = cause.get("column"), cause.get("type"), cause.get("tier", 1)
    for role in ("tenure", "churned", "account_id"):
        if name is not None and columns.get(role) == name:
            yield f".column: {name!r} is columns.{role}; it cannot be a cause of leaving as well."
            return
    if name in RESERVED and name not in (columns.get("amount"),):
        yield f".column: {name!r} is a name with a meaning of its own here. Rename that column in the file."
    if isinstance(tier, int) and n_tiers and tier > n_tiers:
        yield f".tier (column {name!r}): tier {tier} has no name; study.tiers names {n_tiers}."
    reference, compare, levels = cause.get("reference"), cause.get("compare"), cause.get("levels")
    if kind == "number":
        for key in ("compare", "levels"):
            if cause.get(key):
                yield f".{key} (column {name!r}): only a category has {key}; this cause is a number."
        if isinstance(reference, str) and not re.fullmatch(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*", reference):
            yield f".reference (column {name!r}): expected a number; found {reference!r}."
    if kind == "category":
        if cause.get("per") is not None:
            yield f".per (column {name!r}): only a number has per; this cause is a category."
        if reference is not None and text_of(reference) == text_of(compare):
            yield f".compare (column {name!r}): {compare!r} is also the reference; it cannot be compared with itself."
        meanings = {str(value) for value in levels.values()} if isinstance(levels, dict) else set()
        for key, level in (("reference", reference), ("compare", compare)):
            if meanings and level is not None and str(text_of(level)) not in meanings and str(text_of(level)) in levels:
                yield f".{key} (column {name!r}): write {levels[str(text_of(level))]!r}, the meaning, not the code."
