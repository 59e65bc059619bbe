"""What is asked of the database: store a sweep, average, look up the newest, prune.

Columns hold percent and UTC without a zone; what is returned are ratios and aware times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.exc import DBAPIError

from netsky.clock import CLOCK_TOLERANCE, IgnoredRows
from netsky.errors import DatabaseError
from netsky.loss import Baseline, MeanLoss, NewBaseline, NewestLoss
from netsky.places import Province
from netsky.store.baselines import store_baselines, stored_baselines
from netsky.store.connection import (
    PRIVATE,
    Connector,
    TakenError,
)
from netsky.store.days import divide
from netsky.store.free_place import missing_at_free_place
from netsky.store.hosts import take_turn
from netsky.store.ignored import rows_ahead
from netsky.store.means import mean_losses
from netsky.store.newest import newest_losses
from netsky.store.pruning import Prunable, prunable, prune
from netsky.store.reasons import is_of_data, is_refusal, is_taken, reason_of
from netsky.store.rollups import Due, due_hours, mark_due, note_alarms, prune_rollups, roll_up
from netsky.store.rows import Row, SweepRows, column_time
from netsky.store.tables import (
    line,
    metadata,
)

EGRESSES_AT_ONCE = 10  # averaged by one query
MOST_ATTEMPTS = 60  # to find a free second, against as many hosts of one name


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that the database does not take, and what it says.

    `of_data`: for its value, and not for what the table is like, which can be mended.
    """

    table: str
    row: Row
    reason: str
    of_data: bool = False


