"""Tables and figures as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from validation.summary import Calibration, Mean, Share


def calibration_table(
    head: str,
    found: Sequence[tuple[str, Calibration]],
    plain: Sequence[Calibration] = (),
    covered: bool = True,
    digits: int = 2,
) -> str:
    """Return a table of calibrations.

    Parameters
    ----------
    head : str
        Of the first column.
    found : sequence of (label, Calibration)
    plain : sequence of Calibration
        The same with other standard errors: those of the information, not clustered.
    covered : bool
        Whether to show coverage; not where the model is wrong on purpose.
    digits : int
        Of the truth.
    """
    heads = [head, "truth", "bias", "SD of estimates", "mean standard error"]
    heads += ["95% intervals that hold the truth"] if covered else []
    heads += ["the same, not clustered"] if covered and plain else []
    missing = any(one.missing for _, one in found)
    heads += ["not estimated"] if missing else []
    lines = []
    for place, (label, one) in enumerate(found):
        cells = [
            label,
            f"{one.truth:.{digits}f}".replace("-", "−"),
            signed(one.bias),
            f"{one.spread:.3f}",
            f"{one.std_error:.3f}",
        ]
        if covered:
            cells.append(percent(one.coverage))
            cells += [f"{plain[place].coverage.value:.1%}"] if plain else []
        cells += [f"{one.missing:,}"] if missing else []
        lines.append(cells)
    return table(heads, lines)


def table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    rows = [heads, ["---"] * len(heads), *lines]
    return "\n".join("| " + " | ".join(str(cell) for cell in cells) + " |" for cells in rows)


def signed(mean: Mean, digits: int = 3) -> str:
    """Return a mean with its sign and Monte-Carlo error: "+0.012 ± 0.004" (half the 95% interval)."""
    if math.isnan(mean.value):
        return "–"
    half = mean.limits[1] - mean.value
    chance = "" if math.isnan(half) else f" ± {half:.{digits}f}"
    return f"{mean.value:+.{digits}f}{chance}".replace("-", "−")


def percent(value: Share | Mean) -> str:
    """Return a share with its 95% interval."""
    if math.isnan(value.value):
        return "–"
    low, high = value.limits
    if math.isnan(low):
        return f"{value.value:.1%}"
    return f"{value.value:.1%} ({max(low, 0):.1%} to {min(high, 1):.1%})"
