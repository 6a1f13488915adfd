from __future__ import annotations

import duckdb
import openpyxl
import pandas as pd
import pytest
from tables_folder import ACCOUNTS, SUBSCRIPTIONS, Folder, codes

from whychurn.errors import SourceError
from whychurn.sources.canon import SQL_TYPES, TABLES

HEAD = "account_id,at,action,value\n"


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def usage(folder, body, settings="", head=HEAD):
    folder.write("usage", head + body if isinstance(body, str) else body, settings)
    return folder.open()


def refused(folder):
    with pytest.raises(SourceError) as caught:
        folder.open()
    return caught.value


def test_every_table_of_the_contract_is_there_with_every_column_in_its_type(folder):
    with folder.open() as sources:
        assert dict(sources.tables) == {"accounts": 40, "subscriptions": 40}
        for name, contract in TABLES.items():
            found = {row[0]: row[1] for row in sources.connection.execute(f'DESCRIBE "{name}"').fetchall()}
            expected = {column.name: SQL_TYPES[column.type] for column in contract.columns} | {"row_number": "BIGINT"}
            assert expected.items() <= found.items()
        assert sources.frame("accounts")["row_number"].tolist() == list(range(1, 41))


def test_accounts_carry_further_columns_as_numbers_only_if_all_values_are(folder):
    text = "account_id,Plan,score,zip,joined with\na1,pro,1,00012,x\na2,pro,2.5,x1,\n"
    folder.write("accounts", text, 'columns = { region = "joined with" }')
    with folder.open() as sources:
        frame = sources.frame("accounts")
    assert frame["score"].tolist() == [1.0, 2.5]
    assert frame["zip"].tolist() == ["00012", "x1"]
    assert frame["region"].tolist() == ["x", None]
    assert "joined with" not in frame
    assert frame["Plan (in the file)"].tolist() == ["pro", "pro"]


def test_ids_stay_as_written_apart_from_spaces(folder):
    folder.write("accounts", "account_id\n00012\n 12 \nabc\u00a0\n")
    with folder.open() as sources:
        assert sources.frame("accounts")["account_id"].tolist() == ["00012", "12", "abc"]


def test_counts_are_whole_and_one_where_empty(folder):
    head = "account_id,at,count\n"
    with usage(folder, "a1,2024-05-01,3\na1,2024-05-02,\na1,2024-05-03,-2\na1,2024-05-04,1.5\n", head=head) as sources:
        assert sources.frame("usage")["count"].tolist() == [3, 1, 1, 1]
        reasons = sources.rejects["reason"].tolist()
    assert reasons == ["is below 0, so it is read as missing", "is not a whole number, so it is read as missing"]


def test_scores_out_of_bounds_are_read_as_missing_with_the_reason(folder):
    folder.write(
        "surveys", "response_id,account_id,score\n" + "".join(f"r{i},a1,{i % 11}\n" for i in range(40)) + "x,a1,11\n"
    )
    with folder.open() as sources:
        assert sources.frame("surveys")["score"].isna().sum() == 1
        assert sources.rejects["reason"].tolist() == ["is not between 0 and 10, so it is read as missing"]
        assert codes(sources, "surveys")["unreadable-values"] == "caveat"


@pytest.mark.parametrize("text", ["€5", '"1,234.50"', "1_000", "inf", "nan", "0x1A", "12 %", "five"])
def test_what_is_not_a_number_by_the_rules_is_read_as_missing_and_told(folder, text):
    with usage(folder, f"a1,2024-05-01,use,{text}\na1,2024-05-02,use,2.5\n") as sources:
        values = sources.frame("usage")["value"].tolist()
        assert values[1] == 2.5
        assert values[0] != values[0]
        assert sources.rejects["value"].tolist() == [text.strip('"')]
        assert codes(sources, "usage")["unreadable-values"] == "refuse"


def test_a_decimal_comma_is_read_where_declared(folder):
    with usage(folder, b"account_id;at;value\na1;2024-05-01;1,5\n", 'decimal = ","\ndelimiter = ";"') as sources:
        assert sources.frame("usage")["value"].tolist() == [1.5]


