"""DuckDB: the Kaplan-Meier estimate as one SQL statement over a table in memory."""

import duckdb
import numpy as np

from benchmarks.store import Table
from benchmarks.work import Estimates, Work, curve_at

_PRODUCT_LIMIT = """
    with counts as (
        select "group", time, sum(event)::double as events, count(*)::double as leaving from rows group by all
    ), at_risk as (
        select *, sum(leaving) over (partition by "group" order by time desc) as n from counts
    )
    select "group", time, n, events,
        exp(sum(ln(case when events = n then 1e-300 else 1 - events / n end)) over history) as survival,
        sum(case when events = n then null else events / (n * (n - events)) end) over history as log_variance
    from at_risk window history as (partition by "group" order by time) order by "group", time
"""


def kaplan_meier(table: Table) -> Work:
    """Group, count down the numbers at risk, multiply; with Greenwood's sum."""
    connection = duckdb.connect()
    given = {name: table.columns[name] for name in ("time", "event", "group")}
    connection.register("given", given)
    connection.execute("create table rows as select * from given")
    connection.unregister("given")

    def read(found: dict[str, np.ndarray]) -> Estimates:
        values, scale = [], []
        for group in range(int(table.columns["group"].max()) + 1):
            own = found["group"] == group
            survival = curve_at(found["time"][own], found["survival"][own])
            values.append(survival)
            scale.append(survival * np.sqrt(curve_at(found["time"][own], found["log_variance"][own])))
        return Estimates(np.concatenate(values), np.concatenate(scale))

    return Work(lambda: connection.execute(_PRODUCT_LIMIT).fetchnumpy(), read)
