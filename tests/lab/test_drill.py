from lab.proofs.drill import EGRESS, EXPECTED, FAULT, Drill, Plan
from lab.proofs.site import Site
from netsky.places import find_province
from testing.netns import needs_root

pytestmark = needs_root


def test_a_drill_tells_what_was_done_when_it_was_seen_and_that_it_was_exact(user, tmp_path):
    said = []
    plan = Plan(targets=2000, window=0.5, quiet=1, faulty=1, recovery=1)
    drill = Drill(Site(user.lab, tmp_path / "site"), said.append, tmp_path / "pages", plan)
    assert drill.run(), "\n".join(said)
    events = ("history", "injected", "first seen", "alerted", "taken back", "cleared")
    assert tuple(event.what for event in drill.events) == events
    assert [look.egress for look in drill.looks] == ["a", "b"] * 3
    assert [look.active == EXPECTED for look in drill.looks] == [False] * 3 + [True] + [False] * 2
    assert all(look.exact for look in drill.looks)
    printed = "\n".join(said)
    for tool in ("netsky_get_avg_lossrate", "netsky_probe", "netsky_alert"):
        assert f"\n$ {tool}.py --isp cu" in printed
    page = (tmp_path / "pages" / "index.html").read_text(encoding="utf-8")
    assert f"联通用户经 {EGRESS} 丢包" in page
    timeline = printed[printed.index("时间线") :]
    for slug in FAULT:
        assert find_province(slug).name in timeline
    assert f"告警 alerted     出口 {EGRESS}：critical、medium（注入后 " in timeline
