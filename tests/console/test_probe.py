"""What people and scripts see of a sweep: JSON, line, table, figures."""

import io
import json
import sys
from datetime import timedelta, timezone
from math import nan

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netsky import console
from netsky.console.probe import ProbeView, worst_first
from netsky.jobs.probe import ProbeReport
from netsky.places import ISP, find_province
from netsky.sweep import ProvinceFailure
from testing.samples import STARTED_AT, make_quality, make_sweep

NO_REPLY = {
    "packets_received": 0,
    "loss_ratio": 1.0,
    "abnormal_ratio": 1.0,
    "latency_mean_seconds": None,
    "latency_p50_seconds": None,
    "latency_p95_seconds": None,
    "latency_p99_seconds": None,
}
ALL_REPLIED = {"packets_received": 10, "loss_ratio": 0.0, "abnormal_ratio": 0.0}


def make_report(*qualities, not_delivered=(), **sweep):
    rtts = {
        q.province.slug: [0.1] * q.packets_received + [nan] * (q.targets - q.packets_received)
        for q in qualities
    }
    return ProbeReport(make_sweep(rtts, **sweep), list(qualities), not_delivered)


def view(report):
    return ProbeView(report, ISP("cu", "中国联通"))


@pytest.fixture
def report():
    """Four provinces, of which one did not reply, one lost nothing and one was not measured."""
    return make_report(
        make_quality("beijing", **ALL_REPLIED),
        make_quality("hebei"),
        make_quality("xizang", **NO_REPLY),
        egress="联通-1",
        local_drops=7,
        discarded={"duplicate": 2},
        failures=(ProvinceFailure(find_province("hunan"), 1234, "fping failed with 4"),),
        not_delivered=("Pushgateway http://x: is down",),
    )


def test_json_is_one_line_with_what_scripts_rely_on(report):
    text = console.render_json(view(report))
    assert "\n" not in text
    document = json.loads(text)
    expected = {
        "isp": "cu",
        "egress": "联通-1",
        "engine": "fping",
        "started_at": "2024-05-06T07:08:09.654321+00:00",
        "duration_seconds": 9.5,
        "targets": 30,
        "packets_sent": 30,
        "packets_received": 19,
        "local_drops": 7,
    }
    assert expected.items() <= document["sweep"].items()
    assert [p["province"] for p in document["provinces"]] == ["beijing", "hebei", "xizang"]
    hebei = {
        "province": "hebei",
        "province_name": "河北",
        "targets": 10,
        "packets_sent": 10,
        "packets_received": 9,
        "loss_ratio": 0.1,
        "abnormal_ratio": 0.3,
        "latency_mean_seconds": 0.0425,
        "latency_p50_seconds": 0.04,
        "latency_p95_seconds": 0.08,
        "latency_p99_seconds": 0.09,
        "live_targets": None,
        "live_packets_sent": None,
        "live_packets_received": None,
        "live_loss_ratio": None,
    }
    assert hebei.items() <= document["provinces"][1].items()
    assert NO_REPLY.items() <= document["provinces"][2].items()


def test_json_tells_what_was_not_measured_and_not_delivered(report):
    document = json.loads(console.render_json(view(report)))
    assert document["not_measured"] == [
        {
            "province": "hunan",
            "province_name": "湖南",
            "targets": 1234,
            "reason": "fping failed with 4",
        }
    ]
    assert document["not_delivered"] == ["Pushgateway http://x: is down"]


def test_json_is_strict_json(report):
    def refuse(constant):
        pytest.fail(f"{constant} is not JSON")

    json.loads(console.render_json(view(report)), parse_constant=refuse)


def test_times_are_utc_whatever_the_time_zone_of_the_sweep(report):
    started_at = STARTED_AT.astimezone(timezone(timedelta(hours=8)))
    object.__setattr__(report.sweep, "started_at", started_at)
    assert '"started_at": "2024-05-06T07:08:09.654321+00:00"' in console.render_json(view(report))
    assert console.render_line(view(report)).startswith("2024-05-06T07:08:09Z ")


def fields_of(line):
    return dict(field.split("=", 1) for field in line.split(" ")[1:])


def test_the_line_has_everything_in_one_line_worst_first(report):
    line = console.render_line(view(report))
    assert "\n" not in line
    expected = {
        "isp": "cu",
        "egress": "联通-1",
        "engine": "fping",
        "provinces": "3",
        "targets": "30",
        "sent": "30",
        "received": "19",
        "loss": "36.67%",
        "local_drops": "7",
        "worst": "xizang:100.00%,hebei:10.00%",
        "not_measured": "hunan",
    }
    assert expected.items() <= fields_of(line).items()


