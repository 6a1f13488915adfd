"""A small company's files under names of its own, for tests to break."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

Rows = list[list[str]]
FIRST = date(2023, 1, 2)
HEADERS = {
    "clients.csv": ["client_id", "signup_date", "sector", "headcount", "country"],
    "contracts.csv": [
        "contract_id", "client_id", "start_date", "end_date", "edition", "monthly_fee", "licences", "churn_reason",
    ],
    "activity_log.csv": ["client", "person", "timestamp", "feature", "event"],
    "support_cases.csv": ["case_id", "client_id", "created_at", "resolved_at", "category", "priority", "satisfaction"],
}  # fmt: skip
REASONS = ("Too expensive", "Card declined", "Went out of business")


def company(n: int = 40) -> dict[str, Rows]:
    """Rows of four files; days as ISO texts."""
    rng = random.Random(5)
    files: dict[str, Rows] = {name: [] for name in HEADERS}
    for i in range(n):
        start = FIRST + timedelta(days=rng.randrange(200))
        end = start + timedelta(days=rng.randrange(90, 500)) if i % 3 == 0 else None
        client = f"C{i:03}"
        size = str(5 + i * 7 % 90)
        files["clients.csv"].append([client, start.isoformat(), ("Legal", "Dental", "Retail")[i % 3], size, "DE"])
        files["contracts.csv"].append(
            [
                f"S{i}", client, start.isoformat(), end.isoformat() if end else "", ("Basic", "Pro")[i % 2],
                f"{50 + i}.5", str(1 + i % 9), REASONS[i % 9 // 3] if end else "",
            ]
        )  # fmt: skip
        last = end or date(2024, 12, 30)
        for k in range(12):
            at = datetime(start.year, start.month, start.day, 9) + timedelta(days=k * (last - start).days // 12)
            doing = ("login", "open report", "export failed")[k % 3]
            moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
            files["activity_log.csv"].append([client, f"u{i}-{k % 2}", moment, ("crm", "tax")[k % 2], doing])
        opened = datetime(start.year, start.month, start.day, 10) + timedelta(days=20 + i)
        files["support_cases.csv"].append(
            [
                str(1000 + i), client, opened.strftime("%Y-%m-%d %H:%M"),
                (opened + timedelta(hours=5)).strftime("%Y-%m-%d %H:%M"), "bug", ("high", "low")[i % 2], str(1 + i % 5),
            ]
        )  # fmt: skip
    return files


def write(folder: Path, files: dict[str, Rows], headers: dict[str, list[str]] | None = None) -> None:
    """Write every file as CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        write_rows(folder / name, (headers or HEADERS).get(name) or HEADERS[name], rows)


def write_rows(file: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write one CSV file."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *rows])


def changed(rows: Rows, column: int, change: Callable[[str], str]) -> Rows:
    """Return rows with one column changed."""
    return [[change(value) if i == column else value for i, value in enumerate(row)] for row in rows]


def written_as(form: str) -> Callable[[str], str]:
    """Return a function that writes an ISO day in another form."""
    return lambda text: date.fromisoformat(text[:10]).strftime(form) if text else ""
