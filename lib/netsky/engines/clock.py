"""The wall clock, which may be set in the middle of a sweep, against the monotonic one.

The kernel stamps packets with wall clock time, while the program times what it does by the
monotonic clock. Between two settings of the wall clock the two differ by a constant (NTP slews
both alike), so that a stamp less that constant is a monotonic time.
"""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

STEP_NS = 1_000_000  # a smaller step cannot be told from the error of reading two clocks
READING_NS = 20_000  # when two readings are further apart we were interrupted, and read again
ATTEMPTS = 10


def wall_clock_offset_ns() -> int:
    """Wall clock time minus monotonic time, now."""
    best, offset = 1 << 62, 0
    for _ in range(ATTEMPTS):
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        if after - before < best:
            best, offset = after - before, wall - (before + after) // 2
        if best < READING_NS:
            break
    return offset


class WallClock:
    """Tells by how much the stamps of packets are ahead of the monotonic clock.

    `stepped_ns` is by how much the wall clock was set since this was made, in all.
    """

    def __init__(self) -> None:
        self._offset = self._former = wall_clock_offset_ns()
        self._looked_at = time.monotonic_ns()
        self._stepped_after: int | None = None
        self.stepped_ns = 0

    def offsets_ns(self, stamps: npt.NDArray[np.int64]) -> int | npt.NDArray[np.int64]:
        """What to take from the stamps of packets that are read now.

        Packets may have waited since before the last step. Those from after it came in between the
        look before the step and now, by the new offset; a step smaller than that time leaves room
        for an error of its own size.
        """
        offset, now = wall_clock_offset_ns(), time.monotonic_ns()
        since, self._looked_at = self._looked_at, now
        if abs(offset - self._offset) >= STEP_NS:
            self.stepped_ns += offset - self._offset
            self._former, self._offset = self._offset, offset
            self._stepped_after = since
        if self._stepped_after is None:
            return self._offset
        times = stamps - self._offset
        after = (times >= self._stepped_after - READING_NS) & (times <= now + READING_NS)
        return np.where(after, self._offset, self._former)
