"""*Netsky overview*: how it is now, from Prometheus. Rows from the whole to the parts."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as dashboard_builders
from grafana_foundation_sdk.builders import statetimeline, timeseries
from grafana_foundation_sdk.models import common, dashboard

from netsky import figures
from netsky.figures import Gauge
from netsky.outlets import metrics
from netsky_dashboards import promql, style
from netsky_dashboards.egress_tables import egress_comparison, egresses
from netsky_dashboards.headlines import headlines
from netsky_dashboards.layout import (
    ALL,
    OVERVIEW_UID,
    Panel,
    Row,
    add_rows,
    graph,
    label_values,
    loss_graph,
    new_board,
    over_time,
    place,
    prometheus_variable,
    province_variable,
)
from netsky_dashboards.libraries import libraries
from netsky_dashboards.province_table import provinces
from netsky_dashboards.words import STALE_MINUTES


def build() -> dashboard.Dashboard:
    board = new_board(
        "netsky 总览",
        OVERVIEW_UID,
        "各省用户经各出口访问本机房的丢包率、时延和告警（Prometheus）",
    )
    board.time("now-3h", "now").refresh("30s")
    for variable in _variables():
        board.with_variable(variable)
    rows = [
        Row("现状", headlines()),
        Row("各省", [_province_states(), provinces()]),
        Row("趋势", _trends()),
        Row("出口对比", [_loss_comparison(), _latency_comparison()]),
        Row("探测运行状况", [egresses(), *_sweep_graphs()]),
        Row("地址库", libraries()),
    ]
    add_rows(board, rows)
    return board.build()


def _variables() -> list[
    dashboard_builders.DatasourceVariable
    | dashboard_builders.QueryVariable
    | dashboard_builders.CustomVariable
]:
    isp = label_values("isp", metrics.SWEEP_TIMESTAMP.name).label("运营商")
    of_isp = f"{metrics.SWEEP_TIMESTAMP.name}{{{promql.ISP}}}"
    egress = label_values("egress", of_isp).label("出口").current(ALL)
    egress.multi(multi=True).include_all(include_all=True)
    return [prometheus_variable(), isp, egress, province_variable(all_value=".*")]


def _province_states() -> Panel:
    panel = statetimeline.Panel().unit(style.RATIO).decimals(2).per_page(100)
    panel.color_scheme(style.by_thresholds()).thresholds(style.thresholds(style.LOSS_RATIO))
    panel.show_value(common.VisibilityMode.NEVER).row_height(0.85).line_width(0)
    panel.legend(style.no_legend()).tooltip(style.all_series()).fill_opacity(85)
    return place(
        panel,
        "各省丢包率",
        f"所选出口中最高的丢包率。空白：没有数据，或数据已超过 {STALE_MINUTES} 分钟。",
        (9, 26),
        over_time(promql.worst_egress(figures.LOSS), "{{province_name}}"),
    )


def _trends() -> list[Panel]:
    each = "{{province_name}} {{egress}}"
    steps = style.LOSS_RATIO
    return [
        place(
            loss_graph(style.RATIO, steps, "lastNotNull", "max"),
            "总丢包率",
            "各出口：全部省份的丢包数 / 发包数。不受省份选择的影响。",
            (12, 8),
            over_time(promql.total_loss(), "{{egress}}"),
        ),
        place(
            graph(style.SECONDS, "lastNotNull", "max"),
            "总平均时延",
            "各出口：全部应答的平均时延。不受省份选择的影响。",
            (12, 8),
            over_time(promql.total_latency(), "{{egress}}"),
        ),
        place(
            loss_graph(style.RATIO, steps, "lastNotNull", "max"),
            "各省丢包率",
            "各省经各出口。",
            (12, 10),
            over_time(promql.each(figures.LOSS), each),
        ),
        place(
            graph(style.SECONDS, "lastNotNull", "max"),
            "各省平均时延",
            "各省经各出口。没有应答就没有时延，不是 0。",
            (12, 10),
            over_time(promql.each(figures.LATENCY_MEAN), each),
        ),
        place(
            loss_graph(style.RATIO, steps, "lastNotNull", "max"),
            "各省常在线目标丢包率",
            "各省经各出口，只算平时十轮应答九轮以上的目标：用户真正丢了多少，不被从不应答的地址冲淡。",
            (24, 10),
            over_time(promql.each(figures.LIVE_LOSS), each),
        ),
        _usual(
            loss_graph(style.RATIO, style.LOSS_RATIO, "lastNotNull", "max"),
            "丢包率",
            figures.LOSS,
            (metrics.USUAL_LOW, metrics.USUAL_HIGH),
        ),
        _usual(
            graph(style.SECONDS, "lastNotNull", "max"),
            "平均时延",
            figures.LATENCY_MEAN,
            (metrics.LATENCY_LOW, metrics.LATENCY_UP_TO),
        ),
        place(
            graph(style.RATIO, "lastNotNull", "max"),
            "留意：丢包率小幅升高",
            "升高 1 个百分点以上、持续 10 分钟、偶然和平时的起伏解释不了，又够不上告警的省。不发通知。",
            (12, 8),
            over_time(promql.each(metrics.NOTICE), each),
        ),
        place(
            graph(style.SECONDS, "lastNotNull", "max"),
            "留意：时延小幅升高",
            "高出平时 10 毫秒且四分之一、持续 10 分钟，又够不上偏高的省。不发通知。",
            (12, 8),
            over_time(promql.each(metrics.LATENCY_NOTICE), each),
        ),
    ]


def _usual(graph: timeseries.Panel, figure: str, newest: Gauge, band: tuple[Gauge, Gauge]) -> Panel:
    """The band of what is chosen, behind the figures; of one province and exit it is theirs."""
    graph.override_by_name("正常范围", style.band(down_to="下限"))
    graph.override_by_name("下限", style.band())
    low, high = band
    return place(
        graph,
        f"{figure}与正常范围",
        f"灰色是正常范围：偶然和平时的起伏可以解释的{figure}。请在上方选一个省、一个出口来看；选了多个时，取其中最低的下限与最高的上限。",
        (24, 10),
        over_time(promql.each(newest), "{{province_name}} {{egress}}"),
        over_time(f"max({promql.chosen(high)})", "正常范围", ref_id="B"),
        over_time(f"min({promql.chosen(low)})", "下限", ref_id="C"),
    )


def _loss_comparison() -> Panel:
    return egress_comparison(
        "各省丢包率：出口对比",
        "最佳出口：丢包率最低；相同时取平均时延低者。差距：最差减最好，从大到小排列。",
        figures.LOSS,
        unit=style.RATIO,
        steps=style.LOSS_RATIO,
    )


def _latency_comparison() -> Panel:
    return egress_comparison(
        "各省平均时延：出口对比",
        "最佳出口：平均时延最低。差距：最差减最好，从大到小排列。",
        figures.LATENCY_MEAN,
        unit=style.SECONDS,
        steps=None,
    )


def _sweep_graphs() -> list[Panel]:
    def by_egress(gauge: Gauge) -> str:
        return f"sum by (isp, egress) ({promql.all_provinces(gauge)})"

    return [
        place(
            graph(style.SECONDS),
            "每轮用时",
            "一轮探测的用时。明显长于 --window：出口或本机跟不上。",
            (8, 8),
            over_time(promql.fresh(by_egress(metrics.SWEEP_DURATION)), "{{egress}}"),
        ),
        place(
            graph(style.COUNT),
            "每轮发包、收包",
            "全部省份合计。",
            (8, 8),
            over_time(promql.fresh(by_egress(figures.PACKETS_SENT)), "{{egress}} 发"),
            over_time(
                promql.fresh(by_egress(figures.PACKETS_RECEIVED)), "{{egress}} 收", ref_id="B"
            ),
        ),
        place(
            graph(style.COUNT),
            "本机丢弃",
            "探测机自己丢掉的包。不为 0 时本轮结果失真，丢包不能全算在运营商头上。",
            (8, 8),
            over_time(promql.fresh(by_egress(metrics.SWEEP_LOCAL_DROPS)), "{{egress}}"),
        ),
    ]