def test_the_line_names_three_provinces_at_most_and_none_without_loss():
    slugs = ["beijing", "hebei", "hunan", "xizang"]
    lossy = make_report(*(make_quality(slug) for slug in slugs))
    assert fields_of(console.render_line(view(lossy)))["worst"].count(":") == 3
    good = fields_of(console.render_line(view(make_report(make_quality("hebei", **ALL_REPLIED)))))
    assert (good["worst"], good["not_measured"], good["loss"]) == ("-", "-", "0.00%")


def test_the_line_shows_no_latency_when_nothing_replied():
    line = console.render_line(view(make_report(make_quality("xizang", **NO_REPLY))))
    assert fields_of(line)["latency"] == "-ms"


def table(report, capsys):
    console.show(view(report), "table")
    return capsys.readouterr().out


def row_of(text, province):
    [row] = [line for line in text.splitlines() if f" {province} " in line]
    return row.split()


def test_the_table_has_a_row_for_each_province_worst_first(report, capsys):
    text = table(report, capsys)
    places = [
        text.index(f"\n{name} ")
        for name in ("湖南 hunan", "西藏 xizang", "河北 hebei", "北京 beijing")
    ]
    assert places == sorted(places)
    figures = ["10.00%", "30.00%", "42.50", "40.00", "80.00", "90.00", "10", "1"]
    assert row_of(text, "hebei") == ["河北", "hebei", *figures]
    assert row_of(text, "xizang")[2:] == ["100.00%", "100.00%", "-", "-", "-", "-", "10", "10"]
    assert row_of(text, "hunan")[2:] == ["未测", "1234"]


LIVE = {"live_targets": 8, "live_packets_sent": 8, "live_packets_received": 7}
LEARNING = {"live_targets": 0, "live_packets_sent": 0, "live_packets_received": 0}


def test_loss_of_those_that_usually_answer_stands_beside_the_loss_of_all(capsys):
    report = make_report(make_quality("hebei", **LIVE), make_quality("beijing", **LEARNING))
    text = table(report, capsys)
    assert text.splitlines()[1].split()[1:4] == ["丢包率", "常在线丢包率", "异常率"]
    assert row_of(text, "hebei")[2:4] == ["10.00%", "12.50%"]
    assert row_of(text, "beijing")[2:4] == ["10.00%", "-"]
    assert "常在线目标 8 个，其丢包率 12.50%" in text
    fields = fields_of(console.render_line(view(report)))
    assert (fields["live_targets"], fields["live_loss"]) == ("8", "12.50%")
    assert (fields["dead_targets"], "一周" in text) == ("-", False)


def test_how_many_have_not_answered_for_a_week_is_told(capsys):
    report = make_report(make_quality("hebei", dead_targets=3, **LIVE))
    assert "；一周以上没有应答的目标 3 个（30.00%）" in table(report, capsys)
    assert fields_of(console.render_line(view(report)))["dead_targets"] == "3"


def test_while_none_is_known_to_answer_usually_the_table_says_why(capsys):
    text = table(make_report(make_quality("hebei", **LEARNING)), capsys)
    assert "常在线" not in text.splitlines()[1]
    assert "常在线目标：尚在学习，约 50 轮后可用" in text


def test_without_a_memory_nothing_is_said_of_those_that_usually_answer(report, capsys):
    assert "常在线" not in table(report, capsys)
    fields = fields_of(console.render_line(view(report)))
    assert (fields["live_targets"], fields["live_loss"]) == ("-", "-")


def test_the_table_tells_where_from_when_and_how(report, capsys):
    title = table(report, capsys).splitlines()[0]
    for part in ("中国联通", "cu", "联通-1", "2024-05-0", "fping"):
        assert part in title


def test_below_the_table_stand_the_totals_and_what_to_doubt(report, capsys):
    text = table(report, capsys).replace("\n", "")
    assert "发 30，收 19丢包率 36.67%" in text
    assert "本机丢弃 7" in text
    assert "不可作为运营商质量依据" in text
    assert "未测 湖南（1,234 个目标）：fping failed with 4" in text


def test_a_reason_that_several_provinces_share_is_told_once(capsys):
    reasons = {"hunan": "table is full", "hubei": "fping failed", "jilin": "table is full"}
    failures = tuple(ProvinceFailure(find_province(n), 5, why) for n, why in reasons.items())
    text = table(make_report(make_quality("hebei"), failures=failures), capsys)
    assert "未测 湖南、吉林（10 个目标）：table is full" in text
    assert "未测 湖北（5 个目标）：fping failed" in text
    assert text.count("table is full") == 1


