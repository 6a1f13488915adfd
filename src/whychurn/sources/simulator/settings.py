"""What can be set about the simulated company, and the calendar that follows from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from datetime import date, timedelta

import numpy as np

from whychurn.errors import SourceError

#: Accounts that share a stream of random numbers. Part of what a seed means: another number is another company.
BLOCK = 250
STEP_DAYS = 7
LAG_DAYS = 14
ALLOWED_GAP_DAYS = 30

# Days relative to the first day observed.
#: Paths are simulated from here on, so that every look-back of the first row has something to look back on.
PATHS_FROM = -184
TICKETS_FROM = -184
USAGE_FROM = -92
SURVEYS_FROM = 59
#: A week in which the usage log was not written; the customers went on as before.
NOT_TRACKED = (330, 335)
#: A day that never comes.
NEVER = 2**30


@dataclass(frozen=True, slots=True)
class Effects:
    """Log hazard ratios of leaving voluntarily, each on a measure as a panel of weekly rows sees it.

    The last five belong to candidates without effect: a validation can plant one there and see it found.

    Attributes
    ----------
    medical_devices, finance : float
        Against other industries, beyond what industry does to usage.
    starter, enterprise : float
        Against the plan Team, at the contract state of the row.
    annual_term : float
        Term of 12 months against 1, outside the week of renewal.
    renewal : float
        In the week in which a term of 12 months is up for renewal.
    login_7_13, login_14_29, login_30, login_never : float
        Days since the last login, against 0 to 6; never having logged in.
    reporting : float
        Per unit of ln(1 + uses of the reporting module in 28 days), counted from its usual value.
    open_tickets : float
        Per open ticket.
    low_csat : float
        The last ticket rated 1 or 2 of 5.
    price_change, competitor_offer : float
        In the last 84 days.
    intervention : float
        Assigned to a customer success manager in the last 84 days.
    mobile : float
        Per unit of ln(1 + uses of the mobile module in 28 days).
    interactions : float
        Per interaction in the last 84 days.
    asia_pacific, partner_channel : float
        A region and a channel against the others.
    incident : float
        An incident in the last 84 days.
    """

    medical_devices: float = 0.45
    finance: float = -0.40
    starter: float = 0.25
    enterprise: float = -0.30
    annual_term: float = -1.4
    renewal: float = 4.2
    login_7_13: float = 0.15
    login_14_29: float = 0.50
    login_30: float = 0.95
    login_never: float = 0.60
    reporting: float = -0.30
    open_tickets: float = 0.35
    low_csat: float = 0.50
    price_change: float = 0.45
    competitor_offer: float = 0.70
    intervention: float = -0.25
    mobile: float = 0.0
    interactions: float = 0.0
    asia_pacific: float = 0.0
    partner_channel: float = 0.0
    incident: float = 0.0


@dataclass(frozen=True, slots=True)
class CompanySettings:
    """What to simulate. Equal settings give equal bytes.

    Attributes
    ----------
    n_accounts : int
        Customers ever, about 40% of them older than the window.
    years : int
        Length of the window.
    seed : int
    events : int
        About how many rows of usage, as far as one login per active day allows.
    dirty : bool
        Whether to plant what real tables have: repeats, orphans, impossible dates. Each is counted in the truth.
    start : datetime.date
        First day observed.
    effects : Effects
    leaving_per_year : float
        Voluntary leaving per year of a long-standing customer with every effect at its reference and usual use of
        the reporting module.
    industry_on_usage : float
        How far industry moves engagement (log odds of an active day): medical devices down, finance up.
    """

    n_accounts: int = 3000
    years: int = 3
    seed: int = 1
    events: int = 1_200_000
    dirty: bool = True
    start: date = date(2023, 1, 1)
    effects: Effects = field(default_factory=Effects)
    leaving_per_year: float = 0.095
    industry_on_usage: float = 0.6

    def __post_init__(self) -> None:
        bounds = (
            ("n_accounts", 20, 1_000_000), ("years", 1, 10), ("seed", 0, 2**32 - 1), ("events", 0, 1_000_000_000),
        )  # fmt: skip
        for name, low, high in bounds:
            value = getattr(self, name)
            if not isinstance(value, int) or not low <= value <= high:
                raise SourceError(f"{name} is a whole number from {low:,} to {high:,}, not {value!r}.")
        if not 0 < self.leaving_per_year < 5:
            raise SourceError(f"leaving_per_year is a rate above 0 and below 5, not {self.leaving_per_year!r}.")
        for effect in fields(Effects):
            if not abs(getattr(self.effects, effect.name)) <= 5:
                raise SourceError(f"effects.{effect.name} is a log hazard ratio between -5 and 5.")

    @property
    def end(self) -> date:
        """The first day no longer observed."""
        try:
            return self.start.replace(year=self.start.year + self.years)
        except ValueError:  # from the 29th of February
            return self.start.replace(year=self.start.year + self.years, day=28)

    @property
    def days(self) -> int:
        """Length of the window in days."""
        return (self.end - self.start).days

    @property
    def columns(self) -> int:
        """Days for which paths are simulated."""
        return self.days - PATHS_FROM

    @property
    def origin(self) -> np.datetime64:
        """The first day observed, as NumPy writes it."""
        return np.datetime64(self.start, "D")

    @property
    def price_change_on(self) -> int:
        """Day of the price change for all."""
        return round(0.556 * self.days)

    @property
    def launch_on(self) -> int:
        """Day on which the new module is launched."""
        return round(0.415 * self.days)

    @property
    def incidents_on(self) -> tuple[int, ...]:
        """Days of incidents that everybody met."""
        return tuple(round(share * self.days) for share in (0.22, 0.47, 0.71, 0.9))

    def day(self, relative: int) -> date:
        """Return the date of a day counted from the first day observed."""
        return self.start + timedelta(days=relative)

    def as_json(self) -> dict[str, object]:
        """Return the settings as JSON holds them."""
        return {**asdict(self), "start": self.start.isoformat()}
