"""netsky_sweep divided into days on MySQL and MariaDB, so that an old day is dropped at one stroke.

A day is a partition `before_YYYY_MM_DD`, and reaches back to the one before it; what is later than all
days is in `later`, as is everything until the first averaging. Dividing takes rights that storing does
not need (ALTER, CREATE, DROP on this one table). Without them all works the same, only that old rows are
deleted one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from netsky.errors import DatabaseError
from netsky.store.connection import Connector
from netsky.store.tables import sweeps

DAY = timedelta(days=1)
_BEGINNING, _NEVER = datetime.min, datetime.max  # noqa: DTZ901 - as the columns have it
DAYS_AHEAD = 7  # so long an averaging may be away before rows come into `later`
MOST_DAYS = 1000  # with more of them a server is slow: then each is of several days

# Dividing what is full copies it, and nobody may write meanwhile.
_MOST_ROWS_COPIED = 500_000
# Somebody reads for long: the next run will do it, and until then nobody shall wait behind us.
_SECONDS_TO_WAIT = 3


@dataclass(frozen=True, slots=True)
class Part:
    """A partition: all rows from the one before it on that are earlier than `end` (naive UTC)."""

    name: str
    end: datetime
    rows: int

    @property
    def is_last(self) -> bool:
        return self.end == _NEVER


def parts(connection: sa.Connection) -> list[Part]:
    """The partitions in the order of time; none where the server or the table has none."""
    if connection.dialect.name == "sqlite":
        return []
    found = connection.execute(
        sa.text(
            "SELECT partition_name, partition_description, table_rows FROM "
            "information_schema.partitions WHERE table_schema = DATABASE() AND table_name = :table "
            "AND partition_name IS NOT NULL ORDER BY partition_ordinal_position"
        ),
        {"table": sweeps.name},
    )
    return [Part(name, _end(description), rows or 0) for name, description, rows in found]


def divide(connector: Connector, *, now: datetime, keep: timedelta) -> None:
    """See that the days from `now` (naive UTC) on are there. Raises DatabaseError, also without rights."""
    with connector.transaction() as connection:
        there = parts(connection)
        if not there:
            return
        missing = [end for end in _wanted(now, keep) if end not in {part.end for part in there}]
        for part in there:
            inside = [end for end in missing if end < part.end]
            missing = [end for end in missing if end > part.end]
            if not inside:
                continue
            if part.rows > _MOST_ROWS_COPIED:
                raise DatabaseError(
                    f"database {connector}: {part.rows:,} rows are in one part of {sweeps.name}: apply "
                    "upgrade.sql, which divides it into days (docs/upgrade.md)"
                )
            connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {_SECONDS_TO_WAIT}")
            connection.exec_driver_sql(_division(part, inside))


def drop(connector: Connector, before: datetime) -> Iterator[str]:
    """Drop the days that ended before that (naive UTC); their names. Raises DatabaseError."""
    with connector.transaction() as connection:
        old = [part.name for part in parts(connection) if part.end <= before]
    for name in old:
        with connector.transaction() as connection:
            connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {_SECONDS_TO_WAIT}")
            connection.exec_driver_sql(f"ALTER TABLE {sweeps.name} DROP PARTITION `{name}`")
        yield name


def ends_soon(connector: Connector, before: datetime) -> bool:
    """Whether what is left of before that is in a day that will be dropped soon, as a whole."""
    with connector.transaction() as connection:
        found = parts(connection)
    first = next((part for part in found if part.end > before), None)
    return first is not None and not first.is_last and first.end - before <= 2 * DAY


def _wanted(now: datetime, keep: timedelta) -> list[datetime]:
    """The ends of the days from now on."""
    width = DAY * (1 + keep // (MOST_DAYS * DAY))
    whole = (now - _BEGINNING) // width
    return [_BEGINNING + width * (whole + 1 + ahead) for ahead in range(DAYS_AHEAD)]


def _division(part: Part, ends: Sequence[datetime]) -> str:
    divided = [f"PARTITION before_{end:%Y_%m_%d} VALUES LESS THAN ('{end}')" for end in ends]
    last = "MAXVALUE" if part.is_last else f"'{part.end}'"
    divided.append(f"PARTITION `{part.name}` VALUES LESS THAN ({last})")
    return (
        f"ALTER TABLE {sweeps.name} REORGANIZE PARTITION `{part.name}` INTO ({', '.join(divided)})"
    )


def _end(description: str) -> datetime:
    if description == "MAXVALUE":
        return _NEVER
    return datetime.fromisoformat(description.strip("'"))
