"""What is asked of the database: store a sweep, average, look up the newest, prune.

Columns hold percent and UTC without a zone; what is returned are ratios and aware times.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite

from netsky.aggregate import ProvinceQuality
from netsky.errors import DatabaseError
from netsky.loss import Baseline, MeanLoss, NewestLoss
from netsky.store.connection import PRIVATE, REFUSALS, Connector, reason_of
from netsky.store.rows import Row, SweepRows, aware_time, column_time, sweep_rows
from netsky.store.tables import (
    HISTORY,
    avg_lossrate,
    lossrate,
    metadata,
    provinces_by_name,
    row_name,
)

log = logging.getLogger(__name__)

# A batch of a thousand rows keeps its locks for some 10 ms; in the pause others get theirs.
PRUNE_ROWS = 1000
PRUNE_PAUSE_SECONDS = 0.01

MOST_SECONDS_MOVED = 3600


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that the database does not take, now or ever, and what it says."""

    table: str
    row: Row
    reason: str


class Database:
    """The database of one ISP. Every operation raises DatabaseError with one clear line."""

    def __init__(self, url: sa.URL, *, timeout: float, mode: int = PRIVATE) -> None:
        self.connector = Connector(url, timeout=timeout, mode=mode)

    def __str__(self) -> str:
        return str(self.connector)

    def store_sweep(
        self, isp: str, egress: str, started_at: datetime, qualities: Sequence[ProvinceQuality]
    ) -> None:
        """Write a sweep, all of it or nothing; see `store`."""
        self.store(sweep_rows(isp, egress, started_at, qualities))

    def store(self, sweep: SweepRows) -> None:
        """Write a sweep, all of it or nothing; what of it is there already is left as it is.

        Where another sweep of the same second is there, after the clock was set back, say, it goes
        into the next second that is free. Raises RefusedError when rows are refused for good.
        """
        with self.connector.transaction(create=True) as connection:
            for table, rows in self._free_place(connection, sweep).rows.items():
                connection.execute(self._insert_new(metadata.tables[table], rows))

    def store_what_is_taken(self, sweep: SweepRows) -> list[RefusedRow]:
        """Write the rows of a sweep that are not refused for good; those that are."""
        refused = []
        with self.connector.transaction(create=True) as connection:
            for table, rows in self._free_place(connection, sweep).rows.items():
                for row in rows:
                    try:
                        with connection.begin_nested():
                            connection.execute(self._insert_new(metadata.tables[table], [row]))
                    except REFUSALS as error:
                        refused.append(RefusedRow(table, row, reason_of(error)))
        return refused

    def _free_place(self, connection: sa.Connection, sweep: SweepRows) -> SweepRows:
        """The sweep at the first second, from its own on, where no other one is."""
        for seconds in range(MOST_SECONDS_MOVED):
            moved = sweep.moved(seconds)
            if all(self._is_free(connection, *part, moved) for part in moved.rows.items()):
                if seconds:
                    log.warning(
                        "another sweep is stored as of %s UTC: this one goes %s s behind it",
                        sweep.update_time,
                        seconds,
                    )
                return moved
        raise DatabaseError(
            f"database {self}: there are other sweeps in each of {MOST_SECONDS_MOVED} s from "
            f"{sweep.update_time} UTC on: was the clock set back?"
        )

    def _is_free(
        self, connection: sa.Connection, table: str, rows: Sequence[Row], sweep: SweepRows
    ) -> bool:
        """No row is there, or only such as are the same."""
        columns = metadata.tables[table].c
        values = {row["name"]: row["value"] for row in rows}
        there = connection.execute(
            sa.select(columns.name, columns.value)
            .where(columns.name.in_(values), columns.egress == sweep.egress)
            .where(columns.update_time == sweep.update_time)
        )
        return all(_same(values[name], value) for name, value in there)

    def mean_loss(
        self, isp: str, *, after: datetime, until: datetime, egress: str | None = None
    ) -> list[MeanLoss]:
        """The mean loss over after < time <= until, of each province and egress with a sweep then.

        Each sweep counts the same; one without a value (NULL) does not count. `egress`: only this.
        """
        columns = lossrate.c
        query = (
            sa.select(
                columns.name,
                columns.egress,
                sa.func.avg(columns.value),
                sa.func.count(columns.value),
            )
            .where(columns.update_time > column_time(after))
            .where(columns.update_time <= column_time(until))
            .group_by(columns.name, columns.egress)
        )
        if egress is not None:
            query = query.where(columns.egress == egress)
        provinces = provinces_by_name(isp, "lossrate")
        with self.connector.transaction() as connection:
            rows = connection.execute(query).all()
        return [
            MeanLoss(provinces[name], through, None if mean is None else mean / 100, samples)
            for name, through, mean, samples in rows
            if name in provinces  # a file of SQLite may be shared by several ISPs
        ]

    def store_baselines(self, isp: str, means: Iterable[MeanLoss], computed_at: datetime) -> None:
        """Write means (none of them None) in place of those stored before, all or nothing."""
        rows = [
            {
                "name": row_name(isp, mean.province, "lossrate"),
                "egress": mean.egress,
                "value": None if mean.loss_ratio is None else 100 * mean.loss_ratio,
                "update_time": column_time(computed_at),
            }
            for mean in means
        ]
        if not rows:
            return
        with self.connector.transaction(create=True) as connection:
            connection.execute(self._replace_baselines(rows))

    def baselines(self, isp: str, *, egress: str | None = None) -> list[Baseline]:
        """The stored means; `egress`: only of this one."""
        columns = avg_lossrate.c
        value = _exact(columns.value)
        query = sa.select(columns.name, columns.egress, value, columns.update_time)
        query = query.where(columns.value.is_not(None))
        if egress is not None:
            query = query.where(columns.egress == egress)
        provinces = provinces_by_name(isp, "lossrate")
        with self.connector.transaction() as connection:
            rows = connection.execute(query).all()
        return [
            Baseline(provinces[name], through, value / 100, aware_time(computed_at))
            for name, through, value, computed_at in rows
            if name in provinces
        ]

    def newest_loss(
        self, isp: str, egress: str, *, until: datetime | None = None
    ) -> list[NewestLoss]:
        """The newest loss of each province that has any; `until`: as it was then."""
        columns = lossrate.c
        then = sa.true() if until is None else columns.update_time <= column_time(until)
        provinces = provinces_by_name(isp, "lossrate")
        # A look-up a name at the end of its part of the unique index. GROUP BY with MAX() would
        # read the whole of it in SQLite.
        look_ups = [
            sa.select(columns.name, _exact(columns.value).label("value"), columns.update_time)
            .where(columns.name == name, columns.egress == egress)
            .where(columns.value.is_not(None), then)
            .order_by(columns.update_time.desc())
            .limit(1)
            .subquery()
            for name in provinces
        ]
        with self.connector.transaction() as connection:
            rows = connection.execute(sa.union_all(*map(sa.select, look_ups))).all()
        return [
            NewestLoss(provinces[name], value / 100, aware_time(measured_at))
            for name, value, measured_at in rows
        ]

    def prune(self, *, before: datetime) -> Iterator[tuple[str, int]]:
        """Delete history older than `before`: table and rows of each batch that is deleted.

        A batch is a transaction, with a pause after each, so that no lock is held for long.
        """
        for table in HISTORY:
            for rows in self._prune(table, before):
                yield table.name, rows

    def _prune(self, table: sa.Table, before: datetime) -> Iterator[int]:
        update_time = table.c.update_time
        oldest = sa.select(update_time).where(update_time < column_time(before))
        oldest = oldest.order_by(update_time).limit(PRUNE_ROWS)
        while True:
            with self.connector.transaction() as connection:
                times = connection.scalars(oldest).all()
                if not times:
                    return
                batch = sa.delete(table).where(update_time <= times[-1])
                deleted = connection.execute(batch).rowcount
            yield deleted
            time.sleep(PRUNE_PAUSE_SECONDS)

    def _insert_new(self, table: sa.Table, rows: Sequence[Row]) -> sa.Insert:
        if self.connector.is_sqlite:
            return sqlite.insert(table).values(rows).on_conflict_do_nothing()
        # Not INSERT IGNORE, which would also swallow values that do not fit.
        serial = table.primary_key.columns[0]
        return mysql.insert(table).values(rows).on_duplicate_key_update({serial.name: serial})

    def _replace_baselines(self, rows: list[dict[str, Any]]) -> sa.Insert:
        if self.connector.is_sqlite:
            insert = sqlite.insert(avg_lossrate).values(rows)
            return insert.on_conflict_do_update(
                set_={name: insert.excluded[name] for name in ("value", "update_time")}
            )
        mysql_insert = mysql.insert(avg_lossrate).values(rows)
        return mysql_insert.on_duplicate_key_update(
            {name: mysql_insert.inserted[name] for name in ("value", "update_time")}
        )


def _exact(value: sa.Column[float]) -> sa.ColumnElement[float]:
    """A FLOAT as it is: by itself MySQL would send six digits of it."""
    return value * sa.literal_column("1e0", sa.Double)


def _same(ours: float | None, stored: float | None) -> bool:
    """FLOAT of MySQL keeps six digits or so."""
    if ours is None or stored is None:
        return ours is stored
    return math.isclose(ours, stored, rel_tol=1e-5)
