"""Sums of hours and days of Beijing for period reports.

netsky_hourly has what is needed. A year of it is 270,000 rows of a line, though, so that what is asked of long
periods is made of netsky_daily, whose days are those of UTC, and of the hours at both ends of the period.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from netsky.period_report import BEIJING, HOUR, Kind, Period, Totals, added
from netsky.places import Province
from netsky.store.incidents import Line
from netsky.store.rows import aware_time, column_time
from netsky.store.tables import PROVINCE_NAMES, PROVINCES_BY_CHINESE, daily, hourly

DAY = timedelta(days=1)


def sums_by_province(
    connection: sa.Connection, line: Line, period: Period
) -> dict[Province, Totals]:
    """Of each province with an hour in that period."""
    begin, end = period.begin, period.end
    first, last = _utc_day(begin - timedelta(microseconds=1)) + DAY, _utc_day(end)
    parts = (
        [(hourly, begin, first), (daily, first, last), (hourly, last, end)]
        if first < last
        else [(hourly, begin, end)]
    )
    sums: dict[Province, Totals] = {}
    # A query for each: one for all of them would read all that lies between, too.
    for table, since, until in parts:
        query = _by_province(table)
        for name, *row in connection.execute(query, _where(line, since, until)):
            province = PROVINCES_BY_CHINESE[name]
            sums[province] = sums.get(province, Totals()) + _totals(row)
    return sums


def losses_by_step(
    connection: sa.Connection, line: Line, period: Period
) -> list[tuple[datetime, Totals]]:
    """Packets of each hour of a day, or day of a month, that has any: all provinces, by its beginning."""
    columns = hourly.c
    counted = (columns.sent, columns.lost, columns.live_sent, columns.live_lost)
    query = (
        sa.select(columns.start, *(sa.func.sum(each) for each in counted))
        .where(*_in(hourly))
        .group_by(columns.start)
    )
    steps: dict[datetime, list[Totals]] = {}
    for start, *row in connection.execute(query, _where(line, period.begin, period.end)):
        sent, lost, live_sent, live_lost = (int(value or 0) for value in row)
        at = aware_time(start).astimezone(BEIJING)
        if period.kind is Kind.MONTH:
            at = at.replace(hour=0)
        packets = Totals(sent=sent, lost=lost, live_sent=live_sent, live_lost=live_lost)
        steps.setdefault(at, []).append(packets)
    return [(at, added(steps[at])) for at in sorted(steps)]


def newest_hour(connection: sa.Connection, line: Line, period: Period) -> datetime | None:
    """The end of the newest hour in it that is summed up."""
    query = sa.select(sa.func.max(hourly.c.start)).where(*_in(hourly))
    found = connection.scalar(query, _where(line, period.begin, period.end))
    return None if found is None else aware_time(found) + HOUR


def _utc_day(moment: datetime) -> datetime:
    """The beginning of the day of UTC that a time is in."""
    return aware_time(column_time(moment).replace(hour=0, minute=0, second=0))


def _in(table: sa.Table) -> list[sa.ColumnElement[bool]]:
    """Rows of a line; with its provinces, so that their part of the key is a range of times each."""
    columns = table.c
    return [
        columns.isp == sa.bindparam("isp"),
        columns.egress == sa.bindparam("egress"),
        columns.province.in_(PROVINCE_NAMES),
        columns.start >= sa.bindparam("first"),
        columns.start < sa.bindparam("until"),
    ]


def _where(line: Line, first: datetime, until: datetime) -> dict[str, Any]:
    return {
        "isp": line.isp,
        "egress": line.egress,
        "first": column_time(first),
        "until": column_time(until),
    }


@cache
def _by_province(table: sa.Table) -> sa.Select[Any]:
    """Made once: a year of a line asks it 36 times, and to make it takes longer than to answer it."""
    query = sa.select(table.c.province, *_sums(table)).where(*_in(table))
    return query.group_by(table.c.province)


def _sums(table: sa.Table) -> list[sa.ColumnElement[Any]]:
    """As `Totals` has them."""
    columns = table.c
    replies = columns.sent - columns.lost
    return [
        sa.func.sum(columns.sweeps),
        sa.func.sum(columns.sent),
        sa.func.sum(columns.lost),
        sa.func.sum(columns.live_sent),
        sa.func.sum(columns.live_lost),
        sa.func.sum(columns.mean * replies),
        sa.func.sum(sa.case((columns.mean.is_not(None), replies))),
        sa.func.max(columns.p95),
        sa.func.sum(columns.alarm_minutes),
        sa.func.sum(columns.tainted_sweeps),
        sa.func.sum(columns.judged_sweeps),
        sa.func.sum(columns.bad_sweeps),
    ]


def _totals(values: Iterable[Any]) -> Totals:
    """Sums are Decimal of MySQL, and None where nothing is known."""
    sweeps, sent, lost, live_sent, live_lost, rtt_sum, replies, p95, *counts = values
    alarm, tainted, judged, bad = (int(value or 0) for value in counts)
    return Totals(
        sweeps=int(sweeps or 0),
        sent=int(sent or 0),
        lost=int(lost or 0),
        live_sent=int(live_sent or 0),
        live_lost=int(live_lost or 0),
        rtt_sum=float(rtt_sum or 0.0),
        replies=int(replies or 0),
        p95=p95,
        alarm_minutes=alarm,
        tainted_sweeps=tainted,
        judged_sweeps=judged,
        bad_sweeps=bad,
    )
