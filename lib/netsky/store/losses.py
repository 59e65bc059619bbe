"""Loss and latency of an exit's provinces sweep by sweep, from netsky_sweep."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import sqlalchemy as sa

from netsky.judging.grading import LIVE_TARGETS
from netsky.judging.usual import Floats
from netsky.judging.usual_columns import COLUMNS, Kind, column_of
from netsky.judging.usual_sweeps import Sweep
from netsky.places import PROVINCES
from netsky.store.rows import aware_time
from netsky.store.tables import PROVINCE_NAMES, by_key, exact, sweeps

# Of two hosts, or of a clock that was set by seconds, some come in another order.
_FEW_SWEEPS = 3


def losses(
    connection: sa.Connection, isp: str, egress: str, *, since: float, until: float
) -> list[Sweep]:
    """Those of since <= time <= until (Unix seconds), in the order of time.

    One that came long before another that is stamped earlier is left out: the clock was ahead when it was stored.
    """
    columns = sweeps.c
    query = (
        by_key(
            sa.select(
                columns.started_at,
                columns.province,
                columns.serial,
                exact(columns.lossrate),
                columns.live_targets,
                columns.live_sent,
                columns.live_lost,
                columns.sent,
                columns.mean,
            )
        )
        .where(columns.isp == isp, columns.egress == egress, columns.lossrate.is_not(None))
        .where(columns.province.in_(PROVINCE_NAMES))
        .where(columns.started_at >= _time(since), columns.started_at <= _time(until))
    )
    found: dict[datetime, tuple[int, Floats]] = {}
    for row in connection.execute(query):
        started_at, name, serial, percent, live_targets, live_sent, live_lost, sent, mean = row
        if started_at not in found:
            found[started_at] = (serial, np.full((2, COLUMNS), np.nan))
        loss, packets = found[started_at][1]
        of_all, of_live, latency = _COLUMNS[name]
        loss[of_all] = percent / 100
        if sent:
            packets[of_all] = sent
        if live_sent and live_lost is not None and (live_targets or 0) >= LIVE_TARGETS:
            loss[of_live], packets[of_live] = live_lost / live_sent, live_sent
        if mean is not None:
            loss[latency] = mean / 1000
    in_order, newest = [], -1
    for started_at, (serial, values) in sorted(found.items(), key=lambda each: each[0]):
        if serial >= newest - _FEW_SWEEPS:
            newest = max(newest, serial)
            in_order.append(Sweep(aware_time(started_at).timestamp(), *values))
    return in_order


_COLUMNS = {
    province.name: tuple(column_of(province, kind) for kind in Kind) for province in PROVINCES
}


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None, microsecond=0)
