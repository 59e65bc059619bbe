"""The tables of the overview that are about egresses: beside each other, and their newest sweeps."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard

from netsky import figures
from netsky.figures import Gauge
from netsky.outlets import metrics
from netsky_dashboards import promql, style
from netsky_dashboards.layout import Panel, now_as_table, organize, place, sorted_table
from netsky_dashboards.value_table import Value, value_table
from netsky_dashboards.words import SEVERITY_NAMES, Severity


def egresses() -> Panel:
    """A line an egress: what became of its newest sweep."""
    return value_table(
        sorted_table("总丢包率"),
        "各出口最近一轮",
        "每出口一行。本机丢弃不为 0：本轮结果失真。",
        (24, 7),
        labels={"egress": "出口"},
        values=[*_egress_alerts(), *_egress_sweeps()],
        more={"engine": "引擎", "version": "版本"},
    )


def _egress_alerts() -> list[Value]:
    states = {
        severity: style.column(states=style.alert_states(style.SEVERE, good=style.CLEAR))
        for severity in Severity
    }
    return [
        Value(
            "总丢包率",
            f"max by (egress) ({promql.total_loss()})",
            style.column(unit=style.RATIO, decimals=2, steps=style.LOSS_RATIO),
        ),
        *(
            Value(SEVERITY_NAMES[severity], promql.alert_state(severity), states[severity])
            for severity in reversed(Severity)
        ),
        Value("已判定", _by_egress(metrics.ALERT_JUDGED), style.column(unit=style.COUNT)),
        Value(
            "未判定",
            promql.not_judged_count(),
            style.column(unit=style.COUNT, steps=style.NONE_IS_GOOD),
        ),
    ]


def _egress_sweeps() -> list[Value]:
    count = style.column(unit=style.COUNT)
    age = style.column(unit=style.SECONDS, decimals=0, steps=style.AGE)
    drops = style.column(unit=style.COUNT, steps=style.NONE_IS_GOOD)
    engine = f"max by (egress, engine, version) ({promql.chosen(metrics.SWEEP_INFO)})"
    return [
        Value("数据年龄", promql.age(metrics.SWEEP_TIMESTAMP, by="by (egress) "), age),
        Value("用时", _by_egress(metrics.SWEEP_DURATION), style.column(unit=style.SECONDS)),
        Value("目标", _by_egress(figures.TARGETS), count),
        Value("发包", _by_egress(figures.PACKETS_SENT), count),
        Value("收包", _by_egress(figures.PACKETS_RECEIVED), count),
        Value("本机丢弃", _by_egress(metrics.SWEEP_LOCAL_DROPS), drops),
        Value("待入库", _by_egress(metrics.SPOOL_SWEEPS), drops),
        Value("", engine, []),
    ]


def _by_egress(gauge: Gauge) -> str:
    return f"sum by (egress) ({promql.all_provinces(gauge)})"


def egress_comparison(
    title: str, description: str, gauge: Gauge, *, unit: str, steps: style.Steps | None
) -> Panel:
    """A line a province, a column an egress, whichever there are; the best one named."""
    panel = sorted_table("差距").unit(unit).decimals(2 if steps else 1)
    if steps:
        panel.thresholds(style.thresholds(style.on_plain(steps))).color_scheme(
            style.by_thresholds()
        )
        panel.cell_options(style.FILLED)
    for name in ("省份", "最佳出口", "差距"):
        panel.override_by_name(name, [style.UNFILLED])
    for transformation in _side_by_side():
        panel.with_transformation(transformation)
    values = f"max {promql.BY_PROVINCE} ({promql.fresh(promql.chosen(gauge))})"
    return place(
        panel,
        title,
        description,
        (12, 26),
        now_as_table(values, ref_id="A"),
        now_as_table(promql.best_egress(gauge), ref_id="B"),
        now_as_table(promql.spread(gauge), ref_id="C"),
    )


def _side_by_side() -> list[dashboard.DataTransformerConfig]:
    """Query A to a matrix of provinces and egresses, then B and C beside it."""
    matrix = dashboard.DataTransformerConfig(
        "groupingToMatrix",
        filter_val=dashboard.MatcherConfig("byRefId", "A"),
        options={
            "columnField": "egress",
            "rowField": "province_name",
            "valueField": "Value #A",
            "emptyValue": "null",
        },
    )
    names = {
        "province_name\\egress": "省份",
        "province_name": "省份",
        "egress": "最佳出口",
        "Value #C": "差距",
    }
    join = dashboard.DataTransformerConfig(
        "joinByField", options={"byField": "省份", "mode": "outer"}
    )
    order = organize({name: name for name in ("省份", "最佳出口", "差距")})
    return [matrix, organize(names, without=["Time", "Value #B"]), join, order]
