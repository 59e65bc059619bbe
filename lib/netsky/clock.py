"""What holds although a clock may lie: ahead, behind, or never set after a start.

A sweep is known by the time that the clock of its host showed. Nothing here trusts one such time
alone: what is stamped later than now is passed over, and how long measuring has gone on is told
from the sweeps themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

CLOCK_TOLERANCE = timedelta(seconds=60)
"""The clocks of two hosts may be so far apart."""

MOST_BETWEEN_SWEEPS = timedelta(hours=1)
"""More than that between two sweeps is a pause, or a clock that jumped."""

# No sweep is as old. A clock that says so has not been set since the host has started.
_NETSKY_BEGAN = datetime(2024, 1, 1, tzinfo=UTC)


def is_set(now: datetime) -> bool:
    """Whether that can be the time at all: a host without NTP and battery starts in 1970."""
    return now >= _NETSKY_BEGAN


def measured_since(times: Sequence[datetime]) -> list[timedelta]:
    """For how long measuring has gone on since each sweep, in the order in which they came.

    Between two sweeps passes an hour at most, whatever their times say: a clock that jumps makes
    nothing older than that.
    """
    since = [timedelta(0)]
    for later, earlier in pairwise(reversed(times)):
        since.append(since[-1] + min(abs(later - earlier), MOST_BETWEEN_SWEEPS))
    return since[::-1][-len(times) :] if times else []


@dataclass(frozen=True, slots=True)
class IgnoredRows:
    """Rows that a clock has put where they cannot be heeded, and the SQL that removes them.

    `egress`: theirs, or None for rows of all; `rows` of netsky_sweep, or more if `at_least`, as
    of the times `first` to `last` (aware, UTC).
    """

    egress: str | None
    rows: int
    at_least: bool
    first: datetime
    last: datetime
    remove: str

    def __str__(self) -> str:
        return (
            f"{'at least ' if self.at_least else ''}{self.rows} rows of netsky_sweep as of "
            f"{self.first:%Y-%m-%d %H:%M:%S} to {self.last:%Y-%m-%d %H:%M:%S} UTC"
        )
