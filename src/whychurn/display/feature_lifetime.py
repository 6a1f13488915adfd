"""What a flat table of lifetime totals would say of each module, beside what was known at the time."""

from __future__ import annotations

from markupsafe import Markup

from whychurn.display.blocks import Block, Column, finding, folded, paragraph, table
from whychurn.display.blocks import say as sentence
from whychurn.display.feature_usage import PROTECTIVE, equal_rows, nothing, verdict_chip
from whychurn.display.wording import interval, number, with_interval
from whychurn.findings import Findings


def feature_naive(findings: Findings) -> Block:
    """Set what a flat table of lifetime totals would say beside what was known at the time."""
    naive = {row.term: row for row in findings.where(estimand="hazard_ratio", effect_kind="naive").rows()}
    rows = [row for row in equal_rows(findings) if row.term in naive]
    if not rows:
        return nothing()
    wrong, right = (findings.one(estimand="n_protective", effect_kind=kind) for kind in ("naive", "total"))
    worst = [row for row in rows if naive[row.term].grade == PROTECTIVE and row.grade != PROTECTIVE and row.estimated]
    text = sentence(
        "A flat table of lifetime totals would call {k} of {n} modules protective; by what was known at the time, {m} {do}.",
        k=number(wrong, "count"),
        n=number(wrong, "count", "denominator"),
        m=number(right, "count"),
        do="is" if right.estimate == 1 else "are",
    )
    why = Markup(
        "Whoever stays long has had the time to use everything more, so a total over the whole life is high because the "
        "customer stayed, not the other way round. "
    )
    if worst:
        top = min(worst, key=lambda row: naive[row.term].estimate)
        why += sentence(
            "Most misleading is {module}: {a} times the rate by lifetime totals, {b} ({i}) by what was known at the time.",
            module=top.term,
            a=number(naive[top.term], "ratio2"),
            b=number(top, "ratio2"),
            i=interval(top, "ratio2"),
        )
    cells = [
        {
            "module": row.term,
            "naive": with_interval(naive[row.term], "ratio2"),
            "said": verdict_chip(naive[row.term].grade),
            "equal": with_interval(row, "ratio2"),
            "verdict": verdict_chip(row.grade),
        }
        for row in rows
    ]
    columns = [
        Column("Module", "module", css="cause"),
        Column("Lifetime totals (misleading)", "naive", number=True),
        Column("would say", "said", css="grade"),
        Column("Known at the time", "equal", number=True),
        Column("says", "verdict", css="grade"),
    ]
    caption = "Hazard ratio of the typical user of a module against those who do not use it, both ways of counting"
    note = sentence(
        "Lifetime totals: one row per customer (and per return), the number of uses in the whole of its recorded life beside its attributes, "
        "tenure as time. {defined}.",
        defined=next(iter(naive.values())).definition.capitalize(),
    )
    return (
        finding(text) + paragraph(why) + table(caption, columns, cells) + folded("How it was counted", paragraph(note))
    )
