"""Candidates: sources joined, against looking at each address; what is left out is counted."""

from ipaddress import IPv4Address
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from netsky.places import PROVINCES, find_province
from netsky.targets.candidates import amounts_of, build, change_between
from netsky.targets.geo import Source
from netsky.targets.geo.join import row_at, union
from netsky.targets.geo.names import ISPS, isp_of, province_of
from netsky.targets.geo.table import Label, make_table

BASE = int(IPv4Address("1.0.0.0"))
LABELS = [
    Label("湖南省", "长沙市", "电信"),
    Label("湖南省", "", "铁通"),
    Label("广东省", "深圳市", "联通"),
    Label("", "", "联通"),
    Label("台湾省", "台北市", "中华电信"),
    Label("广东省", "广州市", "教育网"),
]


def source(rows):
    """A source of rows (first, last, label), as offsets from 1.0.0.0."""
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    first, last = (np.array(column, np.int64) + BASE for column in columns[:2])
    return Source("made up", make_table("test", first, last, columns[2], LABELS))


def ranges(*pairs):
    first, last = (np.array(column, np.int64) + BASE for column in zip(*pairs, strict=True))
    return union(first.astype(np.uint32), last.astype(np.uint32))


@st.composite
def rows_apart(draw):
    cuts = sorted(draw(st.sets(st.integers(0, 700), max_size=8)))
    return [
        (first, draw(st.integers(first, last - 1)), draw(st.integers(0, len(LABELS) - 1)))
        for first, last in pairwise(cuts)
    ]


@given(st.lists(rows_apart().filter(len), min_size=1, max_size=3), st.booleans())
def test_each_address_is_where_the_first_source_that_has_it_says(tables, with_veto):
    announced = {"cu": ranges((100, 400)), "ct": ranges((300, 600))} if with_veto else {}
    built = build([source(rows) for rows in tables], announced)
    found = built.candidates
    addresses = np.arange(BASE, BASE + 710, dtype=np.uint32)
    row = row_at((found.first, found.last), addresses)
    without_province = vetoed = 0
    for offset, number in enumerate(row.tolist()):
        labels = [
            LABELS[label]
            for rows in tables
            for first, last, label in rows
            if first <= offset <= last
        ]
        isp = isp_of(labels[0].isp) if labels else None
        province = province_of(labels[0].province) if labels else None
        said_by = {name for name, (low, high) in _spans(with_veto).items() if low <= offset <= high}
        if isp and said_by and isp not in said_by:
            vetoed += 1
            isp = None
        elif isp and province is None:
            without_province += 1
        if isp and province:
            assert ISPS[found.isp[number]] == isp
            assert PROVINCES[found.province[number]] is province
            assert found.cities[found.city[number]] == labels[0].city
        else:
            assert number == -1
    assert sum(built.without_province.values()) == without_province
    assert sum(built.vetoed.values()) == vetoed
    total = int((found.last.astype(np.int64) - found.first + 1).sum())
    assert amounts_of(found).addresses.sum() == total == (row >= 0).sum()


def _spans(with_veto):
    return {"cu": (100, 400), "ct": (300, 600)} if with_veto else {}


def test_reserved_addresses_are_nobodys():
    table = make_table("test", [0x09FFFF00, 0xC0A80000], [0x0A0000FF, 0xC0A800FF], [0, 0], LABELS)
    built = build([Source("made up", table)], {})
    assert built.reserved == {"cu": 0, "cm": 0, "ct": 512}
    assert [int(built.candidates.first[0]), int(built.candidates.last[0])] == [
        0x09FFFF00,
        0x09FFFFFF,
    ]


def test_the_largest_names_that_are_none_of_ours_are_told_but_not_those_of_elsewhere():
    built = build([source([(0, 9, 5), (10, 29, 4), (30, 39, 0)])], {})
    assert built.unmatched == (("教育网", 10),)


def test_an_address_of_two_sources_counts_once():
    built = build([source([(0, 99, 0)]), source([(50, 149, 2)])], {})
    assert built.overlapping == 50
    assert amounts_of(built.candidates).addresses.sum(axis=1).tolist() == [50, 0, 100]


def test_blocks_are_counted_once_however_many_ranges_are_in_them():
    built = build([source([(0, 9, 0), (20, 29, 0), (250, 600, 0), (610, 620, 2)])], {})
    blocks = amounts_of(built.candidates).blocks
    hunan, guangdong = (PROVINCES.index(find_province(slug)) for slug in ("hunan", "guangdong"))
    assert (blocks[ISPS.index("ct"), hunan], blocks[ISPS.index("cu"), guangdong]) == (3, 1)
    assert blocks.sum() == 4


def test_what_is_new_gone_and_moved():
    old = build([source([(0, 99, 0), (100, 199, 2)])], {}).candidates
    new = build([source([(50, 99, 0), (100, 149, 0), (200, 219, 2)])], {}).candidates
    change = change_between(old, new)
    by_isp = {name: index for index, name in enumerate(ISPS)}
    assert change.before.sum(axis=1).tolist() == [100, 0, 100]
    assert change.new.sum(axis=1)[[by_isp["cu"], by_isp["ct"]]].tolist() == [20, 50]
    assert change.gone.sum(axis=1)[[by_isp["cu"], by_isp["ct"]]].tolist() == [100, 50]
    assert not change.moved.any()


def test_who_stays_with_an_isp_and_changes_province_has_moved():
    labels = [*LABELS, Label("湖北省", "", "电信")]
    old = make_table("test", [BASE], [BASE + 99], [0], labels)
    new = make_table("test", [BASE], [BASE + 99], [6], labels)
    tables = [build([Source("made up", table)], {}).candidates for table in (old, new)]
    change = change_between(*tables)
    assert change.moved.tolist() == [0, 0, 100]
    assert (change.new.sum(), change.gone.sum()) == (100, 100)
