"""Several sites in one view, on a real Prometheus with the configuration and rules as shipped."""

import dataclasses
import json
import math
import re
from datetime import UTC, datetime

import pytest

from netsky.aggregate import aggregate
from netsky.outlets.metrics import alert_metrics, probe_metrics
from netsky.outlets.pushgateway import Pushgateway
from netsky.places import find_isp
from testing import ROOT
from testing.chain import prometheus_config
from testing.http import http_recorder
from testing.prometheus import ask, query, run_prometheus
from testing.samples import make_alert_report, make_sweep
from testing.servers import run_pushgateway, wait_until

NATIONAL = json.loads(
    (ROOT / "deploy/grafana/dashboards/netsky-national.json").read_text(encoding="utf-8")
)
RULES = (ROOT / "deploy/prometheus/netsky.rules.yml").read_text(encoding="utf-8")
VERDICTS = "site_isp_province:netsky_loss_increase_points:verdict"

FINE = dict.fromkeys(
    ("anhui", "hubei", "hunan", "hebei", "henan", "hainan", "fujian", "gansu"), 0.5
)
# By exit and ISP the rise in points; `gz3` has one line, which is bad to most provinces.
RISES = {
    ("bj1-unicom-1", "cu"): FINE | {"hunan": 8, "hubei": 20},
    ("bj1-unicom-2", "cu"): FINE | {"hubei": 30, "hebei": 6},
    ("sh2-unicom-1", "cu"): FINE | {"hunan": 40, "gansu": 7},
    ("gz3-unicom-1", "cu"): FINE | dict.fromkeys(list(FINE)[:5], 60),
    ("bj1-unicom-1", "cm"): FINE | {"hainan": 9},
    ("default", "ct"): FINE,
}
PROVINCE = ("该省网络：从多个站点看都差", "the province's network: bad from several sites")
SITE = (
    "该站点：本站各出口都差，别的站点正常",
    "the site: bad through all of its exits, fine from other sites",
)
LINE = ("该线路：只有这条线路差", "the line: bad through this one alone")
WHOLE_LINE = ("整条线路：到多数省都差", "the whole line: bad to most provinces")
UNKNOWN = ("无从比较：没有别的站点探测该省", "cannot be told: no other site measures this province")


def push(url, egress, isp, rises):
    gateway, now = Pushgateway(url, timeout=5), datetime.now(UTC)
    sweep = make_sweep({slug: [0.03, math.nan] for slug in rises}, egress=egress)
    library = dataclasses.replace(sweep.library, isp=isp)
    sweep = dataclasses.replace(sweep, library=library, started_at=now)
    gateway.push(probe_metrics(sweep, aggregate(sweep, abnormal_rtt=0.3)))
    verdict = dataclasses.replace(make_alert_report(rises).verdict, judged_at=now)
    gateway.push(alert_metrics(find_isp(isp, {}), egress, verdict))


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """The URL of Prometheus, and what its Alertmanager was sent."""
    folder = tmp_path_factory.mktemp("sites")
    (folder / "pushgateway").mkdir()
    with run_pushgateway(folder / "pushgateway") as gateway, http_recorder() as (url, sent):
        for (egress, isp), rises in RISES.items():
            push(gateway, egress, isp, rises)
        config = prometheus_config(folder, pushgateway=gateway, alertmanager=url, times=30)
        with run_prometheus(folder, config) as prometheus:
            wait_until(lambda: len(query(prometheus, VERDICTS)) == 11, what="verdicts")
            yield prometheus, sent


@pytest.fixture
def prometheus(sites):
    return sites[0]


def test_whose_fault_it_is_is_told_in_words_of_both_languages(prometheus):
    found = {}
    for series in query(prometheus, VERDICTS):
        labels = series["metric"]
        key = labels["site"], labels["isp"], labels["province"]
        assert key not in found
        found[key] = float(series["value"][1]), (labels["verdict"], labels["verdict_en"])
    assert found == {
        ("bj1", "cu", "hunan"): (8, PROVINCE),
        ("sh2", "cu", "hunan"): (40, PROVINCE),
        ("bj1", "cu", "hubei"): (30, SITE),
        ("bj1", "cu", "hebei"): (6, LINE),
        ("sh2", "cu", "gansu"): (7, LINE),
        ("bj1", "cm", "hainan"): (9, UNKNOWN),
        # Each of these would look like its province's network, or like a province of its own.
        **{("gz3", "cu", slug): (60, WHOLE_LINE) for slug in list(FINE)[:5]},
    }


def substitute(expr, *, site=".*"):
    values = {"site": site, "isps": ".*", "province": ".*"}
    return re.sub(r"\$(\w+)", lambda name: values[name[1]], expr)


QUERIES = [
    pytest.param(panel, target, id=f"{panel['id']}{target['refId']}")
    for panel in NATIONAL["panels"]
    for target in panel.get("targets", ())
]


@pytest.mark.parametrize(("panel", "target"), QUERIES)
def test_every_query_of_the_national_board_has_data_of_all_sites_or_of_one(
    panel, target, prometheus
):
    assert query(prometheus, substitute(target["expr"]))
    found = query(prometheus, substitute(target["expr"], site="bj1"))
    assert {series["metric"].get("site") for series in found} == {"bj1"}
    [organized] = [t for t in panel["transformations"] if t["id"] == "organize"]
    assert found[0]["metric"].keys() <= organized["options"]["indexByName"].keys()


def test_the_variables_have_values_and_an_exit_without_a_site_is_shown_too(prometheus):
    for variable in NATIONAL["templating"]["list"]:
        if variable["type"] == "query":
            series, label = re.fullmatch(
                r"label_values\((.+), (\w+)\)", variable["query"]["query"]
            ).groups()
            wanted = {"site": {"bj1", "sh2", "gz3"}, "isp": {"cu", "cm", "ct"}}[label]
            assert set(ask(prometheus, f"label/{label}/values", **{"match[]": series})) == wanted
    [totals] = [p for p in NATIONAL["panels"] if p["title"] == "各站点、各运营商"]
    found = query(prometheus, substitute(totals["targets"][0]["expr"]))
    shown = {(series["metric"].get("site"), series["metric"]["isp"]) for series in found}
    assert shown == {("bj1", "cu"), ("bj1", "cm"), ("sh2", "cu"), ("gz3", "cu"), (None, "ct")}


def test_the_board_asks_for_what_the_rules_record():
    assert f"record: {VERDICTS}\n" in RULES
    assert VERDICTS in json.dumps(NATIONAL)


def test_alerts_have_their_site_as_well(sites):
    _, sent = sites

    def of_site(site):
        alerts = [alert["labels"] for request in sent for alert in json.loads(request.body)]
        return [a for a in alerts if a.get("egress", "").startswith(f"{site}-")]

    wait_until(lambda: of_site("sh2"), what="an alert of sh2")
    assert {labels["site"] for labels in of_site("sh2")} == {"sh2"}
