"""The first row of the overview: what is wrong now, and whether the figures are of now."""

from __future__ import annotations

from grafana_foundation_sdk.builders import stat, statetimeline
from grafana_foundation_sdk.models import common, dashboard

from netsky import figures
from netsky.outlets import metrics
from netsky_dashboards import promql, style
from netsky_dashboards.layout import Panel, now, over_time, place
from netsky_dashboards.words import ISP_NAMES, SEVERITY_NAMES, STALE_MINUTES, Severity

ALERT_COLOURS = {
    Severity.CRITICAL: "dark-red",
    Severity.HEAVY: style.SEVERE,
    Severity.MEDIUM: style.ELEVATED,
}


def headlines() -> list[Panel]:
    return [_alerts(), _worst(), _judged(), _ages(), _all_isps(), _alert_history()]


def _tiles(text: common.BigValueTextMode) -> stat.Panel:
    panel = stat.Panel().graph_mode(common.BigValueGraphMode.NONE).text_mode(text)
    panel.color_mode(common.BigValueColorMode.BACKGROUND_SOLID).color_scheme(style.by_thresholds())
    return panel.justify_mode(common.BigValueJustifyMode.CENTER)


def named_tiles() -> stat.Panel:
    return _tiles(common.BigValueTextMode.VALUE_AND_NAME)


def _alerts() -> Panel:
    panel = place(
        named_tiles(),
        "当前告警",
        "所选出口中最严重的一个。无法断定：有省份未判定，或最近一次判定已超过"
        f" {STALE_MINUTES} 分钟。阈值见 netsky_alert.py 的 --elevated、--severe。",
        (7, 5),
        *(
            now(f"max({promql.alert_state(severity)})", SEVERITY_NAMES[severity], ref_id=severity)
            for severity in ALERT_COLOURS
        ),
    )
    for severity, colour in ALERT_COLOURS.items():
        panel.override_by_query(severity, style.look(states=style.alert_states(colour)))
    return panel


def _worst() -> Panel:
    panel = named_tiles().unit(style.RATIO).decimals(2).no_value("无新数据")
    return place(
        panel.thresholds(style.thresholds(style.LOSS_RATIO)),
        "丢包率最高、升幅最大",
        "各一个省，括号里是出口。升幅：当前丢包率比平时高出多少（百分点）。"
        f"超过 {STALE_MINUTES} 分钟的数据不计。",
        (6, 5),
        now(promql.worst(figures.LOSS), "丢包率 {{province_name}}（{{egress}}）"),
        now(
            promql.worst(metrics.INCREASE, metrics.ALERT_TIMESTAMP),
            "升幅 {{province_name}}（{{egress}}）",
            ref_id="B",
        ),
    )


def _judged() -> Panel:
    panel = place(
        named_tiles().unit(style.COUNT).thresholds(style.thresholds(style.NONE_IS_GOOD)),
        "判定",
        "最近一次判定里已判定的省份数（各出口中最少的），以及未判定的省份数（各出口合计；"
        "数据过期或缺失，原因见“各省”表）。",
        (5, 5),
        now(f"min({promql.chosen(metrics.ALERT_JUDGED)})", "已判定"),
        now(f"sum({promql.not_judged_count()})", "未判定", ref_id="B"),
    )
    return panel.override_by_query("A", style.look(steps=style.PLAIN))


def _ages() -> Panel:
    panel = named_tiles().unit(style.SECONDS).decimals(0)
    place(
        panel.thresholds(style.thresholds(style.AGE)),
        "数据年龄",
        "距最近一轮探测、最近一次判定、最近一次均值计算的时间，取所选出口中最久的。"
        "Pushgateway 会一直保留旧值：变红说明对应的工具已停止推送。",
        (6, 5),
        now(promql.age(metrics.SWEEP_TIMESTAMP), "探测"),
        now(promql.age(metrics.ALERT_TIMESTAMP), "判定", ref_id="B"),
        now(promql.age(metrics.BASELINE_TIMESTAMP), "均值", ref_id="C"),
    )
    return panel.override_by_query("C", style.look(steps=style.BASELINE_AGE))


def _all_isps() -> Panel:
    panel = named_tiles().unit(style.RATIO).decimals(2).no_value("无新数据")
    for slug, name in ISP_NAMES.items():
        panel.with_transformation(
            dashboard.DataTransformerConfig(
                "renameByRegex", options={"regex": f"^{slug} (.*)$", "renamePattern": f"{name} $1"}
            )
        )
    return place(
        panel.thresholds(style.thresholds(style.LOSS_RATIO)),
        "全部运营商：总丢包率",
        "各运营商经各出口：全部省份的丢包数 / 发包数。不受运营商和省份选择的影响。",
        (10, 6),
        now(promql.total_loss(every_isp=True), "{{isp}} {{egress}}"),
    )


def _alert_history() -> Panel:
    panel = statetimeline.Panel().per_page(100).legend(style.no_legend())
    panel.tooltip(style.all_series()).fill_opacity(85)
    panel.show_value(common.VisibilityMode.AUTO).color_scheme(style.by_thresholds())
    place(
        panel,
        "告警历史",
        "各出口、各级别的告警状态。",
        (14, 6),
        *(
            over_time(
                promql.alert_state(severity),
                f"{{{{egress}}}} {SEVERITY_NAMES[severity]}",
                ref_id=severity,
            )
            for severity in ALERT_COLOURS
        ),
    )
    for severity, colour in ALERT_COLOURS.items():
        panel.override_by_query(severity, style.look(states=style.alert_states(colour)))
    return panel
