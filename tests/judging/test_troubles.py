"""Lines in alarm that see the same rise are one trouble, and whose fault it is."""

from netsky.judging.troubles import Blame, troubles
from testing.overviews import FAULT, ISPS, incident, line_state, night, overview_of, well

CU, CT, CM = ISPS


def found(*lines):
    return troubles(overview_of(*lines))


def test_all_well_is_no_trouble():
    assert troubles(well()) == []


def test_one_line_is_to_blame_where_the_others_are_fine():
    [trouble] = troubles(night())
    assert trouble.blame is Blame.LINE
    assert [rise.province.slug for rise in trouble.rises] == ["guangdong", "guangxi", "hainan"]
    assert set(trouble.fine_exits) == {"telecom-1", "mobile-1"}
    assert trouble.since is not None


def test_the_province_is_to_blame_where_all_exits_see_it_and_they_are_one_trouble():
    [trouble] = found(*(line_state(CU, exit_, FAULT) for exit_ in ("a", "b", "c")))
    assert trouble.blame is Blame.PROVINCE
    assert trouble.egresses == ["a", "b", "c"]


def test_the_exit_is_to_blame_where_all_isps_see_it_through_that_one_only():
    lines = [line_state(isp, "a", FAULT) for isp in ISPS] + [line_state(isp, "b") for isp in ISPS]
    [trouble] = found(*lines)
    assert trouble.blame is Blame.EXIT
    assert trouble.isps == [CU, CT, CM]
    assert trouble.fine_exits == ("b",)


def test_without_another_exit_that_was_judged_nobody_is_to_blame():
    assert [each.blame for each in found(line_state(CU, "a", FAULT))] == [Blame.UNKNOWN]
    old = line_state(CU, "b", age=300)
    assert [each.blame for each in found(line_state(CU, "a", FAULT), old)] == [Blame.UNKNOWN]


def test_a_tainted_line_proves_nothing_of_another():
    tainted = line_state(CU, "b", tainted=True)
    [trouble] = found(line_state(CU, "a", FAULT), tainted)
    assert trouble.blame is Blame.UNKNOWN


def test_where_only_some_exits_see_it_it_cannot_be_told():
    lines = [line_state(CU, "a", FAULT), line_state(CU, "b", FAULT), line_state(CU, "c")]
    assert {each.blame for each in found(*lines)} == {Blame.PARTLY}


def test_an_open_incident_without_an_alert_is_recovering_or_cannot_be_told():
    opened = [incident("hunan")]
    assert [e.blame for e in found(line_state(CU, "a", incidents=opened))] == [Blame.RECOVERING]
    dark = line_state(CU, "a", incidents=opened, age=300)
    [trouble] = found(dark)
    assert trouble.blame is Blame.NOT_JUDGED
    assert [rise.increase_ratio for rise in trouble.rises] == [None]


def test_the_worst_is_first():
    lines = [
        line_state(CU, "a", {"hunan": 6.0}),
        line_state(CU, "b"),
        line_state(CT, "b", {"hubei": 30.0}),
        line_state(CT, "a"),
    ]
    assert [each.isps for each in found(*lines)] == [[CT], [CU]]
