"""Deleting old history: in small batches, and nothing that only a clock that jumped makes old."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from netsky.clock import MOST_BETWEEN_SWEEPS, IgnoredRows
from netsky.errors import DatabaseError
from netsky.store import days
from netsky.store.connection import Connector
from netsky.store.ignored import rows_between
from netsky.store.reasons import is_denied
from netsky.store.rows import aware_time, column_time
from netsky.store.tables import SWEEP_TABLES, alarm, sweeps, time_of, trace

log = logging.getLogger(__name__)

# A batch of a thousand rows keeps its locks for some 10 ms; in the pause others get theirs.
PRUNE_ROWS = 1000
PRUNE_PAUSE_SECONDS = 0.01

_LOOK_UPS = 720  # for the whole of what is kept: of 30 days, one an hour
_NOT_WORTH_A_WORD = timedelta(days=1)  # of pauses in what is kept


@dataclass(frozen=True, slots=True)
class Prunable:
    """What is older than is kept: all `before` that time (aware, UTC), if anything.

    `held_back` looks so by the clock, but not by the sweeps that were stored since. `ahead` is by how
    much this host's clock is ahead of the database's.
    """

    before: datetime | None = None
    held_back: IgnoredRows | None = None
    ahead: timedelta = timedelta(0)


def prunable(connection: sa.Connection, *, now: datetime, keep: timedelta) -> Prunable:
    """What may be pruned at that time, or at that of the database's clock if that is earlier.

    A clock that is days ahead, and stays so, writes the sweeps of those days beside the true ones.
    """
    told = server_time(connection)
    ahead = timedelta(0) if told is None else max(timedelta(0), now - told)
    now -= ahead
    by_clock = column_time(now - keep)
    oldest = connection.scalar(sa.select(sa.func.min(sweeps.c.started_at)))
    if oldest is None or oldest >= by_clock:
        return Prunable(ahead=ahead)
    before = _oldest_kept(connection, now=now, keep=keep)
    if before is not None:
        before = min(before, by_clock)
    held_back = rows_between(connection, before, by_clock - _NOT_WORTH_A_WORD)
    return Prunable(before and aware_time(before), held_back, ahead)


def server_time(connection: sa.Connection) -> datetime | None:
    """What the clock of the database's host says; None of SQLite, which is on this host."""
    if connection.dialect.name == "sqlite":
        return None
    told = connection.scalar(sa.select(sa.func.utc_timestamp()))
    return None if told is None else aware_time(told)


def _oldest_kept(connection: sa.Connection, *, now: datetime, keep: timedelta) -> datetime | None:
    """Since when there are sweeps of so long (naive UTC); None: all that there is, is younger.

    Not by the clock, which may have jumped, but by the sweeps up to `now` themselves: where there
    are none for long, that is a pause or a jump, which makes what is before it no older than a step.
    """
    step = max(MOST_BETWEEN_SWEEPS, keep / _LOOK_UPS)
    started_at = sweeps.c.started_at
    moment, measured = column_time(now) + timedelta(seconds=1), timedelta(0)
    limit = moment
    while measured < keep:
        earlier = connection.scalar(sa.select(sa.func.max(started_at)).where(started_at < limit))
        if earlier is None:
            return None
        passed = moment - earlier
        measured += passed if passed <= 2 * step else step
        moment, limit = earlier, earlier - step
    return moment + (measured - keep)


def prune(connector: Connector, before: datetime) -> Iterator[tuple[str, int]]:
    """Delete history older than `before`: table and rows of each batch; rows of a dropped day are 0.

    A batch is a transaction, with a pause after each, so that no lock is held for long.
    """
    limit = column_time(before)
    try:
        for _ in days.drop(connector, limit):
            yield sweeps.name, 0
        row_by_row = not days.ends_soon(connector, limit)
    except DatabaseError as error:
        row_by_row = is_denied(error)
        instead = "deleted row by row" if row_by_row else "left for the next run"
        log.warning("old days of %s are not dropped, but %s: %s", sweeps.name, instead, error)
    with connector.transaction() as connection:
        there = sa.inspect(connection).get_table_names()
    for table in (*SWEEP_TABLES, alarm, trace):
        if table.name in there and (table is not sweeps or row_by_row):
            for rows in _prune_table(connector, table, limit):
                yield table.name, rows


def _prune_table(connector: Connector, table: sa.Table, before: datetime) -> Iterator[int]:
    time_column = time_of(table)
    oldest = sa.select(time_column).where(time_column < before)
    oldest = oldest.order_by(time_column).limit(PRUNE_ROWS)

    def delete(connection: sa.Connection) -> int | None:
        times = connection.scalars(oldest).all()
        if not times:
            return None
        return connection.execute(sa.delete(table).where(time_column <= times[-1])).rowcount

    while (deleted := connector.run(delete)) is not None:
        yield deleted
        time.sleep(PRUNE_PAUSE_SECONDS)
