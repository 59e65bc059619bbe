"""deploy/prometheus: promtool's own tests of the rules, and names and thresholds as netsky has them."""

import os
import re
import subprocess

import pytest
import yaml

from netsky.judging.grading import GONE_AFTER, Grade, NotJudged, Severity, Thresholds
from netsky.judging.usual_columns import LATENCY_HIGH, LATENCY_HIGH_PART
from netsky.outlets.metrics import ALERT, JOBS
from netsky.places import PROVINCES
from testing import ROOT
from testing.servers import program

FOLDER = ROOT / "deploy" / "prometheus"
CONFIG = FOLDER / "prometheus.yml"
RULES = FOLDER / "netsky.rules.yml"
RULES_TEST = FOLDER / "netsky.rules.test.yml"
HOURS_TEST = FOLDER / "netsky.rules.hours.test.yml"
DAYS_TEST = FOLDER / "netsky.rules.days.test.yml"
RULES_TESTS = (RULES_TEST, HOURS_TEST, DAYS_TEST)
SITE_RELABEL = FOLDER / "site.relabel.yml"
VMALERT = FOLDER / "vmalert.notifier.yml"


def load(file):
    """All scalars as text: `0x10` is a series here, not a number."""
    return yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader)


ALL_RULES = [rule for group in load(RULES)["groups"] for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in ALL_RULES if "alert" in rule}
PROMTOOL_TESTS = [test for file in RULES_TESTS for test in load(file)["tests"]]
RECORDED = {rule["record"] for rule in ALL_RULES if "record" in rule}
GRADED = {severity: f"NetskyLoss{severity.capitalize()}" for severity in Severity}

LABELS = {
    gauge.name: {"egress", "isp", *gauge.labels} for gauges in JOBS.values() for gauge in gauges
}
FROM_EGRESS = {"site"}  # made of it by the relabelings
VERDICT = {"verdict", "verdict_en"}
ALL_LABELS = set().union(*LABELS.values(), FROM_EGRESS, VERDICT)
OF_PROMETHEUS = {
    "up": {"job", "instance"},
    "ALERTS": {"alertname", "alertstate", "severity", "size", *ALL_LABELS},
    "ALERTS_FOR_STATE": {"alertname", *ALL_LABELS},
}

VERDICTS = "site_isp_province:netsky_loss_increase_points:verdict"
HEARTBEAT = "NetskyHeartbeat"  # it always fires

each_alert = pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS.keys())


def promtool(*arguments):
    command = [program("promtool"), *map(str, arguments)]
    done = subprocess.run(
        command,
        env=os.environ | {"GOGC": "800"},  # a quarter of its time it would look for memory to free
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_is_valid_and_so_are_its_rules():
    promtool("check", "config", CONFIG)
    assert load(CONFIG)["rule_files"] == [RULES.name]


def test_what_was_pushed_keeps_its_labels_and_the_alert_knows_the_job():
    (job,) = load(CONFIG)["scrape_configs"]
    assert job["honor_labels"] == "true"
    assert f'job="{job["job_name"]}"' in ALERTS["NetskyPushgatewayDown"]["expr"]


def test_a_site_is_made_of_the_exits_name_in_the_same_way_for_all():
    config = load(CONFIG)
    [job] = config["scrape_configs"]
    relabelings = [
        job["metric_relabel_configs"],
        config["alerting"]["alert_relabel_configs"],
        load(SITE_RELABEL),
        load(VMALERT)["alert_relabel_configs"],
    ]
    assert all(each == relabelings[0] for each in relabelings)
    [[one], *_] = relabelings
    sites = {
        "bj1-unicom-1": "bj1",
        "sh2-ct-10-backup": "sh2",
        "华北1-联通-1号": "华北1",
        "unicom-1": None,
        "default": None,
    }
    for egress, site in sites.items():
        found = re.fullmatch(one["regex"], egress)
        assert (found and found[1]) == site


@pytest.mark.parametrize("file", RULES_TESTS, ids=lambda file: file.name)
def test_every_alert_is_pending_fires_clears_and_keeps_silent_when_it_should(file):
    promtool("test", "rules", file)


@each_alert
def test_every_alert_has_its_words_tested(alert):
    cases = [case for test in PROMTOOL_TESTS for case in test.get("alert_rule_test", ())]
    assert any(case["alertname"] == alert["alert"] and case["exp_alerts"] for case in cases)


@pytest.mark.parametrize("alert", [a for name, a in ALERTS.items() if name != HEARTBEAT])
def test_every_alert_has_a_time_tested_when_it_does_not_fire(alert):
    silent = [
        case["expr"]
        for test in PROMTOOL_TESTS
        for case in test.get("promql_expr_test", ())
        if "exp_samples" not in case and "ALERTS" in case["expr"]
    ]
    patterns = [re.search(r'alertname=~?"([^"]+)"', expr) for expr in silent]
    assert any(found and re.fullmatch(found[1], alert["alert"]) for found in patterns)


# Names: nothing here that netsky.outlets.metrics does not have.

SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
GROUPING = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")
NOT_METRICS = re.compile(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|on)\s*\([^)]*\)|\boffset \w+')
PROMQL_WORDS = {
    *("and", "or", "unless", "time", "last_over_time", "avg_over_time", "count_over_time"),
    *("min_over_time", "max_over_time", "absent_over_time", "vector", "label_replace", "clamp_min"),
    *("sum", "max", "min", "count", "topk", "sort_desc", "round", "absent"),
    *("timestamp", "group_left"),
}
NAME = re.compile(r"(?<![\w:.])[a-zA-Z_:][\w:]*")