@pytest.mark.parametrize(
    ("encoding", "settings"),
    [("utf-8-sig", ""), ("utf-16", 'encoding = "utf-16"'), ("latin-1", 'encoding = "latin-1"')],
)
def test_encodings_are_read_as_declared(folder, encoding, settings):
    text = "account_id,at,module\na1,2024-05-01,Übersicht\n"
    with usage(folder, text.encode(encoding), settings) as sources:
        assert sources.frame("usage")["module"].tolist() == ["Übersicht"]


def test_a_wrong_encoding_names_the_setting_of_the_table(folder):
    folder.write("usage", "account_id,at,module\na1,2024-05-01,Übersicht\n".encode("latin-1"))
    error = refused(folder)
    assert "under [tables.usage]" in str(error)
    assert [problem.code for problem in error.problems] == ["wrong-encoding"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no-rows"),
        (b"account_id,at\n", "no-rows"),
        (b"account_id,at,at\na1,2024-05-01,x\n", "header-repeated-name"),
        (b"account_id,at,AT\na1,2024-05-01,x\n", "header-repeated-name"),
        (b"account_id,at,\na1,2024-05-01,x\n", "header-empty-name"),
        (b'account_id,at,module\na1,2024-05-01,"open\na1,2024-05-02,x\n', "unsound-quotes"),
        (b"account_id;at\na1;2024-05-01\n", "wrong-delimiter"),
        (b"PAR1....", "binary-file"),
    ],
)
def test_a_file_that_does_not_serve_is_refused(folder, content, code):
    folder.write("usage", content)
    error = refused(folder)
    assert [problem.code for problem in error.problems] == [code]
    assert "usage.csv" in str(error)


def test_accounts_can_be_ids_alone(folder):
    folder.write("accounts", "account_id\na1\na2\n")
    with folder.open() as sources:
        assert sources.tables["accounts"] == 2


def test_problems_of_all_tables_are_told_at_once(folder):
    folder.write("accounts", "id,segment\na1,x\n")
    folder.write("subscriptions", "subscription_id,account_id,start\ns1,a1,2024-01-01\n", 'columns = { mrr = "price" }')
    folder.write(
        "usage", "account_id,att\na1,2024-05-01\n", 'columns = { actoin = "att" }\nformats = { value = "%Y-%m" }'
    )
    error = refused(folder)
    told = {(problem.table, problem.column, problem.code) for problem in error.problems}
    assert told == {
        ("accounts", "account_id", "missing-column"),
        ("subscriptions", "started_on", "missing-column"),
        ("subscriptions", "price", "missing-column"),
        ("usage", "actoin", "unknown-column"),
        ("usage", "at", "missing-column"),
        ("usage", "value", "unknown-column"),
    }
    assert all(problem.problem in str(error) for problem in error.problems)


def test_tables_that_cannot_be_read_are_told_at_once(folder):
    folder.write("accounts", b'account_id,x\na1,"open\n')
    folder.write("usage", b'account_id,at\na1,"open\n')
    assert {problem.table for problem in refused(folder).problems} == {"accounts", "usage"}


def test_records_add_up_with_every_reason_for_leaving_one_out(folder):
    body = "s1,a1,2024-01-01,\ns1,a1,2024-01-01,\ns2,a1,2024-01-01,\ns2,a2,2024-01-01,\ns3,zz,2024-01-01,\n"
    body += "s4,a1,,\ns5,a1,2024-01-01\ns6,a1,soon,\ns7,a1,2024-01-01,later\n,a1,2024-01-01,\n"
    folder.write("subscriptions", SUBSCRIPTIONS.split("\n")[0] + "\n" + body)
    with folder.open() as sources:
        steps = [step for step in sources.ledger if step.table == "subscriptions"]
        assert [(step.step, step.n_affected) for step in steps] == [
            ("records read", 1), ("unusable rows", 3), ("exact repeats", 1), ("contradicting rows", 2),
            ("unknown accounts", 1),
        ]  # fmt: skip
        assert steps[0].n_before == 10
        assert steps[-1].n_after == sources.tables["subscriptions"] == 2
        assert sources.frame("subscriptions")["row_number"].tolist() == [1, 9]
        rows = sources.rejects[sources.rejects["scope"] == "row"]
        assert dict(zip(rows["record"], rows["line"], strict=True)) == {3: 4, 4: 5, 5: 6, 6: 7, 7: 8, 8: 9, 10: 11}
        assert sources.rejects[sources.rejects["scope"] == "value"]["record"].tolist() == [9]
        assert codes(sources, "subscriptions")["rows-set-aside"] == "refuse"
    kept = pd.read_csv(folder.path / ".whychurn" / "rejects-subscriptions.csv", keep_default_na=False, dtype=str)
    assert kept["reason"].tolist() == sources.rejects["reason"].tolist()


