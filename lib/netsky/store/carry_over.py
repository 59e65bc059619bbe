"""A file of SQLite that an earlier netsky has made becomes one of today's.

On MySQL upgrade.sql does this. A file gets the tables and columns that it lacks by the first that is
written to it. What it has stored in the narrow tables only goes into netsky_sweep then, in the same
transaction.
"""

from __future__ import annotations

import sqlalchemy as sa

from netsky.store.tables import (
    abnormalrate,
    daily,
    hourly,
    incident,
    latency,
    line,
    lossrate,
    metadata,
    rollup_due,
    sweeps,
    usual,
)


def make_tables(connection: sa.Connection) -> None:
    """Make what is missing in an SQLite file; a new netsky_sweep gets the history."""
    is_new = not sa.inspect(connection).has_table(sweeps.name)
    metadata.create_all(connection)
    for table in (incident, daily, usual):
        _add_columns(connection, table)
    if _add_columns(connection, hourly):
        connection.execute(_due_again())
    if is_new:
        connection.execute(_history())
        exits = sa.select(sweeps.c.isp, sweeps.c.egress, sa.literal(0)).distinct()
        connection.execute(sa.insert(line).from_select(["isp", "egress", "serial"], exits))


def _add_columns(connection: sa.Connection, table: sa.Table) -> bool:
    """Add those that the table has got since the file was made; whether there were any."""
    there = {column["name"] for column in sa.inspect(connection).get_columns(table.name)}
    missing = [column for column in table.columns if column.name not in there]
    for column in missing:
        definition = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {definition}")
    return bool(missing)


def _due_again() -> sa.Insert:
    """Hours that were summed up without judging their sweeps, as far as these are still there."""
    columns = hourly.c
    oldest_hour = sa.func.substr(sa.func.min(sweeps.c.started_at), 1, len("2026-11-25 03"))
    oldest = sa.select(oldest_hour).scalar_subquery()
    hours = sa.select(columns.isp, columns.egress, columns.start).distinct()
    return (
        sa.insert(rollup_due)
        .prefix_with("OR IGNORE")
        .from_select(["isp", "egress", "start"], hours.where(columns.start >= oldest))
    )


def _history() -> sa.Insert:
    """In the order in which it came: that is the order in which a spool hands it on."""
    loss = lossrate.c
    abnormal, mean = _beside(abnormalrate, "abnormalrate"), _beside(latency, "latency")
    rest = sa.func.substr(loss.name, len("netsky_") + 1)  # CU_beijing_lossrate
    isp = sa.func.lower(sa.func.substr(rest, 1, sa.func.instr(rest, "_") - 1))
    values = {
        "isp": isp,
        "egress": loss.egress,
        "province": loss.province,
        "started_at": loss.update_time,
        "lossrate": loss.value,
        "abnormalrate": abnormal,
        "mean": mean,
    }
    query = sa.select(*values.values()).order_by(loss.netsky_lossrate_id)
    return sa.insert(sweeps).prefix_with("OR IGNORE").from_select(list(values), query)


def _beside(table: sa.Table, kind: str) -> sa.ScalarSelect[float]:
    """The value of the same province and sweep in another of the narrow tables."""
    name = sa.func.replace(lossrate.c.name, "_lossrate", f"_{kind}")
    query = sa.select(table.c.value).where(table.c.name == name)
    query = query.where(table.c.egress == lossrate.c.egress)
    return query.where(table.c.update_time == lossrate.c.update_time).scalar_subquery()
