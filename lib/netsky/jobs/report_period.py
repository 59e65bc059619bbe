"""Gathering a day or a month of each line from the sums of hours and days. Only the database is read."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from netsky.errors import DatabaseError, MissingDatabaseError, NoDataError
from netsky.jobs.incidents import StoredLine
from netsky.period_report import Kind, LinePeriod, Period, PeriodReport, added
from netsky.store.incidents import Line, incidents_since
from netsky.store.reports_period import (
    losses_by_step,
    newest_hour,
    sums_by_province,
)

log = logging.getLogger(__name__)

TREND = {Kind.DAY: 30, Kind.MONTH: 12}
"""So many periods are shown side by side, this one among them."""


def gather_period(lines: Sequence[StoredLine], period: Period, *, now: datetime) -> PeriodReport:
    """A period of each line; one that cannot be read is told in the report.

    A line of which nothing was ever stored is left out. Raises DatabaseError when no line can be read, and
    NoDataError when none has anything in that period.
    """
    found: list[LinePeriod] = []
    untils: list[datetime] = []
    errors: list[DatabaseError] = []
    for line in lines:
        try:
            with line.database.connector.transaction() as connection:
                found.append(_line(connection, line, period))
                until = newest_hour(connection, Line(line.isp.slug, line.egress), period)
        except MissingDatabaseError as error:
            log.info("ISP %s through egress %s: %s", line.isp.slug, line.egress, error)
        except DatabaseError as error:
            log.error("ISP %s through egress %s: %s", line.isp.slug, line.egress, error)
            errors.append(error)
            found.append(LinePeriod(line.isp, line.egress, {}, {}, problem=str(error)))
        else:
            untils += [until] if until else []
    if errors and len(errors) == len(found):
        raise errors[0]
    if not untils:
        raise NoDataError(
            f"nothing is summed up of {period.name}, in Beijing: netsky_get_avg_lossrate.py, which cron "
            "runs each hour, sums up what netsky_probe.py has measured"
        )
    return PeriodReport(period, now, max(untils), tuple(found))


def _line(connection: sa.Connection, line: StoredLine, period: Period) -> LinePeriod:
    key = Line(line.isp.slug, line.egress)
    periods = period.back(TREND[period.kind])
    sums = {each: sums_by_province(connection, key, each) for each in periods}
    return LinePeriod(
        line.isp,
        line.egress,
        sums[period],
        sums[period.before],
        losses_by_step(connection, key, period),
        [(each, added(of.values())) for each, of in sums.items()],
        [
            each
            for each in reversed(incidents_since(connection, key, periods[0].begin))
            if each.opened_at < period.end
        ],
    )
