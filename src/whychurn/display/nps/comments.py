"""What comments mention, by the words the study lists."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.wording import first_row, number, with_interval
from whychurn.findings import Findings, Row

CLEAR = 0.05
BANDS = ("detractor", "passive", "promoter")
UNMATCHED = "none of the listed words"


def comment_topics(findings: Findings) -> Block:
    """Return how many comments mention each topic, by band; one line where the study lists no words."""
    said = {row.level: row for row in findings.where(estimand="comment_share").rows()}
    if not said:
        return Block(Markup(""))
    nothing = first_row(findings, estimand="topics")
    if nothing is not None:
        return paragraph(nothing.note)
    shares = {(row.term, row.level): row for row in findings.where(estimand="mention_share").rows()}
    ties = {row.term: row for row in findings.where(estimand="mention_tie").rows()}
    cells = [
        {
            "topic": topic,
            "n": sentence(
                "{n} <small>({share})</small>",
                n=number(shares[topic, "all"], "count", "numerator"),
                share=number(shares[topic, "all"], "percent0"),
            ),
            **{band: with_interval(shares[topic, band], "percent0") for band in BANDS},
            "p": number(ties[topic], "p", "p_adjusted") if topic in ties else "–",
        }
        for topic in dict.fromkeys(topic for topic, _ in shares)
    ]
    columns = [
        Column("Topic", "topic", css="cause"),
        Column("Comments", "n", number=True),
        *(Column(f"Of {band}s", band, number=True) for band in BANDS),
        Column("adjusted p", "p", number=True),
    ]
    return table(_title(shares, ties), columns, cells, css="causes") + _after(said, shares)


def _title(shares: dict[tuple[str, str], Row], ties: dict[str, Row]) -> Markup:
    clear = [topic for topic, tie in ties.items() if tie.p_adjusted < CLEAR]
    gaps = {topic: _extremes([shares[topic, band] for band in BANDS]) for topic in clear}
    known = {topic: pair for topic, pair in gaps.items() if pair is not None}
    if not known:
        return sentence("No topic is mentioned clearly more by promoters, passives or detractors")
    topic = max(known, key=lambda name: known[name][0].estimate - known[name][1].estimate)
    high, low = known[topic]
    return sentence(
        "“{topic}” divides most: mentioned in {h} of comments by {hb}s and {l} of those by {lb}s",
        topic=topic,
        h=number(high, "percent0"),
        hb=high.level,
        l=number(low, "percent0"),
        lb=low.level,
    )


def _extremes(rows: Sequence[Row]) -> tuple[Row, Row] | None:
    known = [row for row in rows if row.estimated]
    if len(known) < 2:
        return None
    return max(known, key=lambda row: row.estimate), min(known, key=lambda row: row.estimate)


def _after(said: dict[str, Row], shares: dict[tuple[str, str], Row]) -> Block:
    text = sentence(
        "{n} of {all} latest answers have a comment ({share}); {none} of these hold none of the listed words. Comments are counted "
        "by the words listed in study.toml, whole words in any case: nobody, and nothing, has interpreted them. A comment can "
        "mention several topics; p is for a difference between the three bands, adjusted by Holm.",
        n=number(said["all"], "count", "numerator"),
        all=number(said["all"], "count", "denominator"),
        share=number(said["all"], "percent0"),
        none=number(shares[UNMATCHED, "all"], "count", "numerator"),
    )
    return paragraph(text, "sub")
