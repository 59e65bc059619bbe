"""Sums of hours and days of Beijing for period reports.

netsky_hourly has what is needed. A year of it is 270,000 rows of a line, though, so that the sums of many
months are made of netsky_daily, whose days are those of UTC, and of the hours of the days in which a month of
Beijing ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from netsky.period_report import BEIJING, HOUR, Period, Totals
from netsky.places import PROVINCES, Province
from netsky.store.incidents import Line
from netsky.store.rows import aware_time, column_time
from netsky.store.tables import PROVINCES_BY_CHINESE, daily, hourly

DAY = timedelta(days=1)
_NAMES = [province.name for province in PROVINCES]
# Of a time as the database writes it: so many digits tell the hour, or the day.
HOUR_DIGITS, DAY_DIGITS = 13, 10
_FORMS = {HOUR_DIGITS: "%Y-%m-%d %H", DAY_DIGITS: "%Y-%m-%d"}


def sums_by_province(
    connection: sa.Connection, line: Line, period: Period
) -> dict[Province, Totals]:
    """Of each province with an hour in that period."""
    columns = hourly.c
    query = sa.select(columns.province, *_sums(hourly)).where(
        *_in(hourly, line, period.begin, period.end)
    )
    rows = connection.execute(query.group_by(columns.province))
    return {PROVINCES_BY_CHINESE[name]: _totals(row) for name, *row in rows}


def sums_by_step(
    connection: sa.Connection, line: Line, first: datetime, until: datetime, *, digits: int
) -> list[tuple[datetime, Totals]]:
    """Of each hour or day of Beijing that has any, all provinces together, by its beginning."""
    start = sa.func.substr(_of_beijing(connection), 1, digits, type_=sa.String).label("step")
    query = (
        sa.select(start, *_sums(hourly))
        .where(*_in(hourly, line, first, until))
        .group_by(sa.text("step"))
        .order_by(sa.text("step"))
    )
    return [
        (datetime.strptime(step, _FORMS[digits]).replace(tzinfo=BEIJING), _totals(row))
        for step, *row in connection.execute(query)
    ]


def sums_of_periods(
    connection: sa.Connection, line: Line, periods: Sequence[Period]
) -> list[tuple[Period, Totals]]:
    """Of periods that follow each other, all provinces together, without reading all of their hours."""
    first, until = periods[0].begin, periods[-1].end
    ends = {_utc_day(each) for each in (first, *(period.end for period in periods))}
    sums = dict.fromkeys(periods, Totals())
    # A query for each: one for all of them would read all that lies between, too.
    in_hours = [
        found
        for end in ends
        for found in _by_start(
            connection, hourly, _in(hourly, line, max(end, first), min(end + DAY, until))
        )
    ]
    whole = daily.c.start.not_in(map(column_time, ends))
    in_days = _by_start(connection, daily, [*_in(daily, line, first, until), whole])
    for start, totals in in_hours + in_days:
        period = next(each for each in periods if each.begin <= start < each.end)
        sums[period] += totals
    return [
        (period, replace(totals, hours=_hours(connection, line, period)))
        for period, totals in sums.items()
    ]


def newest_hour(connection: sa.Connection, line: Line, period: Period) -> datetime | None:
    """The end of the newest hour in it that is summed up."""
    query = sa.select(sa.func.max(hourly.c.start)).where(
        *_in(hourly, line, period.begin, period.end)
    )
    found = connection.scalar(query)
    return None if found is None else aware_time(found) + HOUR


def _utc_day(moment: datetime) -> datetime:
    """The beginning of the day of UTC that a time is in."""
    return aware_time(column_time(moment).replace(hour=0, minute=0, second=0))


def _by_start(
    connection: sa.Connection,
    table: sa.Table,
    where: Sequence[sa.ColumnElement[bool]],
) -> list[tuple[datetime, Totals]]:
    query = sa.select(table.c.start, *_sums(table)).where(*where).group_by(table.c.start)
    return [(aware_time(start), _totals(row)) for start, *row in connection.execute(query)]


def _hours(connection: sa.Connection, line: Line, period: Period) -> int:
    """By the key alone, which is much less to read than the rows."""
    query = sa.select(sa.func.count()).select_from(hourly)
    found = connection.scalar(query.where(*_in(hourly, line, period.begin, period.end)))
    return int(found or 0)


def _in(
    table: sa.Table, line: Line, first: datetime, until: datetime
) -> list[sa.ColumnElement[bool]]:
    """Rows of a line; with its provinces, so that their part of the key is a range of times each."""
    columns = table.c
    return [
        columns.isp == line.isp,
        columns.egress == line.egress,
        columns.province.in_(_NAMES),
        columns.start >= column_time(first),
        columns.start < column_time(until),
    ]


def _of_beijing(connection: sa.Connection) -> sa.ColumnElement[Any]:
    """The time of an hour there."""
    start = hourly.c.start
    if connection.dialect.name == "sqlite":
        return sa.func.datetime(start, "+8 hours", type_=sa.String)
    return sa.func.timestampadd(sa.text("HOUR"), 8, start)


def _sums(table: sa.Table) -> list[sa.ColumnElement[Any]]:
    """As `Totals` has them."""
    columns = table.c
    replies = columns.sent - columns.lost
    return [
        sa.func.count(),
        sa.func.sum(columns.sweeps),
        sa.func.sum(columns.sent),
        sa.func.sum(columns.lost),
        sa.func.sum(columns.live_sent),
        sa.func.sum(columns.live_lost),
        sa.func.sum(columns.mean * replies),
        sa.func.sum(sa.case((columns.mean.is_not(None), replies))),
        sa.func.max(columns.p95),
        sa.func.sum(columns.alarm_minutes),
    ]


def _totals(values: Iterable[Any]) -> Totals:
    """Sums are Decimal of MySQL, and None where nothing is known."""
    hours, sweeps, sent, lost, live_sent, live_lost, rtt_sum, replies, p95, alarm = values
    return Totals(
        hours=int(hours),
        sweeps=int(sweeps or 0),
        sent=int(sent or 0),
        lost=int(lost or 0),
        live_sent=int(live_sent or 0),
        live_lost=int(live_lost or 0),
        rtt_sum=float(rtt_sum or 0.0),
        replies=int(replies or 0),
        p95=p95,
        alarm_minutes=int(alarm or 0),
    )
