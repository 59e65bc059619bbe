"""The row of the overview about address libraries: those that netsky keeps itself, and dead targets of any."""

from __future__ import annotations

from netsky.figures import Gauge
from netsky.outlets import metrics
from netsky_dashboards import promql, style
from netsky_dashboards.headlines import named_tiles
from netsky_dashboards.layout import Panel, graph, now, over_time, place, sorted_table
from netsky_dashboards.value_table import Value, value_table

PROVISIONAL = style.mapping({"1": ("临时", style.ELEVATED), "0": ("稳定", style.CLEAR)})


def libraries() -> list[Panel]:
    return [_whole(), _provinces(), _dead()]


def _whole() -> Panel:
    panel = place(
        named_tiles().unit(style.COUNT).no_value("没有"),
        "地址库",
        "由 netsky_library.py 维护的地址库，不受出口选择的影响；自己维护的没有数据。临时：地址还没有筛选满三天，"
        "不要据此告警。复查每三小时一次。",
        (9, 6),
        now(f"sum({promql.library(metrics.LIBRARY_TARGETS)})", "目标"),
        now(f"sum({promql.library(metrics.LIBRARY_PROVISIONAL)})", "临时的省", ref_id="B"),
        now(promql.library_response(), "应答率", ref_id="C"),
        now(f"max(time() - {promql.library(metrics.LIBRARY_TIMESTAMP)})", "距上次复查", ref_id="D"),
        now(promql.library_age(), "距上次变动", ref_id="E"),
    )
    panel.override_by_query("A", style.look(steps=style.PLAIN))
    panel.override_by_query("B", style.look(steps=style.NONE_IS_GOOD))
    panel.override_by_query("C", style.look(unit=style.RATIO, decimals=2, steps=style.PLAIN))
    ages = style.look(unit=style.SECONDS, decimals=0, steps=style.LIBRARY_AGE)
    panel.override_by_query("D", ages)
    return panel.override_by_query(
        "E", style.look(unit=style.SECONDS, decimals=0, steps=style.PLAIN)
    )


def _provinces() -> Panel:
    count = style.column(unit=style.COUNT)
    return value_table(
        sorted_table("状态", "省份"),
        "各省地址库",
        "每省的目标数、最近一次复查时应答的比例（“-”：没有问过）、是否还是临时的。",
        (15, 12),
        labels={"province_name": "省份"},
        values=[
            Value("目标", _by_province(metrics.LIBRARY_TARGETS), count),
            Value(
                "应答率",
                _by_province(metrics.LIBRARY_RESPONSE),
                style.column(unit=style.RATIO, decimals=2),
            ),
            Value(
                "状态",
                _by_province(metrics.LIBRARY_PROVISIONAL),
                style.column(states=PROVISIONAL),
            ),
        ],
        more={},
    )


def _dead() -> Panel:
    return place(
        graph(style.RATIO, "lastNotNull", "max"),
        "一周没有应答的目标",
        "各出口：一周以上没有应答的目标 / 全部目标，自己维护的地址库也有。经各出口都居高不下，应更换目标。"
        "空白：探测的记忆还不满一周，无从知道。不受省份选择的影响。",
        (24, 8),
        over_time(promql.dead_share(), "{{egress}}"),
    )


def _by_province(gauge: Gauge) -> str:
    return f"max by (province_name) ({promql.library(gauge)})"
