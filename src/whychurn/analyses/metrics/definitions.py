"""What each rate is, in words and as a formula; the findings carry it, and the page shows it."""

from __future__ import annotations

#: Estimand -> (what it is, formula).
RATES: dict[str, tuple[str, str]] = {
    "customer_churn": (
        "customers of the day before the period begins who are none on its last day, per those customers; who came since does "
        "not count",
        "lost / opening",
    ),
    "customer_retention": (
        "customers at the end without those won since, per customers at the beginning",
        "(closing - won since and still there) / opening",
    ),
    "mrr_churn": (
        "recurring revenue at the beginning of the customers who are none at the end, per recurring revenue at the beginning",
        "MRR of lost customers / opening MRR",
    ),
    "gross_churn": (
        "revenue that left with customers or that those who stayed no longer pay, per opening revenue; what others pay more "
        "does not count against it",
        "1 - gross revenue retention",
    ),
    "net_churn": (
        "gross revenue churn less what staying customers pay more; below zero means that existing customers together pay more "
        "than before, churn included",
        "1 - net revenue retention",
    ),
    "grr": (
        "gross revenue retention: what the opening customers still pay at the end, nobody counting for more than at the "
        "beginning, per what they paid at the beginning",
        "sum of min(MRR at the beginning, MRR at the end) / opening MRR",
    ),
    "nrr": (
        "net revenue retention: what the opening customers pay at the end per what they paid at the beginning; who left and came "
        "back within the period counts with what it pays at the end; new customers, and returns of customers who were none at "
        "the beginning, do not count",
        "MRR at the end of the opening customers / opening MRR",
    ),
    "stayers_growth": (
        "how much more the customers who stayed pay at the end than at the beginning",
        "MRR at the end of the opening customers / their opening MRR without those lost - 1",
    ),
    "stayers_pay": (
        "what the customers who stayed pay at the end per what they paid at the beginning",
        "MRR at the end of the opening customers / their opening MRR without those lost",
    ),
    "moved_churn": (
        "lost and reduced revenue, movement by movement, per opening revenue; unlike gross revenue churn it counts customers who "
        "came within the period, and a reduction that was taken back within it",
        "(churned MRR + contraction) / opening MRR",
    ),
}  # fmt: skip


def definition_of(estimand: str) -> str:
    """Return the words and the formula of a rate."""
    words, formula = RATES[estimand]
    return f"{words}: {formula}"
