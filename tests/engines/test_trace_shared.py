"""For whom routers are asked that several ways have in common."""

from types import SimpleNamespace

import numpy as np
import pytest

from netsky.engines.trace_packet import MOST_HOPS
from netsky.engines.trace_shared import SharedRouters, turns
from netsky.trace import TracePlan


@pytest.mark.parametrize(("of", "each"), [(20, 10), (120, 30), (20, 8), (93, 10)])
def test_all_have_their_turn_equally_often_from_all_over_in_slow_rounds_and_quick_ones(of, each):
    asked, sizes = np.zeros(of, np.int64), []
    for number in range(1, 11):
        chosen = np.sort(turns(of, each, number))
        sizes.append(len(set(chosen.tolist())))
        assert np.diff(chosen).max() <= 3 * of / len(chosen), "a part of them has no turn"
        asked[chosen] += 1
    assert sizes == 5 * [each // 2, each + each // 2]
    assert asked.max() - asked.min() <= 1


def test_where_there_are_no_more_all_have_their_turn_in_each_round():
    assert turns(10, 10, 1).tolist() == turns(10, 12, 2).tolist() == [*range(10)]


def ways(routers):
    """What was answered on ways with these routers; 0 says nothing."""
    by = np.zeros((len(routers), MOST_HOPS + 1, 1), np.uint32)
    for number, way in enumerate(routers):
        by[number, 1 : len(way) + 1, 0] = way
    return SimpleNamespace(answered_by=by, reached=np.zeros_like(by, np.bool_))


def test_a_router_of_all_ways_and_one_of_all_to_a_place_are_asked_for_some():
    """Two places with ten targets each; the third router of a way is its own."""
    routers = [(1, 2 + number // 10, 100 + number) for number in range(20)]
    places = np.arange(20) // 10
    shared = SharedRouters(places, TracePlan(near_targets=4, near_of_place=2))
    hops = np.full(20, 3)
    shared.find(np.arange(0, 20, 3), hops, ways(routers))
    assert shared.by_trace()[:, 1:4].tolist() == 20 * [[True, True, False]]
    for number, (of_all, of_place) in enumerate([(2, 1), (6, 3)], 1):
        asked = np.zeros((20, MOST_HOPS + 1), np.bool_)
        asked[:, 1:4] = True
        shared.spare(asked, number)
        assert asked[:, 1].sum() == of_all
        assert [asked[places == place, 2].sum() for place in (0, 1)] == [of_place] * 2
        assert asked[:, 3].all()
    slow = shared.asked_slowly(np.arange(20), 2)
    assert slow[:, 1:4, 0].tolist() == 20 * [[True, True, False]]
    assert not slow[:, :, 1].any()


def test_of_a_place_of_which_one_way_was_looked_at_nothing_is_known():
    shared = SharedRouters(np.arange(3), TracePlan(near_targets=2))
    shared.find(np.arange(3), np.full(3, 2), ways([(1, 2), (1, 3), (1, 4)]))
    assert shared.by_trace()[:, 1:3].tolist() == 3 * [[True, False]]
