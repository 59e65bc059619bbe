"""*Netsky history*: how it was, from MySQL. Percent and milliseconds, as the tables have them."""

from __future__ import annotations

from collections.abc import Mapping

from grafana_foundation_sdk.builders import dashboard as dashboard_builders
from grafana_foundation_sdk.builders import statushistory
from grafana_foundation_sdk.models import common, dashboard

from netsky_dashboards import sql, style
from netsky_dashboards.layout import (
    ALL,
    HISTORY_UID,
    MYSQL,
    Panel,
    Row,
    SQLQuery,
    add_rows,
    graph,
    loss_graph,
    new_board,
    organize,
    place,
    plain_table,
    province_variable,
)
from netsky_dashboards.words import PROVINCE_NAMES

LOSS = style.column(unit=style.PERCENT, decimals=2, steps=style.LOSS_PERCENT)
RATE = style.column(unit=style.PERCENT, decimals=2)
TIME = style.column(unit=style.MOMENT, width=165)


def build() -> dashboard.Dashboard:
    board = new_board(
        "netsky 历史",
        HISTORY_UID,
        "各省各出口的历史丢包率、异常率和时延，当前值与平时（MySQL）",
    )
    board.time("now-7d", "now").refresh("5m")
    for variable in _variables():
        board.with_variable(variable)
    rows = [
        Row("各省", [_province_days(), _now_and_mean()]),
        Row("最差", [_ranking(), _worst_hours()]),
        Row("趋势", _trends()),
        Row("事件", [_incidents()]),
    ]
    add_rows(board, rows)
    return board.build()


def _variables() -> list[
    dashboard_builders.DatasourceVariable
    | dashboard_builders.QueryVariable
    | dashboard_builders.CustomVariable
]:
    source = dashboard_builders.DatasourceVariable("mysql").label("数据源").type("mysql")
    source.current(dashboard.VariableOption(text="netsky MySQL", value="netsky-mysql"))
    isp = _query_variable("isp", sql.isps()).label("运营商")
    egress = _query_variable("egress", sql.egresses()).label("出口").current(ALL)
    egress.multi(multi=True).include_all(include_all=True)
    return [source, isp, egress, province_variable()]


def _query_variable(name: str, query: str) -> dashboard_builders.QueryVariable:
    variable = dashboard_builders.QueryVariable(name).datasource(MYSQL).query(query)
    return variable.refresh(dashboard.VariableRefresh.ON_DASHBOARD_LOAD)


def _province_days() -> Panel:
    panel = statushistory.Panel().unit(style.PERCENT).decimals(2).per_page(100)
    panel.color_scheme(style.by_thresholds()).thresholds(style.thresholds(style.LOSS_PERCENT))
    panel.show_value(common.VisibilityMode.NEVER).row_height(0.85).col_width(1).line_width(0)
    panel.legend(style.no_legend()).tooltip(style.all_series()).fill_opacity(85)
    # A cell for each hour of three days, or for a longer span of a longer range.
    panel.interval("10m").max_data_points(100)
    panel.with_transformation(organize({name: name for name in ["time", *PROVINCE_NAMES]}))
    return place(
        panel,
        "各省丢包率",
        "每格是一段时间内各轮的平均，取所选出口中最高的。空白：没有探测。",
        (13, 26),
        SQLQuery(sql.worst_egress_by_province("lossrate")),
    )


def _now_and_mean() -> Panel:
    return _sql_table(
        "当前与平时",
        "最近一轮的丢包率、平时的丢包率和两者之差（百分点），按升幅从大到小排列。不受所选时间的影响。",
        (11, 26),
        sql.now_and_mean(),
        {
            "当前": LOSS,
            "平时": RATE,
            "升幅": LOSS,
            "探测时间": TIME,
            "平时算于": TIME,
        },
    )


def _ranking() -> Panel:
    return _sql_table(
        "所选时间内最差的省份",
        f"严重轮次：丢包率达到 {sql.SEVERE_PERCENT}% 的轮次所占的比例。平均：每轮权重相同。",
        (13, 16),
        sql.ranking(),
        {
            "平均丢包率": LOSS,
            "最高丢包率": LOSS,
            "严重轮次": RATE,
            "平均异常率": RATE,
            "平均时延": style.column(unit=style.MILLISECONDS, decimals=1),
        },
    )


def _worst_hours() -> Panel:
    return _sql_table(
        "最差时段",
        "平均丢包率最高的 50 个小时。",
        (11, 16),
        sql.worst_hours(),
        {
            "时段": TIME,
            "平均": LOSS,
            "最高": LOSS,
            "轮数": style.column(unit=style.COUNT),
        },
    )


def _incidents() -> Panel:
    states = style.mapping({"未恢复": ("未恢复", style.SEVERE), "已恢复": ("已恢复", style.CLEAR)})
    return _sql_table(
        "事件",
        "所选时间内开始的事件，以及全部未恢复的。级别、升幅（百分点）取最重时；不受所选省份的影响。",
        (24, 12),
        sql.incidents(),
        {
            "状态": style.column(states=states, width=80),
            "开始": TIME,
            "恢复": TIME,
            "历时": style.column(unit=style.DURATION, width=120),
            "最大升幅": LOSS,
        },
    )


def _sql_table(
    title: str,
    description: str,
    size: tuple[int, int],
    query: str,
    columns: Mapping[str, style.Properties],
) -> Panel:
    panel = plain_table()
    for name, properties in columns.items():
        panel.override_by_name(name, properties)
    return place(panel, title, description, size, SQLQuery(query, is_table=True))


def _trends() -> list[Panel]:
    loss, rate = (
        loss_graph(style.PERCENT, style.LOSS_PERCENT, "mean", "max"),
        graph(style.PERCENT, "mean", "max"),
    )
    latency = graph(style.MILLISECONDS, "mean", "max")
    panels = (
        (loss, "丢包率", "各省经各出口，每段时间内各轮的平均。", 24, "lossrate"),
        (rate, "异常率", "异常目标 / 全部目标。", 12, "abnormalrate"),
        (latency, "平均时延", "没有应答的轮次没有时延，不计入。", 12, "mean"),
    )
    return [
        place(
            panel.interval("1m"),
            title,
            description,
            (width, 10),
            SQLQuery(sql.by_province_and_egress(of)),
        )
        for panel, title, description, width, of in panels
    ]
