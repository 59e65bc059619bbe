"""The mean loss of an exit's provinces over some time, from netsky_sweep."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from netsky.loss import MeanLoss
from netsky.store.rows import column_time
from netsky.store.tables import PROVINCE_NAMES, PROVINCES_BY_CHINESE, by_key, sweeps


def mean_losses(
    connection: sa.Connection,
    isp: str,
    egresses: Sequence[str],
    *,
    after: datetime,
    until: datetime,
) -> list[MeanLoss]:
    """Of each province with a sweep in after < time <= until: each sweep with a value counts the same."""
    columns = sweeps.c
    # A division by 0 is NULL, which does not count.
    live = columns.live_lost * sa.literal_column("1e0", sa.Double) / columns.live_sent
    query = (
        by_key(
            sa.select(
                columns.egress,
                columns.province,
                sa.func.avg(columns.lossrate),
                sa.func.count(columns.lossrate),
                sa.func.avg(live),
                sa.func.count(live),
            )
        )
        .where(columns.isp == isp, columns.egress.in_(egresses))
        .where(columns.province.in_(PROVINCE_NAMES))
        .where(columns.started_at > column_time(after))
        .where(columns.started_at <= column_time(until))
        .group_by(columns.egress, columns.province)
    )
    return [
        MeanLoss(
            PROVINCES_BY_CHINESE[name],
            egress,
            None if percent is None else percent / 100,
            samples,
            live_ratio,
            live_samples,
        )
        for egress, name, percent, samples, live_ratio, live_samples in connection.execute(query)
    ]
