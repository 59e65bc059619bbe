"""The loss of an exit's provinces sweep by sweep, from netsky_sweep."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import sqlalchemy as sa

from netsky.judging.grading import LIVE_TARGETS
from netsky.judging.usual_rule import COLUMNS, column_of
from netsky.judging.usual_sweeps import Sweep
from netsky.places import PROVINCES
from netsky.store.rows import aware_time
from netsky.store.tables import by_key, exact, sweeps

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
            )
        )
        .where(columns.isp == isp, columns.egress == egress, columns.lossrate.is_not(None))
        .where(columns.province.in_([province.name for province in PROVINCES]))
        .where(columns.started_at >= _time(since), columns.started_at <= _time(until))
    )
    found: dict[datetime, tuple[int, np.ndarray]] = {}
    for started_at, name, serial, percent, live_targets, live_sent, live_lost in connection.execute(
        query
    ):
        if started_at not in found:
            found[started_at] = (serial, np.full(COLUMNS, np.nan))
        loss = found[started_at][1]
        loss[_ALL[name]] = percent / 100
        if live_sent and live_lost is not None and (live_targets or 0) >= LIVE_TARGETS:
            loss[_LIVE[name]] = live_lost / live_sent
    in_order, newest = [], -1
    for started_at, (serial, loss) in sorted(found.items(), key=lambda each: each[0]):
        if serial >= newest - _FEW_SWEEPS:
            newest = max(newest, serial)
            in_order.append(Sweep(aware_time(started_at).timestamp(), loss))
    return in_order


_ALL = {province.name: column_of(province, live=False) for province in PROVINCES}
_LIVE = {province.name: column_of(province, live=True) for province in PROVINCES}


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None, microsecond=0)
