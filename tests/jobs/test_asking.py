"""What is sent while addresses are sought: how fast, how much of a /24, and when it stops."""

import numpy as np
import pytest

from netsky.errors import LibraryError, StoppedError
from netsky.jobs.asking import MOST_UNANSWERED, SPACING_SECONDS, Asker, Watch, estimate
from netsky.places import BUILTIN_ISPS, Egress
from netsky.targets.permission import Permission
from testing.answering import Clock, World, candidates

FIRST = 1 << 24


@pytest.fixture
def asker(tmp_path):
    def make(world, **changes):
        permission = Permission(BUILTIN_ISPS["cu"], candidates(blocks=128), tmp_path, lab=False)
        options = {"rate": 10_000, "timeout": 0.5} | changes
        return Asker(world, Egress(), permission, **options)

    return make


def hosts(blocks, each):
    """So many addresses in each of the first /24s."""
    return np.array(
        [FIRST + (block << 8) + host for block in range(blocks) for host in range(1, each + 1)],
        np.uint32,
    )


def test_a_portion_has_no_two_addresses_of_a_block(asker):
    addresses = hosts(100, 5)
    portions = list(asker(World(Clock())).batches(addresses))
    assert sorted(np.concatenate(portions).tolist()) == list(range(500))
    for rows in portions:
        assert len(np.unique(addresses[rows] >> 8)) == len(rows)
    assert len(portions) == 5


def test_a_portion_is_at_most_five_seconds_worth(asker):
    portions = list(asker(World(Clock()), rate=10).batches(hosts(120, 1)))
    assert [len(rows) for rows in portions] == [50, 50, 20]


def test_a_block_is_not_asked_again_within_two_and_a_half_seconds(asker):
    clock = Clock()
    world = World(clock)
    its, times = asker(world), []
    addresses = hosts(3, 4)
    for rows in its.batches(addresses):
        times.append(clock())
        its.ask(addresses[rows], np.zeros(len(rows), np.int32), 0.0)
    assert np.diff(times).min() >= SPACING_SECONDS


def test_who_answers_is_told_in_the_order_that_was_asked(asker):
    world = World(Clock(), steady=0.5, restless=0.0, loss=0.0)
    addresses = np.random.default_rng(3).permutation(hosts(100, 1))
    province = np.random.default_rng(4).integers(0, 31, len(addresses)).astype(np.int32)
    answered = asker(world).ask(addresses, province, 50.0)
    assert answered.tolist() == world.always(addresses).tolist()
    assert 20 < answered.sum() < 80


def test_nothing_is_sent_to_what_is_no_candidate(asker):
    world = World(Clock())
    with pytest.raises(LibraryError, match="nothing was sent"):
        asker(world).ask(np.array([FIRST + 1, 5], np.uint32), np.zeros(2, np.int32), 0.0)
    assert not world.sent


def test_a_host_that_drops_packets_itself_stops(asker):
    world = World(Clock(), local_drops=5)
    with pytest.raises(StoppedError, match="this host itself dropped up to 5 of 128 packets"):
        asker(world).ask(hosts(128, 1), np.zeros(128, np.int32), 0.0)


def test_one_drop_in_a_thousand_does_not(asker):
    world = World(Clock(), local_drops=1, steady=0.5)
    asker(world).ask(hosts(125, 8), np.zeros(1000, np.int32), 0.0)
    world.local_drops = 2
    with pytest.raises(StoppedError, match="up to 2 of 1,000 packets"):
        asker(world).ask(hosts(125, 8), np.zeros(1000, np.int32), 0.0)


@pytest.mark.parametrize(("answered", "stops"), [(40, False), (33, True), (0, True)])
def test_it_stops_when_answers_fall_to_a_third_of_what_is_expected(answered, stops):
    watch = Watch()
    watch.look(1000, 100, 100.0)
    if stops:
        with pytest.raises(StoppedError, match=f"only {answered} answered of some 100"):
            watch.look(1000, answered, 100.0)
    else:
        watch.look(1000, answered, 100.0)


def test_few_expected_answers_are_added_up_before_they_say_anything():
    watch = Watch()
    watch.look(1000, 10, 10.0)
    watch.look(1000, 0, 10.0)
    watch.look(1000, 0, 9.0)
    with pytest.raises(StoppedError, match="only 10 answered of some 39"):
        watch.look(1000, 0, 10.0)


def test_what_went_well_before_does_not_hide_a_fall():
    watch = Watch()
    for _ in range(100):
        watch.look(1000, 50, 50.0)
    with pytest.raises(StoppedError):
        watch.look(1000, 16, 50.0)


def test_it_stops_when_nobody_at_all_answers():
    watch = Watch()
    watch.look(MOST_UNANSWERED - 1, 0, 0.0)
    with pytest.raises(
        StoppedError, match="none of 100,000 addresses answered: is this exit alive"
    ):
        watch.look(1, 0, 0.0)


def test_an_estimate_knows_the_caps_of_time_and_day():
    many = estimate(packets=600_000, blocks=100_000, rounds=6, rate=10_000, left=1_000_000)
    assert (many.packets, many.seconds, many.bits_per_second) == (600_000, 60.0, 6_720_000.0)
    few = estimate(packets=320, blocks=10, rounds=32, rate=10_000, left=1_000_000)
    assert (few.seconds, few.packets_per_second) == (32 * 3.5, 4.0)
    assert estimate(packets=500, blocks=5, rounds=1, rate=10, left=80).packets == 80
