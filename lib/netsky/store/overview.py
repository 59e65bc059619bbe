"""What the database has of one line for the overview, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from netsky.clock import CLOCK_TOLERANCE
from netsky.judging.grading import TOLERANCE_RATIO, Judgement
from netsky.judging.incidents import Incident
from netsky.loss import Baseline, NewestLoss
from netsky.overview import CELL, CELLS, SweepState
from netsky.places import Province
from netsky.store.baselines import stored_baselines
from netsky.store.connection import Connector
from netsky.store.incidents import Line, incidents_since
from netsky.store.newest import newest_losses
from netsky.store.rows import aware_time, column_time
from netsky.store.tables import PROVINCE_NAMES, PROVINCES_BY_CHINESE, by_key, exact, line, sweeps


@dataclass(frozen=True, slots=True)
class CellLoss:
    """The largest losses of a province among the sweeps of a cell, of all targets and of the usually alive."""

    loss_ratio: float | None
    live_loss_ratio: float | None


@dataclass(frozen=True, slots=True)
class StoredState:
    """Of a line that was measured before; `cells` by province and number of the cell, as far as any were."""

    newest: list[NewestLoss]
    baselines: list[Baseline]
    sweep: SweepState | None
    incidents: list[Incident]
    cells: Mapping[tuple[Province, int], CellLoss]


def read_state(
    connector: Connector, isp: str, egress: str, *, now: datetime, day_begins: datetime
) -> StoredState | None:
    """None: that line never had a sweep. Raises DatabaseError."""
    until = column_time(now + CLOCK_TOLERANCE)
    with connector.transaction() as connection:
        known = sa.select(line.c.serial).filter_by(isp=isp, egress=egress)
        if connection.scalar(known) is None:
            return None
        return StoredState(
            newest_losses(connection, isp, egress, until=until),
            stored_baselines(connection, isp, egress),
            _newest_sweep(connection, isp, egress, until),
            incidents_since(connection, Line(isp, egress), day_begins),
            _cells(connection, isp, egress, column_time(day_begins), until),
        )


def above_since(
    connector: Connector,
    isp: str,
    egress: str,
    judgement: Judgement,
    *,
    limit: float,
    since: datetime,
) -> datetime | None:
    """The start of the first of the sweeps, up to the newest, that all lost so much more than the baseline.

    Not before `since`; sweeps that this host spoilt are passed over. None: the newest did not.
    """
    if judgement.newest is None:
        return None
    columns, until = sweeps.c, judgement.newest.measured_at
    live = columns.live_lost * sa.literal_column("1e0", sa.Double) / columns.live_sent
    loss = live if judgement.by_live else exact(columns.lossrate) / sa.literal_column("1e2")
    query = (
        by_key(sa.select(columns.started_at, loss))
        .where(columns.isp == isp, columns.egress == egress, columns.tainted == sa.false())
        .where(columns.province == judgement.province.name)
        .where(columns.started_at >= column_time(since), columns.started_at <= column_time(until))
        .order_by(columns.started_at.desc())
    )
    found = None
    with connector.transaction() as connection:
        for at, ratio in connection.execute(query):
            if ratio is None or ratio - (judgement.baseline_ratio or 0.0) < limit - TOLERANCE_RATIO:
                break
            found = at
    return None if found is None else aware_time(found)


def _newest_sweep(
    connection: sa.Connection, isp: str, egress: str, until: datetime
) -> SweepState | None:
    columns = sweeps.c
    newest = (
        by_key(sa.select(columns.started_at))
        .where(columns.isp == isp, columns.egress == egress, columns.started_at <= until)
        .order_by(columns.started_at.desc())
        .limit(1)
    )
    # A look-up for each province at the end of its part of the key.
    times = [
        connection.scalar(newest.where(columns.province == province)) for province in PROVINCE_NAMES
    ]
    started_at = max((at for at in times if at is not None), default=None)
    if started_at is None:
        return None
    query = sa.select(
        columns.province,
        columns.tainted,
        columns.targets,
        columns.live_targets,
        exact(columns.mean).label("mean"),
    ).where(
        columns.isp == isp,
        columns.egress == egress,
        columns.province.in_(PROVINCE_NAMES),
        columns.started_at == started_at,
    )
    rows = connection.execute(by_key(query)).all()
    return SweepState(
        aware_time(started_at),
        any(row.tainted for row in rows),
        _sum(row.targets for row in rows),
        _sum(row.live_targets for row in rows),
        {
            PROVINCES_BY_CHINESE[row.province]: None if row.mean is None else row.mean / 1000
            for row in rows
        },
    )


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _cells(
    connection: sa.Connection, isp: str, egress: str, begin: datetime, until: datetime
) -> dict[tuple[Province, int], CellLoss]:
    """Of the sweeps that count: not those in which this host dropped packets itself."""
    columns = sweeps.c
    cell = _cell_number(connection, begin)
    # A division by 0 is NULL, which does not count.
    live = columns.live_lost * sa.literal_column("1e0", sa.Double) / columns.live_sent
    query = (
        by_key(
            sa.select(
                columns.province, cell, sa.func.max(exact(columns.lossrate)), sa.func.max(live)
            )
        )
        .where(columns.isp == isp, columns.egress == egress, columns.province.in_(PROVINCE_NAMES))
        .where(columns.started_at >= begin, columns.started_at <= until)
        .where(columns.tainted == sa.false())
        .group_by(columns.province, cell)
    )
    return {
        (PROVINCES_BY_CHINESE[name], min(int(number), CELLS - 1)): CellLoss(
            None if percent is None else percent / 100, live_ratio
        )
        for name, number, percent, live_ratio in connection.execute(query)
    }


def _cell_number(connection: sa.Connection, begin: datetime) -> sa.ColumnElement[Any]:
    seconds = int(CELL.total_seconds())
    if connection.dialect.name == "sqlite":
        since = sa.func.strftime("%s", sweeps.c.started_at) - sa.func.strftime("%s", begin)
        return (since / sa.literal_column(str(seconds))).label("cell")
    since = sa.func.timestampdiff(sa.literal_column("SECOND", sa.Text), begin, sweeps.c.started_at)
    return sa.func.floor(since / sa.literal_column(str(seconds))).label("cell")
