"""The links of binary regression: how a linear predictor becomes a probability.

Source: McCullagh & Nelder (1989), Generalized Linear Models, section 4.3; Prentice & Gloeckler (1978),
Biometrics 34:57-67 (the complementary log-log link is the proportional hazards model of grouped times).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy import special

from whychurn.errors import FitError
from whychurn.models.columns import Floats

# exp of more than this overflows once multiplied.
_LARGEST_ETA = 690.0


class Link(Protocol):
    """What a link says of each row, all of shape (n,)."""

    @property
    def name(self) -> str:
        """The name callers use."""

    @property
    def ratio(self) -> str:
        """What the exponential of a coefficient is."""

    def mean(self, eta: Floats) -> Floats:
        """Return the probability."""

    def slope(self, eta: Floats) -> Floats:
        """Return the derivative of the probability by the predictor."""

    def curvature(self, eta: Floats) -> Floats:
        """Return the second derivative of the probability by the predictor."""

    def predictor(self, mean: float) -> float:
        """Return the predictor of a probability within (0, 1)."""

    def log_likelihood(self, y: Floats, eta: Floats) -> Floats:
        """Return the log-likelihood of each row."""

    def score(self, y: Floats, eta: Floats) -> tuple[Floats, Floats]:
        """Return the derivative of the log-likelihood by the predictor, and minus the second derivative."""

    def expected_information(self, eta: Floats) -> Floats:
        """Return the expectation of minus the second derivative."""


class Logit:
    """Log odds: coefficients are log odds ratios."""

    name = "logit"
    ratio = "odds_ratio"

    def mean(self, eta: Floats) -> Floats:
        """Return the probability."""
        return np.asarray(special.expit(eta))

    def slope(self, eta: Floats) -> Floats:
        """Return p (1 - p)."""
        p = special.expit(eta)
        return np.asarray(p * special.expit(-eta))

    def curvature(self, eta: Floats) -> Floats:
        """Return p (1 - p) (1 - 2 p)."""
        return np.asarray(self.slope(eta) * -np.tanh(eta / 2.0))

    def predictor(self, mean: float) -> float:
        """Return the log odds."""
        return float(special.logit(mean))

    def log_likelihood(self, y: Floats, eta: Floats) -> Floats:
        """Return ``y eta - log(1 + exp(eta))``."""
        tail = np.exp(-np.abs(eta))
        np.log1p(tail, out=tail)
        tail += np.maximum(eta, 0.0)
        return y * eta - tail

    def score(self, y: Floats, eta: Floats) -> tuple[Floats, Floats]:
        """Return ``y - p`` and ``p (1 - p)``."""
        p = special.expit(eta)
        return y - p, p * (1.0 - p)

    def expected_information(self, eta: Floats) -> Floats:
        """Return p (1 - p)."""
        return self.slope(eta)


class ComplementaryLogLog:
    """Log of the cumulative hazard: coefficients are log hazard ratios. p = 1 - exp(-m), m = exp(eta)."""

    name = "cloglog"
    ratio = "hazard_ratio"

    def mean(self, eta: Floats) -> Floats:
        """Return the probability."""
        return -np.expm1(-_hazard(eta))

    def slope(self, eta: Floats) -> Floats:
        """Return m exp(-m)."""
        m = _hazard(eta)
        return np.asarray(m * np.exp(-m))

    def curvature(self, eta: Floats) -> Floats:
        """Return m (1 - m) exp(-m)."""
        m = _hazard(eta)
        return np.asarray(m * np.exp(-m) * (1.0 - m))

    def predictor(self, mean: float) -> float:
        """Return log(-log(1 - p))."""
        return float(np.log(-np.log1p(-mean)))

    def log_likelihood(self, y: Floats, eta: Floats) -> Floats:
        """Return ``y log(1 - exp(-m)) - (1 - y) m``."""
        m = np.exp(eta)
        # log(1 - exp(-m)) is log m for tiny m, where the difference would lose every digit.
        happened = np.where(eta < -30.0, eta, np.log(-np.expm1(-np.maximum(m, 1e-14))))
        return np.where(y > 0.0, happened, -m)

    def score(self, y: Floats, eta: Floats) -> tuple[Floats, Floats]:
        """Return ``f`` and ``f (f + m - 1)`` for events, f = m / (exp(m) - 1); ``-m`` and ``m`` for others."""
        m, f = _hazard(eta), _event_score(eta)
        bend = np.maximum(f * (f + m - 1.0), 0.0)
        return np.where(y > 0.0, f, -m), np.where(y > 0.0, bend, m)

    def expected_information(self, eta: Floats) -> Floats:
        """Return m f."""
        return _hazard(eta) * _event_score(eta)


def _hazard(eta: Floats) -> Floats:
    return np.asarray(np.exp(np.minimum(eta, _LARGEST_ETA)))


def _event_score(eta: Floats) -> Floats:
    m = _hazard(eta)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return np.where(m > 1e-14, m / np.expm1(m), 1.0)


LINKS: dict[str, Link] = {link.name: link for link in (Logit(), ComplementaryLogLog())}


def read_link(name: str) -> Link:
    """Return a link by name.

    Raises
    ------
    FitError
        No such link.
    """
    if name not in LINKS:
        raise FitError(f"link is one of {', '.join(LINKS)}, not {name!r}.")
    return LINKS[name]
