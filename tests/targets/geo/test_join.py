"""Tables joined by their cut points, against looking at each address."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from netsky.targets.geo.join import NONE, cut, row_at, sizes, union

TOP = 0xFFFFFFFF
ends = st.one_of(st.integers(0, 40), st.integers(TOP - 40, TOP))
some_ranges = st.lists(st.tuples(ends, ends).map(sorted), max_size=6)


def apart(ranges):
    first, last = (np.array(column, np.uint32) for column in zip(*ranges, strict=True))
    return union(first, last)


def inside(ranges, address):
    return any(first <= address <= last for first, last in ranges)


EDGES = [*range(42), *range(TOP - 41, TOP + 1)]


@given(some_ranges.filter(len))
def test_a_union_has_the_same_addresses_ascending_and_apart(ranges):
    first, last = apart(ranges)
    assert (first[1:].astype(np.int64) > last[:-1].astype(np.int64) + 1).all()
    rows = row_at((first, last), np.array(EDGES, np.uint32))
    assert [row != NONE for row in rows.tolist()] == [inside(ranges, each) for each in EDGES]


@given(some_ranges.filter(len), some_ranges.filter(len))
def test_between_two_cuts_every_address_has_the_same_answers(one, other):
    tables = [apart(one), apart(other)]
    first, last = cut(*tables)
    assert sizes((first, last)).sum() == 1 << 32
    assert (first[1:] == last[:-1] + 1).all()
    rows = row_at((first, last), np.array(EDGES, np.uint32))
    for table in tables:
        at_start = row_at(table, first)[rows]
        np.testing.assert_array_equal(row_at(table, np.array(EDGES, np.uint32)), at_start)


def test_where_there_is_no_table_there_is_no_row():
    empty = (np.empty(0, np.uint32), np.empty(0, np.uint32))
    assert row_at(empty, np.array([0, TOP], np.uint32)).tolist() == [NONE, NONE]
    assert [each.tolist() for each in union(*empty)] == [[], []]
