"""Addresses that have answered, what later looks at them saw, and which of them are worth measuring.

An address is *proved* when it answered 23 of its last 24 looks, over two days or more. Of addresses
that answered once a third is away at any time, and more at night; of proved ones 2 %.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.places import PROVINCES
from netsky.targets.blocks import Rows, find

Flags = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int32]

LOOKS = 24
ANSWERED = 23
PROVED_SECONDS = 2 * 86_400
# What was proved once stays until it answers fewer than this, or misses three in a row.
KEPT_ANSWERED = 20
MOST_MISSES = 3
GONE_SECONDS = 6 * 3600

_NEWEST = np.uint32((1 << LOOKS) - 1)
_MISSES = np.uint32((1 << MOST_MISSES) - 1)


@dataclass(frozen=True, slots=True)
class Pool:
    """The addresses, uint32[n] and ascending; the other arrays are written to in place.

    `province` is int32 into PROVINCES. `looks` (uint32) has a bit for each look, the newest lowest,
    1 for an answer; `turns` (uint8) is how many there were. `found_at` and `missing_since` are
    seconds since 1970 (int64); the latter is of the first of the newest misses in a row, 0 for none.
    `member` (bool): it is published.
    """

    address: Addresses
    province: Indices
    looks: npt.NDArray[np.uint32]
    turns: npt.NDArray[np.uint8]
    found_at: npt.NDArray[np.int64]
    missing_since: npt.NDArray[np.int64]
    member: Flags

    @classmethod
    def found(cls, addresses: Addresses, province: Indices, now: float) -> Pool:
        """Addresses that have just answered for the first time."""
        order = np.argsort(addresses)
        size = len(addresses)
        return cls(
            addresses[order],
            province[order],
            looks=np.ones(size, np.uint32),
            turns=np.ones(size, np.uint8),
            found_at=np.full(size, int(now), np.int64),
            missing_since=np.zeros(size, np.int64),
            member=np.zeros(size, np.bool_),
        )

    def __len__(self) -> int:
        return len(self.address)

    def part(self, which: Flags | Rows) -> Pool:
        """Only those rows, in that order."""
        return Pool(*(getattr(self, field.name)[which] for field in fields(self)))

    def add(self, other: Pool) -> Pool:
        """With those of another that are not here yet."""
        known, _ = find(self.address, other.address)
        new = other.part(~known)
        joined = Pool(
            *(
                np.concatenate([getattr(self, field.name), getattr(new, field.name)])
                for field in fields(self)
            )
        )
        return joined.part(np.argsort(joined.address))

    def record(self, rows: Rows, answered: Flags, now: float) -> None:
        """Write down a look at these rows."""
        self.looks[rows] = (self.looks[rows] << np.uint32(1)) | answered.astype(np.uint32)
        self.turns[rows] = np.minimum(self.turns[rows].astype(np.int64) + 1, 255)
        since = self.missing_since[rows]
        self.missing_since[rows] = np.where(answered, 0, np.where(since > 0, since, int(now)))

    def correct(self, rows: Rows) -> None:
        """Write down that these have answered the newest look after all."""
        self.looks[rows] |= np.uint32(1)
        self.missing_since[rows] = 0

    def answered(self) -> npt.NDArray[np.uint8]:
        """How many of its last 24 looks each has answered."""
        counts: npt.NDArray[np.uint8] = np.bitwise_count(self.looks & _NEWEST)
        return counts

    def proved(self, now: float) -> Flags:
        """See above."""
        return (
            (self.turns >= LOOKS)
            & (self.answered() >= ANSWERED)
            & (self.found_at <= now - PROVED_SECONDS)
        )

    def gone(self, now: float) -> Flags:
        """Those that have missed three looks in a row, over six hours or more."""
        misses: Flags = (self.turns >= MOST_MISSES) & (self.looks & _MISSES == 0)
        return misses & (self.missing_since > 0) & (self.missing_since <= now - GONE_SECONDS)

    def unsteady(self) -> Flags:
        """Those that have answered too few of 24 looks to be proved soon."""
        return (self.turns >= LOOKS) & (self.answered() < KEPT_ANSWERED)

    def expected(self, rows: Rows) -> npt.NDArray[np.float64]:
        """With which chance each of these rows may be expected to answer."""
        looks = np.minimum(self.turns[rows], LOOKS)
        expected: npt.NDArray[np.float64] = self.answered()[rows] / np.maximum(looks, 1)
        return expected

    def counts(self, which: Flags) -> npt.NDArray[np.int64]:
        """How many of those there are in each province: int64[31]."""
        return by_province(self.province[which])


def by_province(province: Indices) -> npt.NDArray[np.int64]:
    """How often each province is there: int64[31]."""
    return np.bincount(province, minlength=len(PROVINCES)).astype(np.int64)


def rank_within(*keys: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """The number of each row among the rows before it that have the same keys; int64[n]."""
    if not len(keys[0]):
        return np.empty(0, np.int64)
    order = np.lexsort((np.arange(len(keys[0])), *keys))
    same = np.ones(len(order), np.bool_)
    for key in keys:
        ordered = key[order]
        same[1:] &= ordered[1:] == ordered[:-1]
    same[0] = False
    begins = np.maximum.accumulate(np.where(same, 0, np.arange(len(order))))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - begins
    return rank


def spread(
    pool: Pool, city: Indices, rows: Rows, *, most_per_block: int, first: Flags | None = None
) -> Rows:
    """Those of the rows (of one province) that may be published together, in the order of choice.

    They take turns: cities, within a city its /16s, within these their /24s, of which each has at
    most `most_per_block`. Within a /24, those of `first` (bool of the rows) come first, then
    whoever has answered the larger share of looks, then chance that is the same each time.
    """
    staying = np.zeros(len(rows), np.bool_) if first is None else first
    looks = np.minimum(pool.turns[rows], LOOKS)
    quality = (pool.answered()[rows] + 1.0) / (looks + 2.0)  # Laplace: 5 of 5 is less than 24 of 24
    chance = pool.address[rows] * np.uint32(2_654_435_761)  # Knuth's multiplicative hash
    rows = rows[np.lexsort((chance, -quality, ~staying))]
    turn = rank_within(pool.address[rows] >> 8)
    rows, turn = rows[turn < most_per_block], turn[turn < most_per_block]
    rows = rows[np.argsort(turn, kind="stable")]
    turn = rank_within(city[rows], pool.address[rows] >> 16)
    rows = rows[np.argsort(turn, kind="stable")]
    turn = rank_within(city[rows])
    return rows[np.argsort(turn, kind="stable")]


@dataclass(frozen=True, slots=True)
class Renewal:
    """What one turn changes in the published addresses of a province."""

    added: Rows
    removed: Rows


def renew(
    pool: Pool,
    city: Indices,
    rows: Rows,
    *,
    quota: int,
    most_per_block: int,
    most_changes: int,
    now: float,
) -> Renewal:
    """The changes to a province (its `rows` of the pool), at most so many removed and so many added.

    Members that are gone leave first, then those that are unsteady. Proved ones take their place,
    of the same city if there is one, and fill what is left of `quota`.
    """
    member = pool.member[rows]
    gone, unsteady = pool.gone(now)[rows], pool.unsteady()[rows]
    leaving = np.flatnonzero(member & (gone | unsteady))
    leaving = leaving[np.argsort(~gone[leaving], kind="stable")][:most_changes]
    removed = rows[leaving]
    stays = member.copy()
    stays[leaving] = False
    fit = stays | (pool.proved(now)[rows] & ~gone & ~member)
    order = spread(
        pool, city, rows[fit], most_per_block=most_per_block, first=stays[np.flatnonzero(fit)]
    )
    others = order[~pool.member[order]]
    free = max(0, min(quota - int(stays.sum()), most_changes))
    # First whoever is of a city that has lost one.
    lost = np.bincount(city[removed], minlength=int(city.max(initial=0)) + 1)
    same_city = rank_within(city[others]) < lost[city[others]]
    others = others[np.argsort(~same_city, kind="stable")]
    return Renewal(added=others[:free], removed=removed)