def test_a_few_rows_set_aside_are_a_caveat(folder):
    with usage(folder, "a1,2024-05-01,use,1\n" * 99 + "zz,2024-05-01,use,1\n") as sources:
        assert codes(sources, "usage")["rows-set-aside"] == "caveat"


def test_events_without_an_account_are_kept_and_those_of_strangers_are_not(folder):
    folder.write("events", "account_id,at,kind\n,2024-05-01,price\na1,2024-05-01,sponsor left\nzz,2024-05-01,x\n")
    with folder.open() as sources:
        assert sources.frame("events")["account_id"].tolist() == [None, "a1"]


def test_repeats_of_a_log_are_kept_and_counted(folder):
    with usage(folder, "a1,2024-05-01,use,1\n" * 3) as sources:
        assert sources.tables["usage"] == 3
        found = next(one for one in sources.integrity if one.code == "exact-repeats")
        assert (found.severity, found.count) == ("caveat", 2)


def test_actions_are_the_three_words_in_any_case_unless_named(folder):
    with usage(folder, "a1,2024-05-01,Login,1\na1,2024-05-02,USE ,1\na1,2024-05-03,failed,1\n") as sources:
        assert sources.frame("usage")["action"].tolist() == ["login", "use", "failed"]
        assert "unnamed-actions" not in codes(sources)


@pytest.mark.parametrize(("other", "expected"), [("", None), ("ignore", None), ("use", "use")])
def test_actions_that_nobody_named_follow_the_setting(folder, other, expected):
    settings = f'actions = {{ login = ["sign_in"] }}\nother_actions = "{other}"'
    with usage(folder, "a1,2024-05-01,sign_in,1\na1,2024-05-02,open,1\na1,2024-05-03,,1\n", settings) as sources:
        assert sources.frame("usage")["action"].tolist() == ["login", expected, expected]
        assert ("unnamed-actions" in codes(sources)) == (other == "")
        step = next(step for step in sources.ledger if step.step == "other actions")
        assert step.n_affected == 2
        assert "“open” (1 row)" in step.note


def test_without_a_column_of_actions_every_row_is_a_use(folder):
    with usage(folder, "a1,2024-05-01\n", head="account_id,at\n") as sources:
        assert sources.frame("usage")["action"].tolist() == ["use"]


def test_the_first_day_recorded_is_found_or_declared(folder):
    with usage(folder, "a1,2024-05-01,use,1\na1,2024-02-01,use,1\n") as sources:
        assert str(sources.tracked_from["usage"]) == "2024-02-01"
        assert any(step.step == "first day recorded" for step in sources.ledger)
    with usage(folder, "a1,2024-05-01,use,1\n", "tracked_from = 2024-01-15") as sources:
        assert str(sources.tracked_from["usage"]) == "2024-01-15"
        assert not any(step.step == "first day recorded" for step in sources.ledger)


def test_several_files_are_one_table_with_records_numbered_on(folder):
    folder.write("usage", HEAD + "a1,2024-05-01,use,1\nzz,2024-05-02,use,1\n", file="logs/1.csv")
    folder.write("usage", "at,account_id,action,value\n\n2024-06-01,a2,use,2\n2024-06-02,zz,use,2\n", file="logs/2.csv")
    folder.declare("usage", 'file = "logs/*.csv"')
    with folder.open() as sources:
        assert sources.frame("usage")["row_number"].tolist() == [1, 3]
        assert sources.frame("usage")["account_id"].tolist() == ["a1", "a2"]
        assert [(one.file, one.rows) for one in sources.fingerprints[2:]] == [("logs/1.csv", 2), ("logs/2.csv", 2)]
        told = sources.rejects[["file", "record", "line"]].to_numpy().tolist()
        assert told == [["logs/1.csv", 2, 3], ["logs/2.csv", 2, 4]]


def test_a_list_of_files_and_a_pattern_read_no_file_twice(folder):
    folder.write("usage", HEAD + "a1,2024-05-01,use,1\n", file="logs/1.csv")
    folder.declare("usage", 'file = ["logs/1.csv", "logs/*.csv"]')
    with folder.open() as sources:
        assert sources.tables["usage"] == 1


