from dataclasses import replace

from whychurn.analyses.adjustment import adjustment_set
from whychurn.panel import Candidate

ORIGIN = Candidate("industry", "Industry", "category", 1, "industry")
LOGINS = Candidate("logins", "Logins", "number", 2, "activity")
SILENCE = Candidate("silence", "Silence", "number", 2, "activity")
REPORTS = Candidate("reports", "Reports", "number", 2, "reports")
OUTCOME_NEAR = Candidate("tickets", "Tickets", "number", 3, "tickets")
ALL = (ORIGIN, LOGINS, SILENCE, REPORTS, OUTCOME_NEAR)


def names(cause, kind, causes=ALL):
    return [other.column for other in adjustment_set(cause, causes, kind)]


def test_total_effect_never_adjusts_for_what_comes_later():
    assert names(ORIGIN, "total") == []
    assert names(REPORTS, "total") == ["industry", "logins", "silence"]


def test_measures_of_the_same_thing_do_not_adjust_each_other_away():
    assert names(LOGINS, "total") == ["industry", "reports"]
    assert "silence" not in names(LOGINS, "direct")


def test_direct_effect_adjusts_for_every_other_group():
    assert names(ORIGIN, "direct") == ["logins", "silence", "reports", "tickets"]


def test_unadjusted_adjusts_for_nothing():
    assert names(REPORTS, "unadjusted") == []


def test_a_determined_column_never_meets_its_determinants():
    price = replace(REPORTS, column="price", group="price", determined_by=("logins",))
    causes = (*ALL, price)
    assert "price" not in names(LOGINS, "direct", causes)
    assert "price" not in names(ORIGIN, "direct", causes)
    assert "logins" not in names(price, "direct", causes)
    assert "industry" in names(price, "direct", causes)
