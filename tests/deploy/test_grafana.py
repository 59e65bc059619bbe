"""The dashboards of deploy/grafana: up to date, and every query of theirs answered with data.

Grafana itself is not here. What it does to a query before it sends it is done in `substitute`, the
same way: variables as its data sources write them, and the macros of its MySQL data source.
"""

import dataclasses
import json
import math
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pymysql
import pytest
import yaml

from netsky.aggregate import aggregate
from netsky.outlets.metrics import (
    JOBS,
    LibraryFigures,
    alert_metrics,
    library_metrics,
    probe_metrics,
)
from netsky.outlets.pushgateway import Pushgateway
from netsky.outlets.time_series import TimeSeries
from netsky.places import PROVINCES, find_isp, find_province
from testing import ROOT
from testing.commands import run_tool
from testing.memories import answered_always
from testing.prometheus import ask, query, run_prometheus, scraping_pushgateway
from testing.samples import make_alert_report, make_sweep, write_library
from testing.servers import SCHEMA, run_pushgateway, wait_until
from testing.victoria import flush, run_victoria

GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARDS = GRAFANA / "dashboards"
EGRESSES = ("telecom-1", "unicom-1")
NAMES = [province.name for province in PROVINCES]

MINUTE = 60
LATER = 3600
"""The range of time in SQL reaches into the future: all that is measured is in it."""


def load(name):
    return json.loads((DASHBOARDS / f"{name}.json").read_text(encoding="utf-8"))


OVERVIEW, HISTORY = load("netsky-overview"), load("netsky-history")
NATIONAL = load("netsky-national")
BOARDS = [OVERVIEW, HISTORY, NATIONAL]
each_board = pytest.mark.parametrize("board", BOARDS, ids=[board["uid"] for board in BOARDS])


