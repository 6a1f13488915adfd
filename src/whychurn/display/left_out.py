"""The pages a report does not have: what each would need of the data, and what that would unlock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from whychurn.display.blocks import bullets, paragraph, section
from whychurn.display.blocks import say as sentence


def render_left_out(pages: Sequence[Mapping[str, str]]) -> Markup:
    """Return the part of index.html on the pages that the study cannot have.

    Parameters
    ----------
    pages : sequence of mapping
        ``title``, ``needs`` (what the study would have to have, in words) and ``unlocks`` (what the missing tables
        would unlock, "" where no table is missing) of every notebook that did not run.
    """
    if not pages:
        return Markup("")
    by_need: dict[tuple[str, str], list[str]] = {}
    for page in pages:
        by_need.setdefault((page["needs"], page.get("unlocks", "")), []).append(page["title"] or page["name"])
    items = [
        sentence(
            "{only} {needs}{unlocks}: {titles}.",
            only="So far only for studies of" if "one row per customer" in needs else "With",
            needs=needs,
            unlocks=f" ({unlocks})" if unlocks else "",
            titles=Markup(", ").join(sentence("“{title}”", title=title) for title in titles),
        )
        for (needs, unlocks), titles in by_need.items()
    ]
    why = "These pages do not run on this study. They were left out; nothing stands in for them."
    return section("Not in this report", paragraph(why, "sub"), bullets(items), level=2, anchor="left-out").markup
