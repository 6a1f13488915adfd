"""The interval of a share, of so many independent rows or of as many as clustered or weighted ones are worth.

Source: Wilson (1927), J. Am. Statist. Assoc. 22:209; Korn & Graubard (1998), Surv. Methodol. 24:193 (effective
number).
"""

from __future__ import annotations

import numpy as np


def wilson_interval(share: float, size: float, z: float) -> tuple[float, float]:
    """Return Wilson's interval for a share of `size` independent rows; (NaN, NaN) without rows."""
    if not size > 0.0:
        return float("nan"), float("nan")
    spread = z * np.sqrt(share * (1.0 - share) / size + (z / (2.0 * size)) ** 2)
    centre, shrink = share + z**2 / (2.0 * size), 1.0 + z**2 / size
    # At 0 and 1 the limit is the share itself; rounding must not push it past.
    low, high = np.clip([(centre - spread) / shrink, (centre + spread) / shrink], 0.0, 1.0)
    return min(float(low), share), max(float(high), share)
