"""One section of the page made anew from its records, where the records of the others are not at hand."""

from __future__ import annotations

import re
from collections.abc import Sequence

from validation.summary import Record
from validation.survey_page import in_one_line, survey_rows_of_csv, surveys

_HEAD, _LINE, _ARM = "## Answers to surveys", "- **Answers to surveys (", "answers to surveys"


def with_surveys(page: str, records: Sequence[Record]) -> str:
    """Return the page with its section on answers to surveys, and the line on it in short, made of these records.

    Raises
    ------
    ValueError
        The page has no such section, or no such line.
    """
    section = re.compile(rf"^{re.escape(_HEAD)}$.*?(?=^## )", re.MULTILINE | re.DOTALL)
    line = re.compile(rf"^{re.escape(_LINE)}.*$", re.MULTILINE)
    if not section.search(page) or not line.search(page):
        raise ValueError(f"The page has no section {_HEAD!r}, or no line on it in short.")
    made = "\n\n".join(surveys(records)) + "\n\n"
    page = section.sub(lambda _: made, page, count=1)
    return line.sub(lambda _: f"- {in_one_line(records)}", page, count=1)


def rows_with_surveys(rows: Sequence[Sequence[object]], records: Sequence[Record]) -> list[list[object]]:
    """Return the rows of the page's table of numbers with those of answers to surveys made of these records."""
    return [*(list(row) for row in rows if row[0] != _ARM), *survey_rows_of_csv(records)]
