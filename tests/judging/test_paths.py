"""What is usual of a path, and that other routers are told of only when they surely are."""

from dataclasses import replace
from datetime import timedelta

from netsky.evidence import QuietPaths
from netsky.judging.paths import MOST_COUNTED, path_changes, quiet_hops, quiet_path
from netsky.places import find_province
from netsky.trace import Hop, PathChange, Trace
from testing.evidence import OPENED_AT

GUANGDONG = find_province("guangdong")


def hops(*routers):
    """A hop for each; one that says nothing is empty, and several of equal cost are parted by /."""
    return tuple(
        Hop(ttl, 3, (0.001,) * 3 if name else (), tuple(name.split("/")) if name else ())
        for ttl, name in enumerate(routers, 1)
    )


def traces(*routers, number=4, lost=0):
    end = Hop(None, 3, (0.001,) * (3 - lost))
    return [Trace(f"203.0.113.{n}", n, hops(*routers), end) for n in range(number)]


def looks(*paths):
    return [
        QuietPaths("cu", "b", OPENED_AT + timedelta(hours=n), {GUANGDONG: hops(*path)})
        for n, path in enumerate(paths)
    ]


def changes(now, *usual, number=4):
    return path_changes(traces(*now, number=number), looks(*usual), GUANGDONG)


def test_a_router_in_the_place_of_another_is_told():
    told = changes(("A", "B", "X"), ("A", "B", "C"), ("A", "B", "D"))
    assert told == (PathChange(3, ("C", "D"), ("X",), 4),)


def test_the_usual_path_has_not_changed():
    assert changes(("A", "B", "C"), ("A", "B", "C")) == ()


def test_one_of_several_ways_is_no_change():
    assert changes(("A", "B", "C"), ("A", "B", "C"), ("A", "X", "C")) == ()
    assert changes(("A", "B/X", "C"), ("A", "B", "C")) == (), "the usual one is still there"


def test_a_router_a_hop_nearer_or_farther_is_the_same_way():
    assert changes(("N", "A", "B", "C"), ("A", "B", "C")) == ()


def test_two_targets_are_too_few():
    assert changes(("A", "X"), ("A", "B"), number=2) == ()


def test_who_spoke_never_before_is_no_other_router():
    assert changes(("A", "X"), ("A", "")) == ()
    assert changes(("A", "X")) == ()


def test_only_paths_without_loss_tell_what_is_usual():
    mixed = [*traces("A", "B"), *traces("A", "X", lost=1)]
    assert [hop.addresses for hop in quiet_path(mixed)] == [("A",), ("B",)]
    assert quiet_path(traces("A", lost=1)) == ()


def test_what_a_shared_router_answers_for_one_place_counts_for_all():
    asked, unasked = traces("A", "B", number=1), traces("", "C", number=1)
    unasked = [replace(each, hops=(Hop(1, 0), each.hops[1])) for each in unasked]
    first, second = quiet_path(unasked, among=[*asked, *unasked])
    assert (first.addresses, second.addresses) == (("A",), ("C",))
    other, silent = traces("A", "B", number=3), traces("", number=1)
    first, second = quiet_path(asked, among=[*asked, *other])
    assert (first.sent, second.sent) == (12, 12), "others were asked the same router"
    first, second = quiet_path(asked, among=[*asked, *traces("X", "B")])
    assert (first.sent, second.sent) == (3, 15), "it is another one"
    [first] = quiet_path(silent, among=[*silent, *other])
    assert (first.sent, first.answered) == (3, 0)


def test_of_many_looks_the_newest_are_counted_together():
    every = looks(*[("A", "OLD")] * 10, *[("A", "B")] * MOST_COUNTED)
    first, second = quiet_hops(every, GUANGDONG)
    assert (first.sent, first.answered) == (3 * MOST_COUNTED, 3 * MOST_COUNTED)
    assert second.addresses == ("B",)
    assert quiet_hops(every, find_province("hunan")) == ()
