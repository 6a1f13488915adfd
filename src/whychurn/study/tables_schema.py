"""``study.toml`` of a study of tables: accounts, subscriptions, usage, tickets, surveys and more, with dates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import BeforeValidator, Field, StrictBool, StrictInt

from whychurn.study.schema import (
    Cause,
    Column,
    FileFormat,
    Focus,
    Number,
    Question,
    Recording,
    Section,
    Short,
    Study,
    Value,
)

#: Bytes; below, not even small tables can be read.
SMALLEST_MEMORY = 50e6
_UNITS = {"MB": 1e6, "GB": 1e9, "MiB": 2.0**20, "GiB": 2.0**30}
_AREAS = {
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Etc", "Europe", "Indian", "Pacific",
}  # fmt: skip

CauseOfLeaving = Literal["voluntary", "involuntary", "bankruptcy"]


def _day(value: object) -> object:
    """TOML has dates of its own; a text or a time of day is a slip."""
    if isinstance(value, datetime) or not isinstance(value, date):
        raise ValueError("not a date")
    return value


def _zone(value: object) -> object:
    """Names of the IANA list, Area/City, or UTC: shorter ones such as "localtime" depend on the machine, or on history."""
    zones = {zone for zone in available_timezones() if "/" in zone and zone.split("/")[0] in _AREAS} | {"UTC"}
    if isinstance(value, str) and value not in zones:
        alike = next((zone for zone in sorted(zones) if zone.casefold() == value.strip().casefold()), "")
        guess = f"; did you mean {alike!r}?" if alike else ""
        raise ValueError(f"{value!r} is not the name of a time zone{guess}")
    return value


def _memory(value: object) -> object:
    """The engine needs some memory for every file it opens, and fails in odd places without it."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s?(MB|GB|MiB|GiB)", value) if isinstance(value, str) else None
    if found and float(found[1]) * _UNITS[found[2]] < SMALLEST_MEMORY:
        raise ValueError(f"{value!r} is too little: give it at least 50MB, as a number with MB, GB, MiB or GiB")
    return value


def _one_or_more(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Day = Annotated[date, BeforeValidator(_day)]
Zone = Annotated[str, BeforeValidator(_zone)]
Days = Annotated[StrictInt, Field(ge=0, le=3650)]


class TablesQuestion(Question):
    """``[study]`` of a study of tables."""

    kind: Annotated[Literal["tables"], Field(description='"tables", or "flat": one row per customer')]
    time_unit: Annotated[Literal["days"], Field(description='"days"')] = "days"
    observed_from: Annotated[Day, Field(description="the first day observed, a date without quotes: 2024-01-01")]
    observed_to: Annotated[Day, Field(description="the first day no longer observed, a date: 2026-01-01")]
    interval_days: Annotated[StrictInt, Field(ge=1, le=31, description="a whole number of days from 1 to 31")] = 7
    lag_days: Annotated[
        StrictInt,
        Field(ge=0, le=365, description="a whole number of days: how long before leaving a measure must be known"),
    ]
    time_zone: Annotated[Zone, Field(description='a time zone such as "UTC" or "Europe/Berlin"')] = "UTC"


class Table(FileFormat):
    """``[tables.NAME]``: where a table lies, how it is written, and what its columns are called."""

    file: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=400)], ...],
        BeforeValidator(_one_or_more),
        Field(description='a file in the study folder, a list of them, or a pattern such as "usage/*.csv"'),
    ] = ()
    table: Annotated[str, Field(max_length=200, description="the name of a table in the [database]")] = ""
    columns: Annotated[
        dict[str, Column],
        Field(description='names here = names in the file, such as { account_id = "customer", started_on = "signup" }'),
    ] = Field(default_factory=dict)
    date_format: Annotated[
        str, Field(max_length=60, description='"iso", "unix seconds", "unix milliseconds" or such as "%d.%m.%Y %H:%M"')
    ] = "iso"
    formats: Annotated[
        dict[str, Annotated[str, Field(max_length=60)]],
        Field(description='formats of single columns, such as { closed_at = "%d/%m/%Y" }'),
    ] = Field(default_factory=dict)
    time_zone: Annotated[Zone | None, Field(description="the time zone of times without an offset")] = None
    tracked_from: Annotated[Day | None, Field(description="the first day this was recorded, a date")] = None
    not_tracked: Annotated[
        tuple[tuple[Day, Day], ...], Field(description="gaps in recording: [[2024-03-01, 2024-03-08]], end exclusive")
    ] = ()
    actions: Annotated[
        dict[Literal["login", "use", "failed"], tuple[Value, ...]],
        Field(description='what actions mean: { login = ["sign_in"], use = ["open", "save"], failed = ["error"] }'),
    ] = Field(default_factory=dict)
    other_actions: Annotated[
        Literal["", "use", "ignore"], Field(description='"use" or "ignore": actions that [tables.usage] does not name')
    ] = ""
    allow_outside: Annotated[StrictBool, Field(description="true or false")] = False


