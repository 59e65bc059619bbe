"""What is remembered of each target from sweep to sweep: how often it answered, and when it last did.

Addresses that never answer hide what users lose. So for each target there is a running share of the
sweeps in which it answered, over some 64 sweeps; from nine in ten on it is *usually alive*. Of each
province it is remembered what its loss usually is, so that a fault is not learned as if it were usual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.sweep import Sweep

Flags = npt.NDArray[np.bool_]

ALWAYS = 0xFFFF  # the share of a target that always answers
USUALLY = 58_982  # 0.9 of it: such a target is usually alive
# The share with which a target begins: some 45 answers make it usually alive, and one that answers
# every other time never is.
NEW = 52_428
_SPAN_BITS = 6  # a sweep has a weight of 1/64

DEAD_DAYS = 7
_MOST_DAYS = 255


@dataclass(frozen=True, slots=True)
class ProvinceMemory:
    """What is usual in a province: its loss among the usually alive, and that of all its targets.

    Both are ratios, over `sweeps` sweeps. `up_seconds`: for so long it has now lost far more than
    that. `prefixes` failed in the sweep before, as far as any were looked for.
    """

    sweeps: int = 0
    live_loss: float = 0.0
    loss: float = 0.0
    up_seconds: float = 0.0
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """What is known of each target, and of each province by its slug.

    `addresses` is uint32[n] in any order, each once. `answered` is uint16[n], the share of sweeps in
    which it answered, of ALWAYS. `silent_days` is uint8[n]: on so many days with sweeps it has not
    answered since it last did. `lost` is bool[n]: it did not answer in the last sweep, which started
    `swept_at` (aware, UTC).
    """

    addresses: Addresses
    answered: npt.NDArray[np.uint16]
    silent_days: npt.NDArray[np.uint8]
    lost: Flags
    provinces: Mapping[str, ProvinceMemory] = field(default_factory=dict)
    swept_at: datetime | None = None

    @property
    def live(self) -> Flags:
        """Which targets are usually alive."""
        return self.answered >= USUALLY

    @property
    def dead(self) -> Flags:
        """Which targets have not answered for a week of sweeps."""
        return self.silent_days > DEAD_DAYS

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
        return replace(new, provinces=self.provinces, swept_at=self.swept_at)

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


def answers(sweep: Sweep) -> tuple[Flags, Flags]:
    """Which targets were sent a packet, and which answered one: bool[targets] each."""
    sent, replied = sweep.sent[:, 0], ~np.isnan(sweep.rtt_seconds[:, 0])
    for packet in range(1, sweep.sent.shape[1]):
        sent = sent | sweep.sent[:, packet]
        replied |= ~np.isnan(sweep.rtt_seconds[:, packet])
    return sent, replied


def learned(
    memory: Memory, sweep: Sweep, provinces: Mapping[str, ProvinceMemory], *, frozen: Flags
) -> Memory:
    """The memory after a sweep of its addresses; `provinces` are what is known of them then.

    A target that is `frozen` (bool[targets]), or that was sent nothing, keeps its share. That it lost
    the last packet, and for how many days it has been silent, is noted all the same: these are facts.
    """
    sent, replied = answers(sweep)
    return replace(
        memory,
        answered=_moved(memory.answered, replied, sent & ~frozen),
        silent_days=_days(memory, sweep.started_at, sent, replied),
        lost=sent & ~replied,
        provinces=provinces,
        swept_at=sweep.started_at,
    )


def _moved(
    answered: npt.NDArray[np.uint16], replied: Flags, moves: Flags
) -> npt.NDArray[np.uint16]:
    """The shares, those that move a 64th of the way to where the answer is, at least by 1."""
    # The way up is the way down seen from the other end: ALWAYS - share is share ^ ALWAYS.
    flip = replied.astype(np.uint16) * np.uint16(ALWAYS)
    share = answered ^ flip
    step = share >> np.uint16(_SPAN_BITS)
    step += share > 0
    step *= moves
    share -= step
    share ^= flip
    return share


def _days(
    memory: Memory, started_at: datetime, sent: Flags, replied: Flags
) -> npt.NDArray[np.uint8]:
    """The days of silence; one more for who is sent to and silent in the first sweep of a day."""
    days = memory.silent_days * ~replied
    if memory.swept_at is not None and memory.swept_at.date() != started_at.date():
        days += sent & ~replied & (days < _MOST_DAYS)
    return days
