"""``study.toml`` of a flat study: one row per customer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StrictBool

from whychurn.study.schema import (
    SUFFIXES,
    Cause,
    Column,
    FileFormat,
    Focus,
    Question,
    Recording,
    Section,
    Short,
    Study,
    Value,
)
from whychurn.study.tables_schema import Valuation


class FlatQuestion(Question):
    """``[study]`` of a flat study."""

    kind: Annotated[Literal["flat"], Field(description='"flat": one row per customer, or "tables"')] = "flat"
    time_unit: Annotated[
        Literal["days", "weeks", "months", "years"],
        Field(description='what tenure counts: "days", "weeks", "months" or "years"'),
    ]


class Source(FileFormat):
    """``[source]``: the file and how it is written."""

    file: Annotated[str, Field(min_length=1, description=f"a file in the study folder: {', '.join(SUFFIXES)}")]
    example: Annotated[str, Field(description='the name of an example data set, "package/name"')] = ""
    allow_outside: Annotated[StrictBool, Field(description="true or false")] = False

    @property
    def suffix(self) -> str:
        """The file's suffix in lower case."""
        return Path(self.file).suffix.lower()

    @property
    def separator(self) -> str:
        """The declared delimiter, else the tab for ``.tsv`` and the comma for other text."""
        return self.delimiter or ("\t" if self.suffix == ".tsv" else ",")


class Columns(Section):
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


class FlatDocument(Section):
    """The whole file."""

    study: Annotated[FlatQuestion, Field(description="a section [study]")]
    source: Annotated[Source, Field(description="a section [source]")]
    columns: Annotated[Columns, Field(description="a section [columns]")]
    churn: Annotated[Recording, Field(description="a section [churn]")] = Recording()
    causes: Annotated[tuple[Cause, ...], Field(max_length=500, description="sections [[causes]]")] = ()
    focus: Annotated[tuple[Focus, ...], Field(max_length=50, description="sections [[focus]]")] = ()
    value: Annotated[Valuation, Field(description="a section [value]")] = Valuation()


@dataclass(frozen=True)
class FlatStudy(Study):
    """The question of a flat study: one file, one row per customer.

    Attributes
    ----------
    source, columns, value
        As in the sections of those names.
    """

    source: Source
    columns: Columns
    value: Valuation

    @property
    def data_file(self) -> Path:
        """The data file, with symbolic links resolved."""
        return (self.folder / self.source.file).resolve()

    @property
    def amount_name(self) -> str:
        """What to call the recurring amount; "" where the study has none."""
        return self.columns.amount_name if self.columns.amount else ""
