"""``study.toml`` of a study of tables: read whole, or every problem told."""

from datetime import date

import pytest

import whychurn as wc
from whychurn.errors import StudyError
from whychurn.sources.canon import TABLES
from whychurn.study import FlatStudy, TableStudy
from whychurn.study.table_rules import KNOWN

TEXT = """
[study]
name = "Ours"
kind = "tables"
observed_from = 2024-01-01
observed_to = 2026-01-01
lag_days = 14
horizon = 90
tiers = ["Who they are", "How they use it"]

[tables.accounts]
file = "accounts.csv"
columns = { account_id = "Customer", industry = "Branch" }
delimiter = ";"

[tables.subscriptions]
file = ["old.csv", "new.csv"]
date_format = "%d.%m.%Y"

[tables.usage]
file = "usage/*.parquet"
tracked_from = 2023-10-01
not_tracked = [[2024-03-01, 2024-03-04]]
actions = { login = ["sign_in"], use = ["open", "save"] }
other_actions = "ignore"
time_zone = "Europe/Berlin"

[tables.payments]
file = "payments.csv"

[churn]
name = "End of term"
allowed_gap_days = 21
periods = [90, 365]
censoring_by = "region"

[[reasons]]
values = ["Too expensive"]
cause = "voluntary"
controllable = true
measured_by = ["industry"]

[[definitions]]
name = "Day of notice"
recognise = "cancel date"

[[definitions]]
name = "Delinquent"
delinquent_after_days = 30

[[causes]]
column = "industry"
type = "category"
"""


def read(folder, text=TEXT):
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return wc.read_study(folder)


def problems(folder, *changes):
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    with pytest.raises(StudyError) as raised:
        read(folder, text)
    return str(raised.value)


def test_every_setting_arrives(tmp_path):
    study = read(tmp_path)
    assert isinstance(study, TableStudy)
    assert (study.kind, study.time_unit, study.window_days, study.interval_days) == ("tables", "days", 731, 7)
    assert study.tables["subscriptions"].file == ("old.csv", "new.csv")
    assert study.tables["accounts"].columns["industry"] == "Branch"
    assert study.tables["usage"].not_tracked == ((date(2024, 3, 1), date(2024, 3, 4)),)
    assert study.definition.name == "End of term" and study.definition.recognise == "term end"
    assert [definition.recognise for definition in study.definitions] == ["cancel date", "term end"]
    assert study.definitions[1].delinquent_after_days == 30
    assert study.churn.periods == (90, 365) and study.churn.censoring_by == "region"
    assert study.churn.leavers_in_file == "all", "dated tables hold every leaver of the window"
    assert study.reasons[0].controllable is True
    assert study.reasons[0].measured_by == ("industry",)
    assert study.causes[0].label == "Industry"


def test_the_kind_follows_from_the_sections_where_it_is_not_named(tmp_path):
    with pytest.raises(StudyError, match=r"study\.kind: is missing"):
        read(tmp_path, TEXT.replace('kind = "tables"\n', ""))
    flat = '[study]\nname="x"\ntime_unit="months"\nhorizon=12\n[source]\nfile="a.csv"\n[columns]\ntenure="t"\n'
    study = read(tmp_path, flat + 'churned="c"\nchurned_when=["1"]\nstayed_when=["0"]\n')
    assert isinstance(study, FlatStudy)


def test_every_problem_is_listed_at_once(tmp_path):
    message = problems(
        tmp_path,
        ("observed_to = 2026-01-01", 'observed_to = "2026"'),
        ("lag_days = 14\n", ""),
        ("[tables.payments]", "[tables.payment]"),
        ('file = "accounts.csv"', 'file = "../accounts.csv"'),
        ("delimiter", "delimitr"),
        ("[[2024-03-01, 2024-03-04]]", "[[2024-03-04, 2024-03-01]]"),
        ('"sign_in"', '"open"'),
        ("Europe/Berlin", "Berlin"),
        ('cause = "voluntary"', 'cause = "choice"'),
        ('name = "Delinquent"', 'name = "End of term"'),
        ("periods = [90, 365]", "periods = [365, 90]"),
    )
    for expected in (
        "study.observed_to: expected the first day no longer observed",
        "study.lag_days: is missing",
        "tables.payment: unknown table. Did you mean payments?",
        "tables.accounts.file: '../accounts.csv' lies outside the study folder",
        "tables.accounts.delimitr: unknown key. Did you mean delimiter?",
        "tables.usage.not_tracked: 2024-03-04 to 2024-03-01 is no gap",
        "tables.usage.actions: 'open' stands under login and under use",
        "'Berlin' is not the name of a time zone",
        'reasons[1].cause: expected "voluntary", "involuntary" or "bankruptcy"; found \'choice\'',
        "definitions[2].name: 'End of term' is already the name of another definition",
        "definitions[2].delinquent_after_days: needs the table payments",
        "churn.periods: the times must rise",
    ):
        assert expected in message, expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("observed_to = 2026-01-01", "observed_to = 2023-01-01", "is not after observed_from"),
        ("observed_to = 2026-01-01", "observed_to = 2024-01-05", "shorter than two intervals"),
        ("observed_to = 2026-01-01", "observed_to = 2026-01-01T00:00:00", "not a date"),
        ('file = "accounts.csv"', 'file = "accounts.docx"', "of a kind that cannot be read"),
        ('file = "accounts.csv"', 'file = "accounts.csv"\ntable = "main.accounts"', "has both file and table"),
        ('file = "accounts.csv"', 'table = "accounts"', "there is no [database]"),
        ('file = "accounts.csv"', "", "tables.accounts.file: is missing"),
        ('industry = "Branch"', 'industry = "Customer"', "'Customer' stands for several columns"),
        ("[tables.subscriptions]", "[tables.costs]", "tables.subscriptions: is missing"),
        ('values = ["Too expensive"]', "values = []", "reasons[1].values: expected a list"),
        (
            'measured_by = ["industry"]',
            'measured_by = ["industri"]',
            "reasons[1].measured_by: 'industri' is not the column of any [[causes]]. Did you mean 'industry'?",
        ),
        (
            'measured_by = ["industry"]',
            'measured_by = "industry"',
            "reasons[1].measured_by: expected a list of declared",
        ),
        (
            'type = "category"',
            'type = "category"\nrole = "adjustment"',
            "reasons[1].measured_by: 'industry' is only held constant",
        ),
        ('[[definitions]]\nname = "Day of notice"', "[[definitions]]", "definitions[1].name: is missing"),
        ("[churn]", "[measures]\npeak_hours = [17, 9]\n[churn]", "must be two rising hours"),
        ('column = "industry"', 'column = "industry"\ntier = 3', "tier 3 has no name"),
        ('"Europe/Berlin"', '"localtime"', "'localtime' is not the name of a time zone"),
        (
            '"Europe/Berlin"',
            '"Europe/berlin"',
            "'Europe/berlin' is not the name of a time zone; did you mean 'Europe/Berlin'?",
        ),
        ('"Europe/Berlin"', '"utc"', "did you mean 'UTC'?"),
        ("[churn]", '[engine]\nmemory_limit = "lots"\n[churn]', 'engine.memory_limit: expected a size such as "4GB"'),
    ],
)
def test_each_rule_says_what_is_wrong(tmp_path, old, new, expected):
    assert expected in problems(tmp_path, (old, new))


def test_the_tables_that_study_toml_knows_are_those_of_the_contract():
    assert tuple(TABLES) == KNOWN
