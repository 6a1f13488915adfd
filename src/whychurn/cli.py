"""The command line. Every import that takes time happens inside a command."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import Any

import click

from whychurn.errors import StudyError, WhychurnError

USER_ERROR = 1
USAGE_ERROR = 64
INTERRUPTED = 130


def _version() -> str:
    try:
        return metadata.version("whychurn")
    except metadata.PackageNotFoundError:
        return "not installed"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--debug", is_flag=True, help="Show a traceback when something fails.")
@click.version_option(_version(), "--version", prog_name="whychurn", message="%(prog)s %(version)s")
def cli(debug: bool) -> None:
    """Why do customers leave, how sure are we, and what is it worth?

    \b
    whychurn new FOLDER      look at the data in FOLDER and propose its study.toml
    whychurn check FOLDER    say whether the data can carry the answer
    whychurn report FOLDER   build the report
    whychurn verify REPORT   run it again and compare every number
    whychurn demo FOLDER     write a simulated company with all its tables and known truth
    """


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--kind", type=click.Choice(["flat", "tables"]), default=None, help="One row per customer, or tables.")
@click.option("--file", help="Data file in FOLDER, where there are several.")
@click.option("--tenure", metavar="COL", help="Column with the time since the customer joined.")
@click.option("--churned", metavar="COL", help="Column that says whether the customer left.")
@click.option("--churned-when", metavar="VALUE", help="Value of that column that means: left.")
@click.option("--table", "tables", metavar="NAME=FILE", multiple=True, help="Which file is a table; repeatable.")
@click.option(
    "--column", "columns", metavar="TABLE.NAME=COL", multiple=True, help="Which column is one of a table; repeatable."
)
@click.option(
    "--date-format",
    "date_formats",
    metavar="[TABLE.COL=]FORMAT",
    multiple=True,
    help='How dates are written, such as "%d/%m/%Y"; repeatable.',
)
@click.option(
    "--action",
    "actions",
    metavar="VALUE=MEANING",
    multiple=True,
    help="What an action of usage is: login, use, failed or ignore; repeatable.",
)
@click.option("--other-actions", type=click.Choice(["use", "ignore"]), default=None, help="What all other actions are.")
@click.option("--notebooks", is_flag=True, help="Also copy the notebooks into FOLDER/notebooks, to edit them.")
def new(
    folder: Path,
    kind: str | None,
    file: str | None,
    tenure: str | None,
    churned: str | None,
    churned_when: str | None,
    tables: tuple[str, ...],
    columns: tuple[str, ...],
    date_formats: tuple[str, ...],
    actions: tuple[str, ...],
    other_actions: str | None,
    notebooks: bool,
) -> None:
    """Look at the data in FOLDER and propose its study.toml.

    FOLDER holds one file with one row per customer, or several tables (accounts, subscriptions, usage, tickets …) as
    files or as a DuckDB database. What the files do not say is asked, with the option that answers it.
    """
    if not (notebooks and (folder / "study.toml").is_file()):
        told = kind or tables or columns or date_formats or actions or other_actions
        if (tenure or churned or churned_when) and not told:
            from whychurn.sources import propose_study

            path = propose_study(folder, file=file, tenure=tenure, churned=churned, churned_when=churned_when)
        else:
            from whychurn.sources.propose import write_proposal
            from whychurn.sources.tables.propose_answers import read_options

            options = read_options(tables, columns, date_formats, actions, other_actions or "")
            written = write_proposal(folder, file, tenure, churned, churned_when, kind or "", options)
            path = written.path
            for line in written.summary:
                click.echo(line)
        click.echo(f"Wrote {path}. Read it, then run: {_command('check', folder)}")
    if notebooks:
        from whychurn.reports.notebooks import copy_notebooks

        copied, kept = copy_notebooks(folder)
        click.echo(f"Notebooks copied to {folder / 'notebooks'}: {len(copied)}.")
        if kept:
            click.echo(f"Left as they are there: {', '.join(kept)}.")


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def check(folder: Path, as_json: bool) -> int:
    """Say whether the data in FOLDER can carry the answer."""
    _require_study(folder)
    from whychurn.sources import check_study, print_check

    result = check_study(folder)
    if as_json:
        import json

        content = result.as_json()
        click.echo(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1))
    else:
        from rich.console import Console

        print_check(result, Console())
    return int(result.exit_code)


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Where to put it; default reports/NAME.")
@click.option("--accept-risk", metavar="REASON", default="", help="Go on although the data are graded refuse.")
@click.option("--workers", metavar="N", type=click.IntRange(1, 64), default=2, show_default=True)
def report(folder: Path, out: Path | None, accept_risk: str, workers: int) -> None:
    """Build the report of the study in FOLDER."""
    _require_study(folder)
    from whychurn.reports.build import build_report

    build_report(folder, out=out, accept_risk=accept_risk, workers=workers)


@cli.command()
@click.argument("report", type=click.Path(path_type=Path))
@click.option("--study", metavar="DIR", type=click.Path(path_type=Path), help="Folder of the study, if it moved.")
@click.option("--workers", metavar="N", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--trust-notebooks", is_flag=True, help="Run notebooks that are not whychurn's, whatever they hold.")
def verify(report: Path, study: Path | None, workers: int, trust_notebooks: bool) -> int:
    """Run the report in REPORT again and compare every number.

    \b
    Exit codes: 0 reproduced, 2 a number moved, 3 the data changed,
    4 a page or record was edited (3 before 4 before 2; all are listed).

    Notebooks are code. Those of whychurn run, and unchanged copies of them. A study's own run if you name the
    study with --study and the report was built from them as they are; otherwise only with --trust-notebooks.
    """
    from rich.console import Console
    from rich.text import Text

    from whychurn.reports.verify import verify_report

    found = verify_report(report, study=study, progress=True, workers=workers, trust_notebooks=trust_notebooks)
    first, *rest = found.summary().splitlines()
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(first, style="bold green" if found.exit_code == 0 else "bold red"))
    for line in rest:
        console.print(Text(line, style="" if line.startswith(" ") else "bold"))
    return found.exit_code


@cli.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("data/demo"))
@click.option("--accounts", metavar="N", type=click.IntRange(50, 1_000_000), default=3000, show_default=True)
@click.option("--years", metavar="N", type=click.IntRange(1, 10), default=3, show_default=True)
@click.option(
    "--events",
    metavar="N",
    type=click.IntRange(0, 100_000_000),
    help="About so many usage events; default 400 per account.",
)
@click.option("--seed", metavar="N", type=click.IntRange(0, 2**32 - 1), default=1, show_default=True)
@click.option("--clean", is_flag=True, help="Without the dirty records that every real company has.")
def demo(folder: Path, accounts: int, years: int, events: int | None, seed: int, clean: bool) -> None:
    """Write a simulated company into FOLDER (default data/demo): tables, study.toml, and the truth beside them.

    \b
    The same options always give the same files. A folder that already holds them is left alone.
    """
    from whychurn.sources.simulator import CompanySettings, write_company

    about = 400 * accounts if events is None else events
    settings = CompanySettings(n_accounts=accounts, years=years, events=about, seed=seed, dirty=not clean)
    written = write_company(folder, settings)
    click.echo(f"A simulated company is in {written}. Next: {_command('check', written)}")


def _require_study(folder: Path) -> None:
    file = folder if folder.suffix == ".toml" else folder / "study.toml"
    if not file.is_file():
        raise StudyError(f"There is no {file}. Propose one with: {_command('new', file.parent)}")


def _command(name: str, folder: Path) -> str:
    """A command to paste, whatever the folder is called."""
    return shlex.join(["whychurn", name, str(folder)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; a user's mistake is a message, not a traceback.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the process.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    previous = signal.signal(signal.SIGTERM, _stop)
    try:
        answer = cli.main(args=given, prog_name="whychurn", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        return USAGE_ERROR
    except click.ClickException as error:
        error.show()
        return USER_ERROR
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted; what was there before is unchanged.", err=True)
        return INTERRUPTED
    except WhychurnError as error:
        if debug:
            raise
        click.echo(f"{click.style('Error:', fg='red', bold=True)} {error}", err=True)
        return USER_ERROR
    finally:
        signal.signal(signal.SIGTERM, previous)
    return answer if isinstance(answer, int) else 0


def _stop(number: int, frame: FrameType | None) -> Any:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
