"""The first page of a report without a page on causes: what the data can bear, from what was recorded about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from whychurn.display.blocks import Block, bullets, finding, paragraph, section
from whychurn.display.blocks import say as sentence
from whychurn.display.numbers import printed
from whychurn.display.quality_coverage import late_tables, missing_tables
from whychurn.display.quality_tables import reasons_table
from whychurn.display.wording import amount_name, first_row, first_upper, interval, money_style, number
from whychurn.findings import Findings

#: So many caveats stand on the first page; the page on the data has all.
MOST_CAVEATS = 6
TITLES = {
    "sound": "The data of {study} can carry an answer",
    "usable with caveats": "The data of {study} can carry an answer, with caveats",
    "refuse": "By their own checks the data of {study} cannot carry an answer",
}

CAUSES = {
    "voluntary": "voluntary leavers",
    "involuntary": "involuntary leavers",
    "bankruptcy": "bankruptcies",
    "unknown": "leavers of whom no cause is known",
}
#: As the analysis names it.
NO_REASON = "no reason recorded"


def render_foundation(findings: Findings, pages: Sequence[Mapping[str, str]]) -> Markup:
    """Return the body of index.html where no page recorded causes.

    Parameters
    ----------
    findings : Findings
        Everything the pages recorded; whatever is not there is left out.
    pages : sequence of mapping
        ``name``, ``title``, ``href`` and ``summary`` of every other page, in reading order.
    """
    quality = findings.where(analysis="data_quality")
    hrefs = {page["name"].partition("_")[2]: page["href"] for page in pages}
    parts = [
        sentence("<h1>{title}</h1>", title=_title(quality)),
        sentence('<p class="lede">{lede}</p>', lede=_lede(quality)),
        _tiles(quality),
        _who_left(quality),
        _sure(quality, hrefs),
        _unlocks(quality),
        read_on(pages).markup,
    ]
    return Markup("").join(parts)


def read_on(pages: Sequence[Mapping[str, str]]) -> Block:
    """Return the list of the other pages, each with what it found."""
    items = [
        sentence(
            '<a href="{href}">{title}</a>{summary}',
            href=page["href"],
            title=page["title"],
            summary=sentence("<br>{f}", f=Markup(page["finding"]))
            if page.get("finding")
            else sentence(" – {s}", s=page["summary"])
            if page.get("summary")
            else "",
        )
        for page in pages
    ]
    return section("What else was found", bullets(items), level=2, anchor="read-on")


def _title(findings: Findings) -> Markup:
    study = str(findings.provenance.get("study") or "this study")
    verdict = first_row(findings, estimand="verdict")
    if verdict is None:
        return sentence("What is known of {study}", study=study)
    return sentence(TITLES.get(verdict.grade, "The data of {study}: " + verdict.grade), study=study)


def _lede(findings: Findings) -> Markup:
    description = str(findings.provenance.get("description") or "")
    source = sentence("{d} ", d=description if description.endswith((".", "!", "?")) else f"{description}.")
    window = first_row(findings, estimand="window")
    seen = (
        sentence("Observed from {dates}, {n} days. ", dates=window.note, n=number(window, "count"))
        if window is not None
        else Markup("")
    )
    return sentence(
        "{source}{seen}Why customers leave is not answered in this report; this page says what the data can bear.",
        source=source if description else Markup(""),
        seen=seen,
    )


def _tiles(findings: Findings) -> Markup:
    tiles: list[tuple[object, object, object]] = []
    verdict, customers = first_row(findings, estimand="verdict"), first_row(findings, estimand="n_customers")
    spells, years = first_row(findings, estimand="n_spells"), first_row(findings, estimand="customer_years")
    if customers is not None and spells is not None and years is not None:
        small = sentence("{s} spells · {y} customer-years", s=number(spells, "count"), y=number(years, "count"))
        tiles.append(("Customers at risk", number(customers, "count"), small))
    elif verdict is not None:
        tiles.append(("Customers", number(verdict, "count", "n_accounts"), ""))
    if verdict is not None:
        causes = [
            sentence("{n} {cause}", n=number(row, "count", "numerator"), cause=row.level)
            for row in findings.where(estimand="share_of_leavers").rows()
        ]
        once = first_row(findings, estimand="n_customers_left")
        returned = once is not None and once.estimate < verdict.n_events
        title = "Times a customer left" if returned else "Customers who left"
        if once is not None and returned:
            causes = [sentence("{n} customers at least once", n=number(once, "count")), *causes]
        tiles.append((title, number(verdict, "count", "n_events"), Markup(" · ").join(causes)))
    rate = first_row(findings, estimand="churn_rate")
    if rate is not None and rate.estimated:
        small = sentence("interval {i}", i=interval(rate, "number1"))
        tiles.append(("Churn per hundred customer-years", number(rate, "number1"), small))
    now, lost = first_row(findings, estimand="amount_current"), first_row(findings, estimand="amount_lost")
    if now is not None and lost is not None:
        style = money_style(findings)
        small = sentence("a month; {lost} went with those who left", lost=number(lost, style))
        tiles.append(
            (sentence("{n} of current customers", n=first_upper(amount_name(findings))), number(now, style), small)
        )
    inner = Markup("").join(
        sentence(
            '<div class="tile"><dt>{name}</dt><dd>{value}<small>{small}</small></dd></div>', name=t, value=v, small=s
        )
        for t, v, s in tiles
    )
    return sentence('<dl class="tiles">{inner}</dl>', inner=inner) if tiles else Markup("")


def _who_left(findings: Findings) -> Markup:
    rows = findings.where(estimand="leavers").rows()
    if not rows:
        return Markup("")
    shares = findings.where(estimand="share_of_leavers").rows()
    named = [row for row in rows if row.level != NO_REASON]
    if not named:
        head = sentence("No reason is recorded for any who left.")
        return section("Who left", finding(head), reasons_table(rows), level=2, anchor="left").markup
    most = max(named, key=lambda row: row.estimate)
    most_often = sentence(
        "the reason recorded most often is “{reason}”, {n} times.", reason=most.level, n=number(most, "count")
    )
    head = most_often[:1].upper() + most_often[1:]
    if shares:
        cause = CAUSES.get(shares[0].level, shares[0].level)
        share = number(shares[0], "percent0")
        head = sentence("{share} of those who left are {cause}; {rest}", share=share, cause=cause, rest=most_often)
    return section("Who left", finding(head), reasons_table(rows), level=2, anchor="left").markup


def _sure(findings: Findings, hrefs: Mapping[str, str]) -> Markup:
    """Verdict, gravest caveats, and what else a reader must know before any number. The header links here."""
    verdict = first_row(findings, estimand="verdict")
    link = (
        sentence(' <a href="{href}">What was found and what was done</a>.', href=hrefs["data_quality"])
        if "data_quality" in hrefs
        else Markup("")
    )
    if verdict is None:
        body = paragraph(sentence("No page of this report examined the data.{link}", link=link), "note")
        return section("How sure we are", body, level=2, anchor="sure").markup
    blocks = [paragraph(sentence("The data are <b>{grade}</b>.{link}", grade=verdict.grade, link=link))]
    if verdict.note:
        blocks.append(paragraph(sentence("Built against that verdict because: {why}", why=verdict.note), "note"))
    reasons = _gravestfirst_row(findings)
    items: list[Markup | str] = [*reasons[:MOST_CAVEATS]]
    if len(reasons) > MOST_CAVEATS:
        items.append(sentence("And {n} more.", n=printed(len(reasons) - MOST_CAVEATS, "count")))
    items += _limits(findings)
    if items:
        blocks.append(bullets(items))
    return section("How sure we are", *blocks, level=2, anchor="sure").markup


def _gravestfirst_row(findings: Findings) -> list[str]:
    """The reasons of the verdict: refusals first, then whatever concerns the most rows."""
    found = {row.definition: row for row in findings.where(estimand="integrity").rows()}

    def gravity(reason: str) -> tuple[bool, float]:
        row = found.get(reason)
        return (row is None or row.group != "refuse", 0.0 if row is None else -row.estimate)

    return sorted((row.note for row in findings.where(estimand="reason").rows()), key=gravity)


def _limits(findings: Findings) -> list[Markup]:
    """What limits every answer from these data, whatever their quality."""
    limits = []
    reasons = findings.where(estimand="reason").rows()
    late = first_row(findings, estimand="entered_late", term="Everyone")
    if late is not None and late.numerator > 0:
        limits.append(
            sentence(
                "{share} of the spells began before the window. They count from its first day on: whoever came and left "
                "before it is not in the data.",
                share=number(late, "percent0"),
            )
        )
    limits += [
        sentence(
            "“{table}” is recorded only since {day}; before that its measures are unknown.",
            table=row.term,
            day=row.note,
        )
        for row in late_tables(findings)
        if not any(row.term in reason.note and row.note in reason.note for reason in reasons)
    ]
    rates = [row for row in findings.where(estimand="definition_rate").rows() if row.estimated]
    if len(rates) > 1:
        low, high = (pick(rates, key=lambda row: row.estimate) for pick in (min, max))
        limits.append(
            sentence(
                "What counts as leaving matters: churn is {low} to {high} per hundred customer-years, by definition.",
                low=number(low, "number1"),
                high=number(high, "number1"),
            )
        )
    differing = [row.term for row in findings.where(estimand="follow_up_ratio", grade="differs", note="").rows()]
    if differing:
        limits.append(
            sentence(
                "Groups came at different times, so they could not be followed alike: {names}.",
                names=", ".join(differing),
            )
        )
    return limits


def _unlocks(findings: Findings) -> Markup:
    if not findings.where(estimand="table_missing").rows():
        return Markup("")
    return section("What these data lack", missing_tables(findings), level=2, anchor="lack").markup
