# ruff: noqa: S608 -- made of names only; what is chosen is filled in and quoted by Grafana
"""The questions that the history asks of MySQL; the tables come from `netsky.store.tables`.

Columns hold percent and milliseconds, `started_at` is UTC. What begins with `$` is Grafana's: the
variables of the dashboard, and the macros of its MySQL data source.
"""

from __future__ import annotations

import sqlalchemy as sa

from netsky.judging.grading import GONE_AFTER
from netsky.places import PROVINCES
from netsky.store import tables
from netsky_dashboards.words import ISP_NAMES, RULES, SEVERITY_NAMES, seconds

DATABASE_PREFIX = "netsky_"

# Macros end at the first `)`: nothing in brackets may stand in them.
CHOSEN = (
    "$__timeFilter(started_at) AND isp = '${isp}' AND egress IN (${egress:sqlstring})"
    " AND province IN (${province:sqlstring})"
)
SEVERE_PERCENT = f"{RULES.severe * 100:g}"


def table(of: sa.Table) -> str:
    """The table in the database of the chosen ISP."""
    return f"{DATABASE_PREFIX}${{isp}}.{of.name}"


SWEEPS = table(tables.sweeps)


def isps() -> str:
    """The ISPs that have a database, for a variable: slug and name."""
    slug = f"SUBSTRING(table_schema, {len(DATABASE_PREFIX) + 1})"
    names = " ".join(f"WHEN '{known}' THEN '{name}'" for known, name in ISP_NAMES.items())
    return (
        f"SELECT {slug} AS __value, CASE {slug} {names} ELSE {slug} END AS __text\n"
        "FROM information_schema.tables\n"
        f"WHERE table_name = '{tables.sweeps.name}'"
        f" AND LEFT(table_schema, {len(DATABASE_PREFIX)}) = '{DATABASE_PREFIX}'\n"
        "ORDER BY 1"
    )


def egresses() -> str:
    """The exits that have a mean, or a sweep not long ago."""
    return (
        f"SELECT egress FROM {table(tables.avg_lossrate)}\n"
        f"UNION SELECT egress FROM {SWEEPS}\n"
        "WHERE started_at > UTC_TIMESTAMP() - INTERVAL 1 HOUR AND isp = '${isp}'\n"
        "ORDER BY 1"
    )


def by_province_and_egress(column: str) -> str:
    """Means over time, a series for each."""
    return (
        "SELECT $__timeGroupAlias(started_at, $__interval),\n"
        f"  CONCAT(province, ' ', egress) AS metric, AVG({column}) AS value\n"
        f"FROM {SWEEPS}\n"
        f"WHERE {CHOSEN}\n"
        "GROUP BY 1, 2 ORDER BY 1, 2"
    )


def worst_egress_by_province(column: str) -> str:
    """Means over time by province, of the egress where they are highest."""
    return (
        "SELECT time, province AS metric, MAX(of_egress) AS value\n"
        "FROM (\n"
        "  SELECT $__timeGroupAlias(started_at, $__interval), province, egress,\n"
        f"    AVG({column}) AS of_egress\n"
        f"  FROM {SWEEPS}\n"
        f"  WHERE {CHOSEN}\n"
        "  GROUP BY 1, 2, 3\n"
        ") means\n"
        "GROUP BY 1, 2 ORDER BY 1, 2"
    )


def now_and_mean() -> str:
    """The newest loss rate, whatever time is chosen, beside the baseline."""
    newest = f"UTC_TIMESTAMP() - INTERVAL {seconds(GONE_AFTER) // 3600} HOUR"
    chosen = (
        "isp = '${isp}' AND egress IN (${egress:sqlstring}) AND province IN (${province:sqlstring})"
    )
    return (
        "SELECT province AS 省份, egress AS 出口, lossrate AS 当前, baseline.value AS 平时,\n"
        "  GREATEST(lossrate - baseline.value, 0) AS 升幅,\n"
        "  started_at AS 探测时间, baseline.update_time AS 平时算于\n"
        f"FROM {SWEEPS}\n"
        "JOIN (\n"
        "  SELECT isp, egress, province, MAX(started_at) AS started_at\n"
        f"  FROM {SWEEPS}\n"
        f"  WHERE started_at > {newest} AND {chosen}\n"
        "  GROUP BY isp, egress, province\n"
        ") newest USING (isp, egress, province, started_at)\n"
        "LEFT JOIN (\n"
        f"  SELECT {_province_of_name()} AS province, egress, value, update_time\n"
        f"  FROM {table(tables.avg_lossrate)}\n"
        "  WHERE name LIKE CONCAT('netsky_', UPPER('${isp}'), '_%')\n"
        ") baseline USING (egress, province)\n"
        "ORDER BY 升幅 DESC, 当前 DESC"
    )


def _province_of_name() -> str:
    """The Chinese name of the province whose slug is in the column `name`."""
    slugs = ", ".join(f"'{province.slug}'" for province in PROVINCES)
    names = ", ".join(f"'{province.name}'" for province in PROVINCES)
    slug = "SUBSTRING_INDEX(SUBSTRING_INDEX(name, '_', 3), '_', -1)"
    return f"ELT(FIELD({slug}, {slugs}), {names})"


def worst_hours() -> str:
    """The hours with the highest mean loss rate."""
    return (
        "SELECT FROM_UNIXTIME($__timeGroup(started_at, '1h')) AS 时段,\n"
        "  province AS 省份, egress AS 出口,\n"
        "  AVG(lossrate) AS 平均, MAX(lossrate) AS 最高, COUNT(lossrate) AS 轮数\n"
        f"FROM {SWEEPS}\n"
        f"WHERE {CHOSEN}\n"
        "GROUP BY 1, 2, 3 ORDER BY 平均 DESC LIMIT 50"
    )


def ranking() -> str:
    """All three figures over the whole range, highest loss first."""
    return (
        "SELECT province AS 省份, egress AS 出口, AVG(lossrate) AS 平均丢包率,\n"
        f"  MAX(lossrate) AS 最高丢包率, 100 * AVG(lossrate >= {SEVERE_PERCENT}) AS 严重轮次,\n"
        "  AVG(abnormalrate) AS 平均异常率, AVG(mean) AS 平均时延\n"
        f"FROM {SWEEPS}\n"
        f"WHERE {CHOSEN}\n"
        "GROUP BY province, egress ORDER BY 平均丢包率 DESC"
    )


def incidents() -> str:
    """Those that began in the chosen time, and all that are open; whatever province is chosen."""
    names = " ".join(f"WHEN '{known}' THEN '{name}'" for known, name in SEVERITY_NAMES.items())
    return (
        "SELECT IF(cleared_at IS NULL, '未恢复', '已恢复') AS 状态, egress AS 出口,\n"
        "  opened_at AS 开始, cleared_at AS 恢复,\n"
        "  TIMESTAMPDIFF(SECOND, opened_at, COALESCE(cleared_at, UTC_TIMESTAMP())) AS 历时,\n"
        f"  CASE peak_severity {names} END AS 级别, peak_increase AS 最大升幅,\n"
        "  peak_provinces AS 同时最多, provinces AS 涉及省份, prefixes AS 网段\n"
        f"FROM {table(tables.incident)}\n"
        "WHERE isp = '${isp}' AND egress IN (${egress:sqlstring})"
        " AND ($__timeFilter(opened_at) OR cleared_at IS NULL)\n"
        "ORDER BY cleared_at IS NOT NULL, opened_at DESC"
    )
