"""Sweeps on their way to the database: a file that outlives a crash, until the database has them.

Each sweep goes into the spool first and from there, oldest first, into the database; it leaves
the spool when the database has committed it. Writing it twice is harmless, so that a crash at any
moment neither loses nor doubles it.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from netsky.clock import measured_since
from netsky.errors import DatabaseError, RefusedError, SpoolError
from netsky.spool_state import SpoolState
from netsky.store.connection import PRIVATE
from netsky.store.database import Database, RefusedRow
from netsky.store.reasons import is_damage
from netsky.store.rows import SweepRows, column_time
from netsky.store.spool_tables import counters, own, quarantine, quarantined_sweeps
from netsky.store.tables import SWEEP_TABLES, sweeps, time_of

log = logging.getLogger(__name__)

VERSION = 1  # of the tables in the file; a file of another version is set aside
BUSY_SECONDS = 5.0  # so long we wait for another process that uses the file
# So long a run stores what earlier runs left behind; the next one does the rest.
FLUSH_SECONDS = 10.0
DROPPED, QUARANTINED = "dropped_sweeps", "quarantined_rows"

# The starts of the sweeps, in the order in which they were put here.
_SWEEPS = (
    sa.select(sweeps.c.started_at)
    .group_by(sweeps.c.started_at)
    .order_by(sa.func.min(sa.literal_column("rowid")))
)


class Spool:
    """The spool of one ISP and egress, in a file of that folder, for one process at a time.

    It holds at most `max_bytes`, and no sweep for longer than `max_age` of measuring since: the
    oldest is dropped first. A
    file that cannot be used is set aside under another name. Every operation raises DatabaseError
    with one clear line.
    """

    def __init__(
        self,
        directory: Path,
        isp: str,
        egress: str,
        *,
        max_bytes: int,
        max_age: timedelta,
        mode: int = PRIVATE,
    ) -> None:
        self._isp, self._egress = isp, egress
        self.file = directory / f"netsky_{isp}.{egress}.spool"
        self._max_bytes = max_bytes
        self._max_age = max_age
        url = sa.URL.create("sqlite", database=str(self.file))
        self._kept = Database(url, timeout=BUSY_SECONDS, mode=mode)

    def store(self, sweep: SweepRows, database: Database) -> None:
        """Keep a sweep, then store all that is kept. Raises DatabaseError when something still waits."""
        fate = "this sweep is lost"
        try:
            self.add(sweep)
            fate = "this sweep is in its file"
            self.flush(database)
        except SpoolError as error:
            try:
                database.store(sweep)
            except DatabaseError as refusal:
                raise DatabaseError(f"{refusal}; nor is there a spool: {error}: {fate}") from error
            raise DatabaseError(
                f"{error} (this sweep is in the database all the same; without a spool the next one "
                "is lost when the database is down)"
            ) from error

    def add(self, sweep: SweepRows) -> None:
        """Keep a sweep; it is on the disk when this returns."""
        self._prepare()
        with self._in_file():
            self._kept.store(sweep)
        self._keep_within_bounds()

    def flush(self, database: Database) -> None:
        """Write on what waits, oldest first. DatabaseError: something still waits, or was refused.

        A sweep that is refused whole waits, as does one of which a table is, for what that table is
        like: that can be mended, a column that is too narrow, say. It keeps no other from going: after
        it the newest goes first.
        """
        self._prepare()
        deadline = time.monotonic() + FLUSH_SECONDS
        waiting = deque(self._times())
        refusals: list[str] = []
        set_aside = 0
        while waiting:
            newest_first = bool(refusals)
            update_time = waiting.pop() if newest_first else waiting.popleft()
            sweep = self._read(update_time)  # what fails here is the file, not the database
            try:
                refused = _write(sweep, database)
            except RefusedError as error:
                refusals.append(str(error))
            except DatabaseError as error:
                left = len(waiting) + len(refusals) + 1
                raise DatabaseError(f"{error}; sweeps in {self.file}: {left}") from error
            else:
                set_aside += len(refused)
                self._remove(update_time, refused)
            # Not before one that came later had its turn, too.
            if waiting and time.monotonic() > deadline and (newest_first or not refusals):
                raise DatabaseError(
                    f"database {database}: {len(waiting) + len(refusals)} sweeps of {self.file} are "
                    "still on their way to it; the next run goes on"
                )
        if refusals:
            raise DatabaseError(
                f"{refusals[0]}: so {len(refusals)} sweeps, or a table of them, are refused whole; they "
                f"wait in {self.file}"
            )
        if set_aside:
            raise DatabaseError(
                f"database {database}: it refused {set_aside} rows for good: they are set aside in "
                f"{self.file}"
            )

    def state(self) -> SpoolState:
        """How full it is."""
        self._prepare()
        with self._transaction() as connection:
            rows = connection.execute(sa.select(counters.c.name, counters.c.value))
            values: dict[str, int] = {row.name: row.value for row in rows}
            return SpoolState(
                sweeps=len(connection.execute(_SWEEPS).all()),
                dropped_sweeps=values.get(DROPPED, 0),
                quarantined_rows=values.get(QUARANTINED, 0),
            )

    def _times(self) -> list[datetime]:
        with self._transaction() as connection:
            return list(connection.scalars(_SWEEPS))

    def _read(self, update_time: datetime) -> SweepRows:
        rows = {}
        with self._transaction() as connection:
            for table in SWEEP_TABLES:
                # Serial and id are given anew by the database.
                columns = [c for c in table.c if c.name not in ("serial", f"{table.name}_id")]
                query = sa.select(*columns).where(time_of(table) == update_time)
                rows[table.name] = [dict(row) for row in connection.execute(query).mappings()]
        return SweepRows(self._isp, self._egress, update_time, rows)

    def _remove(self, update_time: datetime, refused: Sequence[RefusedRow]) -> None:
        """Take out a sweep that the database has; what it refused goes into the quarantine."""
        with self._transaction() as connection:
            for each in refused:
                log.error("set aside in %s: refused for good: %s", self.file, each.reason)
                values = {"reason": each.reason, "set_aside_at": column_time(datetime.now(UTC))}
                values |= each.row
                if each.table == sweeps.name:
                    connection.execute(quarantined_sweeps.insert().values(values))
                else:
                    connection.execute(quarantine.insert().values(table_name=each.table, **values))
            _count(connection, QUARANTINED, len(refused))
            _delete(connection, update_time)

    def _keep_within_bounds(self) -> None:
        dropped = 0
        with self._transaction() as connection:
            times = list(connection.scalars(_SWEEPS))
            # Not by the clock: were it to jump, all that waits would look old.
            too_old = sum(age > self._max_age for age in measured_since(times))
            while len(times) > 1 and (
                dropped < too_old or _used_bytes(connection) > self._max_bytes
            ):
                _delete(connection, times.pop(0))
                dropped += 1
            _count(connection, DROPPED, dropped)
        if dropped:
            log.error("spool %s is full or too old: %s sweeps are lost", self.file, dropped)

    @contextmanager
    def _transaction(self, *, create: bool = False) -> Iterator[sa.Connection]:
        with self._in_file(), self._kept.connector.transaction(create=create) as connection:
            yield connection

    @contextmanager
    def _in_file(self) -> Iterator[None]:
        """Trouble in the block is the file's own: SpoolError. Damage that shows is set aside."""
        try:
            yield
        except DatabaseError as error:
            if is_damage(error):
                with suppress(OSError):
                    self._set_aside()
            raise SpoolError(str(error)) from error

    def _prepare(self) -> None:
        """See that there is a file that can be used; one that cannot is set aside."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            usable = not self.file.exists() or self.file.stat().st_size == 0 or self._is_usable()
            if not usable:
                self._set_aside()
        except OSError as error:
            raise SpoolError(
                f"spool {self.file}: {error.strerror}: give a folder that this user may write to "
                "with --spool"
            ) from error
        with self._transaction(create=True) as connection:
            own.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")

    def _is_usable(self) -> bool:
        try:
            with self._kept.connector.transaction() as connection:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar()
                if not sa.inspect(connection).get_table_names():
                    # The run that made the file crashed, or had a full disk, before it made the
                    # tables.
                    version = VERSION
                checked = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        except DatabaseError as error:
            # Nothing else is damage: a full disk, another process, missing rights pass, and what
            # waits in the file must not be left behind for that.
            if not is_damage(error):
                raise SpoolError(str(error)) from error
            return False
        return version == VERSION and checked == "ok"

    def _set_aside(self) -> None:
        aside = self.file.with_name(f"{self.file.name}.aside-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        for suffix in ("-wal", "-shm", ""):
            with suppress(FileNotFoundError):
                Path(f"{self.file}{suffix}").rename(f"{aside}{suffix}")
        log.error(
            "spool %s is damaged or of another version of netsky: set aside as %s, a new one begun",
            self.file,
            aside.name,
        )


def _write(sweep: SweepRows, database: Database) -> list[RefusedRow]:
    """Bring a sweep to the database; the rows that it refuses. RefusedError: the sweep is to wait.

    What is taken of one that waits is there by then, and is found when it comes again.
    """
    try:
        database.store(sweep)
    except RefusedError:
        refused = database.store_what_is_taken(sweep)
        of_tables = Counter(each.table for each in refused if not each.of_data)
        if len(refused) == sum(map(len, sweep.rows.values())) or any(
            count == len(sweep.rows[table]) for table, count in of_tables.items()
        ):
            raise
        return refused
    return []


def _count(connection: sa.Connection, name: str, more: int) -> None:
    if more:
        insert = sqlite.insert(counters).values(name=name, value=more)
        total = counters.c.value + insert.excluded.value
        connection.execute(insert.on_conflict_do_update(set_={"value": total}))


def _delete(connection: sa.Connection, update_time: datetime) -> None:
    for table in SWEEP_TABLES:
        connection.execute(sa.delete(table).where(time_of(table) == update_time))


def _used_bytes(connection: sa.Connection) -> int:
    pages, free, size = (
        int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
