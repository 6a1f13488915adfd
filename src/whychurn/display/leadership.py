"""The first page: what a leader reads on a phone, drawn from what the other pages recorded and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, bullets, paragraph, section
from whychurn.display.blocks import say as sentence
from whychurn.display.causes import WITH_EVIDENCE, RankedCause, cause_table, headline, ranked_causes
from whychurn.display.hazards import WINDOW
from whychurn.display.numbers import printed
from whychurn.display.wording import amount_name, first_upper, interval, money_style, number, unit
from whychurn.findings import Findings, Row

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
        mind. Then the ranked causes, what to do, and where to read on.
    """
    causes = ranked_causes(findings)
    hrefs = {page["name"].partition("_")[2]: page["href"] for page in pages}
    parts = [
        sentence("<h1>{headline}</h1>", headline=headline(findings)),
        sentence('<p class="lede">{lede}</p>', lede=_lede(findings, causes)),
        _tiles(findings, causes),
        _why(findings, hrefs).markup,
        sentence('<div class="two">{a}{b}</div>', a=_plays(findings, causes).markup, b=_sure(findings, causes, hrefs).markup),
        _read_on(pages).markup,
    ]  # fmt: skip
    return Markup("").join(parts)


def _first(findings: Findings, **conditions: object) -> Row | None:
    rows = findings.where(**conditions).rows()
    return rows[0] if rows else None


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
        source=source, ratio=interval(top.total, "ratio2"), earlier=_and_others(top.total.adjusted_for),
    )  # fmt: skip
    if top.share is not None:
        text += sentence(" The share’s interval is {share}.", share=interval(top.share, "percent0"))
    return text + sentence(" This is association, measured with care; it is not proof of cause.")


def _and_others(adjusted_for: str) -> str:
    names = [name for name in adjusted_for.split(", ") if name]
    if not names:
        return "nothing else"
    if len(names) <= 3:
        return ", ".join(names).lower()
    return "everything that comes before it in the study’s causal order"


def _tiles(findings: Findings, causes: list[RankedCause]) -> Markup:
    """Four key figures; one that the study cannot give is left out rather than faked."""
    style, name = money_style(findings), amount_name(findings)
    tiles: list[tuple[object, object, object]] = []
    left = _first(findings, analysis="causes", estimand="churn_share")
    if left is not None:
        small = sentence("{left} of {all} in the file · interval {i}", left=number(left, "count", "numerator"),
                         all=number(left, "count", "denominator"), i=interval(left, "percent1"))  # fmt: skip
        tiles.append(("Customers who left", number(left, "percent1"), small))
    risk = _first(findings, analysis="churn_within", estimand="risk", term="Everyone")
    horizon = sentence("{h} {unit}", h=printed(float(findings.provenance["horizon"]), "number0", "provenance", "horizon"),
                       unit=unit(findings))  # fmt: skip
    if risk is not None and risk.estimated:
        tiles.append((sentence("Leave within {h}", h=horizon), number(risk, "percent1"),
                      sentence("of new customers · interval {i}", i=interval(risk, "percent1"))))  # fmt: skip
    money = _first(findings, analysis="causes", estimand="amount_of_leavers")
    share = _first(findings, analysis="causes", estimand="amount_share_of_leavers")
    if money is not None and share is not None:
        tiles.append((sentence("{n} of leavers in the file", n=first_upper(name)), number(money, style),
                      sentence("{s} of the file’s total · not per year", s=number(share, "percent1"))))  # fmt: skip
    if causes:
        solid = sum(cause.grade in ("strong", "moderate") for cause in causes)
        tiles.append((
            "Causes with solid evidence", printed(solid, "count"),
            sentence("of {n} declared in advance and tested", n=printed(len(causes), "count")),
        ))  # fmt: skip
    inner = Markup("").join(
        sentence('<div class="tile"><dt>{name}</dt><dd>{value}<small>{small}</small></dd></div>', name=t, value=v, small=s)
        for t, v, s in tiles
    )
    return sentence('<dl class="tiles">{inner}</dl>', inner=inner)


def _why(findings: Findings, hrefs: Mapping[str, str]) -> Block:
    explanation = sentence(
        "How many times as fast customers leave, against the state named, adjusted for what comes before each cause. "
        "Ranked by share of churn within strength of evidence; shares overlap and may add up to more than the whole. "
        "{more}",
        more=_link(hrefs, "causes", "Every number behind this table"),
    )
    return section("Why they leave", paragraph(explanation, "sub"), cause_table(findings), level=2, anchor="why")


