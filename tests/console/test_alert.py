"""What people and scripts see of a verdict."""

import json
from dataclasses import replace

import pytest
from rich.cells import cell_len

from netsky import console
from netsky.console.alert import AlertView
from netsky.console.alert_text import chinese, english
from netsky.fault import Fault, Part
from netsky.jobs.alert import AlertReport
from netsky.judging.grading import Severity, Thresholds, judge
from netsky.judging.notice import Latency, Notice
from netsky.loss import Band
from netsky.places import BUILTIN_ISPS
from testing.samples import STARTED_AT, make_alert_report, make_baseline, make_newest

RISES = {"hunan": 5.0, "guangdong": 23.514, "hebei": 0.0, "guangxi": 11.2, "xizang": None}


def document_of(report):
    text = console.render_json(AlertView(report))
    assert "\n" not in text
    return json.loads(text)


def fields_of(report):
    moment, *fields = console.render_line(AlertView(report)).split()
    assert moment == "2024-05-06T07:08:09Z"
    return dict(field.split("=", 1) for field in fields)


def table_of(report, capsys):
    console.show(AlertView(report), "table")
    return capsys.readouterr().out


def test_json_has_what_scripts_rely_on():
    document = document_of(make_alert_report(RISES, not_delivered=["Pushgateway x: is down"]))
    alert = document["alert"]
    assert (alert["isp"], alert["egress"]) == ("cu", "unicom-1")
    assert alert["active"] == ["medium", "critical"]
    assert alert["undetermined"] == []
    assert alert["judged_at"].startswith("2024-05-06T07:08:09")
    assert document["not_delivered"] == ["Pushgateway x: is down"]
    provinces = {entry.pop("province"): entry for entry in document["provinces"]}
    assert list(provinces) == ["guangdong", "guangxi", "hunan", "xizang", "hebei"]
    assert provinces["guangxi"] == {
        "province_name": "广西",
        "loss_ratio": pytest.approx(0.112),
        "baseline_ratio": 0.0,
        "live_loss_ratio": None,
        "live_baseline_ratio": None,
        "live_targets": None,
        "by_live": False,
        "usual_low_ratio": None,
        "usual_high_ratio": None,
        "usual_days": None,
        "prefixes": [],
        "rest": None,
        "increase_ratio": pytest.approx(0.112),
        "grade": "severe",
        "notice": None,
        "latency": None,
        "not_judged": None,
        "measured_at": "2024-05-06T07:07:59.654321+00:00",
        "baseline_at": "2024-05-06T06:38:09.654321+00:00",
        "compared": None,
    }
    assert [provinces[slug]["grade"] for slug in ("hunan", "hebei")] == ["elevated", "none"]


def test_in_json_a_province_that_is_not_judged_has_no_grade_and_no_zero():
    xizang = document_of(make_alert_report(RISES))["provinces"][3]
    assert xizang["not_judged"] == "no_baseline"
    assert [xizang[key] for key in ("baseline_ratio", "increase_ratio", "grade")] == [None] * 3


def test_what_is_judged_by_the_usually_alive_shows_their_loss(capsys):
    hunan = make_newest("hunan", 44.0, live_loss_ratio=0.08, live_targets=900)
    usual = make_baseline("hunan", 40.0, live_loss_ratio=0.01)
    verdict = judge([hunan], [usual], now=STARTED_AT, thresholds=Thresholds())
    report = AlertReport(BUILTIN_ISPS["cu"], "unicom-1", Thresholds(), verdict, ())
    [province] = document_of(report)["provinces"]
    assert (province["loss_ratio"], province["live_loss_ratio"]) == (0.44, 0.08)
    assert (province["baseline_ratio"], province["live_baseline_ratio"]) == (0.4, 0.01)
    assert (province["by_live"], province["live_targets"]) == (True, 900)
    text = table_of(report, capsys)
    [row] = [line.split() for line in text.splitlines() if line.startswith("湖南")]
    assert row[2:6] == ["8.00%", "1.00%", "+7.00", "升高"]
    assert "其中 1 省按常在线目标的丢包率判定" in text
    assert "（现 8.00%，均值 1.00%）" in text.replace("\n", "")
    assert "常在线" not in table_of(make_alert_report(RISES), capsys)


def test_the_part_that_fails_is_told_of_provinces_that_are_up(capsys):
    fault = Fault(
        (Part("10.25.16.0/20", 2000, 2000, 2000, 0.004, 0.98, 0.97),),
        Part(None, 10_000, 10_000, 20, 0.003, None, 0.03),
    )
    losses = [
        make_newest(slug, loss, fault=fault) for slug, loss in (("hunan", 8.0), ("hubei", 2.0))
    ]
    means = [make_baseline(slug, 0) for slug in ("hunan", "hubei")]
    verdict = judge(losses, means, now=STARTED_AT, thresholds=Thresholds())
    report = AlertReport(BUILTIN_ISPS["cu"], "unicom-1", Thresholds(), verdict, ())
    text = table_of(report, capsys)
    assert "湖南：其中 10.25.16.0/20 全断，占 97%；其余 0.20%" in text
    assert "湖北：其中" not in text
    assert " prefixes=hunan:10.25.16.0/20 " in console.render_line(AlertView(report))
    [hunan, hubei] = document_of(report)["provinces"]
    assert [part["prefix"] for part in hunan["prefixes"]] == ["10.25.16.0/20"]
    assert hunan["rest"]["packets_lost"] == 20
    assert hubei["prefixes"] == hunan["prefixes"], "scripts may use it at any loss"


