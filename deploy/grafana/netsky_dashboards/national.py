"""*Netsky national*: all sites and ISPs by province, worst first, and in words whose fault it is."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard as dashboard_builders
from grafana_foundation_sdk.models import dashboard

from netsky import figures
from netsky.figures import Gauge
from netsky.outlets import metrics
from netsky_dashboards import style
from netsky_dashboards.layout import (
    ALL,
    NATIONAL_UID,
    OVERVIEW_UID,
    Panel,
    Row,
    add_rows,
    label_values,
    new_board,
    prometheus_variable,
    province_variable,
    sorted_table,
)
from netsky_dashboards.value_table import Value, value_table
from netsky_dashboards.words import ISP_NAMES, RULES, STALE_AFTER, STALE_MINUTES, seconds

# The label `site` is made of the exit's name by deploy/prometheus/prometheus.yml; so is this series by
# its rules.
VERDICTS = "site_isp_province:netsky_loss_increase_points:verdict"

LABELS = {"site": "站点", "isp": "运营商", "province_name": "省份"}
BY_PROVINCE = f"by ({', '.join(LABELS)})"
SITES = 'site=~"$site", isp=~"$isps"'
PROVINCES = f'{SITES}, province_name=~"$province"'

LOSS = style.column(unit=style.RATIO, decimals=2, steps=style.LOSS_RATIO)
POINTS = style.column(decimals=2, steps=style.LOSS_PERCENT)
COUNT = style.column(unit=style.COUNT)
TO_OVERVIEW = dashboard.DashboardLink(
    title="${__value.text} 总览",
    url=f"/d/{OVERVIEW_UID}?var-isp=${{__value.raw}}&${{__url_time_range}}",
)
ISPS = style.column(link=TO_OVERVIEW) + style.look(
    states=style.mapping({slug: (name, None) for slug, name in ISP_NAMES.items()})
)


def build() -> dashboard.Dashboard:
    board = new_board(
        "netsky 全国",
        NATIONAL_UID,
        "各站点、各运营商到各省的丢包率，最差的在前，并指出是省的网络、站点还是线路（Prometheus）",
    )
    board.time("now-3h", "now").refresh("30s")
    for variable in _variables():
        board.with_variable(variable)
    add_rows(board, [Row("结论", [_verdicts()]), Row("各站点", [_sites(), _provinces()])])
    return board.build()


def _variables() -> list[
    dashboard_builders.DatasourceVariable
    | dashboard_builders.QueryVariable
    | dashboard_builders.CustomVariable
]:
    series = metrics.SWEEP_TIMESTAMP.name
    site = label_values("site", series).label("站点")
    # Another name than that of the other dashboards, which show one ISP at a time.
    isps = label_values("isps", series, label="isp").label("运营商")
    for variable in (site, isps):
        # A value of its own for All: an exit that is of no site has no such label.
        variable.multi(multi=True).include_all(include_all=True).all_value(".*").current(ALL)
    return [prometheus_variable(), site, isps, province_variable(all_value=".*")]


def _verdicts() -> Panel:
    values = f"max by ({', '.join(LABELS)}, verdict, verdict_en) ({VERDICTS}{{{PROVINCES}}})"
    return value_table(
        sorted_table("升幅").override_by_name("运营商", ISPS),
        "哪些省差，是谁的问题",
        f"丢包率比平时升高 {RULES.elevated * 100:g} 个百分点以上的省，每站点每运营商一行，最差的在前；升幅取本站点最差的出口。"
        "同一省从多个站点看都差，是该省的网络；只有一个站点或一条线路差，是那个站点或那条线路。没有行：没有这样的省。",
        (24, 14),
        labels={**LABELS, "verdict": "结论", "verdict_en": "Verdict"},
        values=[Value("升幅", values, POINTS)],
        more={},
    )


def _sites() -> Panel:
    received, sent = (
        f"sum by (site, isp) ({_fresh(gauge, SITES)})"
        for gauge in (figures.PACKETS_RECEIVED, figures.PACKETS_SENT)
    )
    newest = f"last_over_time({metrics.SWEEP_TIMESTAMP.name}{{{SITES}}}[12h])"
    bad = style.column(unit=style.COUNT, steps=style.NONE_IS_GOOD)
    age = style.column(unit=style.SECONDS, decimals=0, steps=style.AGE)
    return value_table(
        sorted_table("总丢包率").override_by_name("运营商", ISPS),
        "各站点、各运营商",
        "总丢包率：各出口、全部省份的丢包数 / 发包数；数据年龄取最久的出口。不受省份选择的影响。",
        (9, 26),
        labels={"site": "站点", "isp": "运营商"},
        values=[
            Value("总丢包率", f"1 - {received} / {sent}", LOSS),
            Value("差的省", f"count by (site, isp) ({VERDICTS}{{{SITES}}})", bad),
            Value("数据年龄", f"max by (site, isp) (time() - {newest})", age),
        ],
        more={},
    )


def _provinces() -> Panel:
    loss, latency = _fresh(figures.LOSS, PROVINCES), _fresh(figures.LATENCY_MEAN, PROVINCES)
    milliseconds = style.column(unit=style.SECONDS, decimals=1)
    return value_table(
        sorted_table("丢包率", "时延").override_by_name("运营商", ISPS),
        "各站点、各运营商到各省",
        f"每站点每运营商每省一行，取本站点最差的出口，最差的在前。超过 {STALE_MINUTES} 分钟的数据不计。",
        (15, 26),
        labels=LABELS,
        values=[
            Value("丢包率", f"max {BY_PROVINCE} ({loss})", LOSS),
            Value("时延", f"max {BY_PROVINCE} ({latency} >= 0)", milliseconds),
            Value("出口数", f"count {BY_PROVINCE} ({loss})", COUNT),
        ],
        more={},
    )


def _fresh(gauge: Gauge, chosen: str) -> str:
    age = f"time() - {metrics.SWEEP_TIMESTAMP.name}{{{SITES}}}"
    return f"({gauge.name}{{{chosen}}} and on (isp, egress) {age} < {seconds(STALE_AFTER)})"
