# ruff: noqa: S608 -- made of names only; what is chosen is filled in and quoted by Grafana
"""The questions that the history asks of MySQL; the tables come from `netsky.store.tables`.

Columns hold percent and milliseconds, `update_time` is UTC. What begins with `$` is Grafana's: the
variables of the dashboard, and the macros of its MySQL data source.
"""

from __future__ import annotations

import sqlalchemy as sa

from netsky.judging.grading import GONE_AFTER
from netsky.store import tables
from netsky_dashboards.words import ISP_NAMES, RULES, seconds

DATABASE_PREFIX = "netsky_"

# Macros end at the first `)`: nothing in brackets may stand in them.
CHOSEN = (
    "$__timeFilter(update_time) AND egress IN (${egress:sqlstring})"
    " AND province IN (${province:sqlstring})"
)
SEVERE_PERCENT = f"{RULES.severe * 100:g}"


def table(of: sa.Table) -> str:
    """The table in the database of the chosen ISP."""
    return f"{DATABASE_PREFIX}${{isp}}.{of.name}"


def isps() -> str:
    """The ISPs that have a database, for a variable: slug and name."""
    slug = f"SUBSTRING(table_schema, {len(DATABASE_PREFIX) + 1})"
    names = " ".join(f"WHEN '{known}' THEN '{name}'" for known, name in ISP_NAMES.items())
    return (
        f"SELECT {slug} AS __value, CASE {slug} {names} ELSE {slug} END AS __text\n"
        "FROM information_schema.tables\n"
        f"WHERE table_name = '{tables.lossrate.name}'"
        f" AND LEFT(table_schema, {len(DATABASE_PREFIX)}) = '{DATABASE_PREFIX}'\n"
        "ORDER BY 1"
    )


def egresses() -> str:
    """The exits that have a mean, or a sweep not long ago."""
    return (
        f"SELECT egress FROM {table(tables.avg_lossrate)}\n"
        f"UNION SELECT egress FROM {table(tables.lossrate)}\n"
        "WHERE update_time > UTC_TIMESTAMP() - INTERVAL 1 HOUR\n"
        "ORDER BY 1"
    )


def by_province_and_egress(of: sa.Table) -> str:
    """Means over time, a series for each."""
    return (
        "SELECT $__timeGroupAlias(update_time, $__interval),\n"
        "  CONCAT(province, ' ', egress) AS metric, AVG(value) AS value\n"
        f"FROM {table(of)}\n"
        f"WHERE {CHOSEN}\n"
        "GROUP BY 1, 2 ORDER BY 1, 2"
    )


def worst_egress_by_province(of: sa.Table) -> str:
    """Means over time by province, of the egress where they are highest."""
    return (
        "SELECT time, province AS metric, MAX(mean) AS value\n"
        "FROM (\n"
        "  SELECT $__timeGroupAlias(update_time, $__interval), province, egress,\n"
        "    AVG(value) AS mean\n"
        f"  FROM {table(of)}\n"
        f"  WHERE {CHOSEN}\n"
        "  GROUP BY 1, 2, 3\n"
        ") means\n"
        "GROUP BY 1, 2 ORDER BY 1, 2"
    )


def now_and_mean() -> str:
    """The newest loss rate, whatever time is chosen, beside the baseline."""
    newest = f"UTC_TIMESTAMP() - INTERVAL {seconds(GONE_AFTER) // 3600} HOUR"
    chosen = "egress IN (${egress:sqlstring}) AND province IN (${province:sqlstring})"
    return (
        "SELECT province AS 省份, egress AS 出口, loss.value AS 当前, mean.value AS 均值,\n"
        "  GREATEST(loss.value - mean.value, 0) AS 升幅,\n"
        "  loss.update_time AS 探测时间, mean.update_time AS 均值时间\n"
        f"FROM {table(tables.lossrate)} loss\n"
        "JOIN (\n"
        "  SELECT name, egress, MAX(update_time) AS update_time\n"
        f"  FROM {table(tables.lossrate)}\n"
        f"  WHERE update_time > {newest} AND {chosen}\n"
        "  GROUP BY name, egress\n"
        ") newest USING (name, egress, update_time)\n"
        f"LEFT JOIN {table(tables.avg_lossrate)} mean USING (name, egress)\n"
        "ORDER BY 升幅 DESC, 当前 DESC"
    )


def worst_hours() -> str:
    """The hours with the highest mean loss rate."""
    return (
        "SELECT FROM_UNIXTIME($__timeGroup(update_time, '1h')) AS 时段,\n"
        "  province AS 省份, egress AS 出口,\n"
        "  AVG(value) AS 平均, MAX(value) AS 最高, COUNT(value) AS 轮数\n"
        f"FROM {table(tables.lossrate)}\n"
        f"WHERE {CHOSEN}\n"
        "GROUP BY 1, 2, 3 ORDER BY 平均 DESC LIMIT 50"
    )


def ranking() -> str:
    """All three figures over the whole range, highest loss first."""
    loss = f"MAX(value) AS highest, 100 * AVG(value >= {SEVERE_PERCENT}) AS severe_share"
    return (
        "SELECT province AS 省份, egress AS 出口, loss.mean AS 平均丢包率,\n"
        "  loss.highest AS 最高丢包率, loss.severe_share AS 严重轮次,\n"
        "  abnormal.mean AS 平均异常率, latency.mean AS 平均时延\n"
        f"FROM {_means(tables.lossrate, loss)} loss\n"
        f"LEFT JOIN {_means(tables.abnormalrate)} abnormal USING (province, egress)\n"
        f"LEFT JOIN {_means(tables.latency)} latency USING (province, egress)\n"
        "ORDER BY 平均丢包率 DESC"
    )


def _means(of: sa.Table, *more: str) -> str:
    columns = ", ".join(["province", "egress", "AVG(value) AS mean", *more])
    return (
        f"(\n  SELECT {columns}\n  FROM {table(of)}\n"
        f"  WHERE {CHOSEN}\n  GROUP BY province, egress\n)"
    )