def test_json_lists_only_what_is_active():
    document = document_of(make_alert_report({"hunan": 0.0}))
    assert document["alert"]["active"] == []
    assert document["alert"]["text"] is None


def test_json_of_nothing_judged_says_that_no_alert_can_be_told():
    alert = document_of(make_alert_report({"hunan": None}))["alert"]
    assert (alert["active"], alert["undetermined"]) == ([], ["medium", "critical"])


def test_a_line_has_what_grep_looks_for():
    assert fields_of(make_alert_report(RISES)) == {
        "isp": "cu",
        "egress": "unicom-1",
        "active": "critical,medium",
        "undetermined": "-",
        "judged": "4",
        "elevated": "1",
        "severe": "2",
        "worst": "guangdong:+23.51,guangxi:+11.20,hunan:+5.00",
        "prefixes": "-",
        "not_judged": "no_baseline:xizang",
        "incident": "-",
        "noticed": "-",
        "latency_high": "-",
    }


def test_a_line_of_a_quiet_minute():
    fields = fields_of(make_alert_report({"hunan": 0.0}))
    assert (fields["active"], fields["worst"], fields["not_judged"]) == ("-", "-", "-")


def test_a_line_does_not_list_many_provinces_that_are_not_judged():
    rises = dict.fromkeys(["hunan", "hubei", "hebei", "henan"])
    assert fields_of(make_alert_report(rises))["not_judged"] == "no_baseline:4"


@pytest.mark.parametrize(
    ("rise", "shown"), [(4.996, "+4.99"), (4.99999999999, "+5.00"), (5, "+5.00"), (9.999, "+9.99")]
)
def test_an_increase_is_never_rounded_up_to_a_threshold(rise, shown):
    assert console.points(rise / 100) == shown


def test_the_texts_name_egress_isp_provinces_and_the_worst_increase():
    report = make_alert_report(RISES)
    assert chinese(report) == (
        "中国联通 (cu) 出口 unicom-1 危急 critical：2 省丢包率升高 10 个百分点以上"
        "（广东 +23.51、广西 +11.20）；中度 medium：1 省丢包率升高 5 至 10 个百分点（湖南 +5.00）；"
        "升幅最大 广东 +23.51（现 23.51%，均值 0.00%）；另有 1 省未判定"
    )
    assert english(report) == (
        "ISP cu through egress unicom-1: critical: loss is up by 10 points or more in 2 provinces "
        "(guangdong +23.51, guangxi +11.20); medium: loss is up by 5 to 10 points in 1 province "
        "(hunan +5.00); worst is guangdong +23.51 (23.51% now, baseline 0.00%); 1 not judged"
    )


def test_an_alarm_that_is_about_to_end_is_not_told_as_if_it_were_above_its_threshold():
    report = make_alert_report({"hunan": 5.0})
    [hunan] = report.verdict.judgements
    hunan = replace(
        hunan, increase_ratio=0.041, baseline=replace(hunan.baseline, band=Band(0, 0.01, 3))
    )
    verdict = replace(report.verdict, judgements=(hunan,), active={Severity.MEDIUM: [hunan]})
    report = replace(report, verdict=verdict)
    assert chinese(report) == (
        "中国联通 (cu) 出口 unicom-1 中度 medium：1 省丢包率升高（湖南 +4.10）；"
        "升幅最大 湖南 +4.10（现 5.00%，平时 0.00%）"
    )
    assert english(report) == (
        "ISP cu through egress unicom-1: medium: loss is up in 1 province (hunan +4.10); "
        "worst is hunan +4.10 (5.00% now, usual 0.00%)"
    )
    assert document_of(report)["provinces"][0]["usual_high_ratio"] == 0.01


def test_the_texts_say_when_it_is_everywhere():
    report = make_alert_report({"hunan": 100.0, "hubei": 98.5, "hebei": 100.0, "henan": 100.0})
    assert chinese(report) == (
        "中国联通 (cu) 出口 unicom-1 危急 critical：全部 4 省丢包率升高 10 个百分点以上"
        "（+98.50 至 +100.00）；升幅最大 河北 +100.00（现 100.00%，均值 0.00%）"
    )
    assert english(report) == (
        "ISP cu through egress unicom-1: critical: loss is up by 10 points or more in all 4 provinces "
        "(+98.50 to +100.00); worst is hebei +100.00 (100.00% now, baseline 0.00%)"
    )