def texts():
    """All text that Prometheus expands as a template."""
    for alert in ALERTS.values():
        yield from alert["labels"].values()
        yield from alert["annotations"].values()


def expressions():
    yield from (rule["expr"] for rule in ALL_RULES)
    for text in texts():
        yield from re.findall(r"`([^`]*)`", text)
    for test in PROMTOOL_TESTS:
        yield from (case["expr"] for case in test.get("promql_expr_test", ()))


def test_every_metric_exists():
    used = {
        name for expr in expressions() for name in NAME.findall(NOT_METRICS.sub(" ", expr))
    } - PROMQL_WORDS
    assert used - RECORDED - LABELS.keys() - OF_PROMETHEUS.keys() == set()
    assert used >= {"netsky_alert", "netsky_packets_sent", "up"}


def test_every_recorded_series_is_used_by_an_alert():
    used = " ".join(expressions())
    for name in RECORDED - {"egress:netsky_loss:ratio", VERDICTS}:  # these are for people
        assert name in used


def test_every_label_exists():
    for expr in expressions():
        for name, matchers in SELECTOR.findall(expr):
            has = LABELS.get(name) or OF_PROMETHEUS.get(name) or ALL_LABELS
            assert set(MATCHER.findall(matchers)) <= has, expr
        for labels in GROUPING.findall(expr):
            names = set(re.findall(r"\w+", labels))
            assert names <= ALL_LABELS | OF_PROMETHEUS["ALERTS"], expr
    for text in texts():
        used = set(re.findall(r"[$.][lL]abels\.(\w+)", text))
        assert used <= ALL_LABELS | OF_PROMETHEUS["up"], text


def test_every_series_of_the_tests_could_be_one_of_netskys():
    names = {province.slug: province.name for province in PROVINCES}
    series = [one["series"] for test in PROMTOOL_TESTS for one in test["input_series"]]
    for one in series:
        name, matchers = SELECTOR.fullmatch(one).groups()
        labels = dict(re.findall(r'(\w+)="([^"]*)"', matchers))
        assert set(labels) - FROM_EGRESS == (LABELS | OF_PROMETHEUS)[name], one
        assert labels.get("province_name") == names.get(labels.get("province")), one
        assert labels.get("severity", "heavy") in set(Severity)
        assert labels.get("reason", "stale") in set(NotJudged)


# Thresholds: those of netsky.judging.grading.


def test_the_provinces_thresholds_are_the_judges():
    for alert, threshold in (("Elevated", Thresholds().elevated), ("Severe", Thresholds().severe)):
        expr = ALERTS[f"NetskyProvinceLoss{alert}"]["expr"]
        assert f"increase_points:last12h >= {100 * threshold:g}\n" in expr


def test_the_grades_of_a_province_are_the_judges():
    for alert, grade in (("Elevated", Grade.ELEVATED), ("Severe", Grade.SEVERE)):
        expr = ALERTS[f"NetskyProvinceLoss{alert}"]["expr"]
        assert f"netsky_loss_grade:last12h >= {list(Grade).index(grade)}\n" in expr


def test_what_is_noticed_alerts_nobody():
    assert not any("notice" in rule["expr"] for rule in ALL_RULES)


def test_the_latency_that_is_high_without_a_verdict_is_as_high_as_with_one():
    [high] = [
        rule["expr"] for rule in ALL_RULES if rule.get("record", "").endswith("rise_seconds:high")
    ]
    assert f">= {LATENCY_HIGH:g}\n" in high
    assert f">= {LATENCY_HIGH_PART:g} * " in high


