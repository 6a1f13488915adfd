"""Studies of tables in memory: simulated companies with known truth, whole or with tables and columns taken away."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pandas as pd

from whychurn.panel import Panel, build_panel
from whychurn.sources.from_frames import sources_from_frames
from whychurn.sources.simulator import CompanySettings, simulate_company
from whychurn.sources.simulator.company import Company
from whychurn.sources.simulator.writing import study_text
from whychurn.study import Study, read_study


@cache
def company(n_accounts: int = 400, events: int = 120_000, seed: int = 3) -> Company:
    """A clean simulated company, the same for all tests of a worker; never change its frames."""
    return simulate_company(settings_of(n_accounts, events, seed))


def settings_of(n_accounts: int = 400, events: int = 120_000, seed: int = 3) -> CompanySettings:
    return CompanySettings(n_accounts=n_accounts, events=events, dirty=False, seed=seed)


def company_study(
    frames: dict[str, pd.DataFrame],
    settings: CompanySettings,
    causes: str | None = None,
    without: Iterable[str] = (),
    edit: dict[str, str] | None = None,
) -> tuple[Study, Panel]:
    """Build study and panel of frames with the demo's study.toml.

    Parameters
    ----------
    frames : dict
        Table -> rows.
    settings : CompanySettings
        For the window.
    causes : str, optional
        ``[[causes]]`` in place of those of the demo.
    without : iterable of str
        Tables to leave out; causes that need them are then left out by the panel.
    edit : dict, optional
        Texts of study.toml to replace.
    """
    text = study_text(settings)
    if causes is not None:
        # Reasons may name declared causes only.
        before = text[: text.index("# --- Who they are")]
        text = "".join(line for line in before.splitlines(keepends=True) if "measured_by = " not in line) + causes
    for name in without:
        text = _without_section(text, f"[tables.{name}]")
    if "payments" in without:
        text = text.replace("delinquent_after_days = 30\n", "allowed_gap_days = 7\n", 1).replace(
            "allowed_gap_days = 30\nallowed_gap_days = 7", "allowed_gap_days = 7"
        )
    if "usage" in without:
        text = text.replace("inactive_after_days = 60\n", "")
    for old, new in (edit or {}).items():
        assert old in text, old
        text = text.replace(old, new)
    tomllib.loads(text)
    folder = Path(mkdtemp(prefix="company-"))
    (folder / "study.toml").write_text(text, encoding="utf-8")
    work = folder / ".whychurn"
    work.mkdir()
    study = read_study(folder)
    kept = {name: frame for name, frame in frames.items() if name not in set(without)}
    return study, build_panel(sources_from_frames(study, kept, work), study)


@cache
def company_panel(n_accounts: int = 400, events: int = 120_000, seed: int = 3) -> tuple[Study, Panel]:
    """Study and panel of a clean company, built once per worker."""
    return company_study(company(n_accounts, events, seed).frames, settings_of(n_accounts, events, seed))


def _without_section(text: str, header: str) -> str:
    begin = text.index(header)
    end = min(place for place in (text.find("\n[", begin), text.find("\n# ---", begin)) if place > 0)
    return text[:begin] + text[end + 1 :]
