"""A tiny stand-in for analyses and display: imported by the kernels of the synthetic notebooks."""

from __future__ import annotations

import csv
import math
from html import escape
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from whychurn.display.numbers import format_number, printed
from whychurn.findings import Findings


class Html:
    """Anything a notebook can show."""

    def __init__(self, markup: object) -> None:
        self.markup = str(markup)

    def _repr_html_(self) -> str:
        return self.markup


def load(study: str) -> pd.DataFrame:
    with Path(study, "customers.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    frame = pd.DataFrame(rows)
    return frame.assign(tenure=frame.tenure.astype(float), churned=frame.churned == "Yes")


def provenance(frame: pd.DataFrame) -> dict:
    return {
        "study": "Synthetic <telco>",
        "as_of": "not recorded",
        "n_accounts": len(frame),
        "n_events": int(frame.churned.sum()),
        "n_excluded": 11,
        "verdict": "usable with caveats",
        "files": [{"file": "customers.csv", "sha256": "ab12" * 16, "rows": len(frame)}],
        "seed": 1,
    }


def shares(frame: pd.DataFrame) -> Findings:
    rows = []
    for plan, part in frame.groupby("plan"):
        share, n = part.churned.mean(), len(part)
        half = 1.96 * math.sqrt(share * (1 - share) / n)
        rows.append(
            {
                "analysis": "shares", "method": "proportion", "term": "plan", "level": plan,
                "estimand": "share left", "estimate": share, "conf_low": max(0.0, share - half),
                "conf_high": min(1.0, share + half), "conf_level": 0.95, "n_accounts": n,
                "n_events": int(part.churned.sum()), "p_value": 0.0004 * n / 100,
            }
        )  # fmt: skip
    return Findings.from_rows(rows, provenance(frame))


def tenure(frame: pd.DataFrame) -> Findings:
    rows = [
        {
            "analysis": "tenure", "method": "mean", "term": "=tenure", "group": str(plan),
            "estimand": "mean tenure", "estimate": float(part.tenure.mean()), "n_accounts": len(part),
        }
        for plan, part in frame.groupby("plan")
    ]  # fmt: skip
    return Findings.from_rows(rows, provenance(frame))


def headline(found: Findings) -> Html:
    row = max(found.rows(), key=lambda row: row.estimate)
    text = Markup(
        '<section><h2 class="finding">Customers on <em>{}</em> leave most often: {} of them left</h2>'
        '<p class="sub">Share of customers who left, with its interval ({} to {}). Among {} customers.</p></section>'
    )
    return Html(
        text.format(
            row.level,
            printed(row.estimate, "percent1", row.id),
            printed(row.conf_low, "percent1", row.id, "conf_low"),
            printed(row.conf_high, "percent1", row.id, "conf_high"),
            printed(row.n_accounts, "count", row.id, "n_accounts"),
        )
    )


def tiles(found: Findings) -> Html:
    cells = [
        Markup('<div class="tile"><dt>{}</dt><dd>{}<small>{} to {}</small></dd></div>').format(
            row.level,
            printed(row.estimate, "percent1", row.id),
            printed(row.conf_low, "percent1", row.id, "conf_low"),
            printed(row.conf_high, "percent1", row.id, "conf_high"),
        )
        for row in found.rows()
    ]
    return Html(Markup('<dl class="tiles">{}</dl>').format(Markup("").join(cells)))


def table(found: Findings) -> Html:
    head = "".join(
        f'<th scope="col"{" class=n" if number else ""}>{name}</th>'
        for name, number in [("Plan", 0), ("Share left", 1), ("From", 1), ("To", 1), ("Customers", 1), ("p", 1)]
    )
    body = Markup("").join(
        Markup("<tr><th>{}</th>{}</tr>").format(
            row.level,
            Markup("").join(
                Markup('<td class="n">{}</td>').format(printed(getattr(row, name), style, row.id, name))
                for name, style in [
                    ("estimate", "percent1"), ("conf_low", "percent1"), ("conf_high", "percent1"),
                    ("n_accounts", "count"), ("p_value", "p"),
                ]
            ),
        )
        for row in found.rows()
    )  # fmt: skip
    return Html(
        f'<table class="data"><caption>Share of customers who left, by plan</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def causes(found: Findings) -> Html:
    body = Markup("").join(
        Markup(
            '<tr><th scope="row" class="cause">{}<small>against everyone else · {} customers</small></th>'
            '<td class="fig"><svg viewBox="0 0 300 26" role="img" aria-label="{}: share left {}">'
            '<line x1="90" x2="90" y1="0" y2="26" stroke="var(--line)"/>'
            '<line x1="{}" x2="{}" y1="13" y2="13" stroke="var(--bad)" stroke-width="3"/>'
            '<circle cx="{}" cy="13" r="5" fill="var(--bad)"/></svg></td>'
            '<td class="n" data-l="share">{}</td><td class="n" data-l="customers">{}</td>'
            '<td class="grade {}">{}</td></tr>'
        ).format(
            row.level,
            printed(row.n_accounts, "count", row.id, "n_accounts"),
            row.level,
            format_number(row.estimate, "percent1"),
            *(f"{300 * value:.1f}" for value in (row.conf_low, row.conf_high, row.estimate)),
            printed(row.estimate, "percent1", row.id),
            printed(row.n_accounts, "count", row.id, "n_accounts"),
            grade,
            grade,
        )
        for row, grade in zip(found.rows(), ["strong", "moderate", "weak", "inconclusive"], strict=False)
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ["Cause", "Speed", "Share", "Customers", "Evidence"])
    return Html(f'<table class="causes"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>')


def chart(found: Findings) -> Html:
    """Bars in two variants."""

    def drawing(width: int, kind: str) -> str:
        rows, height = found.rows(), 34 * len(found) + 24
        scale = width - 260 if kind == "wide" else width - 20
        parts = []
        for number, row in enumerate(rows):
            y = 34 * number + 8
            left = 170 if kind == "wide" else 0
            length = scale * row.estimate
            parts.append(f'<text x="{left - 8 if left else 0}" y="{y + 15}" font-size="14" fill="var(--ink,#1b1f24)" '
                         f'text-anchor="{"end" if left else "start"}">{escape(row.level)}</text>')  # fmt: skip
            top = y if left else y + 18
            parts.append(f'<rect x="{left}" y="{top}" width="{length:.1f}" height="{20 if left else 6}" rx="2" '
                         f'fill="var(--c{number % 7 + 1},#0072b2)"/>')  # fmt: skip
            parts.append(f'<text x="{left + length + 8:.1f}" y="{y + 15}" font-size="14" '
                         f'fill="var(--ink,#1b1f24)">{format_number(row.estimate, "percent1")}</text>')  # fmt: skip
        return (
            f'<div class="{kind}"><svg viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="Share of customers who left by plan">{"".join(parts)}</svg></div>'
        )

    return Html(
        f'<figure class="chart">{drawing(860, "wide")}{drawing(340, "narrow")}'
        "<figcaption>Share of customers who left, by plan. Bars start at nought.</figcaption></figure>"
    )


def wide_frame(frame: pd.DataFrame) -> pd.DataFrame:
    wide = frame.groupby("plan").tenure.describe().round(1)
    return pd.concat([wide, wide.add_prefix("again ")], axis=1)
