"""The tables that only a spool has, beside those of the database."""

from __future__ import annotations

import sqlalchemy as sa

from netsky.store.tables import sweeps

own = sa.MetaData()
quarantine = sa.Table(
    "netsky_quarantine",
    own,
    sa.Column("netsky_quarantine_id", sa.Integer, primary_key=True),
    sa.Column("table_name", sa.String, nullable=False),
    sa.Column("name", sa.String),
    sa.Column("value", sa.Float),
    sa.Column("province", sa.String),
    sa.Column("update_time", sa.DateTime),
    sa.Column("egress", sa.String),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("set_aside_at", sa.DateTime, nullable=False),
)
# The same for rows of netsky_sweep.
quarantined_sweeps = sa.Table(
    "netsky_quarantine_sweep",
    own,
    sa.Column("netsky_quarantine_sweep_id", sa.Integer, primary_key=True),
    *(sa.Column(column.name, column.type) for column in sweeps.c),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("set_aside_at", sa.DateTime, nullable=False),
)
counters = sa.Table(
    "netsky_spool_counters",
    own,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.Integer, nullable=False),
)
