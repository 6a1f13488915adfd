"""How long does building the panel take, and how much memory: ``python -m benchmarks.panel``.

There is no peer. The yardstick is a plain scan of the same Parquet columns in the same process: what reading alone
costs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.measure import measured
from benchmarks.panel_company import MODULES, draw, opened

#: What is asked for most: logins, uses, people, tickets, satisfaction, and each module.
USUAL = (
    "logins_7", "logins_28", "logins_56", "uses_28", "active_users_28", "days_since_login", "open_tickets",
    "last_csat", "last_nps", *(f"uses_28_module_{module}" for module in range(MODULES)),
)  # fmt: skip
_SCAN = 'SELECT max(account_id), max("at"), max(user_id), max(module), max(action), sum("count") FROM usage'


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--events", default=20_000_000, type=click.IntRange(1000), help="Rows of the usage table.")
@click.option("--accounts", default=100_000, type=click.IntRange(10), help="Accounts; each has 37 weeks on average.")
@click.option("--memory", default="4GB", help="What the engine may use.")
@click.option("--every", is_flag=True, help="All measures instead of the usual 21.")
@click.option("--repeats", default=2, type=click.IntRange(1), help="Builds, each in a process of its own.")
@click.option("--child", type=click.Path(path_type=Path), hidden=True)
def main(events: int, accounts: int, memory: str, every: bool, repeats: int, child: Path | None) -> None:
    """Draw a company, build its panel of weekly rows, and print seconds, peak memory and multiples of a scan."""
    if child:
        click.echo(json.dumps(build(child, memory, every)))
        return
    console = Console() if sys.stdout.isatty() else Console(width=120)
    with tempfile.TemporaryDirectory(prefix="whychurn-panel-") as home:
        with console.status(f"drawing {events:,} events of {accounts:,} accounts"):
            draw(Path(home), events, accounts)
        runs = []
        for number in range(repeats):
            with console.status(f"building, {number + 1} of {repeats}"):
                command = [sys.executable, "-m", "benchmarks.panel", "--child", home, "--memory", memory]
                done = subprocess.run([*command, *(["--every"] if every else [])], capture_output=True, text=True)
            if done.returncode:
                console.print(done.stderr, markup=False)
                raise SystemExit(1)
            runs.append(json.loads(done.stdout))
    _print(console, runs, events, memory)


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


def _print(console: Console, runs: list[dict[str, float]], events: int, memory: str) -> None:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title_justify="left", title_style="bold")
    first = runs[0]
    table.title = f"{events:,} events to {first['rows']:,.0f} rows of {first['measures']:.0f} measures, engine {memory}"
    for place, head in enumerate(("", "wall s", "CPU s", "memory GB", "CPU × scan")):
        table.add_column(head, justify="right" if place else "left")
    labels = {
        "scan": "a scan of the columns", "build": f"building, {first['files']:.0f} buckets",
        "read": "reading 9 columns",
    }  # fmt: skip
    scan = min(run["scan cpu"] for run in runs)
    for what, label in labels.items():
        # The quickest run disturbs itself least; memory is the most that any run took.
        wall, cpu = (min(run[f"{what} {kind}"] for run in runs) for kind in ("wall", "cpu"))
        most = max(run.get(f"{what} memory", 0.0) for run in runs)
        size = f"{most / 1e9:.2f}" if most else ""
        table.add_row(label, f"{wall:.1f}", f"{cpu:.1f}", size, f"{cpu / scan:.1f}")
    console.print(table)


if __name__ == "__main__":
    main()
