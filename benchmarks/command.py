"""The command: choose tasks and peers, run, print, write."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import click
from rich.console import Console

from benchmarks import data, store
from benchmarks.context import Context, describe
from benchmarks.markdown import page
from benchmarks.peers import PEERS, find_peers, load
from benchmarks.rounds import Result, measure, open_result
from benchmarks.tasks import TASKS, Task
from benchmarks.terminal import print_context, print_reading, print_result

# Columns where the output is a file or a log.
_PAGE = 120


def _choice(known: list[str]) -> click.ParamType:
    class Listed(click.ParamType):
        name = "LIST"

        def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
            names = [name.strip() for name in str(value).split(",") if name.strip()]
            unknown = [name for name in names if name not in known]
            if unknown:
                self.fail(f"unknown: {', '.join(unknown)}. Known: {', '.join(known)}.", param, ctx)
            return names

    return Listed()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--tasks", type=_choice([task.key for task in TASKS]), help="Only these, separated by commas.")
@click.option("--peers", type=_choice(list(PEERS)), help="Only these, separated by commas.")
@click.option(
    "--scale", default=1.0, type=click.FloatRange(0, 1, min_open=True), help="Share of the rows; 0.01 for a quick look."
)
@click.option("--repeats", default=3, type=click.IntRange(1), help="Runs of each contender.")
@click.option("--timeout", default=120.0, type=click.FloatRange(1), help="Wall seconds that one call may take.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Also write the tables as Markdown.")
@click.option("--list", "listing", is_flag=True, help="List tasks and peers, and stop.")
def main(
    tasks: list[str] | None,
    peers: list[str] | None,
    scale: float,
    repeats: int,
    timeout: float,
    write: Path | None,
    listing: bool,
) -> None:
    """Measure whychurn's estimators against other libraries: CPU, wall, memory, and do they agree?

    The exit code is 1 if estimates disagree or one of ours fails, and 130 after Ctrl-C, which prints what is done.
    """
    console = Console() if sys.stdout.isatty() else Console(width=_PAGE)
    # Looking for the peers is work itself.
    busy = load()
    present = find_peers({key: peer for key, peer in PEERS.items() if peers is None or key in peers})
    typed = " ".join(["python -m benchmarks", *sys.argv[1:]])
    context = describe(busy, present, date.today().isoformat(), typed, scale, repeats, timeout)
    chosen = [task for task in TASKS if tasks is None or task.key in tasks]
    print_context(console, context)
    if listing:
        for task in TASKS:
            console.print(f"[bold]{task.key}[/bold]  {task.title}")
        return
    results: list[Result] = []
    began = time.monotonic()
    try:
        run_tasks(console, chosen, context, results)
    except KeyboardInterrupt:
        console.print("\nInterrupted. What is done:")
        for result in results:
            print_result(console, result)
        if write:
            console.print(f"{write} is left as it was: this run is not complete.")
        raise SystemExit(130) from None
    print_reading(console)
    console.print(f"Done in {(time.monotonic() - began) / 60:.1f} minutes.")
    if write:
        write.parent.mkdir(parents=True, exist_ok=True)
        write.write_text(page(context, results), encoding="utf-8")
        console.print(f"Written to {write}.")
    unsound = [result.task.key for result in results if not result.sound]
    if unsound:
        console.print(f"[bold red]Estimates disagree, or ours failed:[/bold red] {', '.join(unsound)}")
        raise SystemExit(1)


def run_tasks(console: Console, chosen: list[Task], context: Context, results: list[Result]) -> None:
    """Run tasks in order, appending to `results`; data are kept while the next task wants the same."""
    with tempfile.TemporaryDirectory(prefix="whychurn-benchmark-") as home:
        for place, task in enumerate(chosen, start=1):
            rows = max(int(task.rows * context.scale), 1000)
            folder = Path(home) / f"{task.dataset}-{rows}"
            if not folder.exists():
                for other in Path(home).iterdir():
                    shutil.rmtree(other)
                with console.status(f"{task.title}: drawing the data"):
                    table = data.MAKERS[task.dataset](rows)
                    store.write(table, folder)
                    rows = table.n
                    del table
            else:
                rows = store.read(folder, covariates=1).n
            result = open_result(task, rows, context.scale, context.peers)
            results.append(result)
            console.print(f"[{place}/{len(chosen)}] [bold]{task.title}[/bold]", highlight=False)
            pending: list[str] = []

            def say(text: str, pending: list[str] = pending) -> None:
                if pending:
                    console.print(f"    {pending.pop()}: {text}", highlight=False, markup=False, soft_wrap=True)
                else:
                    pending.append(text)

            with console.status("measuring"):
                measure(result, folder, context.repeats, context.timeout, say)
            print_result(console, result)
