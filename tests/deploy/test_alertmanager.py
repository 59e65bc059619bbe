"""deploy/alertmanager: what is sent where, what is held back, and one story from loss to notice."""

import dataclasses
import json
import re
import subprocess
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import yaml

from netsky.outlets.metrics import probe_metrics
from netsky.outlets.pushgateway import Pushgateway
from netsky.places import PROVINCES
from netsky.store.connection import fill_url
from netsky.store.database import Database
from testing import ROOT
from testing.alertmanager import get_alerts, post_alerts, run_alertmanager, run_webhook
from testing.commands import run_tool
from testing.prometheus import query, run_prometheus
from testing.samples import make_quality, make_sweep
from testing.servers import free_port, program, run_pushgateway, wait_until
from testing.stores import store_sweep

DEPLOY = ROOT / "deploy"
CONFIG = DEPLOY / "alertmanager" / "alertmanager.yml"
PROMETHEUS = DEPLOY / "prometheus"
SHIPPED_WEBHOOK = "http://127.0.0.1:8060/dingtalk/netsky/send"

ALERTS = {
    rule["alert"]: rule
    for group in yaml.safe_load((PROMETHEUS / "netsky.rules.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
    if "alert" in rule
}


def config_text(*, webhook=None):
    """The shipped configuration, its notices sent to `webhook` or nowhere."""
    text = CONFIG.read_text(encoding="utf-8")
    assert SHIPPED_WEBHOOK in text
    return text.replace(SHIPPED_WEBHOOK, webhook or f"http://127.0.0.1:{free_port()}/")


def amtool(*arguments):
    command = [program("amtool"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# The configuration


def test_it_is_valid():
    assert "SUCCESS" in amtool("check-config", CONFIG)


def test_it_is_valid_with_all_switched_on(tmp_path):
    switched_off = re.compile(r"^( +)#(?=(?:email|webhook)_configs| {2})", re.MULTILINE)
    text = switched_off.sub(r"\1", CONFIG.read_text("utf-8"))
    file = tmp_path / "alertmanager.yml"
    file.write_text(text, encoding="utf-8")
    amtool("check-config", file)
    receiver, heartbeat, _ = yaml.safe_load(text)["receivers"]
    assert receiver["email_configs"][0]["to"] == "noc@example.com"
    assert heartbeat["webhook_configs"][0]["send_resolved"] is False


def test_recoveries_are_sent():
    receiver, *_ = yaml.safe_load(CONFIG.read_text("utf-8"))["receivers"]
    assert all(webhook["send_resolved"] is True for webhook in receiver["webhook_configs"])


UNSENT = {"NetskyProvinceLossElevated": "nobody", "NetskyProvinceLossSevere": "nobody"}
ELSEWHERE = {"NetskyHeartbeat": "heartbeat", **UNSENT}


@pytest.mark.parametrize("name", [name for name in ALERTS if name not in ELSEWHERE])
def test_every_alert_is_sent_in_the_one_notice_of_its_egress_and_isp(name):
    labels = {**ALERTS[name]["labels"], "alertname": name, "egress": "unicom-1", "isp": "cu"}
    pairs = [f"{key}={value}" for key, value in labels.items() if key != "dashboard"]
    route = amtool(
        "config", "routes", "test", f"--config.file={CONFIG}", "--verify.receivers=netsky", *pairs
    )
    assert route.startswith("netsky")
    routes = yaml.safe_load(CONFIG.read_text("utf-8"))["route"]
    assert routes["group_by"] == ["egress", "isp"]
    assert {route["receiver"] for route in routes["routes"]} == set(ELSEWHERE.values())


@pytest.mark.parametrize(("name", "receiver"), ELSEWHERE.items())
def test_what_has_a_way_of_its_own_takes_it(name, receiver):
    pairs = [f"alertname={name}", "egress=unicom-1", "isp=cu"]
    route = amtool("config", "routes", "test", f"--config.file={CONFIG}", *pairs)
    assert route.strip() == receiver


def test_the_heartbeat_goes_its_own_way_again_and_again(tmp_path):
    text = config_text()
    with run_webhook() as (webhook, beats):
        switched_off = re.compile(r"^( +)#(?=webhook_configs| {2}- \{url)", re.MULTILINE)
        text = switched_off.sub(r"\1", text).replace("http://127.0.0.1:8061", webhook.rstrip("/"))
        text = re.sub(
            r"(group_interval|repeat_interval): (30s|1m)$", r"\1: 1s", text, flags=re.MULTILINE
        )
        with run_alertmanager(tmp_path, text) as url:
            labels = {**ALERTS["NetskyHeartbeat"]["labels"], "alertname": "NetskyHeartbeat"}
            post_alerts(url, [labels])
            wait_until(lambda: len(beats) >= 3, what="three beats", seconds=20)
    assert {beat["receiver"] for beat in beats} == {"heartbeat"}
    assert {beat["status"] for beat in beats} == {"firing"}


# The text of a notice

STARTED = datetime(2026, 11, 25, 10, tzinfo=UTC)


def rendered(tmp_path, part, *alerts):
    """What the shipped template makes of a notice with these alerts."""
    data = tmp_path / "notice.json"
    data.write_text(json.dumps({"receiver": "netsky", "alerts": alerts}), encoding="utf-8")
    template = f"--template.glob={CONFIG.parent / 'netsky.tmpl'}"
    text = f'--template.text={{{{ template "netsky.{part}" . }}}}'
    return amtool("template", "render", template, text, f"--template.data={data}")


def alert(severity, summary, *, minutes=None, description="整体丢包率 9.00%。", dashboard="/d/x"):
    ended = None if minutes is None else STARTED + timedelta(minutes=minutes)
    return {
        "status": "firing" if ended is None else "resolved",
        "labels": {"severity": severity, "dashboard": dashboard},
        "annotations": {"summary": summary, "description": description},
        "startsAt": STARTED.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z" if ended is None else ended.isoformat(),
    }


def test_the_text_names_the_worst_first_and_links_to_its_dashboard(tmp_path):
    alerts = alert("medium", "中度：1 省"), alert("critical", "危急：2 省", dashboard="/d/y?a=b")
    assert rendered(tmp_path, "title", *alerts) == "【告警】危急：2 省 等 2 条"
    text = rendered(tmp_path, "text", *alerts)
    assert text.index("危急：2 省") < text.index("中度：1 省")
    assert "[看板](http://127.0.0.1:3000/d/y?a=b)" in text


def test_a_recovery_is_one_line_however_many_alerts_it_ends(tmp_path):
    alerts = [alert("critical", f"{n} 省", minutes=n) for n in range(5, 36)]
    alerts.append(alert("heavy", "重度：4 省", minutes=42.4))
    assert rendered(tmp_path, "text", *alerts) == "已恢复，持续 42 分钟。结束前最重的告警：5 省"
    assert rendered(tmp_path, "title", *alerts) == "【恢复】5 省"


@pytest.mark.parametrize("minutes", [None, 5])
def test_the_text_fits_what_the_bridges_take(tmp_path, minutes):
    longest = {"description": "省" * 5000, "dashboard": "/d/" + "x" * 390, "minutes": minutes}
    alerts = [alert("critical", "危" * 5000, **longest) for _ in range(200)]
    assert len(rendered(tmp_path, "text", *alerts).encode()) <= 4096
    if minutes is None:
        assert "共 200 条" in rendered(tmp_path, "text", *alerts)


def test_the_text_of_a_long_notice_is_made_of_whole_characters(tmp_path):
    assert "\ufffd" not in rendered(tmp_path, "text", alert("heavy", "重" * 200))


# What is held back

GRADED = ["NetskyLossMedium", "NetskyLossHeavy", "NetskyLossCritical"]
SPREAD = "NetskyLossSpread"
LATENCY = "NetskyProvinceLatencyHigh"
OF_DATA = ["NetskySweepStale", "NetskyAlertStale", "NetskyBaselineStale"]

# By what fires, what of it is not sent.
HELD_BACK = {
    ("NetskyEgressDown", *GRADED, SPREAD, LATENCY): {*GRADED, SPREAD, LATENCY},
    ("NetskyLossMedium", LATENCY): set(),
    ("NetskyLossHeavy", "NetskyLossMedium", LATENCY): {"NetskyLossMedium"},
    ("NetskyLossCritical", "NetskyLossMedium", SPREAD, LATENCY): set(),
    # What is old hides no fault, and a dead judge nothing at all.
    ("NetskySweepStale", "NetskyEgressDown"): set(),
    ("NetskySweepStale", *GRADED[:1], *GRADED[2:], LATENCY): set(),
    ("NetskyAlertStale", "NetskyLossCritical", "NetskyProvincesNotJudged", LATENCY): set(),
    (*OF_DATA, "NetskyProvincesNotJudged", "NetskySweepTainted"): {
        "NetskyProvincesNotJudged",
        "NetskyBaselineStale",
    },
    ("NetskyAlertMissing", "NetskyBaselineStale", "NetskyProvincesNotJudged"): set(),
}


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory):
    with run_alertmanager(tmp_path_factory.mktemp("alertmanager"), config_text()) as url:
        yield url


def labels_of(name, egress, province="hainan"):
    labels = {**ALERTS[name]["labels"], "alertname": name, "egress": egress, "isp": "cu"}
    del labels["dashboard"]
    return labels | ({"province": province} if labels["scope"] == "province" else {})


def held_back(url, egress):
    """Names of the alerts of that egress that are not sent."""
    return {
        alert["labels"]["alertname"]
        for alert in get_alerts(url)
        if alert["labels"].get("egress") == egress and alert["status"]["inhibitedBy"]
    }


@pytest.mark.parametrize("firing", HELD_BACK, ids="+".join)
def test_what_follows_from_a_graver_alert_is_not_sent(alertmanager, firing):
    egress = "+".join(firing)
    post_alerts(alertmanager, [labels_of(name, egress) for name in firing])
    wait_until(
        lambda: held_back(alertmanager, egress) == HELD_BACK[firing],
        what=f"{HELD_BACK[firing]} held back",
        seconds=5,
    )
    known = [
        a["labels"]["alertname"]
        for a in get_alerts(alertmanager)
        if a["labels"]["egress"] == egress
    ]
    assert sorted(known) == sorted(firing)


def test_an_egress_or_province_holds_back_nothing_of_another(alertmanager):
    post_alerts(
        alertmanager,
        [
            labels_of("NetskyEgressDown", "one"),
            labels_of("NetskyLossMedium", "one"),
            labels_of("NetskyLossCritical", "two"),
            labels_of("NetskyLossCritical", "one") | {"isp": "cm"},
            labels_of("NetskyProvinceLossSevere", "three", "hainan"),
            labels_of("NetskyProvinceLossElevated", "three", "hunan"),
        ],
    )
    wait_until(lambda: held_back(alertmanager, "one"), what="one held back", seconds=5)
    assert held_back(alertmanager, "one") == {"NetskyLossMedium"}
    assert held_back(alertmanager, "two") == held_back(alertmanager, "three") == set()
    (of_cm,) = [a for a in get_alerts(alertmanager) if a["labels"]["isp"] == "cm"]
    assert not of_cm["status"]["inhibitedBy"]


def test_without_the_pushgateway_it_is_no_news_that_data_are_old_but_faults_still_are(tmp_path):
    firing = [*OF_DATA, "NetskyAlertMissing", "NetskyLossCritical", "NetskyEgressDown"]
    everywhere = [
        {"alertname": name, "severity": "critical", "scope": "netsky"}
        for name in ("NetskyPushgatewayDown", "NetskyNoSweeps")
    ]
    with run_alertmanager(tmp_path, config_text()) as url:
        post_alerts(
            url,
            [*everywhere, *(labels_of(name, "a") for name in firing if name != "NetskyEgressDown")],
        )
        post_alerts(url, [labels_of("NetskyEgressDown", "b")])
        wait_until(
            lambda: held_back(url, "a") == {*OF_DATA, "NetskyAlertMissing"},
            what="what is old held back",
            seconds=5,
        )
        sent = [a["labels"]["alertname"] for a in get_alerts(url) if not a["status"]["inhibitedBy"]]
        assert sorted(sent) == ["NetskyEgressDown", "NetskyLossCritical", "NetskyPushgatewayDown"]


def test_its_rules_name_alerts_that_exist():
    text = yaml.safe_dump(yaml.safe_load(CONFIG.read_text("utf-8"))["inhibit_rules"])
    for pattern in re.findall(r'alertname=~?"?([^"\'\n]+)', text):
        assert any(re.fullmatch(pattern, name) for name in ALERTS), pattern


@pytest.mark.parametrize("name", ["operations.md", "operations.zh-CN.md"])
def test_the_silences_of_the_manual_hold_for_the_exit_and_no_other(name, tmp_path):
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    commands = re.search(r"```sh\n(amtool=.*?)^```", text, re.DOTALL | re.MULTILINE)[1]
    assert commands.count("expire ID") == 1
    with run_alertmanager(tmp_path, config_text()) as url:
        post_alerts(url, [labels_of("NetskyEgressDown", egress) for egress in ("unicom-1", "b")])
        commands = commands.replace("http://127.0.0.1:9093", url)
        commands = commands.replace("expire ID", "query --quiet")
        subprocess.run(["bash", "-ec", commands], check=True, capture_output=True, timeout=60)
        wait_until(
            lambda: (
                {a["labels"]["egress"] for a in get_alerts(url) if a["status"]["silencedBy"]}
                == {"unicom-1"}
            ),
            what="the exit silenced",
        )


# One story: the shipped configurations, quicker


def quick_prometheus(folder, *, pushgateway, alertmanager):
    """The shipped configuration and rules, without any waiting; the rules go into `folder`."""
    rules = yaml.safe_load((PROMETHEUS / "netsky.rules.yml").read_text("utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "alert" in rule and rule["labels"]["scope"] != "netsky":
                rule.update({"for": "1s", "keep_firing_for": "1s"})
    (folder / "netsky.rules.yml").write_text(yaml.safe_dump(rules, allow_unicode=True), "utf-8")
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    for place, url in (
        (config["scrape_configs"][0], pushgateway),
        (config["alerting"]["alertmanagers"][0], alertmanager),
    ):
        place["static_configs"] = [{"targets": [urlsplit(url).netloc]}]
    return yaml.safe_dump(config)


def quick_alertmanager(webhook):
    text = config_text(webhook=webhook)
    return re.sub(r"(group_wait|group_interval): \w+", r"\1: 1s", text)


class Probed:
    """What the probe would leave behind: sweeps in a database, and pushed."""

    def __init__(self, folder, pushgateway):
        self.folder, self.pushgateway = folder, pushgateway
        (folder / "netsky.toml").write_text('[egress.unicom-1]\nsource = "127.0.0.1"\n')
        url = fill_url(f"sqlite:///{folder}/netsky_{{isp}}.db", "cu", "unicom-1")
        self.database = Database(url, timeout=5)

    def sweep(self, losses, *, ago=timedelta(0)):
        """By province the loss ratio, of 1000 targets."""
        started_at = datetime.now(UTC) - ago
        qualities = [
            make_quality(
                province,
                loss_ratio=loss,
                targets=1000,
                packets_sent=1000,
                packets_received=round(1000 * (1 - loss)),
            )
            for province, loss in losses.items()
        ]
        store_sweep(self.database, "cu", "unicom-1", started_at, qualities)
        sweep = make_sweep({province: [0.03] for province in losses}, egress="unicom-1")
        sweep = dataclasses.replace(sweep, started_at=started_at)
        Pushgateway(self.pushgateway, timeout=5).push(probe_metrics(sweep, qualities))

    def run(self, tool, *arguments):
        arguments = ["--pushgateway", self.pushgateway, *arguments]
        done = run_tool(self.folder, tool, *arguments)
        assert done.returncode in (0, 3), done.stderr

    def judge(self, *arguments):
        self.run("netsky_alert", "--egress", "unicom-1", *arguments)


@contextmanager
def run_chain(tmp_path):
    """From what is probed to the notices: also Prometheus's URL."""
    folders = {name: tmp_path / name for name in ("pushgateway", "prometheus", "alertmanager")}
    for folder in folders.values():
        folder.mkdir()
    with (
        run_webhook() as (webhook, notices),
        run_pushgateway(folders["pushgateway"]) as pushgateway,
        run_alertmanager(folders["alertmanager"], quick_alertmanager(webhook)) as alertmanager,
        run_prometheus(
            folders["prometheus"],
            quick_prometheus(
                folders["prometheus"], pushgateway=pushgateway, alertmanager=alertmanager
            ),
        ) as prometheus,
    ):
        yield Probed(tmp_path, pushgateway), notices, prometheus


def names(notice, status):
    return sorted(a["labels"]["alertname"] for a in notice["alerts"] if a["status"] == status)


def test_injected_loss_is_one_notice_missing_data_none_and_the_recovery_another(tmp_path):
    """Real Pushgateway, Prometheus, Alertmanager and tools; only the sweeps are made up."""
    fine = {"beijing": 0.002, "guangdong": 0.005, "guangxi": 0.0, "hunan": 0.012}
    faulty = fine | {"guangdong": 0.305, "guangxi": 0.12, "hunan": 0.082}
    with run_chain(tmp_path) as (probed, notices, prometheus):
        for minutes in (4, 3, 2, 1):
            probed.sweep(fine, ago=timedelta(minutes=minutes))
        probed.run("netsky_get_avg_lossrate")
        probed.judge()
        wait_until(lambda: query(prometheus, "netsky_alert == 0"), what="all is well")

        probed.sweep(faulty)
        probed.judge()
        wait_until(lambda: notices, what="a notice of the loss", seconds=20)
        time.sleep(2)  # whatever else would come
        (notice,) = notices
        assert notice["status"] == "firing"
        assert notice["receiver"] == "netsky"
        assert notice["groupLabels"] == {"egress": "unicom-1", "isp": "cu"}
        assert names(notice, "firing") == ["NetskyLossCritical", "NetskyLossMedium"]
        critical = next(a for a in notice["alerts"] if a["labels"]["severity"] == "critical")
        assert critical["labels"]["dashboard"] == (
            "/d/netsky-overview?var-egress=unicom-1&var-isp=cu"
        )
        assert critical["annotations"]["summary"] == (
            "危急：2 省丢包率比均值升高 10 个百分点以上（中国联通，出口 unicom-1）"
        )
        # (305 + 120 + 82 + 2) of 4000
        assert critical["annotations"]["description"] == (
            "整体丢包率 12.72%。升幅（百分点）最大的省： 广东 +30.00 广西 +12.00 湖南 +7.00"
        )

        probed.judge("--max-age", "1")  # all of it is too old now: nothing can be told
        wait_until(lambda: not query(prometheus, "netsky_alert"), what="undetermined", seconds=20)
        time.sleep(3)
        assert notices == [notice]

        probed.sweep(fine)
        probed.judge()
        wait_until(lambda: len(notices) > 1, what="a notice of the recovery", seconds=20)
        recovery = notices[1]
        assert recovery["status"] == "resolved"
        assert recovery["groupLabels"] == notice["groupLabels"]
        assert {"NetskyLossCritical", "NetskyLossMedium"} <= set(names(recovery, "resolved"))


def test_growth_is_told_and_31_provinces_that_recover_are_few_alerts(tmp_path):
    """1 → 31 → 0 provinces: what the webhook gets."""
    fine = dict.fromkeys((province.slug for province in PROVINCES), 0.002)
    one, all_of_them = fine | {"hunan": 0.2}, dict.fromkeys(fine, 0.2)
    with run_chain(tmp_path) as (probed, notices, _):
        for minutes in (4, 3, 2, 1):
            probed.sweep(fine, ago=timedelta(minutes=minutes))
        probed.run("netsky_get_avg_lossrate")
        for losses in (one, all_of_them, fine):
            told = len(notices)
            probed.sweep(losses)
            probed.judge()
            wait_until(lambda told=told: len(notices) > told, what="a notice", seconds=20)
            time.sleep(4)  # whatever else would come
        grown = [names(n, "firing") for n in notices if n["status"] == "firing"]
        assert grown[0] == ["NetskyLossCritical"]
        # Prometheus sends an alert after the other, and an interval may end between two of them.
        assert {"NetskyLossCritical", "NetskyLossSpread"} in map(set, grown)
        summaries = {a["annotations"]["summary"] for n in notices for a in n["alerts"]}
        assert "丢包波及 31 省（中国联通，出口 unicom-1）" in summaries
        assert notices[-1]["status"] == "resolved"
        assert len(notices[-1]["alerts"]) <= len(["critical", "4", "8", "16"])
        assert len(notices) <= len(["1", "critical: 31", "4", "8", "16", "recovery", "its spread"])
