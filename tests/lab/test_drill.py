from lab.drill import EGRESS, EXPECTED, FAULT, Drill, Plan
from lab.site import Site
from netns import needs_root

pytestmark = needs_root


def test_a_drill_tells_what_was_done_when_it_was_seen_and_that_it_was_exact(user, tmp_path):
    said = []
    plan = Plan(targets=2000, window=0.5, quiet=1, faulty=1, recovery=1)
    drill = Drill(Site(user.lab, tmp_path / "site"), said.append, plan)
    assert drill.run(), "\n".join(said)
    events = ("history", "injected", "first seen", "alerted", "taken back", "cleared")
    assert tuple(text[:10].rstrip() for _, text in drill.events) == events
    assert [look.egress for look in drill.looks] == ["a", "b"] * 3
    assert [look.active == EXPECTED for look in drill.looks] == [False] * 3 + [True] + [False] * 2
    assert all(look.exact for look in drill.looks)
    timeline = "\n".join(said[said.index(next(text for text in said if "Timeline" in text)) :])
    for slug in FAULT:
        assert slug in timeline
    assert f"alerted     {EGRESS}: critical, medium" in timeline
