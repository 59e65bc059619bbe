"""Candidates: which addresses sources of geo data give to the users of each ISP in each province.

    <directory>/candidates/sources.json               what they were built from, and what that gave
    <directory>/candidates/<isp>/<province>.txt       ranges, with the city behind the #

They are no targets: most of them answer nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.places import PROVINCES
from netsky.targets.geo import Source
from netsky.targets.geo.join import Ranges, cut, row_at, sizes
from netsky.targets.geo.names import ISPS, isp_of, province_of
from netsky.targets.geo.table import GeoTable

Indices = npt.NDArray[np.int32]

NO_PROVINCE = -1

# Never a user's, whatever a source says (RFC 6890 and its registry, RFC 5771).
RESERVED = tuple(
    (int(first, 16), int(last, 16))
    for first, last in (
        ("00000000", "00ffffff"),  # 0.0.0.0/8
        ("0a000000", "0affffff"),  # 10.0.0.0/8
        ("64400000", "647fffff"),  # 100.64.0.0/10
        ("7f000000", "7fffffff"),  # 127.0.0.0/8
        ("a9fe0000", "a9feffff"),  # 169.254.0.0/16
        ("ac100000", "ac1fffff"),  # 172.16.0.0/12
        ("c0000000", "c00000ff"),  # 192.0.0.0/24
        ("c0000200", "c00002ff"),  # 192.0.2.0/24
        ("c0586300", "c05863ff"),  # 192.88.99.0/24
        ("c0a80000", "c0a8ffff"),  # 192.168.0.0/16
        ("c6120000", "c613ffff"),  # 198.18.0.0/15
        ("c6336400", "c63364ff"),  # 198.51.100.0/24
        ("cb007100", "cb0071ff"),  # 203.0.113.0/24
        ("e0000000", "ffffffff"),  # 224.0.0.0/3
    )
)

# In a lab it is the other way round: its users are in 10.0.0.0/8, and all else is out of bounds.
LAB_RESERVED = ((0, 0x09FFFFFF), (0x0B000000, 0xFFFFFFFF))


@dataclass(frozen=True, slots=True)
class Candidates:
    """Ranges, ascending and apart, each of one ISP and province.

    `first` and `last` (inclusive) are uint32[n] in host byte order; `isp`, `province` and `city` are
    int32[n] into `ISPS`, `PROVINCES` and `cities`, whose first is "" for one that is not known.
    """

    first: Addresses
    last: Addresses
    isp: Indices
    province: Indices
    city: Indices
    cities: tuple[str, ...]

    def part(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Candidates:
        return Candidates(
            self.first[which],
            self.last[which],
            self.isp[which],
            self.province[which],
            self.city[which],
            self.cities,
        )


@dataclass(frozen=True, slots=True)
class Built:
    """Candidates, and what of the sources is not among them.

    By ISP: `without_province`, `vetoed` (a list of blocks announces them for another ISP), `reserved`
    addresses. `overlapping` are those of which a source was overruled by one before it. `unmatched`
    are the largest ISP names within the 31 provinces that are none of ours, with their addresses.
    """

    candidates: Candidates
    without_province: Mapping[str, int]
    vetoed: Mapping[str, int]
    reserved: Mapping[str, int]
    overlapping: int
    unmatched: Sequence[tuple[str, int]] = field(default_factory=tuple)


def build(
    sources: Sequence[Source],
    announced: Mapping[str, Ranges],
    *,
    names: int = 10,
    reserved: Sequence[tuple[int, int]] = RESERVED,
) -> Built:
    """Join the sources; what the first of them says of an address counts.

    `announced` has the blocks by ISP of a routing table. It is a veto only: an address that another
    ISP announces, and its own does not, is left out; one that none announces is kept.
    """
    tables = [source.table for source in sources]
    reserved_first, reserved_last = np.array(reserved, np.uint32).T
    reserved_ranges = (reserved_first, reserved_last)
    first, last = cut(
        *((table.first, table.last) for table in tables), *announced.values(), reserved_ranges
    )
    isp, province, city, cities, overlapping = _answers(tables, first)
    amounts = sizes((first, last))
    ours = isp >= 0
    is_reserved = row_at(reserved_ranges, first) >= 0
    is_vetoed = ours & ~is_reserved & _vetoed(announced, first, isp)
    nowhere = ours & ~is_reserved & ~is_vetoed & (province == NO_PROVINCE)
    kept = ours & ~is_reserved & ~is_vetoed & ~nowhere
    whole = Candidates(first, last, isp, province, city, cities)
    return Built(
        _merged(whole.part(kept)),
        without_province=_by_isp(isp, amounts, nowhere),
        vetoed=_by_isp(isp, amounts, is_vetoed),
        reserved=_by_isp(isp, amounts, ours & is_reserved),
        overlapping=int(amounts[overlapping].sum()),
        unmatched=_unmatched(tables, names),
    )


def _answers(
    tables: Sequence[GeoTable], first: Addresses
) -> tuple[Indices, Indices, Indices, tuple[str, ...], npt.NDArray[np.bool_]]:
    """ISP, province and city of each range (-1: none of ours), and whether two tables have it."""
    isp, province, city = (np.full(len(first), -1, np.int32) for _ in range(3))
    answered, overlapping = (np.zeros(len(first), np.bool_) for _ in range(2))
    number_of = {"": 0}
    for table in tables:
        row = row_at((table.first, table.last), first)
        there = row >= 0
        overlapping |= answered & there
        new = there & ~answered
        answered |= there
        label = table.label[row[new]]
        isps, provinces, cities = _numbers(table, number_of)
        isp[new], province[new], city[new] = isps[label], provinces[label], cities[label]
    return isp, province, city, tuple(number_of), overlapping


def _numbers(table: GeoTable, number_of: dict[str, int]) -> tuple[Indices, Indices, Indices]:
    """ISP, province and city of each of a table's labels; new cities are added."""
    isps = [_index(ISPS, isp_of(label.isp)) for label in table.labels]
    provinces = [_index(PROVINCES, province_of(label.province)) for label in table.labels]
    cities = [number_of.setdefault(label.city, len(number_of)) for label in table.labels]
    return np.array(isps, np.int32), np.array(provinces, np.int32), np.array(cities, np.int32)


