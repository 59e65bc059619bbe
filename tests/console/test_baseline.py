"""What people and scripts see of an averaging."""

import json
from dataclasses import replace
from datetime import timedelta

from rich.cells import cell_len

from netsky import console
from netsky.console.baseline import BaselineView
from netsky.jobs.average import Averaged, BaselineReport
from netsky.loss import Band
from netsky.places import BUILTIN_ISPS, find_province
from testing.samples import STARTED_AT, make_baseline

NOW = STARTED_AT.replace(microsecond=0)


def averaged(province, percent, *, samples=720, renewed=True, egress="default"):
    baseline = None
    if percent is not None:
        baseline = make_baseline(province, percent, hours=0, egress=egress, now=NOW)
    return Averaged(find_province(province), egress, baseline, samples, renewed)


def make_report(*entries, pruned=None, not_delivered=()):
    return BaselineReport(
        BUILTIN_ISPS["cu"], 12.0, NOW, tuple(entries), pruned or {}, tuple(not_delivered)
    )


REPORT = make_report(
    averaged("beijing", 0.5),
    averaged("hunan", 12.5),
    averaged("hubei", 50.0, samples=2, renewed=False),
    averaged("hebei", None, samples=1, renewed=False),
    averaged("xizang", 30.0, egress="联通-2"),
    pruned={"netsky_lossrate": 1000, "netsky_latency": 234},
)


def table_of(report, capsys):
    console.show(BaselineView(report), "table")
    return capsys.readouterr().out.splitlines()


def with_band(province, percent, low, high, days):
    entry = averaged(province, percent)
    return replace(entry, baseline=replace(entry.baseline, band=Band(low / 100, high / 100, days)))


def test_what_is_usual_is_shown_with_its_band_and_how_sure_it_is(capsys):
    report = make_report(with_band("hunan", 2.5, 1.75, 3.25, 3), with_band("hubei", 1, 0.5, 1.5, 0))
    hunan, hubei = json.loads(console.render_json(BaselineView(report)))["provinces"]
    assert (hunan["usual_low_ratio"], hunan["usual_high_ratio"]) == (0.0175, 0.0325)
    assert (hunan["usual_days"], hubei["usual_days"]) == (3, 0)
    title, headings, _, first, second, *_ = table_of(report, capsys)
    assert "平时丢包率" in title
    assert headings.split()[:4] == ["省份", "平时", "正常范围", "依据"]
    assert first.split()[:7] == ["湖南", "hunan", "2.50%", "1.75%", "–", "3.25%", "3"]
    assert "学习中" in second


def test_json_has_what_scripts_rely_on():
    document = json.loads(console.render_json(BaselineView(REPORT)))
    assert document["baseline"] == {
        "isp": "cu",
        "rule": "mean",
        "hours": 12.0,
        "computed_at": "2024-05-06T07:08:09+00:00",
    }
    beijing, _, _, hebei, xizang = document["provinces"]
    assert beijing == {
        "province": "beijing",
        "province_name": "北京",
        "egress": "default",
        "baseline_ratio": 0.005,
        "usual_low_ratio": None,
        "usual_high_ratio": None,
        "usual_days": None,
        "baseline_at": "2024-05-06T07:08:09+00:00",
        "samples": 720,
        "renewed": True,
    }
    assert (hebei["baseline_ratio"], hebei["baseline_at"]) == (None, None)
    assert (hebei["samples"], hebei["renewed"]) == (1, False)
    assert xizang["egress"] == "联通-2"
    assert document["pruned"] == {"netsky_lossrate": 1000, "netsky_latency": 234}


def test_a_line_names_the_worst_means_whether_renewed_or_not():
    line = console.render_line(BaselineView(REPORT))
    assert line == (
        "2024-05-06T07:08:09Z isp=cu hours=12 egresses=default,联通-2 renewed=3 left_alone=2 "
        "worst=default/hubei:50.00%,联通-2/xizang:30.00%,default/hunan:12.50% pruned=1234"
    )


def test_a_line_without_any_loss():
    line = console.render_line(BaselineView(make_report(averaged("beijing", 0.0))))
    assert "renewed=1 left_alone=0 worst=- pruned=0" in line


def test_the_table_of_each_egress_has_what_was_left_alone_first_and_then_the_worst(capsys):
    lines = table_of(REPORT, capsys)
    titles = [index for index, line in enumerate(lines) if "小时平均丢包率" in line]
    assert len(titles) == 2
    assert "中国联通 (cu)  出口 default  过去 12 小时平均丢包率" in lines[titles[0]]
    assert "出口 联通-2" in lines[titles[1]]
    rows = [line.split() for line in lines[titles[0] + 3 : titles[1]]]
    assert [row[:4] for row in rows] == [
        ["湖北", "hubei", "50.00%", "2"],
        ["河北", "hebei", "无", "1"],
        ["湖南", "hunan", "12.50%", "720"],
        ["北京", "beijing", "0.50%", "720"],
    ]
    assert lines[-2:] == [
        "更新 3 项，未更新 2 项；清理过期数据 1,234 行",
        "样本不足的省沿用原均值（红色）",
    ]
    assert all(cell_len(line) <= 80 for line in lines)


def test_a_table_of_renewed_means_has_no_word_of_warning(capsys):
    lines = table_of(make_report(averaged("beijing", 0.0)), capsys)
    assert lines[-1] == "更新 1 项，未更新 0 项；清理过期数据 0 行"


def test_the_time_of_an_older_mean_is_shown(capsys):
    old = make_baseline("hubei", 1, hours=5, now=NOW)
    entry = Averaged(find_province("hubei"), "default", old, 0, renewed=False)
    [row] = [line for line in table_of(make_report(entry), capsys) if "湖北" in line]
    local = (NOW - timedelta(hours=5)).astimezone()
    assert f"{local:%Y-%m-%d %H:%M:%S %z}" in row
