"""The command: measure what is missing, sum up, write."""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

# Companies are small: more threads would only get into each other's way. Before NumPy is loaded.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from validation import store  # noqa: E402
from validation.arms import ARMS, FIRST_SEED, WANTED  # noqa: E402
from validation.do import truth_record  # noqa: E402
from validation.page import page, rows_of_csv  # noqa: E402
from validation.results import Results  # noqa: E402
from validation.rewriting import rows_with_surveys, with_surveys  # noqa: E402
from validation.run import run  # noqa: E402
from validation.survey_page import surveys  # noqa: E402
from validation.work import PARTS  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    """Run ``python -m validation``."""
    chosen = parser().parse_args(arguments)
    if chosen.check:
        return check(chosen.cache, chosen.check)
    if not chosen.only_write:
        for arm in ("default", "null", "large"):
            if arm in chosen.arm and not (chosen.cache / f"truth-{arm}.jsonl").is_file():
                store.append("truth", arm, [truth_record(arm)], chosen.cache)
        for part, arm in WANTED:
            if part in chosen.part and arm in chosen.arm:
                n = min(WANTED[part, arm], chosen.companies or WANTED[part, arm])
                seeds = range(chosen.seed_from, chosen.seed_from + n)
                run(part, arm, seeds, chosen.jobs, chosen.cache, chosen.again)
    results = read(chosen.cache)
    if results.surveys and not results.effects:
        return rewrite_surveys(results, chosen.write)
    text = page(results)
    if chosen.write is None:
        print(text)
        return 0
    chosen.write.write_text(text, encoding="utf-8")
    with chosen.write.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows_of_csv(results))
    return 0


def rewrite_surveys(results: Results, place: Path | None) -> int:
    """Write the section on answers to surveys alone, for there are no other records; print it where no page is named."""
    if place is None:
        print("\n\n".join(surveys(results.surveys)))
        return 0
    numbers = place.with_suffix(".csv")
    with numbers.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    place.write_text(with_surveys(place.read_text(encoding="utf-8"), results.surveys), encoding="utf-8")
    with numbers.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows_with_surveys(rows, results.surveys))
    return 0


def read(cache: Path) -> Results:
    """Return all records that there are."""
    effects = {arm: store.read("effects", arm, cache) for arm in ARMS}
    tables = {arm: store.read("table", arm, cache) for arm in ARMS}
    truth = {arm: store.read("truth", arm, cache) for arm in ARMS}
    # Larger companies are drawn from the same world.
    truth["large"] = truth["large"] or truth["default"]
    return Results(
        effects={arm: records for arm, records in effects.items() if records},
        table={arm: records for arm, records in tables.items() if records},
        frames=store.read("frames", "default", cache),
        surveys=store.read("surveys", "default", cache),
        truth={arm: records[-1] for arm, records in truth.items() if records},
    )


def check(cache: Path, n: int) -> int:
    """Measure the first companies again and say whether today's code still gives what is on record."""
    worst = 0.0
    for record in store.read("effects", "default", cache)[:n]:
        again = PARTS["effects"]("default", record["seed"])
        for name, pair in record["planted"].items():
            other = again["planted"][name]
            if (pair is None) != (other is None):
                print(f"seed {record['seed']}, {name}: {pair} on record, {other} today")
                return 1
            if pair and other:
                worst = max(worst, abs(pair[0] - other[0]) / pair[1], abs(pair[1] - other[1]) / pair[1])
    print(f"Largest difference to what is on record: {worst:.1e} standard errors.")
    return int(worst > 1e-3)


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    options = argparse.ArgumentParser(prog="python -m validation", description=__doc__)
    options.add_argument(
        "--companies", type=int, help="At most so many of each kind; default: as many as the page has."
    )
    options.add_argument("--jobs", type=int, default=1, help="Processes.")
    options.add_argument("--part", nargs="*", choices=PARTS, default=list(PARTS))
    options.add_argument("--arm", nargs="*", choices=ARMS, default=list(ARMS))
    options.add_argument("--seed-from", type=int, default=FIRST_SEED)
    options.add_argument("--cache", type=Path, default=store.CACHE, help="Where records are kept.")
    options.add_argument("--again", action="store_true", help="Measure again what other code has measured.")
    options.add_argument("--only-write", action="store_true", help="Measure nothing.")
    options.add_argument("--write", type=Path, help="Write the page here, and its numbers beside it as .csv.")
    options.add_argument(
        "--check", type=int, metavar="N", help="Measure N companies again and compare with the records."
    )
    return options
