"""Study: the frozen question, read from ``study.toml``."""

from whychurn.study.flat_schema import Columns, FlatQuestion, FlatStudy, Source
from whychurn.study.reading import FILE_NAME, read_study
from whychurn.study.schema import RESERVED, SUFFIXES, Cause, FileFormat, Focus, Question, Recording, Study, text_of
from whychurn.study.tables_schema import (
    CommentTopic,
    Database,
    Definition,
    Engine,
    Measures,
    Reason,
    Table,
    TablesChurn,
    TablesQuestion,
    TableStudy,
    Valuation,
)
from whychurn.study.words import closest, prettify

__all__ = [
    "FILE_NAME",
    "RESERVED",
    "SUFFIXES",
    "Cause",
    "Columns",
    "CommentTopic",
    "Database",
    "Definition",
    "Engine",
    "FileFormat",
    "FlatQuestion",
    "FlatStudy",
    "Focus",
    "Measures",
    "Question",
    "Reason",
    "Recording",
    "Source",
    "Study",
    "Table",
    "TableStudy",
    "TablesChurn",
    "TablesQuestion",
    "Valuation",
    "closest",
    "prettify",
    "read_study",
    "text_of",
]
