"""Are there enough customers and leavers, who may be missing, and how many rows were not used?"""

from __future__ import annotations

from collections.abc import Iterator

from whychurn.errors import some
from whychurn.sources.contract import IntegrityFinding, LedgerStep
from whychurn.sources.flat import TABLE, FlatTable
from whychurn.sources.names import counted, shown
from whychurn.study import FlatStudy

FEWEST_CUSTOMERS = 40
FEWEST_LEAVERS = 10
FEW_LEAVERS = 100
MOST_SET_ASIDE = 0.05


def check_population(table: FlatTable, n_records: int, study: FlatStudy) -> Iterator[IntegrityFinding]:
    """Yield findings about the rows as a whole."""
    yield from _enough(table, study)
    yield from _not_used(table, n_records)
    yield from _repeats(table)
    yield from _who_is_missing(table, study)
    yield from _time(table, study)
    yield from _money(table, study)
    yield from _declared(study)
    if not study.causes:
        yield IntegrityFinding(
            code="no-causes", severity="note", table=TABLE,
            problem="The study declares no causes.",
            consequence="Churn is described, but nothing can be said about why customers leave.",
            action="Add [[causes]] to study.toml, one per column.",
        )  # fmt: skip


def _declared(study: FlatStudy) -> Iterator[IntegrityFinding]:
    """What is worth knowing about the study's own declarations."""
    if study.source.allow_outside:
        yield IntegrityFinding(
            code="file-outside", severity="note", table=TABLE,
            problem="The study may read a data file outside its folder (allow_outside = true).",
            consequence="Whoever wrote study.toml decides which file of this computer is read.",
            action="Move the file into the folder and remove the line, unless that is meant.",
        )  # fmt: skip
    tiers = {cause.tier for cause in study.causes}
    if len(study.causes) > 1 and len(tiers) == 1:
        yield IntegrityFinding(
            code="one-tier", severity="note", table=TABLE, count=len(study.causes),
            problem=f"All {len(study.causes)} causes stand in tier {tiers.pop()}, so every cause is adjusted for every "
            "other.",
            consequence="What one cause does through another is then not counted as its own.",
            action="Give later ones a higher tier.",
        )  # fmt: skip
    if study.churn.leavers_in_file != "all" and study.churn.window is None:
        yield IntegrityFinding(
            code="one-reading", severity="note", table=TABLE,
            problem="Earlier leavers may be absent, and no window is given, so only one reading of the file can be "
            "computed: that every leaver is in it.",
            consequence="How much would change if only recent leavers are in it, pages cannot say.",
            action=f"Write under [churn] how many {study.time_unit} back the recorded leavers go, such as window = 1.",
        )  # fmt: skip


def _ids(step: LedgerStep) -> str:
    examples = list(dict.fromkeys(step.examples))
    return f"id{'' if len(examples) == 1 else 's'} {some(examples)}"


def _enough(table: FlatTable, study: FlatStudy) -> Iterator[IntegrityFinding]:
    n, left = len(table.frame), int(table.frame["churned"].sum())
    if n < FEWEST_CUSTOMERS:
        yield IntegrityFinding(
            code="few-customers", severity="refuse", table=TABLE, count=n,
            problem=f"There {'is' if n == 1 else 'are'} only {counted(n, 'customer')}; a study needs {FEWEST_CUSTOMERS} at least.",
            consequence="Any difference between them could be chance.", action="Collect more customers.",
        )  # fmt: skip
    if left < FEWEST_LEAVERS:
        yield IntegrityFinding(
            code="few-leavers", severity="refuse", table=TABLE, column=study.columns.churned, count=left,
            problem=f"Only {counted(left, 'customer')} left; a study needs {FEWEST_LEAVERS} leavers at least.",
            consequence="No cause can be told from chance with so few.",
            action="Take a longer period, or check which values of the column mean “left”.",
        )  # fmt: skip
    elif left < FEW_LEAVERS:
        yield IntegrityFinding(
            code="few-leavers", severity="caveat", table=TABLE, column=study.columns.churned, count=left,
            problem=f"Only {left:,} customers left, fewer than {FEW_LEAVERS}.",
            consequence="Intervals will be wide, and only strong causes can be seen.",
            action="Keep the list of causes short, or take a longer period.",
        )  # fmt: skip
    if left == n:
        yield IntegrityFinding(
            code="everyone-left", severity="caveat", table=TABLE, column=study.columns.churned, count=n,
            problem="Every customer in the file has left; nobody who stayed is in it.",
            consequence="Rates of leaving are too high, and only how soon customers left can be compared.",
            action="Add the customers who are still here.",
        )  # fmt: skip


def _not_used(table: FlatTable, n_records: int) -> Iterator[IntegrityFinding]:
    if not table.n_set_aside:
        return
    rows = table.rejects.loc[table.rejects["scope"] == "row"]
    counts = rows["reason"].value_counts()
    why = "; ".join(f"{reason} ({count:,})" for reason, count in list(counts.items())[:6])
    share = table.n_set_aside / n_records
    too_many = share > MOST_SET_ASIDE
    n = table.n_set_aside
    yield IntegrityFinding(
        code="rows-set-aside", severity="refuse" if too_many else "caveat", table=TABLE, count=n,
        rows=tuple(str(record) for record in rows["record"].head(3)),
        problem=f"{n:,} of {n_records:,} rows ({share:.1%}) {'was' if n == 1 else 'were'} set aside: {why}.",
        consequence=f"That is more than {MOST_SET_ASIDE:.0%}, so the rest may not represent your customers."
        if too_many
        else "The numbers speak for the other rows only.",
        action=f"See .whychurn/rejects-{TABLE}.csv for each of them, correct the file and run again.",
    )  # fmt: skip