def test_a_province_of_which_a_part_was_not_measured_has_one_row_with_its_figures(capsys):
    failures = tuple(ProvinceFailure(find_province(n), 3, "too slow") for n in ("hebei", "hunan"))
    text = table(make_report(make_quality("hebei"), failures=failures), capsys)
    assert row_of(text, "hebei")[2] == "10.00%"
    assert row_of(text, "hunan")[2] == "未测"
    assert "\n未测 湖南（3 个目标）：too slow" in text
    assert "\n部分未测 河北（3 个目标）：too slow" in text


def test_nothing_is_to_be_doubted_in_a_good_sweep(capsys):
    text = table(make_report(make_quality("hebei")), capsys)
    assert "依据" not in text
    assert "未测" not in text


@pytest.mark.parametrize("render", ["json", "line"])
def test_json_and_line_are_printed_as_they_are(report, capsys, render):
    console.show(view(report), render)
    assert capsys.readouterr().out == getattr(console, f"render_{render}")(view(report)) + "\n"


def test_worst_first_goes_by_loss_then_abnormal_rate_then_latency():
    worst = [
        make_quality("xizang", **NO_REPLY),
        make_quality("hebei", abnormal_ratio=0.5),
        make_quality("hunan", latency_mean_seconds=0.2),
        make_quality("hubei", latency_mean_seconds=0.1),
        make_quality("beijing", **ALL_REPLIED),
    ]
    assert worst_first(worst[::-1]) == worst


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.0, "0.00%"),
        (1e-9, "<0.01%"),
        (0.00004999, "<0.01%"),
        (0.0001, "0.01%"),
        (0.12345, "12.35%"),
        (0.99994, "99.99%"),
        (0.99995, ">99.99%"),
        (0.999999999, ">99.99%"),
        (1.0, "100.00%"),
    ],
)
def test_percent_has_two_decimals(ratio, text):
    assert console.percent(ratio) == text


@given(ratio=st.floats(0, 1))
@example(ratio=0.00005)
@example(ratio=0.9999499999999999)
def test_percent_never_rounds_to_all_or_nothing(ratio):
    text = console.percent(ratio)
    assert (text == "0.00%") == (ratio == 0)
    assert (text == "100.00%") == (ratio == 1)
    assert float(text.strip("<>%")) == pytest.approx(100 * ratio, abs=0.0101)


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (0.0000041, "0.004"), (0.001, "1.00"), (0.0425, "42.50")]
)
def test_milliseconds_are_a_dash_without_a_reply(seconds, text):
    assert console.milliseconds(seconds) == text


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_on_standard_error_if_that_is_a_terminal(monkeypatch, capsys):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with console.progress_bar("中国联通 default", 200) as progress:
        progress(100)
    assert "中国联通 default" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_progress_is_not_shown_elsewhere(capsys):
    with console.progress_bar("中国联通 default", 200) as progress:
        progress(100)
    assert capsys.readouterr() == ("", "")


OUTSIDE = "says \x1b[2J \x9b2J \u202e \udcff"


@pytest.mark.parametrize("output_format", ["table", "line", "json"])
def test_text_from_outside_cannot_change_the_terminal(output_format, capsys):
    report = make_report(
        make_quality("hebei"),
        egress=OUTSIDE,
        failures=(ProvinceFailure(find_province("hunan"), 1, OUTSIDE),),
        not_delivered=(OUTSIDE,),
    )
    console.show(view(report), output_format)
    shown = capsys.readouterr().out
    assert all(line.isprintable() for line in shown.splitlines())
    if output_format == "json":
        assert json.loads(shown)["not_delivered"] == [OUTSIDE]
    else:
        assert "says \\x1b[2J \\x9b2J \\u202e \\udcff" in shown


def test_replies_that_do_not_count_are_told_in_table_and_line(capsys):
    sweep = make_sweep({"beijing": [0.1]}, discarded={"late": 1200, "wrong_source": 3, "odd": 0})
    view = ProbeView(ProbeReport(sweep, [make_quality("beijing")], ()), ISP("cu", "中国联通"))
    console.show(view, "table")
    assert "已收到但不计入的应答：超时后才到 1,200、源地址不符 3\n" in capsys.readouterr().out
    assert "discarded=late:1200,wrong_source:3" in console.render_line(view)
