"""Which addresses are proved, gone, chosen and replaced."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsky.targets.pool import Pool, rank_within, renew, spread

NOW = 1_790_000_000
HOUR = 3600
DAY = 24 * HOUR


def make(addresses, *, looks=0xFFFFFF, turns=24, found=3 * DAY, member=False, province=0):
    pool = Pool.found(
        np.array(addresses, np.uint32), np.full(len(addresses), province, np.int32), NOW - found
    )
    pool.looks[:], pool.turns[:], pool.member[:] = looks, turns, member
    return pool


def spaced(count, *, block=0x010000):
    """Addresses of different /24s."""
    return [((block + number) << 8) + 1 for number in range(count)]


@pytest.mark.parametrize(
    ("looks", "turns", "found", "proved"),
    [
        (0xFFFFFF, 24, 3 * DAY, True),
        (0xFFFFFF & ~(1 << 5), 24, 3 * DAY, True),
        (0xFFFFFF & ~(3 << 5), 24, 3 * DAY, False),
        (0x7FFFFF, 23, 3 * DAY, False),
        (0xFFFFFF, 24, DAY, False),  # 24 looks within a day tell nothing of the nights
        (0xFF000000 | 0x7FFFFF, 32, 3 * DAY, True),  # what was before the last 24 does not count
    ],
)
def test_an_address_is_proved_by_23_of_24_looks_over_two_days(looks, turns, found, proved):
    pool = make(spaced(1), looks=looks, turns=turns, found=found)
    assert pool.proved(NOW).tolist() == [proved]


def test_three_misses_in_a_row_over_six_hours_make_an_address_gone():
    pool = make(spaced(2))
    for turn in range(3):
        answers = np.array([False, turn == 1])
        pool.record(np.arange(2), answers, NOW + turn * 3 * HOUR)
    assert pool.gone(NOW + 6 * HOUR).tolist() == [True, False]
    assert pool.gone(NOW + 6 * HOUR - 1).tolist() == [False, False]


def test_looks_in_quick_succession_do_not_make_an_address_gone():
    pool = make(spaced(1))
    for second in range(5):
        pool.record(np.arange(1), np.array([False]), NOW + second)
    assert not pool.gone(NOW + 60).any()


def test_an_answer_ends_a_row_of_misses():
    pool = make(spaced(1))
    for hours, answer in ((0, False), (3, False), (6, True), (9, False), (12, False)):
        pool.record(np.arange(1), np.array([answer]), NOW + hours * HOUR)
    assert pool.missing_since.tolist() == [NOW + 9 * HOUR]
    assert not pool.gone(NOW + 12 * HOUR).any()


def test_a_look_that_was_noted_as_missed_is_corrected():
    pool = Pool.found(np.array([5, 3], np.uint32), np.array([1, 0], np.int32), NOW)
    pool.record(np.arange(2), np.zeros(2, np.bool_), NOW)
    pool.correct(np.array([0]))
    assert pool.answered().tolist() == [2, 1]
    assert (pool.missing_since > 0).tolist() == [False, True]


def test_the_turns_of_an_address_do_not_overflow():
    pool = make(spaced(1), turns=255)
    pool.record(np.arange(1), np.array([True]), NOW)
    assert pool.turns.tolist() == [255]


def test_what_is_known_already_is_not_added_again():
    pool = make([10, 30], member=True)
    both = pool.add(Pool.found(np.array([30, 20], np.uint32), np.zeros(2, np.int32), NOW))
    assert both.address.tolist() == [10, 20, 30]
    assert both.member.tolist() == [True, False, True]
    assert both.turns.tolist() == [24, 1, 24]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=40))
def test_ranks_count_the_rows_before_with_the_same_keys(rows):
    keys = [np.array([row[place] for row in rows], np.int64) for place in (0, 1)]
    brute = [rows[:number].count(row) for number, row in enumerate(rows)]
    assert rank_within(*keys).tolist() == brute


def cities_of(pool, count):
    """City 1 for the first `count` addresses, 2 for the others."""
    return np.where(np.arange(len(pool)) < count, 1, 2).astype(np.int32)


def test_a_block_gives_at_most_four_and_the_steadiest():
    pool = make([(0x010203 << 8) + host for host in range(1, 9)])
    pool.looks[:4] &= ~np.uint32(1)
    rows = spread(pool, np.ones(8, np.int32), np.arange(8), most_per_block=4)
    assert sorted(rows.tolist()) == [4, 5, 6, 7]


def test_those_that_stay_come_before_steadier_ones_of_their_block():
    pool = make([(0x010203 << 8) + host for host in range(1, 9)])
    pool.looks[:4] &= ~np.uint32(1)
    first = np.arange(8) == 0
    rows = spread(pool, np.ones(8, np.int32), np.arange(8), most_per_block=4, first=first)
    assert 0 in rows


def test_cities_take_turns_and_within_them_their_sixteens():
    pool = make(
        [*spaced(30, block=0x010000), *spaced(30, block=0x020000), *spaced(5, block=0x030000)]
    )
    city = cities_of(pool, 60)
    chosen = spread(pool, city, np.arange(65), most_per_block=4)[:10]
    assert np.bincount(city[chosen]).tolist() == [0, 5, 5]
    of_first = pool.address[chosen[city[chosen] == 1]] >> 16
    assert sorted(np.unique(of_first, return_counts=True)[1].tolist()) == [2, 3]


def test_a_choice_is_the_same_each_time():
    pool = make(spaced(200))
    city = cities_of(pool, 90)
    one, two = (spread(pool, city, np.arange(200), most_per_block=4) for _ in range(2))
    assert one.tolist() == two.tolist()


def renewal(pool, city, **changes):
    options = {"quota": 100, "most_per_block": 4, "most_changes": 100, "now": NOW + 7 * HOUR}
    return renew(pool, city, np.arange(len(pool)), **options | changes)


def with_gone(pool, rows):
    for hours in (0, 3, 6):
        answers = np.ones(len(pool), np.bool_)
        answers[rows] = False
        pool.record(np.arange(len(pool)), answers, NOW + hours * HOUR)
    return pool


def test_who_is_gone_is_replaced_by_one_of_the_same_city():
    pool = make(spaced(40))
    pool.member[:20] = True
    with_gone(pool, [0, 1])
    city = np.arange(len(pool), dtype=np.int32) % 10
    found = renewal(pool, city, quota=20)
    assert found.removed.tolist() == [0, 1]
    assert sorted(city[found.added].tolist()) == [0, 1]
    assert not pool.member[found.added].any()


def test_of_another_city_when_there_is_none_of_the_same():
    pool = make(spaced(21))
    pool.member[:20] = True
    with_gone(pool, [3])
    found = renewal(pool, cities_of(pool, 20), quota=20)
    assert (found.removed.tolist(), found.added.tolist()) == ([3], [20])


def test_no_more_change_than_are_allowed_and_the_gone_leave_before_the_unsteady():
    pool = make(spaced(60))
    pool.member[:40] = True
    pool.looks[:10] = 0xFFF  # 12 of 24
    with_gone(pool, [20, 21])
    found = renewal(pool, np.zeros(60, np.int32), quota=40, most_changes=3)
    assert found.removed.tolist()[:2] == [20, 21]
    assert (len(found.removed), len(found.added)) == (3, 3)


def test_only_proved_ones_come_in():
    pool = make(spaced(30))
    pool.member[:10] = True
    pool.turns[10:25] = 23
    found = renewal(pool, np.zeros(30, np.int32), quota=30)
    assert sorted(found.added.tolist()) == [25, 26, 27, 28, 29]


def test_a_member_that_missed_a_few_looks_stays():
    pool = make(spaced(10), looks=0xFFFFFF & ~0b1111000, member=True)
    assert renewal(pool, np.zeros(10, np.int32)).removed.tolist() == []
    pool.looks[:] &= ~np.uint32(1 << 10)
    assert len(renewal(pool, np.zeros(10, np.int32)).removed) == 10