def _repeats(table: FlatTable) -> Iterator[IntegrityFinding]:
    steps = {step.step: step for step in table.ledger}
    repeats, conflicts = steps["exact repeats"], steps["contradicting ids"]
    if repeats.n_affected:
        yield IntegrityFinding(
            code="exact-repeats", severity="note", table=TABLE, count=repeats.n_affected, rows=repeats.examples,
            problem=f"{counted(repeats.n_affected, 'row repeats', 'rows repeat')} an earlier row of the same id exactly "
            f"({_ids(repeats)}).",
            consequence="Each customer counts once; the repeats were dropped.",
            action="Check why the export repeats rows.",
        )  # fmt: skip
    if conflicts.n_affected:
        yield IntegrityFinding(
            code="contradicting-ids", severity="caveat", table=TABLE, count=conflicts.n_affected,
            rows=conflicts.examples,
            problem=f"{counted(conflicts.n_affected, 'row')} share an id with rows that say something else "
            f"({_ids(conflicts)}).",
            consequence="Which row is right cannot be known, so all of them were set aside.",
            action="Export one row per customer, or name the column that identifies a row.",
        )  # fmt: skip
    if table.n_twins:
        yield IntegrityFinding(
            code="twin-rows", severity="note", table=TABLE, count=table.n_twins,
            problem=f"{counted(table.n_twins, 'row is an exact copy', 'rows are exact copies')} of another row.",
            consequence="Without an id it cannot be told whether that is one customer twice; they are kept.",
            action="Declare account_id under [columns] if the file has one.",
        )  # fmt: skip


def _who_is_missing(table: FlatTable, study: FlatStudy) -> Iterator[IntegrityFinding]:
    if study.churn.leavers_in_file != "all":
        how = (
            f"is recorded as left {study.churn.recognised}" if study.churn.recognised else "is recorded without a date"
        )
        yield IntegrityFinding(
            code="earlier-leavers-absent", severity="caveat", table=TABLE, column=study.columns.churned,
            problem=f"Churn {how}; earlier leavers may be absent from the file.",
            consequence="Survival by tenure assumes that they are in it; without them it looks better than it is.",
            action='If every customer who ever left is in the file, write leavers_in_file = "all" under [churn].',
        )  # fmt: skip
    yield IntegrityFinding(
        code="attributes-as-last-recorded", severity="caveat", table=TABLE,
        problem="The file has one row per customer, with each attribute as it was last recorded.",
        consequence="It cannot be proved that an attribute was known before the customer left.",
        action="Leave out columns that may have been changed by, or after, leaving.",
    )  # fmt: skip


def _time(table: FlatTable, study: FlatStudy) -> Iterator[IntegrityFinding]:
    tenure, churned = table.frame["tenure"], table.frame["churned"]
    zero = tenure == 0
    name = study.columns.tenure
    if zero.any():
        n, left = int(zero.sum()), int((zero & churned).sum())
        yield IntegrityFinding(
            code="tenure-zero", severity="note", table=TABLE, column=name, count=n,
            rows=tuple(table.frame.loc[zero, "account_id"].head(3)),
            problem=f"{counted(n, 'customer has', 'customers have')} tenure 0; {left:,} of them left.",
            consequence="They had no time in which to leave, so they are not part of curves and hazards.",
        )  # fmt: skip
    if tenure.nunique() == 1:
        yield IntegrityFinding(
            code="constant-tenure", severity="refuse", table=TABLE, column=name, count=len(tenure),
            problem=f"Every customer has the same tenure ({tenure.iloc[0]:g} {study.time_unit}).",
            consequence="How leaving changes with time cannot be seen.", action="Check the column of tenure.",
        )  # fmt: skip
    elif study.horizon > tenure.max():
        yield IntegrityFinding(
            code="horizon-beyond-data", severity="caveat", table=TABLE, column=name,
            problem=f"The horizon is {study.horizon:g} {study.time_unit}, but no customer has been here longer than "
            f"{tenure.max():g}.",
            consequence="Nothing can be said about churn that late.", action="Choose a shorter horizon.",
        )  # fmt: skip


def _money(table: FlatTable, study: FlatStudy) -> Iterator[IntegrityFinding]:
    if "amount" not in table.frame:
        return
    amount, name = table.frame["amount"], study.columns.amount or ""
    unit = study.time_unit.removesuffix("s")
    yield IntegrityFinding(
        code="amounts-are-file-sums", severity="note", table=TABLE, column=name,
        problem=f"Amounts are {shown(study.columns.amount_name or name)} per {unit}, summed over all customers.",
        consequence="They are not revenue per year: when in the year a customer left is not in the file.",
    )  # fmt: skip
    negative = amount < 0
    if negative.any():
        yield IntegrityFinding(
            code="negative-amounts", severity="caveat", table=TABLE, column=name, count=int(negative.sum()),
            rows=tuple(table.frame.loc[negative, "account_id"].head(3)),
            problem=f"{counted(int(negative.sum()), 'customer has', 'customers have')} a negative amount.",
            consequence="Sums of money at stake are too low by them.",
            action="Check whether they are credits; leave them empty if the amount is not known.",
        )  # fmt: skip
