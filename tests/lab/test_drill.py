"""The rehearsal: its story, what it calls right, and a short one that is played."""

from datetime import timedelta

import pytest

from lab.network.addresses import place_of
from lab.network.truth import Count
from lab.proofs.drill import Drill, Look, Plan, written_since
from lab.proofs.site import Measured, Site
from lab.proofs.story import EGRESS, ISP, OUTAGE, Act, story
from testing.netns import needs_root
from testing.samples import STARTED_AT

ACTS = story(targets=1000)
[PREFIX] = {act.dead for act in ACTS if act.dead}


def test_the_story_has_a_long_outage_a_dead_prefix_and_grows_from_one_province_to_all():
    assert [len(act.loss) for act in ACTS] == [0, 4, 0, 1, 1, 0, 4, 0, 0, 4, 31, 0]
    assert [act.after for act in ACTS if act.after] == [timedelta(hours=8)]
    place = place_of(PREFIX)
    assert (place.isp, place.province) == (ISP, "guangdong")
    last = int(PREFIX.broadcast_address) - int(place.prefix.network_address)
    assert 256 <= last < 1000


def look(dropped, *, lost=None, active=(), graded=(), prefixes=(), act=ACTS[0], egress=EGRESS):
    """Of provinces with 1,000 packets each, of which 30 are lost in quiet."""
    counts = {s: Count(egress, ISP, s, seen=1000, loss=n - 30, dead=30) for s, n in dropped.items()}
    measured = Measured(dict.fromkeys(dropped, 1000), lost or dict(dropped), {})
    rows = [
        {
            "province": slug,
            "grade": "severe" if slug in graded else "none",
            "prefixes": [{"prefix": p} for p in prefixes if slug == "guangdong"],
        }
        for slug in dropped
    ]
    verdict = {"alert": {"active": list(active)}, "provinces": rows}
    quiet = dict.fromkeys(dropped, 0.03)
    return Look(STARTED_AT, egress, act, measured, counts, quiet, verdict)


MANY = dict.fromkeys(("hebei", "hubei", "hunan", "jilin"), 100)


@pytest.mark.parametrize(
    ("dropped", "should"),
    [
        ({"hunan": 40}, set()),
        ({"hunan": 100}, {"medium"}),
        (MANY, {"heavy"}),
        ({"hunan": 200}, {"critical"}),
        (MANY | {"guangdong": 1000}, {"heavy", "critical"}),
    ],
)
def test_what_should_stand_is_what_the_lab_has_dropped_beyond_quiet(dropped, should):
    assert look(dropped).should == should


def test_right_is_who_counts_and_alerts_as_the_lab_has_dropped():
    failing, prefix = {"hunan": 30, "guangdong": 280}, {"prefixes": [str(PREFIX)]}
    said = {"active": ["critical"], "graded": ["guangdong"]}
    dead = ACTS[8]
    assert look(failing, **said, **prefix, act=dead).right
    assert not look(failing, **said, act=dead).right
    assert not look(failing, **said, **prefix, act=ACTS[1]).right
    assert not look(failing, **said, **prefix, act=dead, egress="a").right
    assert not look(failing, **said, **prefix, act=dead, lost={"hunan": 31, "guangdong": 280}).right
    assert not look(failing, active=["medium"], graded=["guangdong"], **prefix, act=dead).right
    assert not look(failing, active=["critical"], graded=["hunan"], **prefix, act=dead).right
    wrong = str(look(failing, act=dead))
    assert "真值 310；升高 1 省，告警 无" in wrong
    assert wrong.endswith("不符 WRONG")


@needs_root
def test_a_drill_tells_what_was_done_and_that_it_was_counted_and_alerted_rightly(user, tmp_path):
    said = []
    acts = (
        Act("quiet", 1),
        Act("outage", 2, OUTAGE, dead=PREFIX),
        Act("later", 1, OUTAGE, dead=PREFIX, after=timedelta(hours=1)),
    )
    drill = Drill(
        Site(user.lab, tmp_path / "site"),
        said.append,
        tmp_path / "pages",
        Plan(remembered=70, window=1.5, acts=acts),
    )
    printed = "\n".join(said) if drill.run() else pytest.fail("\n".join(said))
    assert [each.egress for each in drill.looks] == ["a", "b"] * 4
    assert [each.should for each in drill.looks] == [
        set(),
        set(),
        *(set(), {"medium", "critical"}) * 3,
    ]
    for tool in ("netsky_get_avg_lossrate", "netsky_alert"):
        assert f"\n$ {tool}.py --isp cu" in printed
    assert f"其中 {PREFIX} 全断" in printed
    page = (tmp_path / "pages" / "index.html").read_text(encoding="utf-8")
    assert f"联通用户经 {EGRESS} 丢包" in page
    [overview, *_, report] = written_since(tmp_path / "pages", 0)
    assert (overview.name, report.name) == ("index.html", f"incident-{ISP}-{EGRESS}-1.html")
    assert f"{report}\n" in printed
    assert f"用户经 {EGRESS} 丢包" in report.read_text(encoding="utf-8")
    timeline = printed[printed.index("时间线") :]
    assert "outage：出口 b 广东 7.8%、" in timeline
    assert f"故障事件 1 未结束 open：最多 4 省，网段 {PREFIX}" in timeline