def _index(of: Sequence[object], value: object) -> int:
    return -1 if value is None else of.index(value)


def _vetoed(
    announced: Mapping[str, Ranges], first: Addresses, isp: Indices
) -> npt.NDArray[np.bool_]:
    by_other, by_own = (np.zeros(len(first), np.bool_) for _ in range(2))
    for name, blocks in announced.items():
        there = row_at(blocks, first) >= 0
        own = isp == ISPS.index(name)
        by_own |= there & own
        by_other |= there & ~own
    return by_other & ~by_own


def _by_isp(
    isp: Indices, amounts: npt.NDArray[np.int64], which: npt.NDArray[np.bool_]
) -> dict[str, int]:
    return {name: int(amounts[which & (isp == index)].sum()) for index, name in enumerate(ISPS)}


def _merged(candidates: Candidates) -> Candidates:
    """Neighbours of which all is the same as one."""
    if not len(candidates.first):
        return candidates
    columns = np.stack([candidates.isp, candidates.province, candidates.city])
    same = (columns[:, 1:] == columns[:, :-1]).all(axis=0)
    touch = candidates.first[1:] - candidates.last[:-1] == 1
    begins = np.concatenate([[True], ~(touch & same)])
    ends = np.concatenate([begins[1:], [True]])
    merged = candidates.part(begins)
    return Candidates(
        merged.first,
        candidates.last[ends],
        merged.isp,
        merged.province,
        merged.city,
        merged.cities,
    )


def _unmatched(tables: Sequence[GeoTable], names: int) -> tuple[tuple[str, int], ...]:
    amounts: dict[str, int] = {}
    for table in tables:
        by_label = np.bincount(
            table.label, weights=sizes((table.first, table.last)), minlength=len(table.labels)
        )
        for label, amount in zip(table.labels, by_label.tolist(), strict=True):
            if label.isp and isp_of(label.isp) is None and province_of(label.province):
                amounts[label.isp] = amounts.get(label.isp, 0) + int(amount)
    largest = sorted(amounts.items(), key=lambda item: -item[1])
    return tuple(largest[:names])


@dataclass(frozen=True, slots=True)
class Amounts:
    """By ISP (in the order of `ISPS`) and province (of `PROVINCES`): int64[3, 31] each.

    `blocks` are the /24s in which there are any.
    """

    addresses: npt.NDArray[np.int64]
    blocks: npt.NDArray[np.int64]


def amounts_of(candidates: Candidates) -> Amounts:
    """Addresses and /24s by ISP and province."""
    group = candidates.isp * len(PROVINCES) + candidates.province
    order = np.lexsort((candidates.first, group))
    group, first, last = group[order], candidates.first[order], candidates.last[order]
    blocks = (last >> 8).astype(np.int64) - (first >> 8) + 1
    if len(group):
        shared = (group[1:] == group[:-1]) & (first[1:] >> 8 == last[:-1] >> 8)
        blocks[1:] -= shared
    shape = (len(ISPS), len(PROVINCES))
    cells = shape[0] * shape[1]
    return Amounts(
        *(
            np.bincount(group, weights=values, minlength=cells).astype(np.int64).reshape(shape)
            for values in (sizes((first, last)), blocks)
        )
    )


@dataclass(frozen=True, slots=True)
class Change:
    """What is different from earlier candidates, addresses: int64[3, 31] by ISP and province.

    `new` and `gone` count those of an ISP that changed province, too: `moved` are these, by ISP.
    """

    before: npt.NDArray[np.int64]
    new: npt.NDArray[np.int64]
    gone: npt.NDArray[np.int64]
    moved: npt.NDArray[np.int64]


def change_between(old: Candidates, new: Candidates) -> Change:
    """What is new, gone and moved, address by address."""
    first, last = cut((old.first, old.last), (new.first, new.last))
    amounts = sizes((first, last))
    was, now = (_groups(candidates, first) for candidates in (old, new))
    shape = (len(ISPS), len(PROVINCES))

    def count(groups: Indices, which: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        cells = shape[0] * shape[1]
        counted = np.bincount(groups[which], weights=amounts[which], minlength=cells)
        return counted.astype(np.int64).reshape(shape)

    differ = was != now
    same_isp = (was >= 0) & (now >= 0) & (was // len(PROVINCES) == now // len(PROVINCES))
    return Change(
        before=count(was, was >= 0),
        new=count(now, differ & (now >= 0)),
        gone=count(was, differ & (was >= 0)),
        moved=count(now, differ & same_isp).sum(axis=1),
    )


def _groups(candidates: Candidates, addresses: Addresses) -> Indices:
    """ISP and province of each address as one number, -1 for none."""
    row = row_at((candidates.first, candidates.last), addresses)
    group = candidates.isp * len(PROVINCES) + candidates.province
    return np.where(row >= 0, group[row] if len(group) else -1, -1).astype(np.int32)
