"""The rows at risk of a study of tables, kept in files: built in buckets, resumed where a build was cut short."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from itertools import pairwise

import duckdb
import numpy as np

from whychurn.errors import PanelError
from whychurn.panel.buckets import bucket_bounds, write_bucket
from whychurn.panel.intervals import DAY, Grid, Spells, read_spells
from whychurn.panel.measure import Measure
from whychurn.panel.measure_names import event_kinds_of, modules_of
from whychurn.panel.measure_needs import measurable
from whychurn.panel.measure_records import Engine, Records
from whychurn.panel.measure_state import State
from whychurn.panel.measure_time import tracking_of, windows_of
from whychurn.panel.measures import registry
from whychurn.panel.store_folder import PanelFolder, building, reading
from whychurn.panel.store_rows import ParquetRows
from whychurn.sources import Sources
from whychurn.sources.names import suggestion
from whychurn.sources.tables import cache
from whychurn.study import TableStudy

__all__ = ["LAYOUT", "ParquetRows", "build_rows"]

#: Raised whenever the same study would be written differently.
LAYOUT = 3
Progress = Callable[[int, int], object]


def build_rows(
    sources: Sources, study: TableStudy, progress: Progress | None = None, only: Sequence[str] | None = None
) -> ParquetRows:
    """Build the rows at risk with their measures, or find them built.

    Parameters
    ----------
    sources : Sources
        Its connection holds the temporary tables ``spells`` and ``notice``.
    study : TableStudy
    progress : callable, optional
        Called with the number of buckets done and of buckets in all; by default a bar is drawn on a terminal.
    only : sequence of str, optional
        Names of measures, if not all are wanted; what they do not need is not read.

    Returns
    -------
    ParquetRows

    Raises
    ------
    PanelError
        If nobody is at risk, a measure is unknown, or there are too many modules.
    """
    if sources.work is None:
        raise PanelError("These sources have no folder for working files, so no panel can be kept.")
    engine = Engine(sources.connection)
    modules = modules_of(sources.connection, study, sources.tables)
    kinds = event_kinds_of(sources.connection, sources.tables)
    measures = measurable(sources.connection, sources.tables, registry(study, modules, kinds))
    if only is not None:
        measures = _chosen(measures, only)
    spells = read_spells(sources.connection, study)
    if not len(spells):
        raise PanelError("No customer is at risk between observed_from and observed_to, so there is nothing to study.")
    key = _key(engine, sources, study, measures, spells)
    home = sources.work / "panel"
    folder = reading(home, key)
    if folder is None:
        with building(home, key) as folder:
            # Someone else may have built it while this one waited.
            if not folder.complete:
                _build(_Job(engine, sources, study, measures, modules, kinds, spells, folder), progress)
    return ParquetRows(folder, measures, spells, study.engine.memory_limit, study.engine.threads)


@dataclass(frozen=True)
class _Job:
    engine: Engine
    sources: Sources
    study: TableStudy
    measures: tuple[Measure, ...]
    modules: tuple[str, ...]
    kinds: tuple[str, ...]
    spells: Spells
    folder: PanelFolder


def _build(job: _Job, progress: Progress | None) -> None:
    """Build the buckets that are not there yet."""
    study, spells, folder = job.study, job.spells, job.folder
    manifest = folder.manifest
    if "bounds" not in manifest:
        # Kept from the first attempt on: a later one may be given more memory, and would cut elsewhere.
        manifest = {"layout": LAYOUT, "bounds": bucket_bounds(spells.n_rows, spells.account, _n_buckets(job))}
        manifest |= {"rows": int(spells.n_rows.sum()), "measures": [measure.name for measure in job.measures]}
        folder.write_manifest(manifest)
    bounds = manifest["bounds"]
    if "sizes" in manifest:
        # It was complete: a bucket that has not the size it had is built again.
        for number, (size, there) in enumerate(zip(manifest.pop("sizes"), folder.sizes, strict=True)):
            if size != there:
                folder.bucket(number).unlink(missing_ok=True)
    windows = windows_of(study)
    tracking = tracking_of(job.sources, study, [*job.sources.tables])
    reads = frozenset().union(*(measure.reads for measure in job.measures))
    usage_from = tracking["usage"].first if "usage" in tracking else 0
    records = Records(job.engine, study, job.modules, job.kinds, reads, usage_from)
    try:
        with shown(progress) as show:
            for number, (low, high) in enumerate(pairwise(bounds)):
                file = folder.bucket(number)
                if not file.is_file():
                    grid = Grid(
                        spells.part(low, high), study.interval_days, study.lag_days,
                        windows.longest // windows.step - 1,
                    )  # fmt: skip
                    first, last = int(grid.spells.account[0]), int(grid.spells.account[-1])
                    fetch = partial(records.fetch, low=first, high=last + 1)
                    write_bucket(
                        job.engine, State(grid, windows, tracking, fetch, len(job.modules)), job.measures, file
                    )
                show(number + 1, len(bounds) - 1)
    finally:
        records.drop()
    folder.write_manifest(manifest | {"complete": True, "sizes": folder.sizes})


def _n_buckets(job: _Job) -> int:
    """Return how many buckets keep one of them well below the memory that the engine may use."""
    study, windows = job.study, windows_of(job.study)
    rows = int(job.spells.n_rows.sum()) + len(job.spells) * (windows.longest // windows.step)
    # Half of it is what is being written, the rest is what measures share.
    needed = rows * (16 * len(job.measures) + 8 * len(job.modules) + 100) + job.sources.tables.get("usage", 0) * 100
    return max(1, min(999, -(-needed // (_bytes(study.engine.memory_limit) // 12))))


def _bytes(size: str) -> int:
    unit = size.lstrip("0123456789. ")
    return int(float(size.removesuffix(unit)) * {"MB": 10**6, "GB": 10**9, "MiB": 2**20, "GiB": 2**30}[unit])


def _chosen(measures: tuple[Measure, ...], only: Sequence[str]) -> tuple[Measure, ...]:
    known = {measure.name: measure for measure in measures}
    for name in only:
        if name not in known:
            raise PanelError(f"There is no measure {name!r}.{suggestion(name, known)}")
    return tuple(known[name] for name in dict.fromkeys(only))


def _key(engine: Engine, sources: Sources, study: TableStudy, measures: tuple[Measure, ...], spells: Spells) -> str:
    """Return the SHA-256 of everything that the rows depend on."""
    digest = hashlib.sha256()
    tables = {
        name: (table.tracked_from, table.not_tracked, table.model_dump_json()) for name, table in study.tables.items()
    }
    for part in (
        LAYOUT,
        # The rows are made of the typed tables: read differently, they are other rows.
        cache.LAYOUT,
        duckdb.__version__,
        sources.fingerprints,
        sorted(sources.tables.items()),
        sorted(sources.tracked_from.items()),
        (study.observed_from, study.observed_to, study.interval_days, study.lag_days, study.time_zone),
        study.definition,
        study.measures,
        sorted(tables.items()),
        measures,
    ):
        digest.update(repr(part).encode())
    notice = engine.arrays(
        f"SELECT account_id, {DAY.format('n_start')}, {DAY.format('n_end')} FROM notice ORDER BY ALL"
    )
    for values in (*(getattr(spells, entry.name) for entry in fields(spells)), *notice.values()):
        if values.dtype == object:
            digest.update(json.dumps(values.tolist(), ensure_ascii=True).encode())
        else:
            digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


@contextmanager
def shown(progress: Progress | None) -> Iterator[Progress]:
    """Yield what to call with the buckets done and in all: by default it draws a bar, on a terminal only."""
    if progress is not None or not sys.stderr.isatty():
        yield progress or (lambda done, of: None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("building the panel"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