def test_the_words_name_the_judges_thresholds():
    low, high = f"{100 * Thresholds().elevated:g}", f"{100 * Thresholds().severe:g}"
    for severity in (Severity.MEDIUM, Severity.HEAVY):
        annotations = ALERTS[GRADED[severity]]["annotations"]
        assert f"{low} 至 {high} 个百分点" in annotations["summary"]
        assert f"{low} to {high} points" in annotations["summary_en"]
    annotations = ALERTS[GRADED[Severity.CRITICAL]]["annotations"]
    assert f"{high} 个百分点以上" in annotations["summary"]
    assert f"{high} points or more" in annotations["summary_en"]
    assert "netsky_loss_increase_points:raised{" in annotations["description"]
    [raised] = [rule["expr"] for rule in ALL_RULES if rule.get("record", "").endswith(":raised")]
    assert raised == ALERTS["NetskyProvinceLossElevated"]["expr"]


def test_what_is_too_old_for_the_judge_is_old_here():
    ages = re.compile(r"netsky_(?:sweep|alert)_age_seconds(?:\{[^}]*\})? (?:>|<=) (\d+)")
    limits = ages.findall(RULES.read_text(encoding="utf-8"))
    assert len(limits) > 10
    assert set(limits) == {f"{Thresholds().max_age.total_seconds():g}"}
    hours = f"{Thresholds().max_baseline_age.total_seconds() / 3600:g}"
    annotations = ALERTS["NetskyBaselineStale"]["annotations"]
    assert f"{hours} 小时" in annotations["description"]
    assert f"{hours} hours" in annotations["description_en"]


def test_the_last_known_value_holds_as_long_as_a_province_is_in_use_for_the_judge():
    windows = set(re.findall(r"\[(\w+)\]\)", " ".join(expressions())))
    assert f"{GONE_AFTER.total_seconds() / 3600:g}h" in windows
    of_rules = {w for rule in ALL_RULES for w in re.findall(r"\[(\w+)[\] ]", rule["expr"])}
    assert of_rules == {f"{GONE_AFTER.total_seconds() / 3600:g}h", "1m", "1h", "7d"}


def test_there_is_an_alert_for_each_severity():
    for severity, name in GRADED.items():
        assert f'{ALERT.name}:last12h{{severity="{severity}"}} == 1' in ALERTS[name]["expr"]
        assert ALERTS[name]["labels"]["severity"] == severity


# Labels and words


@each_alert
def test_every_alert_has_the_labels_that_routes_and_people_go_by(alert):
    labels = alert["labels"]
    assert labels.keys() - {"size"} == {"severity", "scope", "dashboard"}
    of_network = set(Severity)
    assert (
        labels["severity"]
        in {
            "egress": of_network,
            "province": of_network,
            "netsky": {"critical", "warning"},
            "heartbeat": {"none"},
            "ending": {"none"},
        }[labels["scope"]]
    )
    assert labels["dashboard"].startswith("/d/netsky-overview")
    assert ("var-province=" in labels["dashboard"]) == (labels["scope"] == "province")


def test_a_link_chooses_a_province_as_the_dashboard_knows_it():
    found = re.findall(r"var-province=(\S+)", RULES_TEST.read_text(encoding="utf-8"))
    assert found
    assert set(found) <= {province.name for province in PROVINCES}


@each_alert
def test_every_alert_speaks_chinese_and_english(alert):
    annotations = alert["annotations"]
    words = {"summary", "summary_en", "description", "description_en"}
    assert words <= annotations.keys() <= words | {"recovery", "recovery_en"}
    for name, text in annotations.items():
        words = re.sub(r"\{\{.*?\}\}", "", text)
        assert bool(re.search(r"[\u4e00-\u9fff]", words)) != name.endswith("_en"), text


@each_alert
def test_an_alert_of_the_network_says_when_its_data_are_old(alert):
    if alert["labels"]["scope"] in ("egress", "province"):
        assert "数据已过期" in alert["annotations"]["description"]
        assert "the data are" in alert["annotations"]["description_en"]


# Its end is not told: what has spread is over together with the fault.
TOLD = [a for a in ALERTS.values() if a["labels"]["scope"] == "egress" and "size" not in a["expr"]]


@pytest.mark.parametrize("alert", TOLD, ids=[alert["alert"] for alert in TOLD])
def test_an_alert_of_an_exit_tells_at_its_end_how_long_it_was_and_how_bad_at_its_worst(alert):
    told = [
        expected["exp_annotations"]
        for test in PROMTOOL_TESTS
        for case in test.get("alert_rule_test", ())
        if case["alertname"] == alert["alert"]
        for expected in case["exp_alerts"]
    ]
    assert any(re.search(r"(?:持续|不通) \d+m \d+s.*，最高", one["recovery"]) for one in told)
    assert any(re.search(r"\d+m \d+s, .*(?:up to|highest)", one["recovery_en"]) for one in told)


@pytest.mark.parametrize("name", ["operations.md", "operations.zh-CN.md"])
def test_the_manual_says_what_to_do_on_each_alert(name):
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `(Netsky\w+)` \| (\w+) \|", text, re.MULTILINE))
    assert documented == {name: alert["labels"]["severity"] for name, alert in ALERTS.items()}
