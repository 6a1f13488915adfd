"""The companies that are drawn: settings and seeds, fixed before the first result was seen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from whychurn.sources.simulator import CompanySettings, Effects

#: Of every company but those of the truth by re-running.
N_ACCOUNTS, YEARS, LEAVING = 500, 2, 0.5
#: Rows of usage per customer and year, as in the demo.
USAGE = 133
FIRST_SEED = 1001
NOTHING = Effects(**dict.fromkeys(Effects.__dataclass_fields__, 0.0))


@dataclass(frozen=True)
class Arm:
    """One kind of company.

    Attributes
    ----------
    name, title, what : str
        Short name, and what it is, for readers.
    parts : tuple of (share, leaving per year)
        Parts of which it is made; one, unless customers differ in what nobody records.
    effects : Effects
    n_accounts : int
    """

    name: str
    title: str
    what: str
    effects: Effects = field(default_factory=Effects)
    parts: tuple[tuple[float, float], ...] = ((1.0, LEAVING),)
    n_accounts: int = N_ACCOUNTS


ARMS = {
    arm.name: arm
    for arm in (
        Arm("default", "As planted", "the effects of the demo company"),
        Arm("null", "Nothing planted", "every effect is zero; leaving depends on nothing but time", NOTHING),
        Arm(
            "hidden",
            "Hidden differences",
            "half of the customers leave four times as fast as the other half, for reasons that nobody records",
            parts=((0.5, LEAVING * 0.4), (0.5, LEAVING * 1.6)),
        ),
        Arm("large", "Larger companies", "as planted, with four times the customers", n_accounts=4 * N_ACCOUNTS),
    )
}
#: Companies of each part and arm that a complete page rests on.
WANTED = {
    ("effects", "default"): 1000,
    ("effects", "null"): 1000,
    ("effects", "hidden"): 200,
    ("effects", "large"): 100,
    ("table", "default"): 150,
    ("table", "null"): 60,
    ("table", "large"): 20,
    ("frames", "default"): 30,
    ("surveys", "default"): 200,
}


def settings_of(arm: Arm, seed: int) -> list[CompanySettings]:
    """Return the settings of the parts of a company."""
    parts = []
    for place, (share, leaving) in enumerate(arm.parts):
        n = round(arm.n_accounts * share)
        parts.append(company_settings(n, seed + 1_000_000 * place, arm.effects, leaving))
    return parts


def company_settings(n_accounts: int, seed: int, effects: Effects, leaving: float = LEAVING) -> CompanySettings:
    """Return the settings of a clean company of validation."""
    settings = CompanySettings(n_accounts=n_accounts, years=YEARS, seed=seed, dirty=False, leaving_per_year=leaving)
    return replace(settings, events=USAGE * n_accounts * YEARS, effects=effects)