def panels(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries(board):
    return [
        pytest.param(panel, target, id=f"{panel['id']}{target['refId']}")
        for panel in panels(board)
        for target in panel["targets"]
    ]


def panel_of(board, title):
    [panel] = [panel for panel in panels(board) if panel["title"] == title]
    return panel


def variables(board):
    return {variable["name"]: variable for variable in board["templating"]["list"]}


def for_prometheus(values):
    """A variable of several values, as Grafana writes it into PromQL."""
    escaped = [re.sub(r"[$^*{}\[\]'+?.()|\\]", r"\\\\\g<0>", value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def substitute_promql(expr, *, isp="cu", egresses=EGRESSES, provinces=None):
    # `All` of the provinces has a value of its own.
    chosen = for_prometheus(provinces) if provinces else variables(OVERVIEW)["province"]["allValue"]
    values = {"isp": isp, "egress": for_prometheus(egresses), "province": chosen}
    return re.sub(r"\$(\w+)", lambda name: values[name[1]], expr)


def substitute_sql(sql, *, isp="cu", egresses=EGRESSES, provinces=NAMES):
    def quoted(values):
        return ",".join(f"'{value}'" for value in values)

    values = {
        "${isp}": isp,
        "${egress:sqlstring}": quoted(egresses),
        "${province:sqlstring}": quoted(provinces),
        "$__interval": "10m",
    }
    for written, value in values.items():
        sql = sql.replace(written, value)
    expanded = re.sub(r"\$(\w+)\(([^)]*)\)", expand_macro, sql)
    assert "$" not in expanded, expanded
    return expanded


def expand_macro(macro):
    """As Grafana's MySQL data source does, which takes a macro's arguments to end at the first `)`."""
    column, *interval = macro[2].split(",")
    if macro[1] == "__timeFilter":
        now = int(time.time())
        return f"{column} BETWEEN FROM_UNIXTIME({now - LATER}) AND FROM_UNIXTIME({now + LATER})"
    seconds = {"10m": 600, "1h": 3600}[interval[0].strip(" '")]
    group = f"UNIX_TIMESTAMP({column}) DIV {seconds} * {seconds}"
    return {"__timeGroup": group, "__timeGroupAlias": f'{group} AS "time"'}[macro[1]]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with run_pushgateway(tmp_path_factory.mktemp("pushgateway")) as url:
        yield url


@pytest.fixture(scope="module")
def measured(tmp_path_factory, mariadb, gateway, victoria):
    """The three tools run as cron would, twice through each of two exits; one province is new."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "netsky.toml").write_text(
        f'database = "{mariadb.url("netsky_{isp}")}"\npushgateway = "{gateway}"\n'
        f'metrics_url = "{victoria}"\n'
        + "".join(f'[egress.{name}]\nsource = "127.0.0.1"\n' for name in EGRESSES)
    )
    write_library(folder / "without", isp="cu", provinces=PROVINCES[:-1])
    write_library(folder / "with", isp="cu")

    def run(tool, *arguments, exit_code=0):
        done = run_tool(folder, tool, *arguments)
        assert done.returncode == exit_code, done.stderr

    def probe(library):
        for egress in EGRESSES:
            options = ["--library", library, "--window", "0.6", "--timeout", "2000"]
            run("netsky_probe", "--egress", egress, *options)

    mariadb.execute(SCHEMA.read_text(encoding="utf-8"))
    probe("without")
    probe("without")
    run("netsky_get_avg_lossrate", "--min-samples", "1")
    for egress in EGRESSES:
        answered_always(folder / "memory" / f"netsky_cu.{egress}.memory")
    probe("with")
    for egress in EGRESSES:
        run("netsky_alert", "--egress", egress, exit_code=3)  # the new province is not judged
    push_library(gateway, dict.fromkeys(PROVINCES, (400, 0.98)))
    # VictoriaMetrics has it since the last refresh.
    group = library_group(dict.fromkeys(PROVINCES, (400, 0.98)), asked=2 * LATER)
    TimeSeries(victoria, folder / "waits", timeout=5, mode=0o600).send([group])
    yield mariadb
    for isp in ("cu", "cm", "ct"):
        mariadb.execute(f"DROP DATABASE netsky_{isp}")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory, measured, gateway):
    folder = tmp_path_factory.mktemp("prometheus")
    with run_prometheus(folder, scraping_pushgateway(gateway)) as url:
        scraped = 'netsky_alert_timestamp_seconds{isp="cu"}'
        wait_until(lambda: len(query(url, scraped)) == len(EGRESSES), what="scraped")
        yield url


@pytest.fixture(scope="module")
def victoria(tmp_path_factory):
    """What metrics_url of the tools has brought."""
    with run_victoria(tmp_path_factory.mktemp("victoria")) as url:
        yield url


@pytest.fixture(params=["pushgateway", "metrics_url"])
def source(request, prometheus, victoria):
    """The URL of what the overview asks: the same figures, come in two ways."""
    flush(victoria)
    return prometheus if request.param == "pushgateway" else victoria


@pytest.fixture
def rows(measured):
    """Ask MySQL as Grafana does: its session is UTC and has Grafana's collation."""
    connection = pymysql.connect(
        host="127.0.0.1",
        port=measured.port,
        user="root",
        charset="utf8mb4",
        collation="utf8mb4_unicode_ci",
        init_command="SET time_zone = '+00:00'",
        cursorclass=pymysql.cursors.DictCursor,
    )

    def ask_mysql(sql):
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    with connection:
        yield ask_mysql


def answer(url, target, **chosen):
    """The series of a query of the overview, each with its labels and values."""
    expr = substitute_promql(target["expr"], **chosen)
    if target.get("instant"):
        return [(series["metric"], [series["value"][1]]) for series in query(url, expr)]
    now = time.time()
    result = ask(url, "query_range", query=expr, start=now - MINUTE, end=now, step=1)["result"]
    return [(series["metric"], [value for _, value in series["values"]]) for series in result]


def test_the_dashboards_are_what_build_writes(tmp_path):
    subprocess.run([sys.executable, str(GRAFANA / "build.py"), str(tmp_path)], check=True)
    built = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert built == {file.name: file.read_bytes() for file in DASHBOARDS.iterdir()}, (
        "write them anew: .venv/bin/python deploy/grafana/build.py"
    )


@pytest.mark.parametrize(("panel", "target"), queries(OVERVIEW))
def test_every_query_of_the_overview_has_data(panel, target, source):
    series = answer(source, target)
    assert series, target["expr"]
    assert all(math.isfinite(float(value)) for _, values in series for value in values)


@pytest.mark.parametrize(("panel", "target"), queries(OVERVIEW))
def test_the_overview_shows_only_what_is_chosen(panel, target, source):
    chosen = {"egresses": ["unicom-1"], "provinces": ["广东", "新疆"]}
    for labels, _ in answer(source, target, **chosen):
        assert labels.get("egress", "unicom-1") == "unicom-1"
        assert labels.get("province_name", "广东") in ("广东", "新疆")


@pytest.mark.parametrize(("panel", "target"), queries(OVERVIEW))
def test_a_legend_names_labels_that_are_there(panel, target, prometheus):
    wanted = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
    assert all(wanted <= labels.keys() for labels, _ in answer(prometheus, target))


def test_the_overview_asks_only_for_metrics_that_netsky_has():
    known = {gauge.name for gauges in JOBS.values() for gauge in gauges}
    text = json.dumps([panel["targets"] for panel in panels(OVERVIEW)])
    asked = set(re.findall(r"netsky_\w+(?=\{)", text))
    assert asked <= known
    assert len(asked) > 15


@pytest.mark.parametrize("name", ["isp", "egress"])
def test_the_variables_of_the_overview_have_values(name, prometheus):
    text = substitute_promql(variables(OVERVIEW)[name]["query"]["query"])
    series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", text).groups()
    matching = ask(prometheus, f"label/{label}/values", **{"match[]": series})
    assert set(matching) >= set({"isp": ["cu"], "egress": EGRESSES}[name])


OF_PROVINCES = [each for each in queries(HISTORY) if each.values[0]["title"] != "事件"]


@pytest.mark.parametrize(("panel", "target"), OF_PROVINCES)
def test_every_query_of_the_history_has_data(panel, target, rows):
    answered = rows(substitute_sql(target["rawSql"]))
    assert {row.get("province", row.get("省份", NAMES[0])) for row in answered} <= set(NAMES)
    assert len(answered) >= len(NAMES)
    overridden = {o["matcher"]["options"] for o in panel["fieldConfig"]["overrides"]}
    assert overridden <= answered[0].keys()
    if target["format"] == "time_series":
        assert list(answered[0]) == ["time", "metric", "value"]
        assert abs(answered[0]["time"] - time.time()) < LATER


@pytest.mark.parametrize(("panel", "target"), OF_PROVINCES)
def test_the_history_shows_only_what_is_chosen(panel, target, rows):
    chosen = {"egresses": ["unicom-1"], "provinces": ["广东", "新疆"]}
    answered = rows(substitute_sql(target["rawSql"], **chosen))
    assert len(answered) >= 2
    text = " ".join(str(value) for row in answered for value in row.values())
    assert "telecom" not in text
    assert {name for name in NAMES if name in text} == {"广东", "新疆"}


def test_the_newest_loss_stands_beside_its_mean_once(rows):
    [target] = panel_of(HISTORY, "当前与平时")["targets"]
    answered = rows(substitute_sql(target["rawSql"]))
    assert len(answered) == len(NAMES) * len(EGRESSES)
    without_mean = [row for row in answered if row["平时"] is None]
    assert [row["省份"] for row in without_mean] == ["新疆"] * len(EGRESSES)
    assert all(row["升幅"] is None for row in without_mean)


def test_incidents_of_the_chosen_time_are_shown_and_open_ones_always(rows, measured):
    now = "UTC_TIMESTAMP()"
    measured.execute(
        "INSERT INTO netsky_cu.netsky_incident (isp, egress, opened_at, changed_at, cleared_at, severity,"
        " peak_severity, peak_increase, peak_provinces, provinces) VALUES"
        f" ('cu', 'unicom-1', {now} - INTERVAL 9 DAY, {now}, NULL, 'medium', 'critical', 44, 3, '湖南'),"
        f" ('cu', 'unicom-1', {now} - INTERVAL 30 SECOND, {now}, {now} - INTERVAL 10 SECOND, 'medium',"
        "  'heavy', 7.5, 4, '广东'),"
        f" ('cu', 'unicom-1', {now} - INTERVAL 9 DAY, {now}, {now}, 'medium', 'heavy', 7.5, 4, '北京'),"
        f" ('cu', 'telecom-1', {now} - INTERVAL 30 SECOND, {now}, NULL, 'medium', 'medium', 7, 1, '上海')"
    )
    panel = panel_of(HISTORY, "事件")
    [target] = panel["targets"]
    first, second = rows(substitute_sql(target["rawSql"], egresses=["unicom-1"]))
    assert (first["状态"], first["级别"], first["涉及省份"]) == ("未恢复", "危急", "湖南")
    assert first["历时"] >= 9 * 86_400
    assert (second["状态"], second["历时"], second["最大升幅"]) == ("已恢复", 20, 7.5)
    assert {o["matcher"]["options"] for o in panel["fieldConfig"]["overrides"]} <= first.keys()


def test_the_variables_of_the_history_have_values(rows):
    asked = {name: v["query"] for name, v in variables(HISTORY).items() if v["type"] == "query"}
    isps = rows(substitute_sql(asked["isp"]))
    assert {"__value": "cu", "__text": "中国联通"} in isps
    assert [row["egress"] for row in rows(substitute_sql(asked["egress"]))] == [*EGRESSES]


def push(gateway, rtts, *, egress, isp="ct", age=0.0, dead=None):
    sweep = make_sweep(rtts, egress=egress)
    sweep = dataclasses.replace(
        sweep,
        library=dataclasses.replace(sweep.library, isp=isp),
        started_at=datetime.now(UTC) - timedelta(seconds=age),
    )
    alive = np.ones(sweep.library.targets, np.bool_)
    group = probe_metrics(sweep, aggregate(sweep, abnormal_rtt=0.3, live=alive, dead=dead))
    Pushgateway(gateway, timeout=5).push(group)
    return f'netsky_sweep_timestamp_seconds{{isp="{isp}", egress="{egress}"}}'


def library_group(figures, *, isp="cu", egress="unicom-1", asked=0.0, provisional=()):
    """A library, of each province targets and share of answers; asked so many seconds ago."""
    libraries = [
        LibraryFigures(province, targets, ratio, province.slug in provisional)
        for province, (targets, ratio) in figures.items()
    ]
    at = time.time() - asked
    return library_metrics(isp, egress, libraries, asked_at=at, age_seconds=3600.0)


def push_library(gateway, figures, *, isp="cu", egress="unicom-1", **library):
    group = library_group(figures, isp=isp, egress=egress, **library)
    Pushgateway(gateway, timeout=5).push(group)
    return f'netsky_library_timestamp_seconds{{isp="{isp}", egress="{egress}"}}'


def ask_panel(url, title, ref_id="A", **chosen):
    [target] = [t for t in panel_of(OVERVIEW, title)["targets"] if t["refId"] == ref_id]
    return answer(url, target, isp="ct", **chosen)


def test_totals_are_of_packets_and_the_best_egress_has_least_loss(prometheus, gateway):
    lost = math.nan
    fair = {"beijing": [0.010] * 6 + [lost] * 2, "xizang": [lost] * 2}
    good = {"beijing": [0.030] * 7 + [lost], "xizang": [lost] * 2}
    for series in (push(gateway, fair, egress="fair"), push(gateway, good, egress="good")):
        wait_until(lambda series=series: query(prometheus, series), what="scraped")

    egresses = ["fair", "good"]
    totals = ask_panel(prometheus, "总丢包率", egresses=egresses)
    newest = {labels["egress"]: float(values[-1]) for labels, values in totals}
    assert newest == pytest.approx({"fair": 4 / 10, "good": 3 / 10})
    latencies = ask_panel(prometheus, "总平均时延", egresses=egresses)
    newest = {labels["egress"]: float(values[-1]) for labels, values in latencies}
    assert newest == pytest.approx({"fair": 0.010, "good": 0.030}, rel=1e-3)
    best = ask_panel(prometheus, "各省丢包率：出口对比", "B", egresses=egresses)
    assert [labels for labels, _ in best] == [{"province_name": "北京", "egress": "good"}]


def test_dead_targets_are_a_share_of_all_by_line_and_a_gap_where_they_are_not_known(
    prometheus, gateway
):
    lost = math.nan
    rtts = {"beijing": [0.01] * 5 + [lost] * 3, "xizang": [lost] * 2}
    dead = np.array([False] * 6 + [True] * 3 + [False])
    for egress, known in (("week", dead), ("day", None)):
        series = push(gateway, rtts, egress=egress, dead=known)
        wait_until(lambda series=series: query(prometheus, series), what="scraped")
    chosen = {"egresses": ["week", "day"], "provinces": ["西藏"]}
    [(labels, values)] = ask_panel(prometheus, "一周没有应答的目标", **chosen)
    assert (labels["egress"], float(values[-1])) == ("week", pytest.approx(3 / 10))


def test_what_is_old_is_not_drawn_and_its_age_is(prometheus, gateway):
    series = push(gateway, {"beijing": [0.01]}, egress="old", age=600)
    wait_until(lambda: query(prometheus, series), what="scraped")
    assert not ask_panel(prometheus, "总丢包率", egresses=["old"])
    assert not ask_panel(prometheus, "丢包率最高、升幅最大", egresses=["old"])
    [(_, [age])] = ask_panel(prometheus, "数据年龄", egresses=["old"])
    assert 600 <= float(age) < 700
    [(labels, _)] = ask_panel(prometheus, "各省当前数据", egresses=["old"])
    assert labels["province_name"] == "北京"


def test_of_a_library_the_exit_that_asked_last_is_shown(prometheus, gateway):
    beijing, xizang = find_province("beijing"), find_province("xizang")
    earlier = {beijing: (7, 0.5), xizang: (7, 0.5)}
    series = push_library(gateway, earlier, isp="ct", egress="gone", asked=7200)
    wait_until(lambda: query(prometheus, series), what="scraped")
    newest = {beijing: (300, 0.9), xizang: (100, 0.5), find_province("hunan"): (0, None)}
    series = push_library(gateway, newest, isp="ct", egress="new", provisional=["xizang"])
    wait_until(lambda: query(prometheus, series), what="scraped")

    def tile(ref_id):
        [(_, [value])] = ask_panel(prometheus, "地址库", ref_id, egresses=["other"])
        return float(value)

    assert (tile("A"), tile("B")) == (400, 1)
    assert tile("C") == pytest.approx(0.8)
    assert 0 <= tile("D") < 60
    assert 3600 <= tile("E") < 3660
    rows = ask_panel(prometheus, "各省地址库", "C", egresses=["other"])
    assert {row["province_name"]: value for row, [value] in rows} == {
        "北京": "0",
        "西藏": "1",
        "湖南": "0",
    }


@pytest.mark.parametrize(
    ("rises", "age", "state"),
    [
        pytest.param({"beijing": 12}, 0, 1, id="stands"),
        pytest.param({"beijing": 2}, 0, 0, id="none"),
        pytest.param({"beijing": None}, 0, 0.5, id="undetermined"),
        pytest.param({"beijing": 2}, 600, 0.5, id="judged-long-ago"),
    ],
)
def test_an_alert_that_cannot_be_told_is_neither_on_nor_off(rises, age, state, prometheus, gateway):
    egress = f"state-{state}-age-{age}"
    judged_at = datetime.now(UTC) - timedelta(seconds=age)
    verdict = dataclasses.replace(make_alert_report(rises).verdict, judged_at=judged_at)
    Pushgateway(gateway, timeout=5).push(alert_metrics(find_isp("ct", {}), egress, verdict))
    series = f'netsky_alert_timestamp_seconds{{isp="ct", egress="{egress}"}}'
    wait_until(lambda: query(prometheus, series), what="scraped")
    [(_, [shown])] = ask_panel(prometheus, "当前告警", "critical", egresses=[egress])
    assert float(shown) == state
    mappings = panel_of(OVERVIEW, "当前告警")["fieldConfig"]["overrides"][0]["properties"]
    assert f"{state:g}" in json.dumps(mappings)


@each_board
def test_panels_have_a_place_of_their_own(board):
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in board["panels"])
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) == 23


@each_board
def test_panels_say_what_they_show(board):
    assert all(panel["title"] and panel["description"] for panel in panels(board))


def test_the_dashboards_link_to_each_other_with_the_same_variables():
    for board in BOARDS:
        [link] = board["links"]
        assert (link["type"], link["includeVars"], link["keepTime"]) == ("dashboards", True, True)
        assert set(link["tags"]) <= set(board["tags"])
    shared = variables(OVERVIEW).keys() & variables(HISTORY).keys()
    assert shared == {"isp", "egress", "province"}
    for board, target in ((OVERVIEW, HISTORY), (NATIONAL, OVERVIEW)):
        [url] = set(re.findall(r"/d/[\w-]+", json.dumps(board)))
        assert url == f"/d/{target['uid']}"


def test_the_provisioned_data_sources_are_the_ones_chosen_at_first():
    file = GRAFANA / "provisioning" / "datasources" / "netsky.yaml"
    sources = yaml.safe_load(file.read_text(encoding="utf-8"))["datasources"]
    uids = {source["type"]: source["uid"] for source in sources}
    for board, kind in ((OVERVIEW, "prometheus"), (HISTORY, "mysql"), (NATIONAL, "prometheus")):
        assert variables(board)[kind]["current"]["value"] == uids[kind]
    [mysql] = [source for source in sources if source["type"] == "mysql"]
    assert mysql["jsonData"]["timezone"] == "+00:00"  # the tables are in UTC
