"""Which addresses of a /24 are asked, in which order, and never twice."""

import numpy as np
import pytest

from netsky.targets.blocks import AGAIN_DAYS, HOSTS, REST_DAYS, Blocks, address_at
from netsky.targets.candidates import Candidates
from testing.answering import candidates


def anybody(addresses):
    return np.ones(len(addresses), np.bool_)


@pytest.mark.parametrize("seed", [0, 1, 2**62 - 1])
def test_all_addresses_of_a_block_but_first_and_last_are_asked_once(seed):
    numbers = np.array([0x010203, 0xDFFFFF, 1], np.uint32)
    for number in numbers:
        repeated = np.full(HOSTS, number, np.uint32)
        asked = address_at(repeated, np.arange(HOSTS).astype(np.uint16), seed)
        assert set((asked >> 8).tolist()) == {number}
        assert sorted((asked & 0xFF).tolist()) == list(range(1, 255))


def test_blocks_have_orders_of_their_own():
    numbers = np.arange(1000, dtype=np.uint32)
    first = address_at(numbers, np.zeros(1000, np.uint16), 7) & 0xFF
    assert len(set(first.tolist())) > 200


def test_only_candidates_are_asked_of_a_block_that_is_one_in_part():
    few = candidates(blocks=2, provinces=1)
    small = Candidates(
        few.first[:1], few.first[:1] + 9, few.isp[:1], few.province[:1], few.city[:1], few.cities
    )
    blocks = Blocks.of(small)
    asked = []
    for _ in range(HOSTS):
        _, addresses = blocks.next_addresses(
            np.flatnonzero(blocks.tried < HOSTS), 5, lambda a: a <= small.last[0]
        )
        asked += addresses.tolist()
    assert sorted(asked) == list(range(int(small.first[0]) + 1, int(small.first[0]) + 10))


def test_a_block_asked_whole_is_asked_anew_after_a_week():
    blocks = Blocks.of(candidates(blocks=2, provinces=1))
    blocks.tried[:], blocks.day[:] = HOSTS, 100
    assert not blocks.may_be_asked(100 + AGAIN_DAYS - 1).any()
    assert blocks.may_be_asked(100 + AGAIN_DAYS).all()
    rows, _ = blocks.next_addresses(np.arange(2), 5, anybody)
    assert (rows.tolist(), blocks.tried.tolist()) == ([0, 1], [1, 1])


def test_a_block_silent_in_three_discoveries_rests_for_a_month():
    blocks = Blocks.of(candidates(blocks=2, provinces=1))
    for _ in range(3):
        blocks.asked[:], blocks.answered[1] = 4, 1
        blocks.begin()
    blocks.day[:] = 100
    assert blocks.may_be_asked(100 + REST_DAYS - 1).tolist() == [False, True]
    assert blocks.may_be_asked(100 + REST_DAYS).all()


def test_a_discovery_that_did_not_ask_a_block_says_nothing_of_it():
    blocks = Blocks.of(candidates(blocks=2, provinces=1))
    for _ in range(5):
        blocks.begin()
    assert blocks.silent.tolist() == [0, 0]


def test_a_new_build_keeps_what_is_known_and_marks_what_is_new():
    old = Blocks.of(candidates(blocks=2, provinces=2))
    assert not old.new.any()
    old.tried[:] = [1, 2, 3, 4]
    now = old.follow(candidates(blocks=4, provinces=1))
    assert now.number.tolist() == [0x10000, 0x10001, 0x10002, 0x10003]
    assert now.tried.tolist() == [1, 2, 0, 0]
    assert now.new.tolist() == [False, False, True, True]
