"""Which targets of a province are traced at an incident, from what the probe remembers of them."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.targets.memory import Flags, Memory

Numbers = npt.NDArray[np.int64]

MOST_PROVINCES = 6
MOST_TARGETS = 20  # of a province
# Of all provinces: so many are traced within 45 s at 200 packets a second, with 15 routers on each way.
TARGETS_AT_ONCE = 120
LEAST_TARGETS = 5


def targets_each(provinces: int) -> int:
    """How many targets of each province are traced when there are so many provinces."""
    return max(LEAST_TARGETS, min(MOST_TARGETS, TARGETS_AT_ONCE // max(1, provinces)))


def live_loss(memory: Memory) -> float:
    """Which share of the usually alive was lost in the last sweep; 0 where there are none."""
    live = int(np.count_nonzero(memory.live))
    return int(np.count_nonzero(memory.live & memory.lost)) / live if live else 0.0


def choose_failing(memory: Memory, prefixes: Sequence[str], number: int) -> Addresses:
    """`number` targets that are usually alive, of which half were lost lately, if there are as many.

    Of those that were lost the ones in `prefixes` come first; of the others half are in them, too. Fewer
    when fewer are usually alive.
    """
    inside = _within(memory.addresses, prefixes)
    lost, live = memory.live & memory.lost, memory.live & ~memory.lost
    failing = _first(lost & inside, lost & ~inside, most=number)
    half = min(len(failing), max(number // 2, number - int(np.count_nonzero(live))))
    near = _spread(live & inside, (number - half) // 2)
    elsewhere = _spread(live & ~inside, number - half - len(near))
    chosen = np.concatenate([_evenly(failing, half), near, elsewhere])
    if len(chosen) < number:  # all that is well is in the prefixes
        chosen = np.concatenate([chosen, np.setdiff1d(np.flatnonzero(live), chosen)])[:number]
    addresses: Addresses = memory.addresses[np.sort(chosen)]
    return addresses


def choose_quiet(memory: Memory, number: int) -> Addresses:
    """`number` targets that are usually alive and answered lately, from all over."""
    return memory.addresses[_spread(memory.live & ~memory.lost, number)]


def _within(addresses: Addresses, prefixes: Sequence[str]) -> Flags:
    inside = np.zeros(len(addresses), np.bool_)
    for prefix in prefixes:
        try:
            network = IPv4Network(prefix)
        except ValueError:  # the database says so, and a part of it may be cut off
            continue
        mask = np.uint32(int(network.netmask))
        inside |= (addresses & mask) == np.uint32(int(network.network_address))
    return inside


def _first(one: Flags, other: Flags, *, most: int) -> Numbers:
    """All of the one, or as many of the other as are missing to `most`."""
    first = np.flatnonzero(one)
    return np.concatenate([first, _spread(other, max(0, most - len(first)))])


def _spread(flags: Flags, most: int) -> Numbers:
    return _evenly(np.flatnonzero(flags), most)


def _evenly(numbers: Numbers, most: int) -> Numbers:
    """At most so many of them, from all over."""
    count = min(most, len(numbers))
    return numbers[np.arange(count) * len(numbers) // max(1, count)]