class Database:
    """The database of one ISP. Every operation raises DatabaseError with one clear line.

    `host` is who stores sweeps, None where it does not matter; see store/hosts.py.
    """

    def __init__(
        self, url: sa.URL, *, timeout: float, mode: int = PRIVATE, host: str | None = None
    ) -> None:
        self.connector = Connector(url, timeout=timeout, mode=mode)
        self._host = host
        self._other_host: str | None = None

    def __str__(self) -> str:
        return str(self.connector)

    def store(self, sweep: SweepRows) -> None:
        """Write a sweep, all of it or nothing; what of it is there already is left as it is.

        Where another sweep of the same second is there, of another host with the same egress name or
        from before the clock was set back, it goes into the next second that is free. Raises
        RefusedError when rows are refused for good.
        """

        def insert(connection: sa.Connection, missing: SweepRows) -> None:
            for table, rows in missing.rows.items():
                if rows:  # which are no part of the statement, lest its text be made anew each time
                    connection.execute(sa.insert(metadata.tables[table]), rows)

        self._in_free_place(sweep, insert)

    def other_host(self) -> str | None:
        """Who stored sweeps of the same line in turns with this host since this was asked last."""
        other, self._other_host = self._other_host, None
        return other

    def store_what_is_taken(self, sweep: SweepRows) -> list[RefusedRow]:
        """Write the rows of a sweep that are not refused for good; those that are."""
        refused: list[RefusedRow] = []

        def insert(connection: sa.Connection, missing: SweepRows) -> None:
            refused.clear()
            for table, rows in missing.rows.items():
                for row in rows:
                    try:
                        with connection.begin_nested():
                            connection.execute(sa.insert(metadata.tables[table]).values(row))
                    except DBAPIError as error:
                        if is_taken(error) or not is_refusal(error):
                            raise
                        refused.append(
                            RefusedRow(table, row, reason_of(error), of_data=is_of_data(error))
                        )

        self._in_free_place(sweep, insert)
        return refused

    def _in_free_place(
        self, sweep: SweepRows, insert: Callable[[sa.Connection, SweepRows], None]
    ) -> None:
        """Insert what is missing of a sweep at the first second where no other one is.

        Another host may take that second between the look and the insert: then look again.
        """
        for _ in range(MOST_ATTEMPTS):
            try:
                with self.connector.transaction(create=True) as connection:
                    # First, so that whoever stores for the same exit waits here, and then looks.
                    serial = self._next_serial(connection, sweep)
                    missing = missing_at_free_place(connection, sweep, str(self))
                    insert(connection, missing.numbered(serial))
                    other = take_turn(connection, sweep.isp, sweep.egress, self._host)
                    mark_due(connection, sweep.isp, sweep.egress, missing.update_time)
            except TakenError:
                continue
            self._other_host = other or self._other_host
            return
        raise DatabaseError(
            f"database {self}: other sweeps through egress {sweep.egress!r} took each second that "
            f"was free, {MOST_ATTEMPTS} times: do other hosts use that name, too?"
        )

    def _next_serial(self, connection: sa.Connection, sweep: SweepRows) -> int:
        """The place of a sweep in the order in which those of its exit came."""
        key = {"isp": sweep.isp, "egress": sweep.egress}
        if self.connector.is_sqlite:
            insert = sqlite.insert(line).values(**key, serial=1)
            connection.execute(insert.on_conflict_do_update(set_={"serial": line.c.serial + 1}))
        else:
            mysql_insert = mysql.insert(line).values(**key, serial=1)
            connection.execute(mysql_insert.on_duplicate_key_update(serial=line.c.serial + 1))
        query = sa.select(line.c.serial).filter_by(**key)
        return int(connection.execute(query).scalar_one())

    def mean_loss(
        self, isp: str, *, after: datetime, until: datetime, egress: str | None = None
    ) -> list[MeanLoss]:
        """The mean loss over after < time <= until, of each province and egress with a sweep then.

        Each sweep counts the same; one without a value (NULL) does not count. `egress`: only this.
        Some egresses are a transaction, so that many of them do not take one too long.
        """
        means = []
        egresses = [egress] if egress is not None else self.egresses(isp)
        for first in range(0, len(egresses), EGRESSES_AT_ONCE):
            some = egresses[first : first + EGRESSES_AT_ONCE]
            with self.connector.transaction() as connection:
                means += mean_losses(connection, isp, some, after=after, until=until)
        return means

    def egresses(self, isp: str) -> list[str]:
        """All that have ever had a sweep of that ISP, in the order of their names."""
        query = sa.select(line.c.egress).where(line.c.isp == isp)
        with self.connector.transaction() as connection:
            return sorted(connection.scalars(query))

    def store_baselines(
        self, isp: str, baselines: Iterable[NewBaseline], computed_at: datetime
    ) -> None:
        """Write them in place of those stored before, all or nothing."""
        baselines = list(baselines)
        if not baselines:
            return
        self.connector.run(
            lambda connection: store_baselines(connection, isp, baselines, computed_at), create=True
        )

    def baselines(self, isp: str, *, egress: str | None = None) -> list[Baseline]:
        """Those that are stored; `egress`: only of this one."""
        with self.connector.transaction() as connection:
            return stored_baselines(connection, isp, egress)

    def newest_loss(
        self,
        isp: str,
        egress: str,
        *,
        now: datetime | None = None,
        since: datetime | None = None,
    ) -> list[NewestLoss]:
        """The newest loss of each province that has any, as it is `now`; see store/newest.py.

        `since`: of a province without any from then on nothing need be looked for.
        """
        until = column_time((now or datetime.now(UTC)) + CLOCK_TOLERANCE)
        with self.connector.transaction() as connection:
            found = None if since is None else column_time(since)
            return newest_losses(connection, isp, egress, until=until, since=found)

    def rows_ahead(self, isp: str, egress: str, *, now: datetime) -> IgnoredRows | None:
        """What of an egress is stamped later than `now`, by more than what clocks may differ."""
        after = column_time(now + CLOCK_TOLERANCE)
        with self.connector.transaction() as connection:
            return rows_ahead(connection, isp, egress, after=after)

    def prunable(self, *, now: datetime, keep: timedelta) -> Prunable:
        """Which history is older than that."""
        with self.connector.transaction() as connection:
            return prunable(connection, now=now, keep=keep)

    def prune(self, *, before: datetime) -> Iterator[tuple[str, int]]:
        """Delete history older than `before`: table and rows of each batch that is deleted."""
        return prune(self.connector, before)

    def roll_up(self, isp: str, egress: str | None) -> Iterator[Due]:
        """Compute the hours that are due, and their days; each one when it is done."""
        with self.connector.transaction() as connection:
            waiting = due_hours(connection, isp, egress)
        for due in waiting:
            roll_up(self.connector, due)
            yield due

    def prune_rollups(self, isp: str, *, now: datetime, keep: timedelta) -> int:
        """Delete hours and days that are older than that; how many rows."""
        return self.connector.run(partial(prune_rollups, isp=isp, now=column_time(now), keep=keep))

    def note_alarms(
        self, isp: str, egress: str, provinces: Iterable[Province], at: datetime
    ) -> None:
        """These provinces are in alarm at that time."""
        provinces, minute = list(provinces), column_time(at)
        self.connector.run(
            lambda connection: note_alarms(connection, isp, egress, provinces, minute), create=True
        )

    def divide_into_days(self, *, now: datetime, keep: timedelta) -> None:
        """Make room for the days to come, where the server can; see store/days.py."""
        divide(self.connector, now=column_time(now), keep=keep)