def _plays(findings: Findings, causes: list[RankedCause]) -> Block:
    """Name who to turn to first, from causes that carry evidence and that the company could change."""
    style = money_style(findings)
    items = []
    for cause in causes:
        if cause.grade not in ("strong", "moderate") or cause.rank.unit != "actionable" or len(items) == MOST_PLAYS:
            continue
        if cause.exposed is None or cause.total is None or cause.total.estimate <= 1:
            continue
        worth = sentence(", {sum} in {name}", sum=number(cause.exposed_amount, style), name=amount_name(findings)) \
            if cause.exposed_amount is not None else Markup("")  # fmt: skip
        items.append(sentence(
            "<b>{name}</b>: {n} current customers{worth}. Offer half of them, drawn by lot, a move to “{reference}” and "
            "compare after {h} {unit}: that turns an association into an answer.",
            name=cause.name, n=number(cause.exposed, "count"), worth=worth, reference=cause.rank.reference,
            h=printed(float(findings.provenance["horizon"]), "number0", "provenance", "horizon"), unit=unit(findings),
        ))  # fmt: skip
    if not items:
        body = paragraph("No cause that you could change carries enough evidence to act on. Collect more, or other, data first.")
    else:
        inner = Markup("").join(sentence("<li>{item}</li>", item=item) for item in items)
        body = Block(sentence('<ol class="plays">{inner}</ol>', inner=inner))
    return section("What to do on Monday", body, level=2, anchor="plays")


def _sure(findings: Findings, causes: list[RankedCause], hrefs: Mapping[str, str]) -> Block:
    """Verdict on the data, its reasons, and what would change our mind."""
    verdict = _first(findings, analysis="data_quality", estimand="verdict")
    reasons = findings.where(analysis="data_quality", estimand="reason").rows()
    blocks: list[Block] = []
    if verdict is not None:
        text = sentence("The data are <b>{grade}</b>. {more}", grade=verdict.grade,
                        more=_link(hrefs, "data_quality", "What was found and what was done"))  # fmt: skip
        blocks.append(paragraph(text))
        if verdict.note:
            blocks.append(paragraph(sentence("Built against that verdict because: {why}", why=verdict.note), "note"))
    if reasons:
        blocks.append(bullets(row.note for row in reasons))
    doubts = _doubts(findings, causes)
    if doubts:
        blocks.append(paragraph(sentence("<b>What would change our mind</b>")))
        blocks.append(bullets(doubts))
    return section("How sure we are", *blocks, level=2, anchor="sure")


def _doubts(findings: Findings, causes: list[RankedCause]) -> list[Markup]:
    doubts = []
    fragile = [cause for cause in causes if "Not borne out" in cause.rank.note]
    if fragile:
        doubts.append(sentence(
            "Finding that earlier leavers are missing from the file: then {names} would no longer stand.",
            names=", ".join(cause.name for cause in fragile),
        ))  # fmt: skip
    top = next((cause for cause in causes if cause.grade in WITH_EVIDENCE and cause.total is not None), None)
    if top is not None and top.total is not None:
        other = _first(findings, analysis="hazards", estimand="hazard_ratio", group=WINDOW, term=top.rank.term,
                       level=top.rank.level)  # fmt: skip
        if other is not None and other.estimated and fragile:
            doubts.append(sentence("{name} would stand, at a ratio of {ratio} (interval {i}).", name=top.name,
                                   ratio=number(other, "ratio2"), i=interval(other, "ratio2")))  # fmt: skip
        if top.e_value is not None:
            doubts.append(sentence(
                "Something unmeasured tied to both {name} and leaving by a ratio of {e} or more each could explain it away.",
                name=top.name, e=number(top.e_value, "number1", "numerator"),
            ))  # fmt: skip
    changing = [cause for cause in causes if cause.grade in ("strong", "moderate")
                and cause.proportional is not None and cause.proportional.grade == "changes with tenure"]  # fmt: skip
    if changing:
        doubts.append(sentence(
            "The ratio is an average over tenure for {names}: it differs between new and old customers.",
            names=", ".join(str(cause.rank.term) for cause in changing),
        ))  # fmt: skip
    return doubts


def _read_on(pages: Sequence[Mapping[str, str]]) -> Block:
    items = [
        sentence('<a href="{href}">{title}</a>{summary}', href=page["href"], title=page["title"],
                 summary=sentence(" – {s}", s=page["summary"]) if page.get("summary") else "")
        for page in pages
    ]  # fmt: skip
    return section("Read on", bullets(items), level=2, anchor="read-on")


def _link(hrefs: Mapping[str, str], name: str, text: str) -> Markup:
    return sentence('<a href="{href}">{text}</a>.', href=hrefs[name], text=text) if name in hrefs else Markup("")
