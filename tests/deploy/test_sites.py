"""Several sites in one view, on a real Prometheus with the configuration and rules as shipped."""

import json
import re

import pytest

from netsky.outlets.pushgateway import Pushgateway
from testing import ROOT
from testing.chain import prometheus_config
from testing.http import http_recorder
from testing.prometheus import ask, query, run_prometheus
from testing.servers import run_pushgateway, wait_until
from testing.sites import (
    NATIONAL,
    TOLD,
    VERDICTS,
    board_queries,
    metric_groups,
    substitute,
    verdicts,
)

RULES = (ROOT / "deploy/prometheus/netsky.rules.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """The URL of Prometheus, and what its Alertmanager was sent."""
    folder = tmp_path_factory.mktemp("sites")
    (folder / "pushgateway").mkdir()
    with run_pushgateway(folder / "pushgateway") as gateway, http_recorder() as (url, sent):
        for group in metric_groups():
            Pushgateway(gateway, timeout=5).push(group)
        config = prometheus_config(folder, pushgateway=gateway, alertmanager=url, times=30)
        with run_prometheus(folder, config) as prometheus:
            wait_until(lambda: len(query(prometheus, VERDICTS)) == len(TOLD), what="verdicts")
            yield prometheus, sent


@pytest.fixture
def prometheus(sites):
    return sites[0]


def test_whose_fault_it_is_is_told_in_words_of_both_languages(prometheus):
    assert verdicts(prometheus) == {key: [told] for key, told in TOLD.items()}


@pytest.mark.parametrize(
    ("panel", "expr"), [pytest.param(*query, id=name) for name, *query in board_queries()]
)
def test_every_query_of_the_national_board_has_data_of_all_sites_or_of_one(panel, expr, prometheus):
    assert query(prometheus, substitute(expr))
    found = query(prometheus, substitute(expr, site="bj1"))
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
    cu, cm, ct = {"bj1", "sh2", "gz3"}, {"bj1"}, {"bj1", "sh2", None}
    assert shown == {
        (site, isp) for isp, sites in (("cu", cu), ("cm", cm), ("ct", ct)) for site in sites
    }


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
