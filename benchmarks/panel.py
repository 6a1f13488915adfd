"""How long does building the panel take, and how much memory: ``python -m benchmarks.panel``.

There is no peer. The yardstick is a plain scan of the same Parquet columns in the same process: what reading alone
costs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

import click
import duckdb
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.measure import measured
from benchmarks.panel_company import MODULES, draw, opened
from benchmarks.peers import machine, own_versions

#: What is asked for most: logins, uses, people, tickets, satisfaction, and each module.
USUAL = (
    "logins_7", "logins_28", "logins_56", "uses_28", "active_users_28", "days_since_login", "open_tickets",
    "last_csat", "last_nps", *(f"uses_28_module_{module}" for module in range(MODULES)),
)  # fmt: skip
_SCAN = 'SELECT max(account_id), max("at"), max(user_id), max(module), max(action), sum("count") FROM usage'


@dataclass(frozen=True)
class Case:
    """What is built: so many usage events, with so much memory for the engine, the usual measures or every one."""

    events: int
    memory: str
    every: bool = False


#: What ``--write`` measures.
CASES = (
    Case(20_000_000, "3GB"), Case(20_000_000, "2GB"), Case(20_000_000, "3GB", every=True), Case(50_000_000, "2GB"),
)  # fmt: skip


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--events", default=20_000_000, type=click.IntRange(1000), help="Rows of the usage table.")
@click.option("--accounts", default=100_000, type=click.IntRange(10), help="Accounts; each has 37 weeks on average.")
@click.option("--memory", default="4GB", help="What the engine may use.")
@click.option("--every", is_flag=True, help="All measures instead of the usual 21.")
@click.option("--repeats", default=2, type=click.IntRange(1), help="Builds, each in a process of its own.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Measure all cases into a page.")
@click.option("--child", type=click.Path(path_type=Path), hidden=True)
def main(
    events: int, accounts: int, memory: str, every: bool, repeats: int, write: Path | None, child: Path | None
) -> None:
    """Draw a company, build its panel of weekly rows, and print seconds, peak memory and multiples of a scan."""
    if child:
        click.echo(json.dumps(build(child, memory, every)))
        return
    console = Console() if sys.stdout.isatty() else Console(width=120)
    load = os.getloadavg()[0]
    results = []
    for size, cases in groupby(CASES if write else [Case(events, memory, every)], lambda case: case.events):
        with tempfile.TemporaryDirectory(prefix="whychurn-panel-") as home:
            with console.status(f"drawing {size:,} events of {accounts:,} accounts"):
                draw(Path(home), size, accounts)
            for case in cases:
                runs = [_run(console, Path(home), case, number, repeats) for number in range(repeats)]
                results.append((case, summary(runs)))
                _print(console, *results[-1])
    if write:
        write.write_text(page(results, accounts, repeats, load), encoding="utf-8")
        console.print(f"Written to {write}.")


def _run(console: Console, home: Path, case: Case, number: int, repeats: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.panel", "--child", str(home), "--memory", case.memory]
    with console.status(f"building, {number + 1} of {repeats}"):
        done = subprocess.run([*command, *(["--every"] if case.every else [])], capture_output=True, text=True)
    if done.returncode:
        console.print(done.stderr, markup=False)
        raise SystemExit(1)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def build(folder: Path, memory: str, every: bool) -> dict[str, float]:
    """Scan, build and read the panel once; return what each took."""
    from whychurn.panel.store import build_rows

    sources, study = opened(folder, memory)
    shutil.rmtree(folder / ".whychurn" / "panel", ignore_errors=True)
    with sources:
        _, scan = measured(lambda: sources.connection.execute(_SCAN).fetchall())
        rows, cost = measured(lambda: build_rows(sources, study, only=None if every else USUAL))
    _, read = measured(lambda: rows.read(["account_id", "start", "stop", "event", *USUAL[:5]]))
    return {
        "rows": rows.n_rows, "measures": len(rows.measures), "files": len(rows.files),
        "scan wall": scan.wall, "scan cpu": scan.cpu,
        "build wall": cost.wall, "build cpu": cost.cpu, "build memory": cost.memory,
        "read wall": read.wall, "read cpu": read.cpu, "read memory": read.memory,
    }  # fmt: skip


def summary(runs: list[dict[str, float]]) -> dict[str, float]:
    """Return the best of the runs: the quickest disturbs itself least; memory is the most that any took."""
    return {
        name: max(run[name] for run in runs) if name.endswith("memory") else min(run[name] for run in runs)
        for name in runs[0]
    }


def _print(console: Console, case: Case, took: dict[str, float]) -> None:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title_justify="left", title_style="bold")
    table.title = (
        f"{case.events:,} events to {took['rows']:,.0f} rows of {took['measures']:.0f} measures, engine {case.memory}"
    )
    for place, head in enumerate(("", "wall s", "CPU s", "memory GB", "CPU × scan")):
        table.add_column(head, justify="right" if place else "left")
    labels = {
        "scan": "a scan of the columns", "build": f"building, {took['files']:.0f} buckets",
        "read": "reading 9 columns",
    }  # fmt: skip
    for what, label in labels.items():
        wall, cpu, most = took[f"{what} wall"], took[f"{what} cpu"], took.get(f"{what} memory", 0.0)
        size = f"{most / 1e9:.2f}" if most else ""
        table.add_row(label, f"{wall:.1f}", f"{cpu:.1f}", size, f"{cpu / took['scan cpu']:.1f}")
    console.print(table)


def page(results: list[tuple[Case, dict[str, float]]], accounts: int, repeats: int, load: float) -> str:
    """Return the measurements as a Markdown page."""
    versions = ", ".join(f"{name} {version}" for name, version in own_versions().items())
    lines = [
        "# Building the panel",
        "",
        "Written by `python -m benchmarks.panel --write docs/benchmarks-panel.md`, never by hand.",
        "",
        f"{accounts:,} accounts with {MODULES} modules, weekly rows; the usual 21 measures (logins of 7, 28 and 56 days, uses, active "
        "users, days since the last login, open tickets, last rating and NPS, uses of each module) or all of them. Near the "
        "worst case: hardly two events of a person fall on one day. Usage comes as a Parquet file. There is no peer; the "
        "yardstick is a plain scan of the same columns in the same process. Every build is a process of its own, the "
        f"quickest of {repeats} is shown, memory is the peak above what the process held before (about 0.2 GB).",
        "",
        f"{date.today()}, {machine()}; load {load:.1f} before the run. {versions}, DuckDB {duckdb.__version__}.",
        "",
        "| usage events | engine limit | measures | rows | wall | CPU | CPU, times a scan | peak memory |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for case, took in results:
        lines.append(
            f"| {case.events:,} | {case.memory} | {took['measures']:.0f} | {took['rows']:,.0f} | {took['build wall']:.1f} s | "
            f"{took['build cpu']:.1f} s | {took['build cpu'] / took['scan cpu']:.1f}× | {took['build memory'] / 1e9:.2f} GB |"
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()
