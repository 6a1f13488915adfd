"""Small flat studies in memory: a frame in, a panel out, through the real reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

import whychurn as wc
from whychurn.panel import Panel
from whychurn.study import Study

HEAD = """
[study]
name = "Small"
time_unit = "months"
horizon = {horizon}
tiers = ["first", "second"]
[source]
file = "data.csv"
[columns]
account_id = "id"
tenure = "tenure"
churned = "churned"
churned_when = ["1"]
stayed_when = ["0"]
{amount}
[churn]
leavers_in_file = "all"
{churn}
"""


def build(
    folder: Path,
    frame: pd.DataFrame,
    causes: str,
    churn: str = "",
    horizon: int = 12,
    accept_risk: str = "",
    amount: str = "",
) -> tuple[Study, Panel]:
    """Write `frame` and a study with these causes, and build the panel."""
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / "data.csv", index=False)
    named = f'amount = "{amount}"\namount_name = "monthly fee"' if amount else ""
    (folder / "study.toml").write_text(
        HEAD.format(churn=churn, horizon=horizon, amount=named) + causes, encoding="utf-8"
    )
    study = wc.read_study(folder)
    return study, wc.build_panel(wc.open_sources(study, accept_risk=accept_risk), study)


def cause(column: str, kind: str = "category", **more: object) -> str:
    """Return a [[causes]] section."""
    lines = [
        f"{name} = {value}" if isinstance(value, int | float) else f'{name} = "{value}"' for name, value in more.items()
    ]
    return "\n".join(["[[causes]]", f'column = "{column}"', f'type = "{kind}"', *lines, ""])


def simulate(n: int, log_ratios: dict[str, float], seed: int = 0, base: float = 0.02) -> pd.DataFrame:
    """Draw customers with 0/1 columns that multiply a constant monthly hazard; follow-up is random up to 48 months."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({name: rng.integers(0, 2, n) for name in log_ratios})
    hazard = base * np.exp(sum(frame[name] * value for name, value in log_ratios.items()))
    leaves = rng.exponential(1 / hazard)
    followed = rng.uniform(1, 48, n)
    frame["tenure"] = np.ceil(np.minimum(leaves, followed)).astype(int)
    frame["churned"] = (leaves <= followed).astype(int)
    return frame.assign(id=np.arange(n))
