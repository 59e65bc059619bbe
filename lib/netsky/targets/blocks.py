"""How far each /24 of an ISP's candidates has been asked: no address is asked twice.

The addresses of a /24 are asked in an order of their own, which `seed` decides: a number tells
which of them have been asked. The first and the last one, network and broadcast, are never asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.targets.candidates import Candidates

HOSTS = 254
# In a /24 in which three discoveries got no answer, users are rarely to be found.
MOST_SILENT = 3
REST_DAYS = 30
# A /24 that was asked whole may be asked again then.
AGAIN_DAYS = 7

# Each makes another order, when it has no factor in common with HOSTS = 2 * 127.
_STEPS = np.array([step for step in range(1, HOSTS, 2) if step != HOSTS // 2], np.int64)

Rows = npt.NDArray[np.intp]
Allowed = Callable[[Addresses], npt.NDArray[np.bool_]]
"""Which of the addresses may be asked."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """The /24s, ascending; the arrays, of length n, are written to in place.

    `number` is uint32: address >> 8. `tried` (uint16) is how many of its addresses are done with,
    `asked` and `answered` (uint16) count the packets and answers of the newest discovery. `silent`
    (uint8) counts discoveries in a row without an answer, `day` (uint16) is that of the last packet,
    since 1970. `new` (bool) has come with a later build and waits for its first packets.
    """

    number: Addresses
    tried: npt.NDArray[np.uint16]
    asked: npt.NDArray[np.uint16]
    answered: npt.NDArray[np.uint16]
    silent: npt.NDArray[np.uint8]
    day: npt.NDArray[np.uint16]
    new: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, candidates: Candidates) -> Blocks:
        """All /24s with a candidate in them, none of them asked."""
        number = _numbers(candidates)
        tried, asked, answered, day = (np.zeros(len(number), np.uint16) for _ in range(4))
        silent, new = np.zeros(len(number), np.uint8), np.zeros(len(number), np.bool_)
        return cls(number, tried, asked, answered, silent, day, new)

    def follow(self, candidates: Candidates) -> Blocks:
        """The /24s of candidates that may have been built anew; what was not there before is `new`."""
        now = Blocks.of(candidates)
        known, at = find(self.number, now.number)
        for field in fields(self)[1:]:
            getattr(now, field.name)[known] = getattr(self, field.name)[at[known]]
        now.new[~known] = True
        return now

    def first_candidates(self, candidates: Candidates) -> Addresses:
        """The first candidate in each /24."""
        start = self.number << np.uint32(8)
        row = np.searchsorted(candidates.last, start)
        addresses: Addresses = np.maximum(start, candidates.first[row])
        return addresses

    def begin(self) -> None:
        """Begin a discovery: its counts start anew."""
        asked = self.asked > 0
        self.silent[asked & (self.answered == 0)] += 1
        self.silent[self.answered > 0] = 0
        np.minimum(self.silent, 100, out=self.silent)
        self.asked[:] = 0
        self.answered[:] = 0

    def may_be_asked(self, day: int) -> npt.NDArray[np.bool_]:
        """Those with an address left, and which need no rest; bool[n]."""
        days = day - self.day.astype(np.int64)
        rests = (self.silent >= MOST_SILENT) & (days < REST_DAYS)
        return ((self.tried < HOSTS) | (days >= AGAIN_DAYS)) & ~rests

    def next_addresses(self, rows: Rows, seed: int, allowed: Allowed) -> tuple[Rows, Addresses]:
        """The next address of each of the rows that has one, which are then done with.

        Those that are not `allowed` are passed over. Returns rows and addresses.
        """
        self.tried[rows[self.tried[rows] >= HOSTS]] = 0
        found_rows, found = [], []
        while len(rows):
            addresses = address_at(self.number[rows], self.tried[rows], seed)
            self.tried[rows] += 1
            may = allowed(addresses)
            found_rows.append(rows[may])
            found.append(addresses[may])
            rows = rows[~may]
            rows = rows[self.tried[rows] < HOSTS]
        return (
            np.concatenate([np.empty(0, np.intp), *found_rows]),
            np.concatenate([np.empty(0, np.uint32), *found]),
        )

    def rows_of(self, addresses: Addresses) -> Rows:
        """The row of each address, all of whose /24s are here."""
        return np.searchsorted(self.number, addresses >> 8)


def _numbers(candidates: Candidates) -> Addresses:
    first, last = candidates.first >> 8, candidates.last >> 8
    sizes = last.astype(np.int64) - first + 1
    shifts = np.repeat(first.astype(np.int64) - (np.cumsum(sizes) - sizes), sizes)
    return np.unique((shifts + np.arange(sizes.sum())).astype(np.uint32))


def find(ordered: Addresses, wanted: Addresses) -> tuple[npt.NDArray[np.bool_], Rows]:
    """Whether each wanted one is in `ordered` (ascending), and its place there."""
    at = np.searchsorted(ordered, wanted)
    known = np.zeros(len(wanted), np.bool_)
    inside = at < len(ordered)
    known[inside] = ordered[at[inside]] == wanted[inside]
    return known, at


def address_at(number: Addresses, place: npt.NDArray[np.uint16], seed: int) -> Addresses:
    """The address at a place, 0 to 253, in the order of each /24."""
    mixed = _mix(number.astype(np.uint64) + np.uint64(seed))
    step = _STEPS[(mixed % np.uint64(len(_STEPS))).astype(np.int64)]
    start = (mixed >> np.uint64(32)).astype(np.int64)
    host = 1 + (start + step * place.astype(np.int64)) % HOSTS
    return (number << np.uint32(8)) | host.astype(np.uint32)


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Numbers that look like chance (the finalizer of splitmix64, Steele and others 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
