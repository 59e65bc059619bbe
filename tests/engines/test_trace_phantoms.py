"""Where a target's replies are lost, the TTL that is just enough for it looks like a silent router."""

import pytest

from netsky.engines.trace import without_phantoms
from netsky.trace import Hop, Trace


def router(ttl, *, answered):
    return Hop(ttl, 10, (0.001,) * answered, (f"198.18.1.{ttl}",) if answered else (), 1, 1)


def silent(ttl, *, sent=10):
    return Hop(ttl, sent, quick_sent=1, quick_lost=1)


def trace(*hops, answered=1):
    return Trace("10.25.0.1", 0, hops, Hop(None, 10, (0.001,) * answered))


NEAR = router(1, answered=1)


def ttls(*traces, reached=None):
    """By trace, the TTLs of the hops that are left."""
    kept = without_phantoms(traces, reached or [True] * len(traces))
    return [[hop.ttl for hop in each.hops] for each in kept]


def test_where_nearly_all_is_lost_silent_hops_before_the_target_are_none():
    assert ttls(trace(NEAR, silent(2)), trace(NEAR, silent(2), silent(3))) == [[1], [1]]


def test_the_loss_of_a_target_may_be_higher_than_that_of_all():
    others = [trace(NEAR, answered=10)] * 9
    assert ttls(trace(NEAR, silent(2)), *others)[0] == [1]


def test_a_few_rounds_tell_little():
    assert ttls(trace(NEAR, silent(2, sent=1), answered=8)) == [[1]]


@pytest.mark.parametrize("answered", [10, 7, 5])
def test_a_silent_router_before_a_target_that_answers_is_one(answered):
    assert ttls(trace(NEAR, silent(2), answered=answered)) == [[1, 2]]


def test_where_a_router_spoke_on_any_way_nothing_is_taken_away():
    spoke = trace(NEAR, silent(2), router(3, answered=1), silent(4))
    quickly = trace(NEAR, silent(2), Hop(3, 0, quick_sent=1))
    unheard = trace(NEAR, silent(2), silent(3))
    assert ttls(spoke, unheard) == [[1, 2, 3], [1, 2, 3]]
    assert ttls(quickly, unheard) == [[1, 2, 3], [1, 2, 3]]


def test_where_no_target_is_reached_nobody_knows_how_far_they_are():
    unreached = [trace(NEAR, silent(2), Hop(3, 0), answered=0)] * 2
    assert ttls(*unreached, reached=[False, False]) == [[1, 2, 3]] * 2


def test_nor_of_one_among_others_that_answer():
    dead, alive = trace(NEAR, silent(2), answered=0), [trace(NEAR, answered=10)] * 9
    assert ttls(dead, *alive, reached=[False] + [True] * 9)[0] == [1, 2]


def test_one_among_others_of_which_nearly_all_is_lost_is_as_far_as_they_are():
    dead, others = trace(NEAR, silent(2), answered=0), [trace(NEAR)] * 9
    assert ttls(dead, *others, reached=[False] + [True] * 9)[0] == [1]
