"""Where a sweep goes when its second is taken: by one of another host, or of before the clock was set back."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from netsky.errors import DatabaseError
from netsky.store.rows import Row, SweepRows
from netsky.store.tables import figures_of, key_of, metadata, sweeps, time_of

log = logging.getLogger(__name__)

MOST_SECONDS_MOVED = 3600


def missing_at_free_place(connection: sa.Connection, sweep: SweepRows, database: str) -> SweepRows:
    """What is not there of the sweep, at the first second from its own on where no other one is.

    Raises DatabaseError, which names the `database`: there is none within an hour.
    """
    for seconds in range(MOST_SECONDS_MOVED):
        moved = sweep.moved(seconds)
        missing = {
            table: _missing(connection, table, rows, moved) for table, rows in moved.rows.items()
        }
        rows_missing = {table: rows for table, rows in missing.items() if rows is not None}
        if len(rows_missing) < len(missing):
            continue
        if seconds:
            log.warning(
                "another sweep through egress %s is stored as of %s UTC: does another host use "
                "that name, too, or was the clock set back? This one goes %s s behind it",
                sweep.egress,
                sweep.update_time,
                seconds,
            )
        return replace(moved, rows=rows_missing)
    raise DatabaseError(
        f"database {database}: there are other sweeps through egress {sweep.egress!r} in each of "
        f"{MOST_SECONDS_MOVED} s from {sweep.update_time} UTC on: does another host use that "
        "name, too, or was the clock set back?"
    )


def _missing(
    connection: sa.Connection, name: str, rows: Sequence[Row], sweep: SweepRows
) -> list[Row] | None:
    """The rows that are not there yet; None where others are in their place."""
    table = metadata.tables[name]
    key, figures = key_of(table), figures_of(table)
    ours = {row[key.name]: row for row in rows}
    query = sa.select(key, *figures).where(key.in_(ours), table.c.egress == sweep.egress)
    query = query.where(time_of(table) == sweep.update_time)
    if table is sweeps:
        query = query.where(table.c.isp == sweep.isp)
    there = set()
    for key_there, *stored in connection.execute(query):
        row = ours[key_there]
        if not all(_same(row[f.name], value) for f, value in zip(figures, stored, strict=True)):
            return None
        there.add(key_there)
    return [row for row in rows if row[key.name] not in there]


def _same(ours: float | None, stored: float | None) -> bool:
    """FLOAT of MySQL keeps six digits or so."""
    if ours is None or stored is None:
        return ours is stored
    return math.isclose(ours, stored, rel_tol=1e-5)
