"""Study: the frozen question, read from ``study.toml``."""

from whychurn.study.reading import FILE_NAME, read_study
from whychurn.study.schema import RESERVED, SUFFIXES, Cause, Churn, Columns, Focus, Question, Source, Study, text_of
from whychurn.study.words import closest, prettify

__all__ = [
    "FILE_NAME",
    "RESERVED",
    "SUFFIXES",
    "Cause",
    "Churn",
    "Columns",
    "Focus",
    "Question",
    "Source",
    "Study",
    "closest",
    "prettify",
    "read_study",
    "text_of",
]