def test_the_table_is_worst_first_with_both_texts_in_a_line_each(capsys):
    report = make_alert_report(RISES)
    lines = table_of(report, capsys).splitlines()
    assert "中国联通 (cu)  出口 unicom-1" in lines[0]
    rows = [line.split()[0] for line in lines[3:8]]
    assert rows == ["广东", "广西", "湖南", "西藏", "河北"]
    for row, figures in (
        (lines[3], ["23.51%", "0.00%", "+23.51", "剧升", "10", "秒前"]),
        (lines[5], ["5.00%", "0.00%", "+5.00", "升高", "10", "秒前"]),
        (lines[6], ["0.00%", "-", "-", "未判定：尚无均值", "10", "秒前"]),
        (lines[7], ["0.00%", "0.00%", "+0.00", "正常", "10", "秒前"]),
    ):
        assert row.split()[2:] == figures
    assert lines[8:] == [
        "5 省：已判定 4，未判定 1",
        "1 省尚无均值：积累几轮探测后执行 netsky_get_avg_lossrate.py --isp cu",
        chinese(report),
        english(report),
    ]
    assert all(cell_len(line) <= 80 for line in lines[:8])


def test_a_loss_below_its_baseline_is_shown_below_zero_and_is_no_increase(capsys):
    report = make_alert_report({"hunan": 1.0}, baseline=3.5)
    [row] = [line for line in table_of(report, capsys).splitlines() if " hunan " in line]
    assert row.split()[2:6] == ["1.00%", "3.50%", "-2.50", "正常"]
    assert document_of(report)["provinces"][0]["increase_ratio"] == 0


def test_the_table_without_an_alert_says_so(capsys):
    assert table_of(make_alert_report({"hunan": 0.0}), capsys).endswith("未判定 0，无告警\n")


def test_the_table_says_what_to_run_as_long_as_there_is_no_mean(capsys):
    output = table_of(make_alert_report({"hunan": None, "hubei": None, "hebei": 1.0}), capsys)
    assert "\n2 省尚无均值：积累几轮探测后执行 netsky_get_avg_lossrate.py --isp cu\n" in output
    assert "netsky_get_avg_lossrate" not in table_of(make_alert_report({"hunan": 0.0}), capsys)


def test_the_table_never_says_that_all_is_well_when_it_cannot_be_told(capsys):
    output = table_of(make_alert_report({"hunan": None}), capsys)
    assert "无告警" not in output
    assert "无法断定：中度 medium、危急 critical" in output


def noticed_report(*, is_high):
    """Two small rises of loss, and a latency that is up."""
    verdict = make_alert_report({"hunan": 2.1, "hubei": 3.4, "hebei": 0.0}).verdict
    latency = Latency(
        0.0852,
        0.0501,
        Band(0.045, 0.055, 3),
        0.0351,
        is_high,
        None if is_high else Notice(0.0148, 660.0),
    )
    judgements = [
        replace(
            each,
            notice=Notice(each.increase_ratio, 725.0) if each.increase_ratio else None,
            latency=latency if each.province.slug == "hebei" else None,
        )
        for each in verdict.judgements
    ]
    verdict = replace(verdict, judgements=tuple(judgements))
    return AlertReport(BUILTIN_ISPS["cu"], "unicom-1", Thresholds(), verdict, ())


def test_small_rises_are_told_as_such_and_alert_nobody(capsys):
    report = noticed_report(is_high=False)
    assert report.complete, "the exit code is 0"
    text = table_of(report, capsys)
    rows = {line.split()[0]: line.split() for line in text.splitlines() if "秒前" in line}
    assert [rows[name][5] for name in ("湖北", "湖南", "河北")] == ["留意", "留意", "正常"]
    assert "，无告警" in text
    assert "留意，不告警：2 省丢包率小幅升高：湖北 +3.40（12 分钟）、湖南 +2.10（12 分钟）" in text
    assert "留意，不告警：1 省时延小幅升高，毫秒：河北 +14.8（11 分钟）" in text
    fields = fields_of(report)
    assert (fields["active"], fields["noticed"]) == ("-", "hubei:+3.40,hunan:+2.10")
    assert fields["latency_high"] == "-"
    document = document_of(report)
    assert document["alert"]["active"] == []
    hubei = document["provinces"][0]
    assert (hubei["grade"], hubei["notice"]["seconds"]) == ("none", 725)
    assert hubei["notice"]["increase_ratio"] == pytest.approx(0.034)


def test_a_high_latency_is_told_with_what_is_usual_and_is_no_alert_on_loss(capsys):
    report = noticed_report(is_high=True)
    text = table_of(report, capsys)
    [row] = [line for line in text.splitlines() if line.startswith("河北") and "秒前" in line]
    assert row.split()[-2:] == ["85.20", "+35.1"]
    assert "时延偏高：1 省，毫秒：河北 +35.1（现 85.20，平时 50.10）" in text
    assert fields_of(report)["latency_high"] == "hebei:+35.1ms"
    [latency] = [each["latency"] for each in document_of(report)["provinces"] if each["latency"]]
    assert latency == {
        "seconds": 0.0852,
        "usual_seconds": 0.0501,
        "usual_low_seconds": 0.045,
        "usual_high_seconds": 0.055,
        "usual_days": 3,
        "increase_seconds": 0.0351,
        "high": True,
        "notice": None,
    }


def test_without_latencies_there_is_no_column_of_them(capsys):
    assert "时延" not in table_of(make_alert_report(RISES), capsys)