def test_files_of_one_table_must_have_the_same_columns(folder):
    folder.write("usage", HEAD + "a1,2024-05-01,use,1\n", file="logs/1.csv")
    folder.write("usage", "account_id,at,actions,value\na1,2024-05-01,use,1\n", file="logs/2.csv")
    folder.declare("usage", 'file = "logs/*.csv"')
    error = refused(folder)
    assert [problem.code for problem in error.problems] == ["different-columns"]
    assert "logs/2.csv lacks action and has actions in addition, compared with logs/1.csv" in str(error)


def test_a_pattern_without_a_match_says_what_is_there(folder):
    folder.declare("usage", 'file = "use*.parquet"')
    error = refused(folder)
    assert "use*.parquet" in str(error)
    assert "accounts.csv" in str(error)


def test_a_link_that_leaves_the_folder_is_refused(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "usage.csv"
    outside.write_text(HEAD + "a1,2024-05-01,use,1\n")
    (folder.path / "logs").mkdir()
    (folder.path / "logs" / "usage.csv").symlink_to(outside)
    folder.declare("usage", 'file = "logs/*.csv"')
    assert [problem.code for problem in refused(folder).problems] == ["outside-folder"]
    folder.declare("usage", 'file = "logs/*.csv"\nallow_outside = true')
    with folder.open() as sources:
        assert sources.tables["usage"] == 1


def parquet(folder, select, settings="", file="usage.parquet"):
    duckdb.sql(f"COPY ({select}) TO '{folder.path / file}' (FORMAT parquet)")
    folder.declare("usage", f'file = "{file}"\n{settings}')
    return folder.open()


def test_parquet_is_read_by_its_types(folder):
    folder.zone = "Europe/Berlin"
    select = (
        "SELECT * FROM (VALUES ('a1 ', TIMESTAMPTZ '2024-07-01 10:00:00+00', 'login', 2, 1.5, 7), "
        "('a2', NULL, 'use', 1, 2.5, 8), ('zz', TIMESTAMPTZ '2024-07-01 10:00:00+00', 'use', 1, 'nan'::DOUBLE, 9), "
        "('a3', TIMESTAMPTZ '2024-07-01 22:30:00+00', 'NA', -1, 'nan'::DOUBLE, 10)) "
        't(account_id, "at", action, "count", "value", user_id)'
    )
    with parquet(folder, select) as sources:
        frame = sources.frame("usage")
        assert [str(at) for at in frame["at"]] == ["2024-07-01 12:00:00", "2024-07-02 00:30:00"]
        assert frame["account_id"].tolist() == ["a1", "a3"]
        assert frame["user_id"].tolist() == ["7", "10"]
        assert frame["count"].tolist() == [2, 1]
        assert frame["value"].isna().tolist() == [False, True]
        assert frame["row_number"].tolist() == [1, 4]
        assert sorted(sources.rejects["reason"]) == [
            "at has no value", "is below 0, so it is read as missing", "the account is not in the table accounts",
        ]  # fmt: skip


def test_naive_times_of_parquet_are_local_times_of_the_table(folder):
    folder.zone = "Europe/Berlin"
    select = "SELECT 'a1' AS account_id, TIMESTAMP '2024-07-01 10:00:00' AS \"at\""
    with parquet(folder, select) as sources:
        assert str(sources.frame("usage")["at"][0]) == "2024-07-01 10:00:00"
    with parquet(folder, select, 'time_zone = "UTC"') as sources:
        assert str(sources.frame("usage")["at"][0]) == "2024-07-01 12:00:00"


def test_parquet_that_holds_text_and_odd_names_is_read_like_text(folder):
    select = "SELECT 'a1' AS account_id, '01.07.2024' AS \"at\", '1,5' AS \"value\", 3 AS record, 4 AS row_number"
    with parquet(folder, select, 'date_format = "%d.%m.%Y"\ndecimal = ","') as sources:
        frame = sources.frame("usage")
        assert (str(frame["at"][0].date()), frame["value"][0]) == ("2024-07-01", 1.5)


@pytest.mark.parametrize(
    "select", ["SELECT 'a1' AS account_id, {'a': 1} AS \"at\"", "SELECT 'a1' AS account_id, [1] AS \"at\""]
)
def test_nested_columns_are_refused(folder, select):
    with pytest.raises(SourceError, match="one value per row"):
        parquet(folder, select)


def test_a_workbook_is_read_with_its_dates_whatever_the_format_of_text(folder):
    book = openpyxl.Workbook()
    for row in (
        ["account_id", "at", "value"],
        [12, pd.Timestamp("2024-07-01 10:30").to_pydatetime(), 1.5],
        ["a1", "02.07.2024 11:00", 2],
    ):
        book.active.append(row)
    book.save(folder.path / "usage.xlsx")
    folder.write("accounts", ACCOUNTS + "12,2023-01-01,s1\n")
    folder.declare("usage", 'file = "usage.xlsx"\ndate_format = "%d.%m.%Y %H:%M"')
    with folder.open() as sources:
        frame = sources.frame("usage")
        assert frame["account_id"].tolist() == ["12", "a1"]
        assert [str(at) for at in frame["at"]] == ["2024-07-01 10:30:00", "2024-07-02 11:00:00"]


def database(folder, statements):
    with duckdb.connect(str(folder.path / "company.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)
    folder.more = '[database]\nfile = "company.duckdb"\n'


def test_a_table_of_a_database_is_read_and_the_database_left_as_it_is(folder):
    database(
        folder,
        ["CREATE SCHEMA app", "CREATE TABLE app.events AS SELECT 'a1' AS who, TIMESTAMP '2024-07-01 10:00' AS \"at\""],
    )
    before = (folder.path / "company.duckdb").read_bytes()
    folder.declare("usage", 'table = "app.events"\ncolumns = { account_id = "who" }')
    with folder.open() as sources:
        assert sources.frame("usage")["account_id"].tolist() == ["a1"]
        assert sources.fingerprints[-1].file == "company.duckdb (app.events)"
        with pytest.raises(duckdb.Error):
            sources.connection.execute(f"ATTACH '{folder.path / 'company.duckdb'}' AS again")
    assert (folder.path / "company.duckdb").read_bytes() == before


def test_a_view_of_a_database_cannot_reach_other_files(folder, tmp_path_factory):
    secret = tmp_path_factory.mktemp("secret") / "secret.csv"
    secret.write_text("account_id,at\na1,2024-07-01\n")
    database(folder, [f"CREATE VIEW usage AS SELECT * FROM read_csv('{secret}')"])
    folder.declare("usage", 'table = "usage"')
    assert [problem.code for problem in refused(folder).problems] == ["unreadable-file"]


def test_a_table_that_a_database_lacks_is_named_with_those_it_has(folder):
    database(folder, ["CREATE TABLE logins AS SELECT 1 AS x"])
    folder.declare("usage", 'table = "login"')
    assert "main.logins" in str(refused(folder))


def test_a_database_that_is_being_written_is_refused(folder):
    database(folder, ["CREATE TABLE usage AS SELECT 'a1' AS account_id, TIMESTAMP '2024-07-01' AS \"at\""])
    (folder.path / "company.duckdb.wal").write_bytes(b"x")
    folder.declare("usage", 'table = "usage"')
    assert "CHECKPOINT" in str(refused(folder))


def test_a_declared_fingerprint_is_held_against_the_file(folder):
    with usage(folder, "a1,2024-05-01,use,1\n", f'sha256 = "{"0" * 64}"') as sources:
        assert codes(sources, "usage")["other-fingerprint"] == "refuse"


def test_profiles_say_what_each_column_holds(folder):
    with usage(folder, "a1,2024-05-01,use,1\na1,2024-05-02,login,3\n") as sources:
        found = {one.name: one for one in sources.columns if one.role == "usage"}
    assert set(found) == {"account_id", "at", "action", "value"}
    assert (found["value"].low, found["value"].mean, found["value"].high) == (1.0, 2.0, 3.0)
    assert found["action"].top == (("login", 1), ("use", 1))


@pytest.mark.parametrize("name", ["first_on", "last_on", "row_number", "account"])
def test_attributes_may_be_called_as_columns_of_the_checks(folder, name):
    rows = "".join(f"a{i},2023-01-0{1 + i % 9},{i % 7}\n" for i in range(1, 41))
    folder.write("accounts", f"account_id,started_on,{name}\n{rows}")
    with folder.open() as sources:
        assert sources.tables["accounts"] == 40
