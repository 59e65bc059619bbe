"""The tables, and the names of their rows; `schema.sql` holds the same tables for MySQL.

Columns hold percent and milliseconds, times are UTC without a zone. `netsky_sweep` is what is read;
the three narrow tables hold some of its figures, as netsky's earlier tables do, for whoever reads these.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from netsky.figures import FIGURES, Unit
from netsky.places import PROVINCES, Province

metadata = sa.MetaData()

_SERIAL = mysql.BIGINT(unsigned=True).with_variant(sa.Integer, "sqlite")
_COUNT = mysql.INTEGER(unsigned=True).with_variant(sa.Integer, "sqlite")
_MYSQL: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",  # `Unicom` and `unicom` are two egresses
}


def _columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("province", sa.String(40), nullable=False),
        sa.Column("update_time", sa.DateTime, nullable=False),
        sa.Column("egress", sa.String(40), nullable=False, server_default="default"),
    )


def _history(table: str) -> sa.Table:
    return sa.Table(
        table,
        metadata,
        sa.Column(f"{table}_id", _SERIAL, primary_key=True, autoincrement=True),
        *_columns(),
        # Writing a sweep a second time is harmless, and the newest value of a name is one look-up.
        sa.UniqueConstraint("name", "egress", "update_time", name=f"unique_{table}"),
        sa.Index(f"index_{table}_updatetime", "update_time"),
        **_MYSQL,
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
    **_MYSQL,
)

# The rates stand beside the counts, because of what was carried over from the narrow tables no
# counts are known. `serial` tells in which order an exit's sweeps came, whatever a clock says.
LATER = "later"
sweeps = sa.Table(
    "netsky_sweep",
    metadata,
    sa.Column("isp", sa.String(7), primary_key=True),
    sa.Column("egress", sa.String(40), primary_key=True),
    sa.Column("province", sa.String(40), primary_key=True),
    sa.Column("started_at", sa.DateTime, primary_key=True),
    *(
        sa.Column(figure.column, _COUNT if figure.unit is Unit.COUNT else sa.Float)
        for figure in FIGURES
        if figure.column
    ),
    sa.Column("tainted", sa.Boolean, nullable=False, server_default=sa.text("0")),
    sa.Column("prefixes", sa.Text),  # JSON, in a province that loses far more than usual
    sa.Column("serial", _SERIAL, nullable=False, server_default=sa.text("0")),
    sa.Index("index_netsky_sweep_startedat", "started_at"),
    mysql_partition_by=f"RANGE COLUMNS (started_at) (PARTITION {LATER} VALUES LESS THAN (MAXVALUE))",
    **_MYSQL,
)

# Each ISP and exit that ever had a sweep; `serial` is that of its sweep that was stored last.
line = sa.Table(
    "netsky_line",
    metadata,
    sa.Column("isp", sa.String(7), primary_key=True),
    sa.Column("egress", sa.String(40), primary_key=True),
    sa.Column("serial", _SERIAL, nullable=False),
    **_MYSQL,
)

# Beside netsky_avg_lossrate: the same of the targets that usually answer, NULL where it is not known.
live_baseline = sa.Table(
    "netsky_live_baseline",
    metadata,
    sa.Column("isp", sa.String(7), primary_key=True),
    sa.Column("egress", sa.String(40), primary_key=True),
    sa.Column("province", sa.String(40), primary_key=True),
    sa.Column("value", sa.Float),
    sa.Column("update_time", sa.DateTime, nullable=False),
    **_MYSQL,
)


# What the rule `usual` knows at `start`, of all targets and of those that usually answer: losses in percent,
# `scatter`, `noise` and `recent` (the rises of the last sweeps, as JSON) in points of the usual replies. With
# `rtt` in place of targets they are of the mean latency, in ms. `noticed` is in seconds.
usual = sa.Table(
    "netsky_usual",
    metadata,
    sa.Column("isp", sa.String(7), primary_key=True),
    sa.Column("egress", sa.String(40), primary_key=True),
    sa.Column("province", sa.String(40), primary_key=True),
    sa.Column("targets", sa.String(4), primary_key=True),  # all, live, rtt
    *(sa.Column(name, sa.Double) for name in ("value", "low", "high", "scatter", "noise")),
    sa.Column("days", _COUNT, nullable=False),
    sa.Column("sweeps", _COUNT, nullable=False),
    *(sa.Column(name, sa.Double) for name in ("seasonal", "level")),
    sa.Column("grade", sa.String(10), nullable=False),
    sa.Column("recent", sa.Text, nullable=False),
    *(sa.Column(name, sa.DateTime) for name in ("begins", "accepted", "risen_since")),
    sa.Column("calm", _COUNT, nullable=False),
    sa.Column("swept_at", sa.DateTime),
    sa.Column("start", sa.DateTime, nullable=False),
    sa.Column("noticed", sa.Double),
    **_MYSQL,
)

# Ten minutes of an exit: `provinces` has what the sweeps of these were, in base64; see store/usual.py.
usual_bucket = sa.Table(
    "netsky_usual_bucket",
    metadata,
    sa.Column("isp", sa.String(7), primary_key=True),
    sa.Column("egress", sa.String(40), primary_key=True),
    sa.Column("start", sa.DateTime, primary_key=True),
    sa.Column("provinces", sa.Text, nullable=False),
    **_MYSQL,
)


def _rollup(name: str) -> sa.Table:
    """Sums of the sweeps of an hour or day; NULL where no sweep of it had the figure.

    `mean` is over all replies, `p95` the highest of a sweep; `alarm_minutes` are those in which the
    alert graded the province. Of the `sweeps` those that are tainted are in no sum. The others are judged
    where the usually alive are known, and bad where these lost BAD_LOSS_PERCENT or more.
    """
    total = mysql.BIGINT(unsigned=True).with_variant(sa.Integer, "sqlite")
    return sa.Table(
        name,
        metadata,
        sa.Column("isp", sa.String(7), primary_key=True),
        sa.Column("egress", sa.String(40), primary_key=True),
        sa.Column("province", sa.String(40), primary_key=True),
        sa.Column("start", sa.DateTime, primary_key=True),
        sa.Column("sweeps", _COUNT, nullable=False),
        *(sa.Column(of, total) for of in ("sent", "lost", "live_sent", "live_lost")),
        sa.Column("mean", sa.Float),
        sa.Column("p95", sa.Float),
        *(
            sa.Column(of, _COUNT, nullable=False, server_default=sa.text("0"))
            for of in ("alarm_minutes", "tainted_sweeps", "judged_sweeps", "bad_sweeps")
        ),
        **_MYSQL,
    )


hourly = _rollup("netsky_hourly")
daily = _rollup("netsky_daily")

# The hours of which sweeps have come that netsky_hourly does not have yet.
rollup_due = sa.Table(
    "netsky_rollup_due",
    metadata,
    sa.Column("isp", sa.String(7), primary_key=True),
    sa.Column("egress", sa.String(40), primary_key=True),
    sa.Column("start", sa.DateTime, primary_key=True),
    **_MYSQL,
)

# The minutes in which a verdict graded a province.
alarm = sa.Table(
    "netsky_alarm",
    metadata,
    sa.Column("isp", sa.String(7), primary_key=True),
    sa.Column("egress", sa.String(40), primary_key=True),
    sa.Column("province", sa.String(40), primary_key=True),
    sa.Column("minute", sa.DateTime, primary_key=True),
    **_MYSQL,
)

# The hosts that stored the newest sweeps of each ISP and exit, and since when, as JSON, the newest last.
host = sa.Table(
    "netsky_host",
    metadata,
    sa.Column("isp", sa.String(7), primary_key=True),
    sa.Column("egress", sa.String(40), primary_key=True),
    sa.Column("recent", sa.Text, nullable=False),
    **_MYSQL,
)

# The last verdicts of each ISP and exit that counted, as JSON: what opens and clears incidents.
verdict = sa.Table(
    "netsky_verdict",
    metadata,
    sa.Column("isp", sa.String(7), primary_key=True),
    sa.Column("egress", sa.String(40), primary_key=True),
    sa.Column("recent", sa.Text, nullable=False),
    **_MYSQL,
)

# Times are starts of sweeps; `peak_increase` is in percentage points, `provinces` are Chinese names,
# separated by commas. Never pruned: there are few.
incident = sa.Table(
    "netsky_incident",
    metadata,
    sa.Column("id", _SERIAL, primary_key=True, autoincrement=True),
    sa.Column("isp", sa.String(7), nullable=False),
    sa.Column("egress", sa.String(40), nullable=False),
    sa.Column("opened_at", sa.DateTime, nullable=False),
    sa.Column("changed_at", sa.DateTime, nullable=False),
    sa.Column("cleared_at", sa.DateTime),
    sa.Column("severity", sa.String(10), nullable=False),
    sa.Column("peak_severity", sa.String(10), nullable=False),
    sa.Column("peak_increase", sa.Float, nullable=False),
    sa.Column("peak_provinces", _COUNT, nullable=False),
    sa.Column("provinces", sa.Text, nullable=False),
    sa.Column("prefixes", sa.Text),
    sa.Column("evidence", sa.Text),
    sa.Column("given_up", sa.Boolean, nullable=False, server_default=sa.text("0")),
    sa.Index("index_netsky_incident_line", "isp", "egress", "cleared_at"),
    sa.Index("index_netsky_incident_openedat", "opened_at"),
    **_MYSQL,
)

# Evidence of incidents: a row a province of a taking. `sent` and `lost` are of the echoes to the targets that
# lose; with `finding` begins, loss begins after `after_hop` (0: this host), at `at_latest_hop` at the
# latest (NULL: the target). `hops` and `path_changes` are JSON. `file` is below the folder of evidence.
trace = sa.Table(
    "netsky_trace",
    metadata,
    sa.Column("isp", sa.String(7), primary_key=True),
    sa.Column("egress", sa.String(40), primary_key=True),
    sa.Column("taken_at", sa.DateTime, primary_key=True),
    sa.Column("province", sa.String(40), primary_key=True),
    sa.Column("incident_id", _SERIAL, nullable=False),
    sa.Column("reason", sa.String(10), nullable=False),
    sa.Column("targets", _COUNT, nullable=False),
    sa.Column("sent", _COUNT, nullable=False),
    sa.Column("lost", _COUNT, nullable=False),
    sa.Column("finding", sa.String(10), nullable=False),
    sa.Column("after_hop", _COUNT),
    sa.Column("at_latest_hop", _COUNT),
    sa.Column("hops", sa.Text, nullable=False),
    sa.Column("path_changes", sa.Text, nullable=False),
    sa.Column("file", sa.String(120), nullable=False),
    sa.Index("index_netsky_trace_incident", "incident_id"),
    **_MYSQL,
)

# What a sweep is written into, in one transaction.
SWEEP_TABLES = (sweeps, *HISTORY)
_SHARED = [figure.column for figure in FIGURES if figure.column and figure.kind]

# What an installation of before does not have until upgrade.sql is applied.
NEW_TABLES = tuple(
    table.name
    for table in (
        sweeps,
        line,
        host,
        live_baseline,
        usual,
        usual_bucket,
        hourly,
        daily,
        rollup_due,
        alarm,
        verdict,
        incident,
        trace,
    )
)


def time_of(table: sa.Table) -> sa.Column[Any]:
    """The column with the start of the sweep, with the minute, or with when evidence was taken."""
    names = {sweeps.name: "started_at", alarm.name: "minute", trace.name: "taken_at"}
    name = names.get(table.name, "update_time")
    column: sa.Column[Any] = table.c[name]
    return column


def key_of(table: sa.Table) -> sa.Column[Any]:
    """The column in which the rows of a sweep differ."""
    column: sa.Column[Any] = table.c.province if table is sweeps else table.c.name
    return column


def figures_of(table: sa.Table) -> list[sa.Column[Any]]:
    """The columns by which a sweep is known: the figures that both kinds of tables hold."""
    return [table.c[name] for name in (_SHARED if table is sweeps else ("value",))]


def row_name(isp: str, province: Province, kind: str) -> str:
    """The `name` column: `netsky_CU_beijing_lossrate` for kind `lossrate`."""
    return f"netsky_{isp.upper()}_{province.slug}_{kind}"


PROVINCES_BY_CHINESE = {province.name: province for province in PROVINCES}
"""The province of each value that the `province` column may have."""

PROVINCE_NAMES = tuple(PROVINCES_BY_CHINESE)
"""For queries: the province stands before the time in the keys, and who names none reads all times of an exit."""


def provinces_by_name(isp: str, kind: str) -> dict[str, Province]:
    """The province of each value that the `name` column may have for that ISP and kind."""
    return {row_name(isp, province, kind): province for province in PROVINCES}


def exact(value: sa.Column[float]) -> sa.ColumnElement[float]:
    """A FLOAT as it is: by itself MySQL would send six digits of it."""
    return value * sa.literal_column("1e0", sa.Double)


def by_key(query: sa.Select[Any]) -> sa.Select[Any]:
    """A query of an ISP, egress and provinces in netsky_sweep by the key that begins with these.

    Where few rows have such a time, or many lines share the table, MySQL may think that the index
    on the time is the better one, and reads all lines.
    """
    hint = "FORCE INDEX (PRIMARY)"
    return query.with_hint(sweeps, hint, "mysql").with_hint(sweeps, hint, "mariadb")