class Database(Section):
    """``[database]``: a DuckDB file that holds the tables."""

    file: Annotated[str, Field(min_length=1, max_length=400, description="a .duckdb file in the study folder")]
    allow_outside: Annotated[StrictBool, Field(description="true or false")] = False


class Definition(Section):
    """When a customer counts as gone. Several, under names, can be put side by side."""

    name: Annotated[Short, Field(min_length=1, description="a readable name")] = "As declared"
    recognise: Annotated[
        Literal["term end", "cancel date"], Field(description='"term end" or "cancel date": the day that counts')
    ] = "term end"
    allowed_gap_days: Annotated[Days, Field(description="whole days without service that are no churn")] = 30
    delinquent_after_days: Annotated[
        Days | None, Field(description="whole days overdue after which a customer counts as gone (needs payments)")
    ] = None
    inactive_after_days: Annotated[
        Annotated[StrictInt, Field(ge=1, le=3650)] | None,
        Field(description="whole days without use after which a customer counts as gone (needs usage)"),
    ] = None


class TablesChurn(Definition):
    """``[churn]``: the definition the study uses, and what analyses must know."""

    periods: Annotated[
        tuple[Annotated[float, Field(gt=0)], ...], Field(description="a rising list of days, such as [90, 365]")
    ] = ()
    censoring_by: Annotated[Column | None, Field(description="a declared cause by which follow-up differs")] = None
    target: Annotated[
        float | None, Field(gt=0, description="departures per 100 customer-years that you would like to come down to")
    ] = None


class Reason(Section):
    """One ``[[reasons]]``: what some recorded reasons for leaving mean."""

    values: Annotated[tuple[Value, ...], Field(min_length=1, description="a list of reasons as recorded")]
    cause: Annotated[CauseOfLeaving, Field(description='"voluntary", "involuntary" or "bankruptcy"')]
    controllable: Annotated[StrictBool | None, Field(description="true or false")] = None
    measured_by: Annotated[
        tuple[Column, ...],
        Field(max_length=20, description='a list of declared causes that would show it: ["last_csat", "open_tickets"]'),
    ] = ()


class CommentTopic(Section):
    """One ``[[comments]]``: words that show what a comment is about. Comments are counted by them, never interpreted."""

    name: Annotated[Short, Field(min_length=1, description="what these comments are about")]
    words: Annotated[
        tuple[Annotated[Value, Field(max_length=100)], ...],
        Field(
            min_length=1,
            max_length=200,
            description='a list of words or phrases, in every form that counts: ["price", "prices", "too expensive"]',
        ),
    ]


class Measures(Section):
    """``[measures]``: choices in what is measured."""

    modules: Annotated[tuple[Value, ...], Field(max_length=40, description="a list of product modules")] = ()
    peak_hours: Annotated[
        tuple[Annotated[StrictInt, Field(ge=0, le=24)], Annotated[StrictInt, Field(ge=0, le=24)]],
        Field(description="two hours of the day, such as [9, 17], the second exclusive"),
    ] = (9, 17)
    peak_days: Annotated[
        tuple[Annotated[StrictInt, Field(ge=1, le=7)], ...],
        Field(min_length=1, description="days of the week, 1 is Monday: [1, 2, 3, 4, 5]"),
    ] = (1, 2, 3, 4, 5)


