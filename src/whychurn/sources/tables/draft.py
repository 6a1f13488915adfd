"""The text of a proposed ``study.toml`` for several tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from whychurn.errors import some
from whychurn.sources.canon import TABLES
from whychurn.sources.names import counted, prettify, shown
from whychurn.sources.tables.draft_causes import TIERS, draft_causes
from whychurn.sources.tables.draft_summary import no_action
from whychurn.sources.tables.draft_text import wrapped
from whychurn.sources.tables.guess_words import cause_of_reason
from whychurn.sources.tables.propose_candidate import NULL_TEXTS
from whychurn.sources.tables.propose_details import Actions, Proposal, ProposedTable
from whychurn.sources.tables.times import ISO
from whychurn.sources.toml_text import comment, toml_list, toml_string

LAG_DAYS, HORIZON_DAYS, GAP_DAYS = 14, 90, 30
#: Reasons up to this many get a section each.
FEW_REASONS = 40
MOST_MODULES = 40


def draft_tables(p: Proposal) -> str:
    """Return the text of the file."""
    parts = [
        *_study(p),
        *_tables(p),
        *_churn(p),
        *_reasons(p),
        *_recommending(p),
        *_measures(p),
        *draft_causes(p),
        *_left(p),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _study(p: Proposal) -> Iterator[str]:
    yield "# Proposed by `whychurn new` from the files in this folder. Read every line: only you know the business behind"
    yield "# it. CHECK marks what the files do not say for sure."
    yield ""
    yield "[study]"
    yield f"name = {toml_string(prettify(p.folder.name)[:120] or 'Study')}"
    yield 'kind = "tables"  # accounts, subscriptions and what was recorded about them'
    yield 'description = ""  # where the data come from'
    yield "# CHECK: the window in which leaving is studied. Whoever left before it is not seen, and whoever is there on its"
    yield "# last day is followed no further. Logs that begin after its first day leave the first rows without measures."
    yield f"observed_from = {p.window.begin}  # {p.window.begin_note}"
    yield f"observed_to = {p.window.end}  # {p.window.end_note}; it is the first day no longer observed"
    if p.window.check:
        yield from wrapped(f"CHECK: {p.window.check}")
    dates = p.tables["subscriptions"].dates
    ends = [dates[name].last for name in ("ended_on", "cancelled_on") if name in dates]
    late = max((last for last in ends if last is not None), default=p.window.begin)
    if late >= p.window.end:
        yield f"# CHECK: subscriptions end up to {late}; those that end on or after observed_to count as still there."
    if p.zone_doubt:
        yield 'time_zone = "UTC"  # CHECK: times without an offset are taken to be in UTC; such as "Europe/Berlin"'
    else:
        yield 'time_zone = "UTC"  # in which days begin and end'
    yield "interval_days = 7  # a customer at risk is looked at once a week"
    yield "# CHECK: a measure on a row uses only what was known this many days before it. Shorter, and one sees customers"
    yield "# leaving (nobody logs in who has packed up); longer, and the cause is out of sight. Take the time in which you"
    yield "# could still act."
    yield f"lag_days = {LAG_DAYS}"
    yield f"horizon = {HORIZON_DAYS}  # churn within this many days"
    yield 'currency = ""  # such as "USD"'
    yield "confidence_level = 0.95"
    yield "seed = 1"
    yield 'as_of = "not recorded"  # the date the files were drawn'
    yield f"tiers = {toml_list(TIERS)}  # what came first to what came last"
    yield ""
    if p.database:
        yield "[database]"
        yield f"file = {toml_string(p.database)}"
        yield ""


def _tables(p: Proposal) -> Iterator[str]:
    yield "# --- The tables. Names on the left are those of the contract, on the right those of the file."
    for name, table in p.tables.items():
        yield ""
        yield from _table(name, table, p.actions if name == "usage" else None)
    missing = [name for name in TABLES if name not in p.tables]
    if missing:
        yield ""
        yield "# Not found; each adds what stands behind it:"
        for name in missing:
            yield f"# - {name}: {TABLES[name].unlocks}"
    yield ""


def _table(name: str, table: ProposedTable, actions: Actions | None) -> Iterator[str]:
    candidate, contract = table.candidate, TABLES[name]
    for note in table.notes:
        yield from wrapped(f"CHECK: {note}")
    yield f"[tables.{name}]"
    if candidate.table:
        yield f"table = {toml_string(candidate.table)}  # {counted(candidate.n_rows, 'row')}"
    else:
        files = toml_string(candidate.file[0]) if len(candidate.file) == 1 else toml_list(candidate.file)
        yield f"file = {files}  # {counted(candidate.n_rows, 'row')}"
    if candidate.sheet:
        yield f"sheet = {toml_string(candidate.sheet)}"
    if candidate.encoding not in ("", "utf-8"):
        doubt = "" if candidate.sure_encoding else "  # CHECK: a guess; do accented letters come out right?"
        yield f"encoding = {toml_string(candidate.encoding)}{doubt}"
    if candidate.delimiter not in ("", ","):
        yield f"delimiter = {toml_string(candidate.delimiter)}"
    if candidate.decimal != ".":
        yield f"decimal = {toml_string(candidate.decimal)}"
    if candidate.null_texts:
        texts = [text for text, _ in candidate.null_texts]
        counts = ", ".join(f"{shown(text)} {n:,}" for text, n in candidate.null_texts)
        yield f"null_values = {toml_list([*NULL_TEXTS, *texts])}  # CHECK: taken to mean: no value ({comment(counts)})"
    yield from _formats(table)
    if not contract.tracked_throughout:
        dates = table.dates.get(contract.at)
        if dates is not None and dates.first is not None:
            yield f"# tracked_from = {dates.first}  # the first record; write the day recording began, if it was earlier"
            yield "# not_tracked = [[2024-03-01, 2024-03-08]]  # gaps in recording, if there were any (end exclusive)"
    if actions is not None:
        yield from _actions(table, actions)
    foreign = {canonical: theirs for canonical, theirs in _in_order(name, table).items() if canonical != theirs}
    if foreign:
        yield f"[tables.{name}.columns]"
        for canonical, theirs in foreign.items():
            yield f"{canonical} = {toml_string(theirs)}  # {contract.column(canonical).description}"
    known = {*table.fit.columns, *table.look_alikes}
    absent = [f"{c.name} ({c.description})" for c in contract.columns if c.name not in known]
    if absent:
        yield from wrapped(f"Not in the file: {', '.join(absent)}.")
    if table.unused:
        kept = "Kept as attributes, under their own names" if contract.keeps_further_columns else "Not used"
        yield from wrapped(f"{kept}: {some((shown(one, 40) for one in table.unused), 20)}.")


def _in_order(name: str, table: ProposedTable) -> Mapping[str, str]:
    columns = table.fit.columns
    return {column.name: columns[column.name] for column in TABLES[name].columns if column.name in columns}


def _formats(table: ProposedTable) -> Iterator[str]:
    """One format for the table where all its dates share it, else those of single columns."""
    formats = {canonical: dates.format for canonical, dates in table.dates.items() if dates.n}
    kinds = set(formats.values())
    if kinds <= {ISO}:
        return
    if len(kinds) == 1:
        written = kinds.pop()
        decided = table.decided and written.startswith(("%d", "%m")) and written[3:5] in ("%d", "%m")
        why = "  # decided by a value above 12 in every column" if decided else ""
        yield f"date_format = {toml_string(written)}{why}"
        return
    listed = ", ".join(f"{name} = {toml_string(one)}" for name, one in formats.items() if one != ISO)
    yield f"formats = {{ {listed} }}  # other dates are written as YYYY-MM-DD"


def _actions(table: ProposedTable, actions: Actions) -> Iterator[str]:
    if "action" not in table.fit.columns:
        yield from wrapped(f"CHECK: {no_action(table)}")
        return
    counts = ", ".join(f"{name} {n:,}" for name, n in actions.counts.items())
    if actions.as_they_are:
        yield f"# Actions are login, use and failed already: {counts}."
        yield f"other_actions = {toml_string(actions.other)}  # actions that appear later under other names"
        return
    yield f"# CHECK: what the actions mean ({counts} rows)."
    yield "# login: someone came; use: the product did something for them; failed: it was tried in vain."
    if actions.ignored:
        yield from wrapped(f"Ignored: {some(map(shown, actions.ignored), 12)}.")
    listed = ", ".join(f"{name} = {toml_list(values)}" for name, values in actions.values.items())
    yield f"actions = {{ {listed} }}"
    yield f'other_actions = {toml_string(actions.other)}  # "use" or "ignore": actions not named above'


def _churn(p: Proposal) -> Iterator[str]:
    columns = p.tables["subscriptions"].fit.columns
    yield "[churn]"
    if "ended_on" in columns:
        yield 'recognise = "term end"  # the first day without service; or "cancel date": the day notice was given'
    else:
        yield 'recognise = "cancel date"  # the file has no other day of leaving'
    yield f"allowed_gap_days = {GAP_DAYS}  # CHECK: a pause up to this long is no churn; after a longer one, a return is new"
    if "payments" in p.tables:
        yield "# delinquent_after_days = 60  # a customer this long overdue counts as gone, involuntarily"
    if "usage" in p.tables:
        yield "# inactive_after_days = 90  # a customer this long without use counts as gone, though still paying"
    yield ""


def _reasons(p: Proposal) -> Iterator[str]:
    if not p.reasons:
        yield from wrapped(_no_reason(p))
        yield "# [[reasons]]"
        yield '# values = ["Card declined"]'
        yield '# cause = "involuntary"  # or "voluntary", "bankruptcy"'
        yield ""
        return
    yield "# --- What the recorded reasons mean. CHECK each cause: it was proposed by the words alone. controllable says"
    yield "# whether the company could have done something about it; what is left open counts as unknown."
    proposed = [(cause_of_reason(value), value, n) for value, n in p.reasons if len(value) <= 1000]
    if len(proposed) > FEW_REASONS:
        yield f"# There are {len(proposed):,} different ones, so they stand together; free text is better sorted first."
        proposed.sort(key=lambda one: one[0])
        for cause, group in groupby(proposed, key=lambda one: one[0]):
            values = list(group)
            yield ""
            yield "[[reasons]]"
            yield "values = ["
            for _, value, n in values:
                yield f"    {toml_string(value)},  # {n:,}"
            yield "]"
            yield f'cause = "{cause}"'
            yield "# controllable = true  # CHECK: true or false"
    else:
        for cause, value, n in proposed:
            yield ""
            yield "[[reasons]]"
            yield f"values = [{toml_string(value)}]  # {counted(n, 'subscription')}"
            yield f'cause = "{cause}"'
            yield "# controllable = true  # CHECK: true or false"
    yield ""


def _no_reason(p: Proposal) -> str:
    table = p.tables["subscriptions"]
    begin = "No reason for leaving was found: voluntary and involuntary churn cannot be told apart."
    if "end_reason" not in table.fit.columns and table.unused:
        columns = some((shown(name, 40) for name in table.unused), 12)
        begin += f" If a column holds it (not used: {columns}), name it with --column subscriptions.end_reason=COLUMN."
    return f"{begin} With reasons, add:"


def _recommending(p: Proposal) -> Iterator[str]:
    scored = "surveys" in p.tables and "score" in p.tables["surveys"].fit.columns
    if scored and len(p.modules) > 1:
        names = [value for value, _ in p.modules[:MOST_MODULES]]
        yield from wrapped(
            "CHECK: whose frequent users do you expect to be the best promoters? Say so before you look. With nothing said, the page on who "
            "recommends takes the module that does best, and says that the data chose it."
        )
        yield "# [recommending]"
        yield f"# driver = {toml_string(names[0])}"
        yield from wrapped(f"One of: {', '.join(shown(name, 40) for name in names)}.")
        yield ""


def _measures(p: Proposal) -> Iterator[str]:
    if len(p.modules) > MOST_MODULES:
        yield "[measures]"
        yield f"# CHECK: the log names more than {MOST_MODULES} modules; these are the most used ones."
        yield f"modules = {toml_list(value for value, _ in p.modules[:MOST_MODULES])}"
        yield ""


def _left(p: Proposal) -> Iterator[str]:
    if p.unused:
        yield ""
        yield "# Files not used (whychurn new … --table NAME=FILE takes one in):"
        for label, reason in p.unused:
            yield from wrapped(f"- {shown(label, 80)}: {reason}")
