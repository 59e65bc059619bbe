"""Which row of a province is its newest one, although the clock that stamped it may have jumped.

Newest is the newest that is not stamped later than now, by more than what clocks may differ. Two
things make this more than a look-up, and in both the rows' ids tell in which order they came:

- A clock that was hours ahead and was set right leaves rows whose time is still to come. As it
  comes, they stand among the rows of now: of rows that are minutes apart, the one stored last counts.
- When rows keep coming that are all stamped later than now, the clock that stamps them is ahead of
  ours, or ours is behind. What else has a time of now was then measured long ago, so that the row
  stored last is taken, which is in the future: it cannot be judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from netsky.store.tables import by_name, exact, lossrate

# Beside each other: with a sweep every 10 s, those that may be ahead of now, and as many others.
_ROWS = 20
_MINUTES_APART = timedelta(minutes=5)

# A clock that was ahead for no more sweeps than that does not outweigh the sweeps before.
_FEW_SWEEPS = 3


@dataclass(frozen=True, slots=True)
class LossRow:
    """A row of netsky_lossrate with a value; `update_time` is naive UTC."""

    serial: int
    name: str
    percent: float
    update_time: datetime


def newest_rows(
    connection: sa.Connection, names: Iterable[str], egress: str, *, until: datetime
) -> list[LossRow]:
    """The newest row of each name that has any, at that time (naive UTC, tolerance included)."""
    names = list(names)
    update_time = lossrate.c.update_time
    stamped = _latest(connection, names, egress, update_time <= until)
    ahead = _latest(connection, names, egress, update_time > until)
    found = (_newest(stamped.get(name, ()), ahead.get(name, ())) for name in names)
    return [row for row in found if row]


def _latest(
    connection: sa.Connection, names: Sequence[str], egress: str, when: sa.ColumnElement[bool]
) -> dict[str, list[LossRow]]:
    """Some of the rows with the latest times, by name."""
    columns = lossrate.c
    # A look-up a name at the end of its part of the unique index. GROUP BY with MAX() would
    # read the whole of it in SQLite.
    look_ups = [
        by_name(
            sa.select(
                columns.netsky_lossrate_id,
                columns.name,
                exact(columns.value).label("value"),
                columns.update_time,
            )
        )
        .where(columns.name == name, columns.egress == egress)
        .where(columns.value.is_not(None), when)
        .order_by(columns.update_time.desc())
        .limit(_ROWS)
        .subquery()
        for name in names
    ]
    rows: dict[str, list[LossRow]] = {}
    for values in connection.execute(sa.union_all(*map(sa.select, look_ups))):
        row = LossRow(*values)
        rows.setdefault(row.name, []).append(row)
    return rows


def _newest(stamped: Sequence[LossRow], ahead: Sequence[LossRow]) -> LossRow | None:
    """Of the rows of one name; `stamped` are not later than now, `ahead` are."""
    if not stamped:
        return max(ahead, key=lambda row: row.serial, default=None)
    latest = max(row.update_time for row in stamped)
    beside = [row for row in stamped if row.update_time > latest - _MINUTES_APART]
    newest = max(beside, key=lambda row: row.serial)
    later = [row for row in ahead if row.serial > newest.serial]
    if len(later) > _FEW_SWEEPS:
        return max(later, key=lambda row: row.serial)
    return newest
