"""What fails in a province, as people and scripts read it."""

import json
from dataclasses import replace

import pytest

from netsky import console
from netsky.console.faults import fault_lines, fault_text
from netsky.console.probe import ProbeView
from netsky.fault import Fault, Part
from netsky.jobs.probe import ProbeReport
from netsky.places import BUILTIN_ISPS, find_province
from testing.samples import make_quality, make_sweep

DEAD = Part("10.25.16.0/20", 2000, 2000, 2000, 0.004, 0.98, 0.97)
LOSSY = Part("10.26.0.0/22", 600, 600, 181, 0.004, 0.31, 0.41)
REST = Part(None, 10_000, 10_000, 20, 0.003, None, 0.03)
WHOLE = Part(None, 10_000, 10_000, 800, 0.003, 0.08, 1.0)


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (Fault((DEAD,), REST), "其中 10.25.16.0/20 全断，占 97%；其余 0.20%"),
        (Fault((LOSSY,), REST), "其中 10.26.0.0/22 丢包 30.17%，占 41%；其余 0.20%"),
        (
            Fault((DEAD, LOSSY), REST),
            "其中 10.25.16.0/20 全断，占 97%；10.26.0.0/22 丢包 30.17%，占 41%；其余 0.20%",
        ),
        (
            Fault((DEAD,), replace(REST, packets_sent=0, packets_lost=0)),
            "其中 10.25.16.0/20 全断，占 97%",
        ),
        (
            Fault((replace(DEAD, cities=("深圳市", "沙市", "阿坝藏族羌族自治州")),), REST),
            "其中 10.25.16.0/20（深圳、沙市、阿坝藏族羌族自治州）全断，占 97%；其余 0.20%",
        ),
        (
            Fault((replace(LOSSY, cities=("深圳市",)),), REST),
            "其中 10.26.0.0/22（深圳）丢包 30.17%，占 41%；其余 0.20%",
        ),
        (Fault((), WHOLE), ""),
        (Fault((), replace(WHOLE, lost_again_ratio=None)), ""),
        (
            Fault((), replace(WHOLE, lost_again_ratio=0.84)),
            "不集中于某个网段；上轮丢包的目标有 84% 本轮又丢：像是固定的一部分地址不通",
        ),
        (Fault((), replace(WHOLE, packets_lost=10_000, lost_again_ratio=1.0)), ""),
    ],
)
def test_people_read_which_part_fails_and_how(fault, text):
    assert fault_text(fault) == text


def test_many_provinces_do_not_fill_the_screen():
    slugs = (
        "beijing",
        "tianjin",
        "hebei",
        "shanxi",
        "neimenggu",
        "liaoning",
        "jilin",
        "hunan",
        "hubei",
    )
    fault = Fault((DEAD,), REST)
    faults = [(find_province(slug), fault) for slug in (*slugs, "hainan")]
    lines = fault_lines([*faults, (find_province("gansu"), None)])
    assert len(lines) == 9
    assert lines[0].startswith("北京：其中 10.25.16.0/20")
    assert lines[-1] == "另有 2 省也只是局部丢包（--format json 中有全部）"


def test_table_line_and_json_tell_it(capsys):
    qualities = [
        make_quality("guangdong", fault=Fault((replace(DEAD, cities=("深圳市",)),), REST)),
        make_quality("hunan"),
    ]
    view = ProbeView(ProbeReport(make_sweep({"hunan": [0.1]}), qualities, ()), BUILTIN_ISPS["cu"])
    console.show(view, "table")
    assert "广东：其中 10.25.16.0/20（深圳）全断，占 97%；其余 0.20%" in capsys.readouterr().out
    assert " prefixes=guangdong:10.25.16.0/20 " in console.render_line(view)
    guangdong, hunan = json.loads(console.render_json(view))["provinces"]
    assert guangdong["prefixes"] == [
        {
            "prefix": "10.25.16.0/20",
            "live_targets": 2000,
            "packets_sent": 2000,
            "packets_lost": 2000,
            "loss_ratio": 1.0,
            "usual_loss_ratio": 0.004,
            "lost_again_ratio": 0.98,
            "excess_ratio": 0.97,
            "cities": ["深圳市"],
        }
    ]
    assert (guangdong["rest"]["prefix"], guangdong["rest"]["packets_lost"]) == (None, 20)
    assert (hunan["prefixes"], hunan["rest"]) == ([], None)
