"""The frame around every page: head, navigation, footer."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from whychurn.display.numbers import printed
from whychurn.reports.markup import Heading

TEMPLATES = Path(__file__).parent / "templates"
#: Stands where the fingerprint goes until all pages are written and it is known.
PENDING = "fingerprint-pending"
PREFIX = 16
SHORT = 12

_VERDICTS = {"sound": "good", "refuse": "bad", "refused": "bad"}


@dataclass(frozen=True, slots=True)
class Link:
    """A page as the navigation shows it."""

    name: str
    href: str
    label: str


def frame(
    body: str,
    *,
    name: str,
    title: str,
    pages: Sequence[Link],
    headings: Sequence[Heading],
    facts: Mapping[str, Any],
) -> str:
    """Return the whole HTML of a page; :data:`PENDING` stands where the fingerprint goes.

    Parameters
    ----------
    body : str
        HTML for <main>, trusted.
    name : str
        Name of this page among `pages`.
    pages : sequence of Link
        All pages in reading order.
    headings : sequence of Heading
        Table of contents of this page.
    facts : mapping
        See :func:`facts_of`.
    """
    position = [page.name for page in pages].index(name)
    text = (
        _environment()
        .get_template("shell.html.j2")
        .render(
            body=Markup(body),
            name=name,
            title=title,
            pages=pages,
            headings=_nested(headings),
            facts=facts,
            fingerprint=PENDING,
            before=pages[position - 1] if position else None,
            after=pages[position + 1] if position + 1 < len(pages) else None,
            has_code='<details class="code">' in body,
            style=Markup(_style()),
            script=Markup((TEMPLATES / "page.js").read_text(encoding="utf-8").strip()),
        )
    )
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def facts_of(provenance: Mapping[str, Any], study: str, label: str) -> dict[str, Any]:
    """Return what header and footer say, each number traceable to the provenance; what is unknown is left out.

    Parameters
    ----------
    provenance : mapping
        Of the findings recorded on the page: study, as_of, n_accounts, n_events, n_excluded, verdict, files.
    study : str
        Name of the study where the provenance has none.
    label : str
        The report as the rerun command names it.
    """
    verdict = provenance.get("verdict") or ""
    if isinstance(verdict, Mapping):
        verdict = verdict.get("grade") or ""
    files = [
        {
            "name": file.get("file", ""),
            "sha256": str(file.get("sha256") or "")[:SHORT],
            "rows": _number(file.get("rows"), f"files.{position}.rows"),
        }
        for position, file in enumerate(provenance.get("files") or ())
    ]
    numbers = {name: _number(provenance.get(name), name) for name in ("n_accounts", "n_events", "n_excluded")}
    return {
        "study": provenance.get("study") or study,
        "as_of": provenance.get("as_of") or "",
        "verdict": verdict,
        "none_excluded": provenance.get("n_excluded") == 0,
        "verdict_class": _VERDICTS.get(str(verdict), "warn"),
        "files": files,
        "label": label,
        "some_returned": provenance.get("n_spells", provenance.get("n_accounts")) != provenance.get("n_accounts"),
        **numbers,
    }


def _number(value: Any, name: str) -> Markup | str:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return printed(value, "count", "provenance", name) if known else ""


def _nested(headings: Sequence[Heading]) -> list[dict[str, Any]]:
    nested: list[dict[str, Any]] = []
    for heading in headings:
        entry = {"anchor": heading.anchor, "label": Markup(heading.label), "children": []}
        if heading.level == 3 and nested:
            nested[-1]["children"].append(entry)
        else:
            nested.append(entry)
    return nested


@functools.cache
def _style() -> str:
    light = (TEMPLATES / "style.css").read_text(encoding="utf-8").strip()
    light = light[light.index("*/") + 2 :].strip()  # the list of classes is for writers, not for readers
    dark = (TEMPLATES / "dark.css").read_text(encoding="utf-8").strip()
    chosen = f'@media screen{{:root[data-theme="dark"]{{{dark}}}}}'
    system = f'@media screen and (prefers-color-scheme:dark){{:root:not([data-theme="light"]){{{dark}}}}}'
    return f"{light}\n{system}\n{chosen}"


@functools.cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=False,
        keep_trailing_newline=True,
    )
