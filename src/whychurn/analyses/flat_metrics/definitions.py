"""What each rate is, in words and as a formula; the findings carry it, and the page shows it."""

from __future__ import annotations

#: Estimand -> (what it is, formula). Neither holds ": ", which stands between the two in a finding.
RATES: dict[str, tuple[str, str]] = {
    "churn_per_acquired": (
        "customers who left, per customers ever in the file; it belongs to no month or year, and in a file that keeps its leavers it grows with time",
        "left / all in the file",
    ),
    "mrr_lost_share": (
        "recurring revenue per month, as last recorded, of the customers who left, per that of all customers ever in the file",
        "revenue per month of who left / revenue per month of all in the file",
    ),
    "window_churn": (
        "of the customers who were there when the window of recorded leavers began, those who left within it",
        "left within the window / there when it began",
    ),
    "window_churn_month": (
        "the share lost within the window as a share per month, as if every month of it had been alike",
        "1 - (1 - share of the window)^(1 / months of the window)",
    ),
    "window_churn_year": (
        "a conversion, not an observation, as if every month of a year were like the window",
        "1 - (1 - share of the window)^(12 / months of the window)",
    ),
    "hazard": (
        "departures per month that a customer was there and could have left (customer-month)",
        "left / customer-months",
    ),
    "hazard_year": (
        "a conversion, not an observation, as if the hazard were the same at every tenure",
        "1 - exp(-12 x hazard per month)",
    ),
    "left_by": (
        "chance that a new customer has left by that tenure, from the survival curve (Kaplan-Meier), which lets leaving depend "
        "on tenure",
        "1 - S(t)",
    ),
}


def definition_of(estimand: str) -> str:
    """Return the words and the formula of a rate."""
    words, formula = RATES[estimand]
    return f"{words}: {formula}"
