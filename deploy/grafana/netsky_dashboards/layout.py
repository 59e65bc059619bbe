"""Queries, panels and rows as both dashboards put them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboard_builders
from grafana_foundation_sdk.builders import (
    prometheus,
    stat,
    statetimeline,
    statushistory,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.runtime import UnknownDataquery
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

from netsky_dashboards import style
from netsky_dashboards.words import PROVINCE_NAMES

PROMETHEUS = dashboard.DataSourceRef(type_val="prometheus", uid="${prometheus}")
MYSQL = dashboard.DataSourceRef(type_val="mysql", uid="${mysql}")

TAG = "netsky"
"""Dashboards with this tag link to each other."""

OVERVIEW_UID, HISTORY_UID, NATIONAL_UID = "netsky-overview", "netsky-history", "netsky-national"


Panel = stat.Panel | statetimeline.Panel | statushistory.Panel | table.Panel | timeseries.Panel
AnyPanel = TypeVar("AnyPanel", bound=Panel)

Size = tuple[int, int]
"""Width, of 24 columns, and height."""


@dataclass(frozen=True, slots=True)
class Row:
    """A titled row; its panels flow from left to right."""

    title: str
    panels: Sequence[Panel]


class SQLQuery(Builder[Dataquery]):
    """A query of the MySQL data source, which the SDK has no model of."""

    def __init__(self, sql: str, *, ref_id: str = "A", is_table: bool = False) -> None:
        self._query = {
            "datasource": MYSQL.to_json(),
            "editorMode": "code",
            "format": "table" if is_table else "time_series",
            "rawQuery": True,
            "rawSql": sql,
            "refId": ref_id,
        }

    def build(self) -> Dataquery:
        return UnknownDataquery(self._query)


def over_time(expr: str, legend: str, *, ref_id: str = "A") -> prometheus.Dataquery:
    return _promql(expr, ref_id).range().legend_format(legend)


def now(expr: str, legend: str = "", *, ref_id: str = "A") -> prometheus.Dataquery:
    return _promql(expr, ref_id).instant().legend_format(legend)


def now_as_table(expr: str, *, ref_id: str) -> prometheus.Dataquery:
    return _promql(expr, ref_id).instant().format(PromQueryFormat.TABLE)


def _promql(expr: str, ref_id: str) -> prometheus.Dataquery:
    query = prometheus.Dataquery().expr(expr).ref_id(ref_id).datasource(PROMETHEUS)
    return query.editor_mode(QueryEditorMode.CODE)


def place(
    panel: AnyPanel, title: str, description: str, size: Size, *targets: Builder[Dataquery]
) -> AnyPanel:
    """Give a panel what every panel has; its data source is that of its queries."""
    panel.title(title).description(description).span(size[0]).height(size[1])
    is_sql = isinstance(targets[0], SQLQuery)
    panel.datasource(MYSQL if is_sql else PROMETHEUS)
    for target in targets:
        panel.with_target(target)
    return panel


def graph(unit: str, *calculations: str) -> timeseries.Panel:
    """Lines over time, with gaps where there is no value."""
    panel = timeseries.Panel().unit(unit).legend(style.legend(*calculations))
    panel.tooltip(style.all_series()).min(0).line_width(1).fill_opacity(0)
    return panel.show_points(common.VisibilityMode.NEVER)


def loss_graph(unit: str, steps: style.Steps, *calculations: str) -> timeseries.Panel:
    """The same for loss rates, with dashed lines at the thresholds."""
    lines = common_builders.GraphThresholdsStyleConfig()
    lines.mode(common.GraphThresholdsStyleMode.DASHED)
    panel = graph(unit, *calculations).thresholds(style.thresholds(steps))
    return panel.thresholds_style(lines)


def plain_table() -> table.Panel:
    """In the order of the query; narrow columns, so that all are in view."""
    panel = table.Panel().cell_height(common.TableCellHeight.SM).min_width(60)
    return panel.no_value("-").mappings([style.NO_NUMBER])


def sorted_table(*columns: str) -> table.Panel:
    """Highest first, by the first column, then by the next."""
    order: list[Builder[common.TableSortByFieldState]] = [
        common_builders.TableSortByFieldState().display_name(column).desc(desc=True)
        for column in columns
    ]
    return plain_table().sort_by(order)


def organize(
    names: Mapping[str, str], *, without: Sequence[str] = ()
) -> dashboard.DataTransformerConfig:
    """Rename fields and put them into this order."""
    return dashboard.DataTransformerConfig(
        "organize",
        options={
            "excludeByName": dict.fromkeys(without, True),
            "indexByName": {field: index for index, field in enumerate(names)},
            "renameByName": {field: name for field, name in names.items() if field != name},
        },
    )


def province_variable(*, all_value: str | None = None) -> dashboard_builders.CustomVariable:
    """By Chinese name, which both the metrics and the tables have."""
    variable = dashboard_builders.CustomVariable("province").label("省份")
    variable.values(",".join(PROVINCE_NAMES)).multi(multi=True).include_all(include_all=True)
    if all_value is not None:
        variable.all_value(all_value)
    return variable.current(ALL)


def prometheus_variable() -> dashboard_builders.DatasourceVariable:
    """The data source, by default the provisioned one."""
    source = dashboard_builders.DatasourceVariable("prometheus").label("数据源").type("prometheus")
    current = dashboard.VariableOption(text="netsky Prometheus", value="netsky-prometheus")
    return source.current(current)


def label_values(
    name: str, series: str, *, label: str | None = None
) -> dashboard_builders.QueryVariable:
    """The values of a label of these series; `label`: where it is not called like the variable."""
    query = f"label_values({series}, {label or name})"
    variable = dashboard_builders.QueryVariable(name).datasource(PROMETHEUS)
    # 1: Grafana's number for a query of label values.
    variable.query({"qryType": 1, "query": query, "refId": name})
    variable.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
    return variable.sort(dashboard.VariableSort.ALPHABETICAL_ASC)


ALL = dashboard.VariableOption(selected=True, text=["All"], value=["$__all"])


def add_rows(board: dashboard_builders.Dashboard, rows: Sequence[Row]) -> None:
    """Ids by place in the row: a new panel leaves those of the other rows as they are."""
    for number, row in enumerate(rows, 1):
        board.with_row(dashboard_builders.Row(row.title).id(number * 100))
        for place_in_row, panel in enumerate(row.panels, 1):
            board.with_panel(panel.id(number * 100 + place_in_row))


def new_board(title: str, uid: str, description: str) -> dashboard_builders.Dashboard:
    board = dashboard_builders.Dashboard(title).uid(uid).description(description)
    board.tags([TAG]).timezone("browser").editable()
    board.tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    link = dashboard_builders.DashboardLink("netsky").type(dashboard.DashboardLinkType.DASHBOARDS)
    link.tags([TAG]).include_vars(include_vars=True).keep_time(keep_time=True)
    return board.link(link)
