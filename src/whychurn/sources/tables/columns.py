"""Which column of a file is which column of the contract, judged by the header alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from whychurn.errors import some
from whychurn.sources.canon import CanonColumn, TableContract
from whychurn.sources.contract import IntegrityFinding
from whychurn.sources.names import shown, suggestion
from whychurn.study import Table


@dataclass(frozen=True, slots=True)
class Matched:
    """One column that is read.

    Attributes
    ----------
    column : CanonColumn
        Of the contract, or one made up for an attribute of accounts.
    theirs : str
        Its name in the file.
    attribute : bool
        Whether it lies outside the contract.
    """

    column: CanonColumn
    theirs: str
    attribute: bool = False


def match_columns(
    contract: TableContract, table: Table, names: Sequence[str], file: str, declared: Mapping[str, str]
) -> tuple[tuple[Matched, ...], list[IntegrityFinding]]:
    """Match the columns of a file with those of the contract.

    Parameters
    ----------
    contract : TableContract
    table : Table
        As declared in the study.
    names : sequence of str
        Columns of the file.
    file : str
        Its name, for messages.
    declared : Mapping of str to str
        Attribute -> "number" or "category", where the study declares it as a cause.

    Returns
    -------
    tuple of Matched, list of IntegrityFinding
        In the order of the contract, then of the file; and everything that is wrong with the header.
    """
    known = {column.name: column for column in contract.columns}
    where = f"tables.{contract.name}.columns"
    problems = [
        _problem("unknown-column", contract.name, ours, f"{where}.{ours}: unknown column.{suggestion(ours, known)}",
                 f"Columns of {contract.name}: {', '.join(known)}.")
        for ours in table.columns
        if ours not in known and not contract.keeps_further_columns
    ]  # fmt: skip
    listed = f"The columns of {file} are {some((shown(name, 40) for name in names), 30)}."
    for ours, theirs in table.columns.items():
        if theirs not in names:
            text = f"{file} has no column {shown(theirs)}, which {where}.{ours} names.{suggestion(theirs, names)}"
            problems.append(_problem("missing-column", contract.name, theirs, text, listed))
    taken = set(table.columns.values())
    matched = []
    for ours, column in known.items():
        theirs = table.columns.get(ours) or (ours if ours in names and ours not in taken else "")
        if theirs in names:
            matched.append(Matched(column, theirs))
        elif column.required and ours not in table.columns:
            text = f"{file} has no column {shown(ours)} ({column.description}), and {where} does not say what it is called.{suggestion(ours, names)}"
            fix = f'{listed} Write {ours} = "…" under [{where}].'
            problems.append(_problem("missing-column", contract.name, ours, text, fix))
    for ours, written in table.formats.items():
        if ours not in known or known[ours].type not in ("day", "time"):
            dated = [name for name, column in known.items() if column.type in ("day", "time")]
            text = f"tables.{contract.name}.formats.{ours}: {shown(written)} is the format of no date.{suggestion(ours, dated)}"
            problems.append(
                _problem("unknown-column", contract.name, ours, text, f"Dates of {contract.name}: {', '.join(dated)}.")
            )
    if contract.keeps_further_columns:
        matched += _attributes(contract, table, names, {one.theirs for one in matched}, declared)
    return tuple(matched), problems


def _attributes(
    contract: TableContract, table: Table, names: Sequence[str], used: set[str], declared: Mapping[str, str]
) -> list[Matched]:
    """Further columns under their own names; one that the engine cannot tell from the contract's gets a longer name."""
    ours_of = {theirs: ours for ours, theirs in table.columns.items()}
    taken = {column.name.casefold() for column in contract.columns} | {"row_number"}
    found = []
    for theirs in names:
        if theirs in used:
            continue
        name = ours_of.get(theirs, theirs)
        while name.casefold() in taken:
            name = f"{name} (in the file)"
        taken.add(name.casefold())
        number = declared.get(name) == "number"
        found.append(Matched(CanonColumn(name, "number" if number else "text", "an attribute"), theirs, True))
    return found


def _problem(code: str, table: str, column: str, problem: str, action: str) -> IntegrityFinding:
    return IntegrityFinding(code, "refuse", table, problem, action=action, column=column, count=1)
