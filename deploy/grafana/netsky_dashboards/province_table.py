"""The table of the overview that has all figures of all provinces."""

from __future__ import annotations

from grafana_foundation_sdk.models import dashboard

from netsky import figures
from netsky.figures import Gauge
from netsky.outlets import metrics
from netsky_dashboards import promql, style
from netsky_dashboards.layout import HISTORY_UID, Panel, sorted_table
from netsky_dashboards.value_table import Value, value_table
from netsky_dashboards.words import REASON_NAMES, NotJudged

TO_HISTORY = dashboard.DashboardLink(
    title="${__value.text} 历史",
    url=f"/d/{HISTORY_UID}?var-isp=${{isp}}&${{egress:queryparam}}"
    "&var-province=${__value.text:percentencode}&${__url_time_range}",
)


def provinces() -> Panel:
    values = [*_losses(), *_latencies(), *_judgements()]
    labels = {"province_name": "省份", "egress": "出口"}
    panel = sorted_table("升幅", "丢包率")
    panel.override_by_name("省份", style.column(width=80, link=TO_HISTORY))
    reasons = style.mapping({reason: (REASON_NAMES[reason], style.UNKNOWN) for reason in NotJudged})
    panel.override_by_name("未判定", style.column(states=reasons, steps=style.ALL_GOOD))
    return value_table(
        panel,
        "各省当前数据",
        "每省每出口一行，先按升幅、再按丢包率从大到小排列。升幅：丢包率比平时高出多少（百分点）。"
        "“-”：没有应答，或无从判定。旧数据照样列出，新旧看“数据年龄”。点省份看历史。",
        (15, 26),
        labels=labels,
        values=values,
        more={"reason": "未判定"},
    )


def _losses() -> list[Value]:
    plain = style.column(unit=style.RATIO, decimals=2)
    coloured = style.column(unit=style.RATIO, decimals=2, steps=style.LOSS_RATIO)
    baseline = promql.last(promql.chosen(metrics.BASELINE))
    return [
        Value("丢包率", _by_province(figures.LOSS), coloured),
        Value("升幅", _by_province(metrics.INCREASE), coloured),
        Value("平时", f"max {promql.BY_PROVINCE} ({baseline})", plain),
        Value("异常率", _by_province(figures.ABNORMAL), plain),
    ]


def _latencies() -> list[Value]:
    properties = style.column(unit=style.SECONDS, decimals=1)
    return [
        Value("时延 P50", f"max {promql.BY_PROVINCE} ({promql.quantile('0.5')})", properties),
        Value("时延 P95", f"max {promql.BY_PROVINCE} ({promql.quantile('0.95')})", properties),
    ]


def _judgements() -> list[Value]:
    age = style.column(unit=style.SECONDS, decimals=0, steps=style.AGE)
    not_judged = promql.chosen(metrics.ALERT_NOT_JUDGED)
    return [
        Value("数据年龄", promql.sweep_age_by_province(), age),
        Value("", f"max by (egress, province_name, reason) ({not_judged})", []),
    ]


def _by_province(gauge: Gauge) -> str:
    return f"max {promql.BY_PROVINCE} ({promql.chosen(gauge)})"
