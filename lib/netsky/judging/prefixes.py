"""Which prefixes of a province fail: sums by /24, and over these the prefix that explains most, again
and again.

A prefix explains by how much likelier the losses become (binomial) when it has a loss of its own and
the rest of the province another, than with one loss for both. The best of /24 to /14 is taken out, and
the next one looked for in what is left, until nothing stands out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses

Floats = npt.NDArray[np.float64]

LONGEST, SHORTEST = 24, 14

# What a prefix must be before it is found: so much worse than the rest and than it usually is, so many
# targets lost more than the rest would have, and so much likelier (the logarithm of how many times).
_LEAST_EFFECT = 0.10
_LEAST_TARGETS = 16
_LEAST_GAIN = 12

_MOST_PREFIXES = 16


@dataclass(frozen=True, slots=True, eq=False)
class _Tally:
    """By /24: its number (uint32, ascending), targets, how many of them were lost, and usually are."""

    numbers: Addresses
    targets: Floats
    lost: Floats
    usual: Floats


def failing_prefixes(addresses: Addresses, lost: Floats, usual: Floats) -> list[IPv4Network]:
    """The prefixes that fail, the one that explains most first.

    `addresses` is uint32[n], ascending; `lost` is which share of each target's packets was lost, and
    `usual` which share usually is: float64[n] each.
    """
    if not len(addresses):
        return []
    tally = _tally(addresses, lost, usual)
    found: list[IPv4Network] = []
    while len(found) < _MOST_PREFIXES and (prefix := _best(tally)):
        found.append(prefix)
        tally = _without(tally, prefix)
    return found


def _tally(addresses: Addresses, lost: Floats, usual: Floats) -> _Tally:
    numbers = addresses >> np.uint32(32 - LONGEST)
    starts = _starts(numbers)
    targets = np.diff(np.append(starts, len(addresses))).astype(np.float64)
    return _Tally(
        numbers[starts], targets, np.add.reduceat(lost, starts), np.add.reduceat(usual, starts)
    )


def _starts(numbers: Addresses) -> npt.NDArray[np.int64]:
    """Where another number begins, 0 included."""
    return np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))


def _without(tally: _Tally, prefix: IPv4Network) -> _Tally:
    first = int(prefix.network_address) >> (32 - LONGEST)
    last = int(prefix.broadcast_address) >> (32 - LONGEST)
    kept = (tally.numbers < first) | (tally.numbers > last)
    return _Tally(tally.numbers[kept], tally.targets[kept], tally.lost[kept], tally.usual[kept])


def _best(tally: _Tally) -> IPv4Network | None:
    """The prefix that explains most; of those that explain as much, the longest."""
    best, most = None, float(_LEAST_GAIN)
    for length, numbers, gains in _gains(tally):
        at = int(np.argmax(gains))
        if gains[at] > most + 1e-9:
            most = float(gains[at])
            best = IPv4Network((int(numbers[at]) << (32 - length), length))
    return best


def _gains(tally: _Tally) -> Iterator[tuple[int, Addresses, Floats]]:
    """By length: the numbers of its prefixes, and how much each explains, if it may be found."""
    if not len(tally.numbers):
        return
    all_targets, all_lost = float(tally.targets.sum()), float(tally.lost.sum())
    together = float(_log_likelihood(np.array(all_lost), np.array(all_targets)))
    for length in range(LONGEST, SHORTEST - 1, -1):
        numbers = tally.numbers >> np.uint32(LONGEST - length)
        starts = _starts(numbers)
        targets, lost, usual = (
            np.add.reduceat(each, starts) for each in (tally.targets, tally.lost, tally.usual)
        )
        others, others_lost = all_targets - targets, np.maximum(all_lost - lost, 0.0)
        rest = others_lost / np.maximum(others, 1)
        otherwise = np.maximum(rest, usual / targets)
        found = (
            (lost - targets * otherwise >= _LEAST_TARGETS)
            & (lost / targets - otherwise >= _LEAST_EFFECT)
            & (_surprise(lost, targets, usual / targets) >= _LEAST_GAIN)
            & (others > 0)
        )
        apart = _log_likelihood(lost, targets) + _log_likelihood(others_lost, others)
        yield length, numbers[starts], np.where(found, apart - together, -np.inf)


def _surprise(lost: Floats, targets: Floats, usual: Floats) -> Floats:
    """How much likelier the chance that fits best makes so many lost than the usual one does."""
    chance = np.clip(usual, 1e-6, 1 - 1e-6)
    by_chance = lost * np.log(chance) + (targets - lost) * np.log(1 - chance)
    return np.asarray(_log_likelihood(lost, targets) - by_chance)


def _log_likelihood(lost: Floats, targets: Floats) -> Floats:
    """Of so many lost among these, when each is lost with the chance that fits best."""
    return _x_log_x(lost) + _x_log_x(np.maximum(targets - lost, 0.0)) - _x_log_x(targets)


def _x_log_x(x: Floats) -> Floats:
    return np.asarray(x * np.log(np.where(x > 0, x, 1.0)))
