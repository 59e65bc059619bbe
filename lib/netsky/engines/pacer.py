"""When the next packet may go."""

from __future__ import annotations

import time
from collections.abc import Callable

TICK_SECONDS = 0.0005  # sending a few packets at a time costs less than sleeping for each
BURST_SECONDS = 0.01  # at most this much of a delay is made up for at a time


class Pacer:
    """Spreads `packets` evenly over `span` seconds, and after a delay catches up at `rate` a second.

    `span` must be long enough for `rate`. No matter how long the sender was held up, no more than
    `rate` * BURST_SECONDS packets are let go at once.
    """

    def __init__(
        self,
        packets: int,
        span: float,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._packets = packets
        self._pace = packets / span
        self._rate = rate
        self._clock = clock
        self._start = self._rate_start = clock()

    def allowance(self, sent: int) -> int:
        """How many packets may go now, when `sent` have gone."""
        now = self._clock()
        earliest = now - sent / self._rate - BURST_SECONDS
        self._rate_start = max(self._rate_start, earliest)
        due = min((now - self._start) * self._pace, (now - self._rate_start) * self._rate)
        return min(self._packets, int(due) + 1) - sent

    @property
    def pause(self) -> float:
        """Seconds to sleep when nothing may go."""
        return max(TICK_SECONDS, min(1 / self._pace, 0.1))
