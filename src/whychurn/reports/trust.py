"""Decide, before a kernel starts, whether the notebooks of a report that somebody handed over may run here."""

from __future__ import annotations

from collections.abc import Sequence

from whychurn.errors import VerifyError, some
from whychurn.reports.build import Plan
from whychurn.reports.notebooks import is_whychurns


def require_trusted(plan: Plan, changed: Sequence[str], chosen: bool, trusted: bool) -> None:
    """Raise unless every notebook of the plan may run: notebooks are code.

    Those that come with whychurn may, and unchanged copies of them. A record proves nothing by itself, since
    whoever hands a report over can write it to fit.

    Parameters
    ----------
    plan : Plan
        What would run.
    changed : sequence of str
        Notebooks that are not those the report's record names.
    chosen : bool
        Whether the user named the folder of the study; its own notebooks may run if the record has them so.
    trusted : bool
        Whether the user said that the notebooks may run whatever they are.

    Raises
    ------
    VerifyError
        Naming the folder, the notebooks and what to do.
    """
    own = [notebook.name for notebook in plan.notebooks if not is_whychurns(notebook.path)]
    if trusted or not own:
        return
    differing = [name for name in own if name in changed]
    chosen = chosen and plan.folder.kind == "study"
    if chosen and not differing:
        return
    where = f"in {plan.folder.path}"
    if chosen:
        raise VerifyError(
            f"Nothing was run: the notebooks {where} are not those the report was built from ({some(differing)}). "
            "Build the report again, or read them and add --trust-notebooks to run them as they are."
        )
    which = f"; not as the report was built: {some(differing)}" if differing else ""
    choose = " (or name the folder of the study with --study)" if plan.folder.kind == "study" and not differing else ""
    raise VerifyError(
        f"Nothing was run: the report asks for notebooks {where} that do not come with whychurn "
        f"({some(own)}{which}). Notebooks are code, and whoever wrote the report chose that folder. Read them; if "
        f"you trust them, add --trust-notebooks{choose}."
    )
