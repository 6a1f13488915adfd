"""What every ``study.toml`` has. Field descriptions are what an error message tells the user to write."""

from __future__ import annotations

import codecs
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt

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


class Section(BaseModel):
    """Frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(Section):
    """``[study]``: what every study asks, whatever its data look like."""

    name: Annotated[Short, Field(min_length=1, description="a short name for the study")]
    description: Annotated[Long, Field(description="a sentence on where the data come from")] = ""
    horizon: Annotated[
        Number,
        Field(gt=0, description="a number above 0: churn within that many time units (days, where tables are studied)"),
    ]
    currency: Annotated[Short, Field(max_length=12, description='a currency code such as "USD"')] = ""
    confidence_level: Annotated[Number, Field(gt=0.5, lt=1, description="a number between 0.5 and 1, such as 0.95")] = (
        0.95
    )
    seed: Annotated[StrictInt, Field(ge=0, lt=2**32, description="a whole number from 0")] = 1
    as_of: Annotated[Short, Field(description="the date the file was drawn, as text")] = "not recorded"
    tiers: Annotated[tuple[Short, ...], Field(description="a list of names for the causal tiers 1, 2, …")] = ()


class FileFormat(Section):
    """How a data file is written."""

    sha256: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$", description="64 hexadecimal digits in lower case")] = ""
    encoding: Annotated[
        str, BeforeValidator(_encoding), Field(description='the encoding of a text file, such as "utf-8" or "cp1252"')
    ] = "utf-8"
    delimiter: Annotated[
        str,
        Field(
            pattern=r"^([^\"\r\n\x00\w.\x80-\U0010ffff])?$", description='one character, such as "," or ";" or "\\t"'
        ),
    ] = ""
    decimal: Annotated[Literal[".", ","], Field(description='"." or ","')] = "."
    null_values: Annotated[tuple[Value, ...], Field(description="a list of texts that mean: no value")] = ("", "NA")
    sheet: Annotated[str, Field(max_length=31, description="the name of a sheet in the .xlsx file")] = ""


class Recording(Section):
    """``[churn]``: what analyses must know of how leaving was recorded."""

    leavers_in_file: Annotated[
        Literal["all", "recent", "unknown"], Field(description='"all", "recent" or "unknown"')
    ] = "unknown"
    recognised: Annotated[Short, Field(description='text such as "within the last month"')] = ""
    periods: Annotated[
        tuple[Annotated[Number, Field(gt=0)], ...],
        Field(description="a rising list of times above 0, such as [12, 24]"),
    ] = ()
    window: Annotated[
        Number | None, Field(gt=0, description="a number above 0: how many time units the recorded leavers span")
    ] = None
    censoring_by: Annotated[Column | None, Field(description="a declared cause by which follow-up differs")] = None
    target: Annotated[
        Number | None, Field(gt=0, description="departures per 100 customers that you would like to come down to")
    ] = None


class Cause(Section):
    """One ``[[causes]]``: a candidate cause, declared before looking."""

    column: Annotated[Column, Field(description="the name of a column of the file")]
    label: Annotated[Short, Field(description="a readable name")] = ""
    type: Annotated[Literal["category", "number"], Field(description='"category" or "number"')]
    tier: Annotated[StrictInt, Field(ge=1, le=99, description="a whole number from 1 (earliest)")] = 1
    group: Annotated[Short, Field(description="a name shared by measures of the same thing")] = ""
    reference: Annotated[Value | None, Field(description="the level (or number) that others are compared with")] = None
    compare: Annotated[Value | None, Field(description="the level whose contrast is the headline")] = None
    per: Annotated[Number | None, Field(gt=0, description="a number above 0: the unit of the hazard ratio")] = None
    bands: Annotated[
        tuple[Number, ...], Field(max_length=10, description="a rising list of cut points: [1, 5] makes 0, 1-4 and 5+")
    ] = ()
    missing: Annotated[Short, Field(description='what a missing value means, such as "never rated"')] = ""
    role: Annotated[
        Literal["cause", "adjustment"],
        Field(description='"cause", or "adjustment" for what models hold constant but nobody ranks'),
    ] = "cause"
    levels: Annotated[dict[str, Value], Field(description='what codes mean: { "0" = "No", "1" = "Yes" }')] = {}
    words: Annotated[
        dict[str, Long], Field(description='levels as one says them: { "0" = "who have not used it for four weeks" }')
    ] = {}
    action: Annotated[Long, Field(description="what you would do about it, as a sentence")] = ""
    keep: Annotated[Long, Field(description="the reason to keep the column although it looks unusable")] = ""
    actionable: Annotated[StrictBool, Field(description="true or false: whether the company could change it")] = True


class Focus(Section):
    """One ``[[focus]]``: a subpopulation declared before looking."""

    name: Annotated[Short, Field(min_length=1, description="a readable name")]
    where: Annotated[
        dict[Column, Annotated[tuple[Value, ...], Field(min_length=1)]],
        Field(min_length=1, description='columns with lists of levels: { contract = ["Month-to-month"] }'),
    ]
    causes: Annotated[tuple[Column, ...], Field(description="a list of declared causes")] = ()
    references: Annotated[dict[Column, Value], Field(description="declared causes with a reference level")] = {}


@dataclass(frozen=True)
class Study(ABC):
    """The frozen question: what every kind of study has.

    Attributes
    ----------
    folder : Path
        Where ``study.toml`` lies; data files are named relative to it.
    digest : str
        SHA-256 of the bytes of ``study.toml``.
    name, kind, description, time_unit, horizon, currency, confidence_level, seed, as_of, tiers
        As in ``[study]``.
    churn : Recording
        How leaving was recorded, as far as analyses must know.
    causes, focus
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
    churn: Recording
    causes: tuple[Cause, ...]
    focus: tuple[Focus, ...]

    @property
    @abstractmethod
    def amount_name(self) -> str:
        """What to call the recurring amount; "" where the study has none."""
