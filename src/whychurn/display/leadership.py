"""The first page: what a leader reads on a phone, drawn from what the other pages recorded and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, bullets, paragraph, section
from whychurn.display.blocks import say as sentence
from whychurn.display.causes import WITH_EVIDENCE, RankedCause, cause_table, has_dates, headline, ranked_causes
from whychurn.display.doubts import doubts_about
from whychurn.display.foundation import read_on, render_foundation
from whychurn.display.numbers import printed
from whychurn.display.wording import amount_name, first_row, first_upper, horizon_text, interval, money_style, number
from whychurn.findings import SECOND_READING, Findings, Row

#: So many plays are a plan; more are a list.
MOST_PLAYS = 3


def render_index(findings: Findings, pages: Sequence[Mapping[str, str]]) -> Markup:
    """Return the body of index.html.

    Parameters
    ----------
    findings : Findings
        Everything the pages recorded.
    pages : sequence of mapping
        ``name``, ``title``, ``href`` and ``summary`` of every other page, in reading order.

    Returns
    -------
    Markup
        First screen: the finding, its size in customers and money, how sure we are, what would change our
        mind. Then the ranked causes, what to do, and where to read on. Where no page recorded causes: what the data
        can bear.
    """
    if not findings.where(analysis="causes").rows():
        return render_foundation(findings, pages)
    causes = ranked_causes(findings)
    hrefs = {page["name"].partition("_")[2]: page["href"] for page in pages}
    parts = [
        sentence("<h1>{headline}</h1>", headline=headline(findings)),
        sentence('<p class="lede">{lede}</p>', lede=_lede(findings, causes)),
        _tiles(findings, causes),
        _why(findings, hrefs).markup,
        sentence(
            '<div class="two">{a}{b}</div>', a=_plays(findings, causes).markup, b=_sure(findings, causes, hrefs).markup
        ),
        read_on(pages).markup,
    ]
    return Markup("").join(parts)


def _lede(findings: Findings, causes: list[RankedCause]) -> Markup:
    """Interval of the headline, and what kind of claim it is."""
    description = findings.provenance.get("description", "")
    source = sentence("{d}. ", d=description) if description else Markup("")
    top = causes[0] if causes else None
    if top is None or top.total is None or top.grade not in WITH_EVIDENCE:
        return sentence(
            "{source}None of the declared causes passes the bar for evidence; what the data could have shown is on the causes page.",
            source=source,
        )
    text = sentence(
        "{source}The ratio’s interval is {ratio}, adjusted for {earlier}.",
        source=source,
        ratio=interval(top.total, "times"),
        earlier=_and_others(top.total.adjusted_for),
    )
    if top.share is not None:
        text += sentence(" The share’s interval is {share}.", share=interval(top.share, "percent0"))
    other = _second_reading(findings, top)
    if other is not None:
        text += sentence(
            " If the file holds only recent leavers, the ratio is {ratio} ({i}){share}.",
            ratio=number(other, "times"),
            i=interval(other, "times"),
            share=sentence(" and the share {s}", s=number(top.second_share, "percent0")) if top.second_share else "",
        )
    return text + sentence(" This is association, measured with care; it is not proof of cause.")


def _second_reading(findings: Findings, cause: RankedCause) -> Row | None:
    row = first_row(
        findings,
        analysis="hazards",
        estimand="hazard_ratio",
        group=SECOND_READING,
        term=cause.rank.term,
        level=cause.rank.level,
    )
    return row if row is not None and row.estimated else None


def _and_others(adjusted_for: str) -> str:
    names = [name for name in adjusted_for.split(", ") if name]
    if not names:
        return "nothing else"
    if len(names) <= 3:
        return ", ".join(names).lower()
    return "what comes before it, or beside it, in the study’s causal order"


def _tiles(findings: Findings, causes: list[RankedCause]) -> Markup:
    """Four key figures; one that the study cannot give is left out rather than faked."""
    style, name = money_style(findings), amount_name(findings)
    tiles: list[tuple[object, object, object]] = []
    left = first_row(findings, analysis="causes", estimand="churn_share")
    tiles += _yearly_tiles(findings)
    if left is not None:
        small = sentence(
            "{left} of {all} in the file · interval {i}",
            left=number(left, "count", "numerator"),
            all=number(left, "count", "denominator"),
            i=interval(left, "percent1"),
        )
        tiles.append(("Customers who left", number(left, "percent1"), small))
    horizon = float(findings.provenance["horizon"])
    stay = first_row(findings, analysis="segments", estimand="survival", term="Everyone", time=horizon)
    if stay is not None and stay.estimated:
        reading = findings.where(analysis="data_quality", estimand="survival").rows()
        small = sentence("interval {i}", i=interval(stay, "percent1"))
        if reading:
            small += Markup(" · if every leaver is in the file")
        tiles.append((sentence("Still customers after {h}", h=horizon_text(findings)), number(stay, "percent1"), small))
    money = first_row(findings, analysis="causes", estimand="amount_of_leavers")
    share = first_row(findings, analysis="causes", estimand="amount_share_of_leavers")
    if money is not None and share is not None and not has_dates(findings):
        tiles.append(
            (
                sentence("{n} of leavers in the file", n=first_upper(name)),
                number(money, style),
                sentence("{s} of the file’s total · not per year", s=number(share, "percent1")),
            )
        )
    if causes:
        solid = sum(cause.grade in ("strong", "moderate") for cause in causes)
        tiles.append(
            (
                "Causes with solid evidence",
                printed(solid, "count"),
                sentence("of {n} declared in advance and tested", n=printed(len(causes), "count")),
            )
        )
    inner = Markup("").join(
        sentence(
            '<div class="tile"><dt>{name}</dt><dd>{value}<small>{small}</small></dd></div>', name=t, value=v, small=s
        )
        for t, v, s in tiles
    )
    return sentence('<dl class="tiles">{inner}</dl>', inner=inner)


def _yearly_tiles(findings: Findings) -> list[tuple[object, object, object]]:
    """Departures and revenue lost a year, where the study has dates."""
    tiles: list[tuple[object, object, object]] = []
    rate = first_row(findings, analysis="causes", estimand="churn_rate")
    if rate is not None and rate.estimated:
        small = sentence(
            "interval {i} · {left} departures in the window",
            i=interval(rate, "number1"),
            left=number(rate, "count", "n_events"),
        )
        tiles.append(("Customers lost a year, of a hundred", number(rate, "number1"), small))
    money = first_row(findings, analysis="causes", estimand="amount_of_leavers")
    share = first_row(findings, analysis="causes", estimand="amount_share_of_leavers")
    if money is not None and share is not None and has_dates(findings):
        small = sentence("{s} of the average {n}", s=number(share, "percent1"), n=amount_name(findings))
        title = sentence("{n} lost a year", n=first_upper(amount_name(findings)))
        tiles.append((title, number(money, money_style(findings)), small))
    kinds = findings.where(analysis="data_quality", estimand="share_of_leavers").rows()
    voluntary = next((row for row in kinds if row.level == "voluntary"), None)
    if voluntary is not None:
        others = sentence(", ").join(
            sentence("{cause} {s}", cause=row.level, s=number(row, "percent0")) for row in kinds if row is not voluntary
        )
        tiles.append(("Left of their own will", number(voluntary, "percent0"), others))
    return tiles


def _why(findings: Findings, hrefs: Mapping[str, str]) -> Block:
    explanation = sentence(
        "How many times as fast customers leave, against the state named, adjusted for what comes before or beside each cause. "
        "Ranked by share of churn within strength of evidence; shares overlap and may add up to more than the whole. A "
        "minus means that there would have been that much more churn without it. "
        "{more}",
        more=_link(hrefs, "causes", "Every number behind this table"),
    )
    return section("Why they leave", paragraph(explanation, "sub"), cause_table(findings), level=2, anchor="why")


def _plays(findings: Findings, causes: list[RankedCause]) -> Block:
    """Name who to turn to first, from causes that carry evidence and that the company could change."""
    style = money_style(findings)
    items: list[Markup] = []
    for cause in causes:
        if cause.grade not in ("strong", "moderate") or cause.rank.unit != "actionable" or len(items) == MOST_PLAYS:
            continue
        play = _play(cause, style, amount_name(findings))
        if play is not None:
            items.append(play)
    if not items:
        small = causes and all(cause.grade == "no sizeable effect" for cause in causes)
        body = paragraph(
            "The causes declared so far matter little, and the data are enough to say so. Look for others."
            if small
            else "No cause that you could change carries enough evidence to act on. Collect more, or other, data first."
        )
    else:
        inner = Markup("").join(sentence("<li>{item}</li>", item=item) for item in items)
        body = Block(sentence('<ol class="plays">{inner}</ol>', inner=inner)) + paragraph(
            sentence(
                "Draw lots once, over all these customers together, make each offer to one half, and compare the halves after "
                "{h}: only that turns an association into an answer.",
                h=horizon_text(findings),
            ),
            "sub",
        )
    return section("What to do on Monday", body, level=2, anchor="plays")


def _play(cause: RankedCause, style: str, name: str) -> Markup | None:
    """Say who to turn to: customers in the state that goes with more churn, and the state to offer them."""
    if cause.total is None or not cause.total.estimated or cause.is_number or cause.rank.reference == "":
        return None
    if cause.total.estimate > 1:
        level, target, who, amount = cause.rank.level, cause.rank.reference, cause.exposed, cause.exposed_amount
    else:
        level, target, who, amount = cause.rank.reference, cause.rank.level, cause.unexposed, cause.unexposed_amount
    if who is None:
        return None
    worth = sentence(", {sum} in {name}", sum=number(amount, style), name=name) if amount is not None else Markup("")
    if cause.action:
        return sentence(
            "<b>{term}: {level}</b>: {n} current customers{worth}. {action}",
            term=cause.rank.term,
            level=level,
            n=number(who, "count"),
            worth=worth,
            action=cause.action,
        )
    return sentence(
        "<b>{term}: {level}</b>: {n} current customers{worth}. Try a move to “{target}”.",
        term=cause.rank.term,
        level=level,
        n=number(who, "count"),
        worth=worth,
        target=target if len(target) > 3 else f"{cause.rank.term}: {target}",
    )


def _sure(findings: Findings, causes: list[RankedCause], hrefs: Mapping[str, str]) -> Block:
    """Verdict on the data, its reasons, and what would change our mind."""
    verdict = first_row(findings, analysis="data_quality", estimand="verdict")
    reasons = findings.where(analysis="data_quality", estimand="reason").rows()
    blocks: list[Block] = []
    if verdict is not None:
        text = sentence(
            "The data are <b>{grade}</b>. {more}",
            grade=verdict.grade,
            more=_link(hrefs, "data_quality", "What was found and what was done"),
        )
        blocks.append(paragraph(text))
        if verdict.note:
            blocks.append(paragraph(sentence("Built against that verdict because: {why}", why=verdict.note), "note"))
    if reasons:
        blocks.append(bullets(row.note for row in reasons))
    doubts = doubts_about(findings, causes)
    if doubts:
        blocks.append(paragraph(sentence("<b>What would change our mind</b>")))
        blocks.append(bullets(doubts))
    return section("How sure we are", *blocks, level=2, anchor="sure")


def _link(hrefs: Mapping[str, str], name: str, text: str) -> Markup:
    return sentence('<a href="{href}">{text}</a>.', href=hrefs[name], text=text) if name in hrefs else Markup("")
