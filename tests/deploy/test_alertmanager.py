"""deploy/alertmanager: what is sent where, what is held back, and one story from loss to notice."""

import json
import re
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from bench.notices import STORIES, told_of
from testing import ROOT
from testing.alertmanager import get_alerts, post_alerts, run_alertmanager, run_webhook
from testing.chain import DEAD, FINE, PROMETHEUS, alertmanager_config, run_chain, some_lossy
from testing.prometheus import query
from testing.servers import program, wait_until

CONFIG = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"

ALERTS = {
    rule["alert"]: rule
    for group in yaml.safe_load((PROMETHEUS / "netsky.rules.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
    if "alert" in rule
}


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


UNSENT = [name for name, alert in ALERTS.items() if alert["labels"]["scope"] == "province"]
ELSEWHERE = {
    "NetskyHeartbeat": "heartbeat",
    **dict.fromkeys([*UNSENT, "NetskyLossEnding"], "nobody"),
}


@pytest.mark.parametrize("name", [name for name in ALERTS if name not in ELSEWHERE])
def test_every_alert_is_sent_in_the_one_notice_of_its_exit(name):
    labels = {**ALERTS[name]["labels"], "alertname": name, "egress": "unicom-1", "isp": "cu"}
    pairs = [f"{key}={value}" for key, value in labels.items() if key != "dashboard"]
    route = amtool(
        "config", "routes", "test", f"--config.file={CONFIG}", "--verify.receivers=netsky", *pairs
    )
    assert route.startswith("netsky")
    routes = yaml.safe_load(CONFIG.read_text("utf-8"))["route"]
    assert routes["group_by"] == ["egress"]
    assert all("group_by" not in route for route in routes["routes"])
    assert {route["receiver"] for route in routes["routes"]} == set(ELSEWHERE.values())


@pytest.mark.parametrize(("name", "receiver"), ELSEWHERE.items())
def test_what_has_a_way_of_its_own_takes_it(name, receiver):
    pairs = [f"alertname={name}", f"scope={ALERTS[name]['labels']['scope']}", "egress=unicom-1"]
    route = amtool("config", "routes", "test", f"--config.file={CONFIG}", *pairs)
    assert route.strip() == receiver


def test_the_heartbeat_goes_its_own_way_again_and_again(tmp_path):
    text = alertmanager_config()
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


def rendered(tmp_path, part, *alerts, file=CONFIG.parent / "netsky.tmpl"):
    """What the shipped template, or another, makes of a notice with these alerts."""
    data = tmp_path / "notice.json"
    data.write_text(json.dumps({"receiver": "netsky", "alerts": alerts}), encoding="utf-8")
    template = f"--template.glob={file}"
    text = f'--template.text={{{{ template "netsky.{part}" . }}}}'
    return amtool("template", "render", template, text, f"--template.data={data}")


def alert(
    severity,
    summary,
    *,
    minutes=None,
    description="整体丢包率 9.00%。",
    dashboard="/d/x",
    recovery="",
    **labels,
):
    ended = None if minutes is None else STARTED + timedelta(minutes=minutes)
    labels = {"alertname": "NetskyLossHeavy", "scope": "egress", "isp": "cu"} | labels
    return {
        "status": "firing" if ended is None else "resolved",
        "labels": {"severity": severity, "dashboard": dashboard, **labels},
        "annotations": {"summary": summary, "description": description, "recovery": recovery},
        "startsAt": STARTED.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z" if ended is None else ended.isoformat(),
    }


def test_the_text_names_the_worst_first_and_links_to_its_dashboard(tmp_path):
    alerts = alert("medium", "中度：1 省"), alert("critical", "危急：2 省", dashboard="/d/y?a=b")
    assert rendered(tmp_path, "title", *alerts) == "【告警】危急：2 省 等 2 条"
    text = rendered(tmp_path, "text", *alerts)
    assert text.index("危急：2 省") < text.index("中度：1 省")
    assert "[看板](http://127.0.0.1:3000/d/y?a=b)" in text


def test_the_text_links_to_the_page_of_the_report_where_its_address_is_given(tmp_path):
    template = (CONFIG.parent / "netsky.tmpl").read_text(encoding="utf-8")
    assert template.count('$report_url := ""') == 1
    url = "https://192.0.2.9/netsky/"
    file = tmp_path / "with_url.tmpl"
    file.write_text(template.replace('$report_url := ""', f'$report_url := "{url}"'))
    text = rendered(tmp_path, "text", alert("critical", "危急：2 省"), file=file)
    assert f"[总览]({url})" in text
    assert "看板" not in text


OVER = "丢包恢复（中国联通，出口 unicom-1）：持续 7m 0s，最多 31 省，最高 广东 +30.00 个百分点"


@pytest.mark.parametrize("name", ["setup.md", "setup.zh-CN.md"])
def test_the_one_place_for_grafanas_address_is_named_by_the_set_up(tmp_path, name):
    text = (CONFIG.parent / "netsky.tmpl").read_text(encoding="utf-8")
    assert text.count("http://") == 1
    assert "http://127.0.0.1:3000" in rendered(tmp_path, "grafana")
    step = re.search(r"^# 13 .*\n.*", (ROOT / "docs" / name).read_text("utf-8"), re.MULTILINE)[0]
    assert "Grafana" in step
    assert "/etc/prometheus/netsky.tmpl" in step


def test_a_recovery_is_one_line_however_many_alerts_it_ends(tmp_path):
    alerts = [alert("critical", f"{n} 省", minutes=n, recovery=OVER) for n in range(5, 36)]
    alerts.append(alert("heavy", "重度：4 省", minutes=42, recovery=OVER))
    alerts.append(alert("medium", "丢包波及 31 省", minutes=3, alertname="NetskyLossSpread"))
    assert rendered(tmp_path, "text", *alerts) == f"【恢复】{OVER}"
    assert rendered(tmp_path, "title", *alerts) == f"【恢复】{OVER}"


def test_what_ends_for_want_of_data_is_not_called_a_recovery(tmp_path):
    assert rendered(tmp_path, "text", alert("critical", "危急：2 省", minutes=720)) == (
        "【结束】没有新数据，不等于恢复：危急：2 省"
    )
    own = alert("warning", "探测失真", minutes=5, scope="netsky", alertname="NetskySweepTainted")
    assert rendered(tmp_path, "text", own) == "【结束】探测失真"


def test_beside_what_still_stands_a_recovery_is_told_but_not_of_loss_that_is_only_less(tmp_path):
    stands = alert("medium", "中度：1 省", alertname="NetskyLossMedium")
    other = alert("critical", "危急：1 省", isp="cm", alertname="NetskyLossCritical")
    ended = alert("critical", "危急：2 省", minutes=5, recovery=OVER)
    assert rendered(tmp_path, "text", other, ended).endswith(f"\n另有 1 条已结束。{OVER}\n")
    assert rendered(tmp_path, "text", stands, other, ended).endswith("\n另有 1 条已结束。\n")


@pytest.mark.parametrize(("firing", "ended"), [(200, 0), (0, 200), (200, 200)])
def test_the_text_fits_what_the_bridges_take(tmp_path, firing, ended):
    longest = {"description": "省" * 5000, "dashboard": "/d/" + "x" * 390}
    alerts = [alert("critical", "危" * 5000, **longest) for _ in range(firing)]
    alerts += [
        alert("heavy", "重" * 5000, minutes=5, isp="cm", recovery=f"{n}" + "复" * 5000, **longest)
        for n in range(ended)
    ]
    text = rendered(tmp_path, "text", *alerts)
    assert len(text.encode()) <= 4096
    assert len(rendered(tmp_path, "title", *alerts).encode()) <= 4096
    assert ("共 200 条" in text) == bool(firing)
    assert ("复复" in text) == bool(ended)


def test_the_text_of_a_long_notice_is_made_of_whole_characters(tmp_path):
    assert "\ufffd" not in rendered(tmp_path, "text", alert("heavy", "重" * 200))


# What is held back

GRADED = ["NetskyLossMedium", "NetskyLossHeavy", "NetskyLossCritical"]
SPREAD = "NetskyLossSpread"
LATENCY = "NetskyLatencyHigh"
OF_DATA = ["NetskySweepStale", "NetskyAlertStale", "NetskyBaselineStale"]

# By what fires, what of it is not sent.
HELD_BACK = {
    ("NetskyExitDown", "NetskyEgressDown", *GRADED, SPREAD, LATENCY): {
        *("NetskyEgressDown", *GRADED, SPREAD, LATENCY)
    },
    ("NetskyEgressDown", *GRADED, SPREAD, LATENCY): {*GRADED, SPREAD, LATENCY},
    ("NetskyLossEnding", "NetskyLossMedium", SPREAD, LATENCY): {SPREAD},
    ("NetskyLossMedium", LATENCY): set(),
    ("NetskyLossHeavy", "NetskyLossMedium", LATENCY): {"NetskyLossMedium"},
    ("NetskyLossCritical", "NetskyLossMedium", SPREAD, LATENCY): {"NetskyLossMedium"},
    ("NetskyLossCritical", "NetskyLossHeavy"): set(),
    # What is old hides no fault, and a dead judge nothing at all.
    ("NetskySweepStale", "NetskyEgressDown"): set(),
    ("NetskySweepStale", "NetskyAlertStale", "NetskyExitDown", "NetskySweepTainted"): set(),
    ("NetskySweepStale", "NetskyLossMedium", LATENCY): set(),
    ("NetskySweepStale", "NetskyLossCritical", LATENCY): set(),
    ("NetskyAlertStale", "NetskyLossCritical", "NetskyProvincesNotJudged", LATENCY): set(),
    (*OF_DATA, "NetskyProvincesNotJudged", "NetskySweepTainted"): {
        "NetskyProvincesNotJudged",
        "NetskyBaselineStale",
    },
    ("NetskyAlertMissing", "NetskyBaselineStale", "NetskyProvincesNotJudged"): set(),
}


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory):
    with run_alertmanager(tmp_path_factory.mktemp("alertmanager"), alertmanager_config()) as url:
        yield url


def labels_of(name, egress, province="hainan"):
    labels = {**ALERTS[name]["labels"], "alertname": name, "egress": egress, "isp": "cu"}
    del labels["dashboard"]
    if name == "NetskyExitDown":
        del labels["isp"]
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


SIZES = ["2", "4", "8", "16", "24"]


@pytest.mark.parametrize("size", SIZES)
def test_of_the_provinces_that_loss_has_spread_to_only_the_largest_size_is_sent(alertmanager, size):
    standing = SIZES[: SIZES.index(size) + 1]
    egress = f"spread-{size}"
    post_alerts(alertmanager, [labels_of(SPREAD, egress) | {"size": each} for each in standing])

    def sent():
        return [
            alert["labels"]["size"]
            for alert in get_alerts(alertmanager)
            if alert["labels"]["egress"] == egress and not alert["status"]["inhibitedBy"]
        ]

    wait_until(lambda: sent() == [size], what=f"only {size} sent", seconds=5)


def test_the_sizes_are_those_of_the_rules():
    assert re.findall(r'"size", "(\d+)"', ALERTS[SPREAD]["expr"]) == SIZES


def test_an_egress_or_province_holds_back_nothing_of_another(alertmanager):
    post_alerts(
        alertmanager,
        [
            labels_of("NetskyEgressDown", "one"),
            labels_of("NetskyLossMedium", "one"),
            labels_of("NetskyLossCritical", "two"),
            labels_of("NetskyLossCritical", "one") | {"isp": "cm"},
            labels_of("NetskyExitDown", "four"),
            labels_of("NetskyProvinceLossSevere", "three", "hainan"),
            labels_of("NetskyProvinceLossElevated", "three", "hunan"),
        ],
    )
    wait_until(lambda: held_back(alertmanager, "one"), what="one held back", seconds=5)
    assert held_back(alertmanager, "one") == {"NetskyLossMedium"}
    assert held_back(alertmanager, "two") == held_back(alertmanager, "three") == set()
    (of_cm,) = [a for a in get_alerts(alertmanager) if a["labels"].get("isp") == "cm"]
    assert not of_cm["status"]["inhibitedBy"]


def test_loss_that_ended_while_the_exit_was_dead_is_told_when_it_comes_again(tmp_path):
    loss = [labels_of("NetskyLossCritical", "a")]
    dead = [labels_of("NetskyExitDown", "a")]
    with run_webhook() as (webhook, notices):
        text = alertmanager_config(webhook=webhook, times=60)
        with run_alertmanager(tmp_path, text) as url:
            for number, (alerts, ended) in enumerate(
                ((loss, False), (dead, False), (dead, True), (loss, False)), 1
            ):
                post_alerts(url, alerts, ended=ended)
                if alerts == dead and not ended:
                    post_alerts(url, loss, ended=True)
                wait_until(lambda n=number: len(notices) >= n, what=f"notice {number}", seconds=10)
    told = [(n["status"], {a["labels"]["alertname"] for a in n["alerts"]}) for n in notices]
    assert told == [
        ("firing", {"NetskyLossCritical"}),
        ("firing", {"NetskyExitDown"}),
        ("resolved", {"NetskyExitDown"}),
        ("firing", {"NetskyLossCritical"}),
    ]


def test_without_the_pushgateway_it_is_no_news_that_data_are_old_but_faults_still_are(tmp_path):
    firing = [*OF_DATA, "NetskyAlertMissing", "NetskyLossCritical", "NetskyEgressDown"]
    everywhere = [
        {"alertname": name, "severity": "critical", "scope": "netsky"}
        for name in ("NetskyPushgatewayDown", "NetskyNoSweeps")
    ]
    with run_alertmanager(tmp_path, alertmanager_config()) as url:
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
    with run_alertmanager(tmp_path, alertmanager_config()) as url:
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


# The time to notice

MEASURED = re.compile(r"^\| ([^|]+) \| ((?:[\d–]+ \| ){2}[\d–]+) \|$", re.MULTILINE)


def test_the_manuals_have_the_times_of_all_that_is_measured_and_the_same():
    english, chinese = (
        dict(MEASURED.findall((ROOT / "docs" / name).read_text(encoding="utf-8")))
        for name in ("operations.md", "operations.zh-CN.md")
    )
    assert english.keys() == {name for story in STORIES for name, *_ in told_of(story)}
    assert list(english.values()) == list(chinese.values())


def test_growth_is_told_within_two_minutes_of_the_sweep_that_saw_it():
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    most = {
        name: int(figures.split(" | ")[1].split("–")[-1])
        for name, figures in MEASURED.findall(text)
    }
    growth = [seconds for name, seconds in most.items() if name.startswith("growth")]
    assert len(growth) == 3
    assert max(growth) <= 120


# One story: the shipped configurations, all their waits divided


@pytest.fixture
def chain(tmp_path, request):
    with run_chain(tmp_path, times=getattr(request, "param", 60)) as made:
        yield made


def names(notice, status):
    return sorted(a["labels"]["alertname"] for a in notice["alerts"] if a["status"] == status)


def wait_for_notice(chain, told, what):
    """The next notice, when `told` have come before; and then whatever else would come."""
    wait_until(lambda: len(chain.notices) > told, what=what, seconds=40)
    time.sleep(2 * chain.minute)


def text_of(tmp_path, notice):
    """What the shipped template makes of a notice as the webhook got it."""
    text = rendered(tmp_path, "text", *notice["alerts"])
    assert len(text.encode()) <= 4096
    assert "error" not in json.dumps(notice)
    return text


def test_injected_loss_is_one_notice_missing_data_none_and_the_recovery_another(tmp_path, chain):
    """Real Pushgateway, Prometheus, Alertmanager and tools; only the sweeps are made up."""
    # In points of the replies that usually come: of 99.8 %.
    rises = {"guangdong": 0.3, "guangxi": 0.12, "hunan": 0.07}
    faulty = FINE | {slug: FINE[slug] + (1 - FINE[slug]) * rise for slug, rise in rises.items()}
    line, notices = chain.line(), chain.notices
    wait_until(lambda: query(chain.prometheus, "netsky_alert == 0"), what="all is well")

    line.sweep_and_judge(faulty)
    wait_for_notice(chain, 0, "a notice of the loss")
    (notice,) = notices
    assert notice["status"] == "firing"
    assert notice["receiver"] == "netsky"
    assert notice["groupLabels"] == {"egress": "unicom-1"}
    assert {"NetskyLossCritical"} <= set(names(notice, "firing"))
    critical = next(a for a in notice["alerts"] if a["labels"]["severity"] == "critical")
    assert critical["labels"]["dashboard"] == "/d/netsky-overview?var-egress=unicom-1&var-isp=cu"
    assert critical["annotations"]["summary"] == (
        "危急：2 省丢包率比平时升高 10 个百分点以上（中国联通，出口 unicom-1）"
    )
    # (302 + 122 + 72 + 28 * 2) of 31000
    assert critical["annotations"]["description"] == (
        "整体丢包率 1.78%。升幅（百分点）最大的省： 广东 +30.00 广西 +12.00 湖南 +7.00"
    )
    assert "危急：2 省" in text_of(tmp_path, notice)

    line.judge("--max-age", "1")  # all of it is too old now: nothing can be told
    wait_until(lambda: not query(chain.prometheus, "netsky_alert"), what="undetermined", seconds=20)
    time.sleep(4 * chain.minute)
    assert notices == [notice]

    line.sweep_and_judge(FINE)
    wait_for_notice(chain, 1, "a notice of the recovery")
    (_, recovery) = notices
    assert recovery["status"] == "resolved"
    assert recovery["groupLabels"] == notice["groupLabels"]
    assert "NetskyLossCritical" in names(recovery, "resolved")


def test_growth_is_told_and_so_is_the_peak_in_one_line_at_the_end(tmp_path, chain):
    """1 → 31 → 3 → 0 provinces: what the webhook gets."""
    line, notices = chain.line(), chain.notices
    for provinces, loss in ((1, 0.2), (31, 0.4012), (3, 0.2)):
        before = len(notices)
        line.sweep_and_judge(some_lossy(provinces, loss))
        wait_for_notice(chain, before, f"a notice of {provinces} provinces")
    assert names(notices[0], "firing") == ["NetskyLossCritical"]
    words = {alert["annotations"]["summary"] for alert in notices[1]["alerts"]}
    assert "丢包波及 31 省（中国联通，出口 unicom-1）" in words
    assert len(text_of(tmp_path, notices[1])) < 1200
    # Prometheus sends an alert after the other, and an interval may end between two of them.
    assert len(notices) <= len(["1", "31", "the rest of it", "shrunk", "the rest of it"])

    before = len(notices)
    line.sweep_and_judge(FINE)
    wait_for_notice(chain, before, "a notice of the recovery")
    (recovery,) = notices[before:]
    assert recovery["status"] == "resolved"
    assert names(recovery, "resolved") == ["NetskyLossCritical"]
    text = text_of(tmp_path, recovery)
    assert re.fullmatch(
        r"【恢复】丢包恢复（中国联通，出口 unicom-1）：持续 [\dms ]+，最多 31 省，最高 \S+ \+40\.00 个百分点",
        text,
    )


# What alerts with what is a matter of waits here: not so fast, lest a busy machine should mix them up.
@pytest.mark.parametrize("chain", [30], indirect=True)
def test_a_dead_exit_of_three_isps_is_one_notice_and_one_recovery(tmp_path, chain):
    lines, notices = [chain.line("unicom-1", isp) for isp in ("cu", "cm", "ct")], chain.notices
    with_loss = chain.line("unicom-2", "cu")
    for line in lines:
        line.sweep(DEAD)
    for line in lines:
        line.judge()
    wait_for_notice(chain, 0, "a notice of the dead exit")
    (notice,) = notices
    assert names(notice, "firing") == ["NetskyExitDown"]
    text = text_of(tmp_path, notice)
    assert "出口 unicom-1 不通：到 3 家运营商全部不通" in text
    assert "丢包率： 中国移动 100.00% 中国电信 100.00% 中国联通 100.00%" in text
    assert "其他出口的丢包率： unicom-2 0.20%" in text
    assert "/d/netsky-overview?var-egress=unicom-1)" in text

    with_loss.sweep_and_judge(some_lossy(31, 0.3))  # of another exit: it is told
    wait_for_notice(chain, 1, "a notice of the other exit")
    assert [n["groupLabels"]["egress"] for n in notices] == ["unicom-1", "unicom-2"]

    for line in lines:
        line.sweep(FINE)
        time.sleep(chain.minute / 3)  # one after the other
    for line in lines:
        line.judge()
    wait_for_notice(chain, 2, "a notice of the recovery")
    time.sleep(3 * chain.minute)
    (recovery,) = [n for n in notices[2:] if n["groupLabels"]["egress"] == "unicom-1"]
    assert recovery["status"] == "resolved"
    assert names(recovery, "resolved") == ["NetskyExitDown"]
    assert re.fullmatch(
        r"【恢复】出口 unicom-1 恢复连通：不通 [\dms ]+，最高丢包率 100\.00%",
        text_of(tmp_path, recovery),
    )
