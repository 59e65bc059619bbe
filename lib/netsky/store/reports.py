"""What reports ask of the sweeps of a line: sums over time, and what failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from netsky.fault import parse_fault
from netsky.incident_loss import ProvinceFault, Series, Step, Sums
from netsky.places import Province
from netsky.store.incidents import Line
from netsky.store.rows import aware_time, column_time
from netsky.store.tables import PROVINCES_BY_CHINESE, by_key, hourly, sweeps

_WORST_SWEEPS = 3  # of a province: in one of them the part that failed is told


def losses_over_time(
    connection: sa.Connection,
    line: Line,
    *,
    provinces: Iterable[Province],
    first: datetime,
    until: datetime,
    step: Step,
    tainted: bool = False,
) -> dict[Province, Series]:
    """The times first <= time < until, by province and step.

    Sweeps that this host spoilt count only when such `tainted` ones are wanted, too.
    """
    columns = sweeps.c
    start = sa.func.substr(columns.started_at, 1, step.digits, type_=sa.String).label("start")
    query = (
        by_key(sa.select(columns.province, start, *_sums()))
        .where(*_of(sweeps, line, provinces), columns.tainted.is_(False) | sa.literal(tainted))
        .where(columns.started_at >= column_time(first), columns.started_at < column_time(until))
        .group_by(columns.province, sa.text("start"))
        .order_by(sa.text("start"))
    )
    return _by_province(
        (name, _time(start, step), _sums_of(row)) for name, start, *row in connection.execute(query)
    )


def hourly_losses(
    connection: sa.Connection,
    line: Line,
    *,
    provinces: Iterable[Province],
    first: datetime,
    until: datetime,
) -> dict[Province, Series]:
    """The same of the hours that are kept when their sweeps are no more, from that of `first` on."""
    columns = hourly.c
    begin = Step.HOUR.begin(first)
    query = (
        sa.select(
            columns.province,
            columns.start,
            columns.sweeps - columns.tainted_sweeps,
            columns.sent,
            columns.lost,
            columns.live_sent,
            columns.live_lost,
        )
        .where(*_of(hourly, line, provinces), columns.sent.is_not(None))
        .where(columns.start >= column_time(begin), columns.start < column_time(until))
        .order_by(columns.start)
    )
    return _by_province(
        (name, aware_time(start), _sums_of([*row, (row[3] or 0) / row[0]]))
        for name, start, *row in connection.execute(query)
    )


def newest_sweep(connection: sa.Connection, line: Line, *, until: datetime) -> datetime | None:
    """The start of the newest sweep of a line that is not later than that."""
    columns = sweeps.c
    query = sa.select(sa.func.max(columns.started_at)).where(
        columns.started_at <= column_time(until), *_of(sweeps, line, ())
    )
    found = connection.scalar(query)
    return None if found is None else aware_time(found)


def tainted_sweeps(
    connection: sa.Connection, line: Line, *, first: datetime, until: datetime
) -> int:
    """How many sweeps of that time this host has spoilt by dropping packets itself."""
    columns = sweeps.c
    query = sa.select(sa.func.count(sa.distinct(columns.started_at))).where(
        *_of(sweeps, line, ()),
        columns.started_at >= column_time(first),
        columns.started_at < column_time(until),
        columns.tainted.is_(True),
    )
    return int(connection.scalar(query) or 0)


def worst_faults(
    connection: sa.Connection,
    line: Line,
    *,
    provinces: Sequence[Province],
    first: datetime,
    until: datetime,
) -> list[ProvinceFault]:
    """What failed in each of these provinces, in its sweep of that time that lost most."""
    return [
        found
        for province in provinces
        if (found := _worst_fault(connection, line, province, first, until))
    ]


def _worst_fault(
    connection: sa.Connection,
    line: Line,
    province: Province,
    first: datetime,
    until: datetime,
) -> ProvinceFault | None:
    columns = sweeps.c
    query = (
        by_key(sa.select(columns.started_at, columns.prefixes))
        .where(*_of(sweeps, line, [province]))
        .where(columns.started_at >= column_time(first), columns.started_at < column_time(until))
        .where(columns.prefixes.is_not(None), columns.tainted.is_(False))
        .order_by(columns.live_lost.desc(), columns.started_at.desc())
        .limit(_WORST_SWEEPS)
    )
    found = [
        ProvinceFault(province, aware_time(at), fault)
        for at, text in connection.execute(query)
        if (fault := parse_fault(text))
    ]
    return next((each for each in found if each.fault.prefixes), found[0] if found else None)


def _of(table: sa.Table, line: Line, provinces: Iterable[Province]) -> list[sa.ColumnElement[bool]]:
    """Rows of a line; without provinces of all of them."""
    columns = table.c
    names = [province.name for province in provinces]
    its_own = [columns.isp == line.isp, columns.egress == line.egress]
    return [*its_own, columns.province.in_(names)] if names else its_own


def _sums() -> list[sa.ColumnElement[Any]]:
    """As `Sums` has them, of sweeps of which counts are known."""
    columns = sweeps.c
    return [
        sa.func.count(columns.sent),
        sa.func.sum(columns.sent),
        sa.func.sum(columns.sent - columns.received),
        sa.func.sum(columns.live_sent),
        sa.func.sum(columns.live_lost),
        sa.func.max(columns.live_targets),
    ]


def _sums_of(values: Iterable[Any]) -> Sums:
    """Sums are Decimal of MySQL, and None where nothing is known."""
    return Sums(*(int(value or 0) for value in values))


def _by_province(rows: Iterable[tuple[str, datetime, Sums]]) -> dict[Province, Series]:
    series: dict[Province, list[tuple[datetime, Sums]]] = {}
    for name, start, sums in rows:
        series.setdefault(PROVINCES_BY_CHINESE[name], []).append((start, sums))
    return dict(series)


def _time(text: str, step: Step) -> datetime:
    """The start of a step from the first digits of a time: `2026-11-25 03:1` is ten minutes."""
    whole = f"{text}{'0000-00-00 00:00'[step.digits :]}"
    return datetime.strptime(whole, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
