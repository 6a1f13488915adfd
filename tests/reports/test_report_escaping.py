"""Readers see numbers and boxes, never their markup as text."""

from __future__ import annotations

import re
import sys

import pytest
from synthetic_report import LOAD, PARAMETERS, write_notebook

from whychurn.errors import NotebookError
from whychurn.reports import build

pytestmark = pytest.mark.xdist_group("synthetic report")


def test_nothing_is_escaped_twice(built):
    for name in ("index.html", "01_shares.html", "02_tenure.html"):
        assert not re.search(
            r"&(amp;)*(lt|#60|#x3c);/?(details|data)\b",
            (built / "reports/demo" / name).read_text(encoding="utf-8"),
            re.IGNORECASE,
        ), name


@pytest.mark.parametrize(
    "shown",
    [
        '&lt;data value="3" data-format="count"&gt;3&lt;/data&gt;',
        "&lt;details&gt;&lt;summary&gt;more",
        "&amp;lt;details&amp;gt;",
        '<svg role="img" aria-label="left &lt;data value=&#39;3&#39;&gt;"></svg>',
    ],
)
def test_markup_that_readers_would_see_as_text_is_refused(home, without_kernels, monkeypatch, shown):
    leadership = sys.modules["whychurn.display.leadership"]
    monkeypatch.setattr(leadership, "render_index", lambda findings, pages: f"<h1>Why</h1><p>{shown}</p>")
    with pytest.raises(NotebookError, match=r"Page index shows markup as text: .*escaped twice"):
        build.build_report("data/demo", progress=False)


def test_code_may_spell_markup_out(home):
    shows = "from IPython.display import HTML\nHTML('<details><summary>More</summary>text</details>')"
    cells = (("code", PARAMETERS, ("parameters",)), ("code", LOAD + "\nrecord(pages.shares(frame))"), ("code", shows))
    write_notebook(home / "own/01_own.ipynb", ("markdown", "# A title"), *cells)
    index = build.build_report("data/demo", notebooks=home / "own", progress=False)
    assert "&lt;details&gt;" in index.with_name("01_own.html").read_text(encoding="utf-8")