class Valuation(Section):
    """``[value]``: how what a customer is worth is reckoned."""

    discount_rate: Annotated[
        Number,
        Field(ge=0, le=1, description="a yearly rate from 0 to 1, such as 0.10 for ten percent"),
    ] = 0.10
    horizon_months: Annotated[
        StrictInt, Field(ge=1, le=240, description="a whole number of months from 1 to 240: how far to look ahead")
    ] = 36
    gross_margin: Annotated[
        Number | None,
        Field(
            gt=0,
            le=1,
            description="a share above 0, up to 1: what is left of revenue, where costs of service are not recorded",
        ),
    ] = None


class Recommending(Section):
    """``[recommending]``: what is expected of those who recommend, declared before looking."""

    driver: Annotated[
        Short,
        Field(description='the module whose frequent users are expected to be the best promoters, such as "reporting"'),
    ] = ""


class Engine(Section):
    """``[engine]``: how much of the machine the engine may use."""

    memory_limit: Annotated[
        str,
        BeforeValidator(_memory),
        Field(pattern=r"^\d+(\.\d+)?\s?(MB|GB|MiB|GiB)$", description='a size such as "4GB", at least "50MB"'),
    ] = "4GB"
    threads: Annotated[StrictInt | None, Field(ge=1, le=256, description="a whole number from 1")] = None


class TablesDocument(Section):
    """The whole file."""

    study: Annotated[TablesQuestion, Field(description="a section [study]")]
    tables: Annotated[dict[str, Table], Field(description="sections [tables.NAME]")]
    database: Annotated[Database | None, Field(description="a section [database]")] = None
    churn: Annotated[TablesChurn, Field(description="a section [churn]")] = TablesChurn()
    reasons: Annotated[tuple[Reason, ...], Field(max_length=200, description="sections [[reasons]]")] = ()
    comments: Annotated[tuple[CommentTopic, ...], Field(max_length=50, description="sections [[comments]]")] = ()
    definitions: Annotated[tuple[Definition, ...], Field(max_length=20, description="sections [[definitions]]")] = ()
    measures: Annotated[Measures, Field(description="a section [measures]")] = Measures()
    value: Annotated[Valuation, Field(description="a section [value]")] = Valuation()
    recommending: Annotated[Recommending, Field(description="a section [recommending]")] = Recommending()
    engine: Annotated[Engine, Field(description="a section [engine]")] = Engine()
    causes: Annotated[tuple[Cause, ...], Field(max_length=500, description="sections [[causes]]")] = ()
    focus: Annotated[tuple[Focus, ...], Field(max_length=50, description="sections [[focus]]")] = ()


@dataclass(frozen=True)
class TableStudy(Study):
    """The question of a study of tables. Times are days.

    Attributes
    ----------
    observed_from, observed_to : datetime.date
        The window ``[observed_from, observed_to)``.
    interval_days : int
        Length of a row at risk.
    lag_days : int
        A measure on a row uses only what was known this long before the row begins.
    time_zone : str
        In which days begin and end.
    tables : Mapping of str to Table
        Of those the company has.
    database : Database or None
    definition : Definition
        When a customer counts as gone.
    definitions : tuple of Definition
        Others, to be put beside it.
    reasons, comments, measures, value, recommending, engine
        As in the sections of those names.
    """

    observed_from: date
    observed_to: date
    interval_days: int
    lag_days: int
    time_zone: str
    tables: Mapping[str, Table]
    database: Database | None
    definition: Definition
    definitions: tuple[Definition, ...]
    reasons: tuple[Reason, ...]
    comments: tuple[CommentTopic, ...]
    measures: Measures
    value: Valuation
    recommending: Recommending
    engine: Engine

    @property
    def amount_name(self) -> str:
        """What to call the recurring amount."""
        return "monthly recurring revenue"

    @property
    def window_days(self) -> int:
        """Length of the window in days."""
        return (self.observed_to - self.observed_from).days


def recording(churn: TablesChurn) -> Recording:
    """Return what analyses must know of how leaving was recorded: dated tables hold all leavers of the window."""
    return Recording(leavers_in_file="all", periods=churn.periods, censoring_by=churn.censoring_by, target=churn.target)
