"""Hours and days of each exit and province, computed from the counts of netsky_sweep, and kept for years.

Each sweep that is stored marks its hour as due, in its own transaction, also one that comes late from a
spool. The averaging computes the hours that are due from their sweeps, and their days from their hours,
in place of what was there: doing so again gives the same. Hours and days are of UTC. What this host has
spoilt by dropping packets itself is counted and is in no sum: it is no loss of anybody's users.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from netsky.judging.grading import LIVE_TARGETS
from netsky.loss import BAD_LOSS_PERCENT
from netsky.places import Province
from netsky.store.connection import Connector
from netsky.store.replacing import ignore_existing, replace_rows
from netsky.store.tables import (
    PROVINCE_NAMES,
    alarm,
    by_key,
    daily,
    hourly,
    line,
    rollup_due,
    sweeps,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Due:
    """An hour of an ISP and exit (naive UTC)."""

    isp: str
    egress: str
    start: datetime


def mark_due(connection: sa.Connection, isp: str, egress: str, at: datetime) -> None:
    """The hour of that time (naive UTC) is to be computed, also if it was before."""
    start = at.replace(minute=0, second=0, microsecond=0)
    ignore_existing(connection, rollup_due, [{"isp": isp, "egress": egress, "start": start}])


def due_hours(connection: sa.Connection, isp: str, egress: str | None) -> list[Due]:
    """Those of an ISP that wait, oldest first; `egress`: only of this one."""
    columns = rollup_due.c
    query = sa.select(columns.isp, columns.egress, columns.start).where(columns.isp == isp)
    if egress is not None:
        query = query.where(columns.egress == egress)
    return [Due(*row) for row in connection.execute(query.order_by(columns.start))]


def roll_up(connector: Connector, due: Due) -> None:
    """Compute an hour that is due, and its day."""
    connector.run(lambda connection: _roll_up(connection, due), create=True)


def _roll_up(connection: sa.Connection, due: Due) -> None:
    key = {"isp": due.isp, "egress": due.egress}
    _take_line(connection, key)
    mark = sa.select(rollup_due.c.start).filter_by(**key, start=due.start)
    if connection.scalar(mark) is None:
        return
    _replace(connection, hourly, _hour(connection, due))
    day = due.start.replace(hour=0)
    _replace(connection, daily, _day(connection, due.isp, due.egress, day))
    connection.execute(sa.delete(rollup_due).filter_by(**key, start=due.start))


def _take_line(connection: sa.Connection, key: Mapping[str, str]) -> None:
    """First of all, so that whoever is storing a sweep or alarms is done, or will mark its hour again.

    Each of these changes this row, too: a node of a cluster does not wait, but of the two the later one fails
    and comes again.
    """
    connection.execute(sa.update(line).filter_by(**key).values(serial=line.c.serial + 1))


def note_alarms(
    connection: sa.Connection, isp: str, egress: str, provinces: Iterable[Province], at: datetime
) -> None:
    """These provinces are in alarm in the minute of that time (naive UTC), whose hour is due again."""
    minute = at.replace(second=0, microsecond=0)
    key = {"isp": isp, "egress": egress}
    rows = [{**key, "minute": minute, "province": each.name} for each in provinces]
    _take_line(connection, key)
    ignore_existing(connection, alarm, rows)
    mark_due(connection, isp, egress, minute)


def prune_rollups(connection: sa.Connection, isp: str, *, now: datetime, keep: timedelta) -> int:
    """Delete what is older than the newest days of so many; how many rows.

    Not by the clock alone, which may have jumped: each exit keeps as many days as that.
    """
    deleted = 0
    for egress in connection.scalars(sa.select(line.c.egress).where(line.c.isp == isp)).all():
        its_own = (daily.c.isp == isp) & (daily.c.egress == egress)
        oldest = connection.scalar(sa.select(sa.func.min(daily.c.start)).where(its_own))
        if oldest is None or oldest >= now - keep:
            continue
        days = sa.select(daily.c.start).where(its_own, daily.c.start <= now).distinct()
        newest = days.order_by(daily.c.start.desc()).offset(keep // DAY).limit(1)
        last_to_go = connection.scalar(newest)
        if last_to_go is None:
            continue
        for table in (hourly, daily):
            old = (table.c.isp == isp) & (table.c.egress == egress)
            old &= table.c.start < last_to_go + DAY
            deleted += connection.execute(sa.delete(table).where(old)).rowcount
    return deleted


def _hour(connection: sa.Connection, due: Due) -> list[dict[str, Any]]:
    """Of each province with a sweep in that hour."""
    columns = sweeps.c
    end = due.start + HOUR
    is_clean = columns.tainted == sa.false()
    is_judged = is_clean & (columns.live_sent > 0)
    is_bad = _is_bad()

    def clean(value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.case((is_clean, value))

    query = (
        by_key(
            sa.select(
                columns.province,
                sa.func.count(),
                sa.func.sum(clean(columns.sent)),
                sa.func.sum(clean(columns.received)),
                sa.func.sum(clean(columns.live_sent)),
                sa.func.sum(clean(columns.live_lost)),
                sa.func.sum(clean(columns.mean * columns.received)),
                sa.func.sum(sa.case((is_clean & columns.mean.is_not(None), columns.received))),
                sa.func.max(clean(columns.p95)),
                sa.func.sum(sa.case((is_clean, 0), else_=1)),
                sa.func.sum(sa.case((is_judged, 1), else_=0)),
                sa.func.sum(sa.case((is_judged & is_bad, 1), else_=0)),
            )
        )
        .where(
            columns.isp == due.isp,
            columns.egress == due.egress,
            columns.province.in_(PROVINCE_NAMES),
        )
        .where(columns.started_at >= due.start, columns.started_at < end)
        .group_by(columns.province)
    )
    in_alarm = (
        sa.select(alarm.c.province, sa.func.count())
        .where(
            alarm.c.isp == due.isp,
            alarm.c.egress == due.egress,
            alarm.c.province.in_(PROVINCE_NAMES),
        )
        .where(alarm.c.minute >= due.start, alarm.c.minute < end)
        .group_by(alarm.c.province)
    )
    rows = connection.execute(query).all()
    minutes = {name: count for name, count in connection.execute(in_alarm)}  # noqa: C416
    return [
        _row(due.isp, due.egress, due.start, row) | {"alarm_minutes": minutes.get(row[0], 0)}
        for row in rows
    ]


def _is_bad() -> sa.ColumnElement[bool]:
    """Whether so much is lost of the usually alive, and of fewer than `LIVE_TARGETS` of them more than chance explains.

    Chance is three standard deviations of a loss of BAD_LOSS_PERCENT among so many. No root is taken: squares
    are compared, of percent times packets.
    """
    columns, one = sweeps.c, sa.literal_column("1e0", sa.Double)  # or MySQL would subtract unsigned
    sent = one * columns.live_sent
    above = 100 * one * columns.live_lost - BAD_LOSS_PERCENT * sent
    variance = BAD_LOSS_PERCENT * (100 - BAD_LOSS_PERCENT) * sent * sent
    is_beyond_chance = above * above * columns.live_targets >= 3**2 * variance
    return (above >= 0) & ((columns.live_targets >= LIVE_TARGETS) | is_beyond_chance)


def _day(connection: sa.Connection, isp: str, egress: str, day: datetime) -> list[dict[str, Any]]:
    """Of each province with an hour in that day."""
    columns = hourly.c
    replies = columns.sent - columns.lost
    query = (
        sa.select(
            columns.province,
            sa.func.sum(columns.sweeps),
            sa.func.sum(columns.sent),
            sa.func.sum(replies),
            sa.func.sum(columns.live_sent),
            sa.func.sum(columns.live_lost),
            sa.func.sum(columns.mean * replies),
            sa.func.sum(sa.case((columns.mean.is_not(None), replies))),
            sa.func.max(columns.p95),
            sa.func.sum(columns.tainted_sweeps),
            sa.func.sum(columns.judged_sweeps),
            sa.func.sum(columns.bad_sweeps),
            sa.func.sum(columns.alarm_minutes),
        )
        .where(columns.isp == isp, columns.egress == egress, columns.province.in_(PROVINCE_NAMES))
        .where(columns.start >= day, columns.start < day + DAY)
        .group_by(columns.province)
    )
    return [
        _row(isp, egress, day, row[:-1]) | {"alarm_minutes": int(row[-1])}
        for row in connection.execute(query)
    ]


def _row(isp: str, egress: str, start: datetime, values: Iterable[Any]) -> dict[str, Any]:
    """Sums are Decimal of MySQL; what no sweep knew stays None."""
    province, count, sent, received, live_sent, live_lost, rtt_sum, replies, p95, *judged = values
    tainted, known, bad = map(int, judged)
    return {
        "isp": isp,
        "egress": egress,
        "province": province,
        "start": start,
        "sweeps": int(count),
        "sent": _int(sent),
        "lost": None if sent is None else int(sent) - int(received),
        "live_sent": _int(live_sent),
        "live_lost": _int(live_lost),
        "mean": float(rtt_sum) / int(replies) if replies else None,
        "p95": p95,
        "tainted_sweeps": tainted,
        "judged_sweeps": known,
        "bad_sweeps": bad,
    }


def _int(value: Any) -> int | None:
    return None if value is None else int(value)


def _replace(connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """Put these in, but none that is of fewer sweeps than what is there: the others were pruned."""
    if not rows:
        return
    first = rows[0]
    query = sa.select(table.c.province, table.c.sweeps).where(
        table.c.isp == first["isp"],
        table.c.egress == first["egress"],
        table.c.start == first["start"],
        table.c.province.in_([row["province"] for row in rows]),
    )
    there = {name: count for name, count in connection.execute(query)}  # noqa: C416
    replace_rows(
        connection, table, [row for row in rows if row["sweeps"] >= there.get(row["province"], 0)]
    )
