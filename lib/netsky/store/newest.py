"""Which row of a province is its newest one, although the clock that stamped it may have jumped.

Newest is the newest that is not stamped later than now, by more than what clocks may differ. Two
things make this more than a look-up, and in both the serials tell in which order sweeps came:

- A clock that was hours ahead and was set right leaves rows whose time is still to come. As it
  comes, they stand among the rows of now: of rows that are minutes apart, the one stored last counts.
- When rows keep coming that are all stamped later than now, the clock that stamps them is ahead of
  ours, or ours is behind. What else has a time of now was then measured long ago, so that the row
  stored last is taken, which is in the future: it cannot be judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from netsky.fault import parse_fault
from netsky.loss import NewestLoss
from netsky.places import PROVINCES, Province
from netsky.store.ignored import is_any_ahead
from netsky.store.rows import aware_time
from netsky.store.tables import PROVINCES_BY_CHINESE, by_key, exact, sweeps

# Beside each other: with a sweep every 10 s, those that may be ahead of now, and as many others.
_ROWS = 20
_MINUTES_APART = timedelta(minutes=5)

# A clock that was ahead for no more sweeps than that does not outweigh the sweeps before.
_FEW_SWEEPS = 3


@dataclass(frozen=True, slots=True)
class LossRow:
    """A row of netsky_sweep with a loss rate; `started_at` is naive UTC."""

    province: Province
    serial: int
    percent: float
    started_at: datetime
    live_targets: int | None
    live_sent: int | None
    live_lost: int | None
    prefixes: str | None

    @property
    def loss(self) -> NewestLoss:
        live = (
            self.live_lost / self.live_sent
            if self.live_sent and self.live_lost is not None
            else None
        )
        measured_at = aware_time(self.started_at)
        return NewestLoss(
            self.province,
            self.percent / 100,
            measured_at,
            live,
            self.live_targets,
            parse_fault(self.prefixes),
        )

    @property
    def order(self) -> tuple[int, datetime]:
        """By what came first; rows of before there were serials all have 0."""
        return self.serial, self.started_at


def newest_losses(
    connection: sa.Connection,
    isp: str,
    egress: str,
    *,
    until: datetime,
    since: datetime | None = None,
) -> list[NewestLoss]:
    """The newest loss of each province that has any, at that time (naive UTC, tolerance included).

    `since`: those that have none from then on may be left out, which saves looking for what they had before.
    """
    started_at = sweeps.c.started_at
    stamped = _of_late(connection, isp, egress, until)
    if since is None or since < until - _MINUTES_APART:
        silent = [province for province in PROVINCES if province not in stamped]
        stamped |= _latest(connection, isp, egress, silent, started_at <= until)
    ahead = {}
    if is_any_ahead(connection, isp, egress, after=until):
        ahead = _latest(connection, isp, egress, PROVINCES, started_at > until)
    found = (_newest(stamped.get(each, ()), ahead.get(each, ())) for each in PROVINCES)
    return [row.loss for row in found if row]


def _of_late(
    connection: sa.Connection, isp: str, egress: str, until: datetime
) -> dict[Province, list[LossRow]]:
    """The rows of the last minutes of each province that has one in the latest of these.

    One question for all of them: where the table is divided into days, each further one costs more
    than what it finds.
    """
    started_at = sweeps.c.started_at
    query = _rows(isp, egress, PROVINCES).where(started_at > until - 2 * _MINUTES_APART)
    rows = _by_province(connection, query.where(started_at <= until))
    recent = until - _MINUTES_APART
    return {
        province: found
        for province, found in rows.items()
        if any(row.started_at > recent for row in found)
    }


def _latest(
    connection: sa.Connection,
    isp: str,
    egress: str,
    provinces: Sequence[Province],
    when: sa.ColumnElement[bool],
) -> dict[Province, list[LossRow]]:
    """Some of the rows with the latest times, by province."""
    # A look-up a province at the end of its part of the key. GROUP BY with MAX() would read the
    # whole of it in SQLite.
    look_ups = [
        _rows(isp, egress, [province])
        .where(when)
        .order_by(sweeps.c.started_at.desc())
        .limit(_ROWS)
        .subquery()
        for province in provinces
    ]
    if not look_ups:
        return {}
    return _by_province(connection, sa.union_all(*map(sa.select, look_ups)))


def _rows(isp: str, egress: str, provinces: Sequence[Province]) -> sa.Select[Any]:
    """Those with a loss rate, as LossRow has them."""
    columns = sweeps.c
    query = sa.select(
        columns.province,
        columns.serial,
        exact(columns.lossrate).label("percent"),
        columns.started_at,
        columns.live_targets,
        columns.live_sent,
        columns.live_lost,
        columns.prefixes,
    )
    return (
        by_key(query)
        .where(columns.isp == isp, columns.egress == egress, columns.lossrate.is_not(None))
        .where(columns.province.in_([province.name for province in provinces]))
    )


def _by_province(
    connection: sa.Connection, query: sa.Select[Any] | sa.CompoundSelect[Any]
) -> dict[Province, list[LossRow]]:
    rows: dict[Province, list[LossRow]] = {}
    for name, *values in connection.execute(query):
        province = PROVINCES_BY_CHINESE[name]
        rows.setdefault(province, []).append(LossRow(province, *values))
    return rows


def _newest(stamped: Sequence[LossRow], ahead: Sequence[LossRow]) -> LossRow | None:
    """Of the rows of one province; `stamped` are not later than now, `ahead` are."""
    if not stamped:
        return max(ahead, key=lambda row: row.order, default=None)
    latest = max(row.started_at for row in stamped)
    beside = [row for row in stamped if row.started_at > latest - _MINUTES_APART]
    newest = max(beside, key=lambda row: row.order)
    later = [row for row in ahead if row.serial > newest.serial]
    if len(later) > _FEW_SWEEPS:
        return max(later, key=lambda row: row.order)
    return newest
