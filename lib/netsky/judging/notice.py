"""What is shown of a province and alerts nobody: small rises of its loss, and how its latency is."""

from __future__ import annotations

from dataclasses import dataclass

from netsky.loss import Band


@dataclass(frozen=True, slots=True)
class Notice:
    """A rise that chance and the usual swing do not explain, and that is no alarm.

    It is the median of the last sweeps, a ratio of the replies that usually come, or in seconds; it has stood for
    `seconds`.
    """

    increase: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Latency:
    """The mean RTT of the newest sweep against what is usual; in seconds, those of the band, too.

    `is_high`: by so much and so large a part of what is usual that it is an alarm.
    """

    seconds: float
    usual_seconds: float
    band: Band
    increase_seconds: float
    is_high: bool
    notice: Notice | None
