"""What is remembered of each target from sweep to sweep: how often it answered, and when it last did.

Addresses that never answer hide what users lose. So for each target there is a running share of the
sweeps in which it answered, over some 64 sweeps; from nine in ten on it is *usually alive*. Of each
province it is remembered what its loss usually is, so that a fault is not learned as if it were usual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.sweep import Sweep

Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.uint8]

ALWAYS = 0xFFFF  # the share of a target that always answers
USUALLY = 58_982  # 0.9 of it: such a target is usually alive
# The share with which a target begins: some 45 answers make it usually alive, and one that answers
# every other time never is.
NEW = 52_428
_SPAN_BITS = 6  # a sweep has a weight of 1/64

DEAD_DAYS = 7
_MOST_DAYS = 255

_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class ProvinceMemory:
    """What is usual in a province: the loss of the usually alive, and what share of packets to silent
    targets is answered.

    Both are ratios, over `sweeps` sweeps. `up_seconds`: for so long it has now lost far more than
    that, or None; `incident_seconds`: for so long it has been in an open incident. `prefixes` failed
    in the sweep before, which began at `swept_at`, in seconds since 1970: sweeps may be of some
    provinces only. None: as of the memory.
    """

    sweeps: int = 0
    live_loss: float = 0.0
    silent_answers: float = 0.0
    up_seconds: float | None = None
    incident_seconds: float | None = None
    prefixes: tuple[str, ...] = ()
    swept_at: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What is known of each target, and of each province by its slug.

    `addresses` is uint32[n] in any order, each once. `answered` is uint16[n], the share of sweeps in
    which it answered, of ALWAYS. `silent_days` is uint8[n]: on so many days with sweeps it has not
    answered since it last did. `lost` is bool[n]: it did not answer in the last sweep, which started
    `swept_at` (aware, UTC). `days` is on how many days there were sweeps since it was begun.
    """

    addresses: Addresses
    answered: npt.NDArray[np.uint16]
    silent_days: Counts
    lost: Flags
    provinces: Mapping[str, ProvinceMemory] = field(default_factory=dict)
    swept_at: datetime | None = None
    days: int = 0

    @property
    def live(self) -> Flags:
        """Which targets are usually alive."""
        return self.answered >= USUALLY

    @property
    def dead(self) -> Flags | None:
        """Which targets have not answered for a week with sweeps; None before there was a week."""
        return self.silent_days > DEAD_DAYS if self.days > DEAD_DAYS else None

    def last_swept_at(self, slug: str) -> datetime | None:
        """When the last sweep of a province began (aware, UTC)."""
        at = self.provinces.get(slug, ProvinceMemory()).swept_at
        return self.swept_at if at is None else datetime.fromtimestamp(at, UTC)

    def of(self, addresses: Addresses) -> Memory:
        """The same about these addresses, in their order; of those that are new, nothing is known."""
        if np.array_equal(addresses, self.addresses):
            return self
        order = np.argsort(self.addresses, kind="stable")
        ordered = self.addresses[order]
        at = np.minimum(np.searchsorted(ordered, addresses), max(len(ordered) - 1, 0))
        known = ordered[at] == addresses if len(ordered) else np.zeros(len(addresses), np.bool_)
        new = nothing_of(addresses)
        source = order[at[known]]
        for mine, theirs in (
            (new.answered, self.answered),
            (new.silent_days, self.silent_days),
            (new.lost, self.lost),
        ):
            mine[known] = theirs[source]
        return replace(new, provinces=self.provinces, swept_at=self.swept_at, days=self.days)

    def with_others_of(self, former: Memory) -> Memory:
        """It, and behind it what `former` has of other addresses and provinces."""
        others = ~np.isin(former.addresses, self.addresses)
        return replace(
            self,
            addresses=np.concatenate([self.addresses, former.addresses[others]]),
            answered=np.concatenate([self.answered, former.answered[others]]),
            silent_days=np.concatenate([self.silent_days, former.silent_days[others]]),
            lost=np.concatenate([self.lost, former.lost[others]]),
            provinces={**former.provinces, **self.provinces},
        )


def nothing_of(addresses: Addresses) -> Memory:
    """The memory of targets that nothing is known of yet."""
    size = len(addresses)
    return Memory(
        addresses,
        np.full(size, NEW, np.uint16),
        np.zeros(size, np.uint8),
        np.zeros(size, np.bool_),
    )


def packets(sweep: Sweep, rows: slice = slice(None)) -> tuple[Counts, Counts]:
    """How many packets each target was sent, and how many of them were lost: uint8[targets] each.

    `rows` are the targets that are asked for.
    """
    was_sent, silent = sweep.sent[rows], np.isnan(sweep.rtt_seconds[rows])
    sent, lost = (np.zeros(len(was_sent), np.uint8) for _ in range(2))
    for packet in range(was_sent.shape[1]):
        sent += was_sent[:, packet]
        lost += was_sent[:, packet] & silent[:, packet]
    return sent, lost


def learned(
    memory: Memory, sweep: Sweep, provinces: Mapping[str, ProvinceMemory], *, frozen: Flags
) -> Memory:
    """The memory after a sweep of its addresses; `provinces` are what is known of them then.

    A target that is `frozen` (bool[targets]), or that was sent nothing, keeps its share. That it lost
    the last packet, and for how many days it has been silent, is noted all the same: these are facts.
    """
    at, provinces_swept = sweep.started_at, sweep.library.provinces
    new_days = [_is_new_day(memory.last_swept_at(each.slug), at) for each in provinces_swept]
    new_day = np.repeat(new_days, np.diff(sweep.library.bounds))
    answered, silent_days = memory.answered.copy(), memory.silent_days.copy()
    lost = np.empty(len(answered), np.bool_)
    # Block by block: what is needed on the way is then too small to show in the process's memory.
    for start in range(0, len(answered), _BLOCK):
        rows = slice(start, start + _BLOCK)
        packets_sent, packets_lost = packets(sweep, rows)
        sent, replied = packets_sent > 0, packets_lost < packets_sent
        lost[rows] = sent & ~replied
        _move(answered[rows], replied, sent & ~frozen[rows])
        _count_days(silent_days[rows], replied, lost[rows] & new_day[rows])
    return replace(
        memory,
        answered=answered,
        silent_days=silent_days,
        lost=lost,
        provinces=provinces,
        swept_at=at,
        days=memory.days + _is_new_day(memory.swept_at, at),
    )


def _is_new_day(last: datetime | None, at: datetime) -> bool:
    return last is not None and last.date() != at.date()


def _move(answered: npt.NDArray[np.uint16], replied: Flags, moves: Flags) -> None:
    """Move the shares, of those that move, a 64th of the way to where the answer is, or by 1."""
    # The way up is the way down seen from the other end: ALWAYS - share is share ^ ALWAYS.
    flip = replied.astype(np.uint16) * np.uint16(ALWAYS)
    answered ^= flip
    step = answered >> np.uint16(_SPAN_BITS)
    step += answered > 0
    step *= moves
    answered -= step
    answered ^= flip


def _count_days(silent_days: Counts, replied: Flags, one_more: Flags) -> None:
    """An answer ends the silence; being lost in the first sweep of a day adds a day to it."""
    silent_days *= ~replied
    silent_days += one_more & (silent_days < _MOST_DAYS)
