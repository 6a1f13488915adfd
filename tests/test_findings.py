import math

import pytest

from whychurn.errors import FindingsError
from whychurn.findings import CENTRED_ELSEWHERE, COLUMNS, Findings


def row(**values):
    return {"analysis": "a", "term": "Plan", "level": "Basic", "estimand": "hazard_ratio", "estimate": 1.5, **values}


def test_columns_are_constant_and_in_order():
    assert tuple(Findings.from_rows([row()]).table.columns) == COLUMNS


def test_unknown_column_is_named():
    with pytest.raises(FindingsError, match="no column colour"):
        Findings.from_rows([row(colour="red")])


def test_repeated_key_is_refused_and_shown():
    with pytest.raises(FindingsError, match=r"2 findings share a key: .*Plan.*Basic"):
        Findings.from_rows([row(), row(estimate=2.0)])


def test_estimate_outside_its_interval_is_refused_unless_the_row_says_why():
    with pytest.raises(FindingsError, match="outside their interval"):
        Findings.from_rows([row(conf_low=1.6, conf_high=2.0)])
    Findings.from_rows([row(conf_low=1.6, conf_high=2.0, note=CENTRED_ELSEWHERE)])


def test_infinite_value_is_refused():
    with pytest.raises(FindingsError, match="infinite"):
        Findings.from_rows([row(estimate=math.inf)])


def test_group_without_events_is_a_row_with_a_note():
    empty = Findings.from_rows([row(estimate=math.nan, note="nobody left")]).rows()[0]
    assert not empty.estimated
    assert empty.record() == {"id": empty.id, "analysis": "a", "term": "Plan", "level": "Basic",
                              "estimand": "hazard_ratio", "note": "nobody left"}  # fmt: skip


def test_records_round_trip_exactly():
    found = Findings.from_rows([row(estimate=0.1 + 0.2, p_value=1e-300, time=12), row(level="Pro")], {"seed": 1})
    again = Findings.from_records(found.to_records(), found.provenance)
    assert again.table.equals(found.table)


def test_id_depends_on_the_key_and_not_on_the_number():
    first = Findings.from_rows([row(estimate=1.0)]).rows()[0]
    second = Findings.from_rows([row(estimate=2.0)]).rows()[0]
    other = Findings.from_rows([row(level="Pro")]).rows()[0]
    assert first.id == second.id != other.id


def test_where_takes_one_value_or_any_of_several():
    found = Findings.from_rows([row(), row(level="Pro"), row(level="Team")])
    assert [r.level for r in found.where(level=["Pro", "Team"]).rows()] == ["Pro", "Team"]
    with pytest.raises(FindingsError, match="there are 3"):
        found.one(term="Plan")
    with pytest.raises(FindingsError, match="no column 'colour'"):
        found.where(colour="red")


def test_mime_bundle_holds_everything_a_page_needs():
    found = Findings.from_rows([row()], {"study": "x"})
    bundle = found._repr_mimebundle_()
    payload = bundle["application/vnd.whychurn.findings+json"]
    assert Findings.from_records(payload["records"], payload["provenance"]).table.equals(found.table)
