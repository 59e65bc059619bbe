"""The tables, and the names of their rows; `schema.sql` holds the same tables for MySQL.

Columns hold percent and milliseconds, times are UTC without a zone.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from netsky.places import PROVINCES, Province

metadata = sa.MetaData()


def _columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("province", sa.String(40), nullable=False),
        sa.Column("update_time", sa.DateTime, nullable=False),
        sa.Column("egress", sa.String(40), nullable=False, server_default="default"),
    )


def _history(table: str) -> sa.Table:
    serial = mysql.BIGINT(unsigned=True).with_variant(sa.Integer, "sqlite")
    return sa.Table(
        table,
        metadata,
        sa.Column(f"{table}_id", serial, primary_key=True, autoincrement=True),
        *_columns(),
        # Writing a sweep a second time is harmless, and the newest value of a name is one look-up.
        sa.UniqueConstraint("name", "egress", "update_time", name=f"unique_{table}"),
        sa.Index(f"index_{table}_updatetime", "update_time"),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",  # `Unicom` and `unicom` are two egresses
    )


lossrate = _history("netsky_lossrate")
abnormalrate = _history("netsky_abnormalrate")
latency = _history("netsky_latency")
HISTORY = (lossrate, abnormalrate, latency)

avg_lossrate = sa.Table(
    "netsky_avg_lossrate",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("egress", sa.String(40), primary_key=True, server_default="default"),
    sa.Column("value", sa.Float),
    sa.Column("update_time", sa.DateTime, nullable=False),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
    mysql_collate="utf8mb4_bin",
)


def row_name(isp: str, province: Province, kind: str) -> str:
    """The `name` column: `netsky_CU_beijing_lossrate` for kind `lossrate`."""
    return f"netsky_{isp.upper()}_{province.slug}_{kind}"


def provinces_by_name(isp: str, kind: str) -> dict[str, Province]:
    """The province of each value that the `name` column may have for that ISP and kind."""
    return {row_name(isp, province, kind): province for province in PROVINCES}


def exact(value: sa.Column[float]) -> sa.ColumnElement[float]:
    """A FLOAT as it is: by itself MySQL would send six digits of it."""
    return value * sa.literal_column("1e0", sa.Double)


def by_name(query: sa.Select[Any]) -> sa.Select[Any]:
    """A query of names and an egress in netsky_lossrate by the index that begins with these.

    Where few rows have such a time, or many lines share the tables, MySQL may think that the index
    on the time is the better one, and reads all lines.
    """
    hint = f"FORCE INDEX (unique_{lossrate.name})"
    return query.with_hint(lossrate, hint, "mysql").with_hint(lossrate, hint, "mariadb")
