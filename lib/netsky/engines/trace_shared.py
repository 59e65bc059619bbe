"""Routers that are on several ways: they are asked for some of these only, in each round for others.

In every other round they are asked for more: who limits messages by the second then loses more of them, and a
path does not.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from netsky.engines.trace_packet import MOST_HOPS
from netsky.engines.trace_receiver import TraceReceiver
from netsky.trace import TracePlan

Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class SharedRouters:
    """What the ways of all traces have in common, and those to each place; `places` is by trace."""

    def __init__(self, places: Whole, plan: TracePlan) -> None:
        every = np.arange(len(places))
        self._groups = [(every, plan.near_targets)]
        if len(numbers := np.unique(places)) > 1:
            self._groups += [(every[places == each], plan.near_of_place) for each in numbers]
        self._shared = [np.zeros(MOST_HOPS + 1, np.bool_) for _ in self._groups]  # by TTL

    def by_trace(self) -> Flags:
        """bool[trace, TTL]: whether others have the same router there."""
        shared = np.zeros((len(self._groups[0][0]), MOST_HOPS + 1), np.bool_)
        for (members, _), its in zip(self._groups, self._shared, strict=True):
            shared[members] |= its
        return shared

    def find(self, traces: Whole, hops: Whole, receiver: TraceReceiver) -> None:
        """Tell by the ways of some traces, of which `hops` are known and each router was asked once."""
        for number, (members, _) in enumerate(self._groups):
            looked_at = np.intersect1d(members, traces)
            if number == 0 or len(looked_at) > 1:
                its = _one_router(looked_at, hops, receiver)
                self._shared[number] = its if number == 0 else its & ~self._shared[0]

    def spare(self, asked: Flags, number: int) -> None:
        """Take out of what is asked in a round, bool[trace, TTL], what others are asked for."""
        for (members, each), shared in zip(self._groups, self._shared, strict=True):
            others = np.setdiff1d(members, members[turns(len(members), each, number)])
            asked[np.ix_(others, shared.nonzero()[0])] = False

    def asked_slowly(self, traces: Whole, rounds: int) -> Flags:
        """bool[trace, TTL, round]: whether the router was asked more slowly than in other rounds."""
        alternates = np.zeros((len(traces), MOST_HOPS + 1), np.bool_)
        for (members, each), shared in zip(self._groups, self._shared, strict=True):
            if each < len(members):
                alternates[members] |= shared
        slow: Flags = alternates[traces, :, np.newaxis] & (np.arange(1, rounds + 1) % 2 == 1)
        return slow


def _one_router(traces: Whole, hops: Whole, receiver: TraceReceiver) -> Flags:
    """By TTL, whether one and the same router, or a silent one, is there on all these ways."""
    shared = np.zeros(MOST_HOPS + 1, np.bool_)
    for ttl in range(1, int(hops[traces].min()) + 1):
        routers = receiver.answered_by[traces, ttl, 0]
        reached = receiver.reached[traces, ttl, 0].any()
        shared[ttl] = len(np.unique(routers[routers > 0])) <= 1 and not reached
    return shared


def turns(of: int, each: int, number: int) -> Whole:
    """Who of so many has its turn in a round, in which `each` of them have on average: from all over."""
    if each >= of:
        return np.arange(of)
    slow, quick = max(1, each // 2), min(of, each + each // 2)
    before = number // 2 * slow + (number - 1) // 2 * quick
    turns = (before + np.arange(slow if number % 2 else quick)) % of
    # Any run of these is spread evenly: multiples of the golden ratio, without their whole part.
    golden = np.arange(of) * ((np.sqrt(5) - 1) / 2) % 1
    chosen: Whole = golden.argsort().argsort()[turns]
    return chosen
