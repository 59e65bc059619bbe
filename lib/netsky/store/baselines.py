"""The baselines as they are stored.

Those of all targets are in netsky_avg_lossrate, as netsky has always had them; those of the targets that
usually answer are in netsky_live_baseline, of the same time, NULL where they are not known. The band about
each is in netsky_usual, where the rule gives one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from netsky.judging.rule import Computed
from netsky.judging.usual_columns import Kind
from netsky.loss import Band, Baseline, NewBaseline
from netsky.store.connection import Connector
from netsky.store.replacing import replace_rows
from netsky.store.rows import aware_time, column_time
from netsky.store.tables import (
    avg_lossrate,
    exact,
    live_baseline,
    provinces_by_name,
    row_name,
    usual,
)
from netsky.store.usual import store_buckets, store_kept


def store_baselines(
    connection: sa.Connection, isp: str, baselines: Iterable[NewBaseline], computed_at: datetime
) -> None:
    """Write them in place of those stored before."""
    for_all, for_live = [], []
    for new in baselines:
        time_and_exit = {"egress": new.egress, "update_time": column_time(computed_at)}
        name = row_name(isp, new.province, "lossrate")
        for_all.append({"name": name, "value": _percent(new.loss_ratio), **time_and_exit})
        province = {"isp": isp, "province": new.province.name}
        for_live.append({"value": _percent(new.live_loss_ratio), **province, **time_and_exit})
    for table, rows in ((avg_lossrate, for_all), (live_baseline, for_live)):
        replace_rows(connection, table, rows)


def store_computed(
    connector: Connector, isp: str, egress: str, computed: Computed, computed_at: datetime
) -> None:
    """Write what an averaging has computed of an exit, all or nothing. Raises DatabaseError."""
    enough = [each for each in computed.baselines if each.loss_ratio is not None]

    def store(connection: sa.Connection) -> None:
        store_baselines(connection, isp, enough, computed_at)
        store_kept(connection, isp, egress, computed.kept)
        store_buckets(connection, isp, egress, computed.buckets)

    connector.run(store, create=True)


def stored_baselines(connection: sa.Connection, isp: str, egress: str | None) -> list[Baseline]:
    """What is stored of an ISP; `egress`: only of this one."""
    columns, live = avg_lossrate.c, live_baseline.c
    provinces = provinces_by_name(isp, "lossrate")
    query = sa.select(columns.name, columns.egress, exact(columns.value), columns.update_time)
    query = query.where(columns.value.is_not(None))
    live_query = sa.select(live.province, live.egress, live.update_time, exact(live.value))
    live_query = live_query.where(live.isp == isp)
    if egress is not None:
        query = query.where(columns.egress == egress)
        live_query = live_query.where(live.egress == egress)
    rows = connection.execute(query).all()
    bands = _bands(connection, isp, egress)
    live_of = {(name, *of): value for name, *of, value in connection.execute(live_query)}
    return [
        Baseline(
            provinces[name],
            through,
            value / 100,
            aware_time(computed_at),
            _ratio(live_of.get((provinces[name].name, through, computed_at))),
            bands.get((provinces[name].name, through, "all")),
            bands.get((provinces[name].name, through, "live")),
        )
        for name, through, value, computed_at in rows
        if name in provinces
    ]


def _bands(
    connection: sa.Connection, isp: str, egress: str | None
) -> dict[tuple[str, str, str], Band]:
    """By province, exit and of which targets; none where another rule has stored the baselines."""
    columns = usual.c
    query = sa.select(
        columns.province, columns.egress, columns.targets, columns.low, columns.high, columns.days
    ).where(columns.isp == isp, columns.targets != Kind.LATENCY)
    if egress is not None:
        query = query.where(columns.egress == egress)
    return {
        (province, through, targets): Band(low / 100, high / 100, days)
        for province, through, targets, low, high, days in connection.execute(query)
    }


def _percent(ratio: float | None) -> float | None:
    return None if ratio is None else 100 * ratio


def _ratio(percent: float | None) -> float | None:
    return None if percent is None else percent / 100
