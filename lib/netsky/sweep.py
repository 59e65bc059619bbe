"""One pass over an address library through one egress: what is asked, what came back, who does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt

from netsky.addresses import AddressLibrary
from netsky.errors import InputError
from netsky.places import Egress, Province

MOST_WINDOWS = 3  # a library that takes longer is rather a slip than meant


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """How each target of a sweep is probed; times are seconds, `size` bytes of ICMP payload."""

    window: float = 10.0
    rate: int = 100_000
    count: int = 1
    timeout: float = 0.5
    size: int = 56

    def span(self, targets: int) -> float:
        """Seconds over which the packets to `targets` targets are spread."""
        return max(self.window, targets * self.count / self.rate)

    def check_size(self, targets: int) -> None:
        """Raise InputError when so many targets take far longer than the window.

        A window of 0 stands for "as fast as `rate` allows", so that nothing is beyond it.
        """
        seconds = targets * self.count / self.rate
        if self.window and seconds > MOST_WINDOWS * self.window:
            raise InputError(
                f"{targets:,} targets with {self.count} packet(s) each take {seconds:,.0f} s at "
                f"--rate {self.rate}, far more than --window {self.window:g}: is it the right "
                "library? If so, give a longer --window, a higher --rate, or --large"
            )


@dataclass(frozen=True, slots=True)
class ProvinceFailure:
    """Targets of a province that could not be measured, and why."""

    province: Province
    targets: int
    reason: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep measured, packet by packet.

    `rtt_seconds` is float32[targets, count], NaN where no reply came; `sent` is bool of the same
    shape, False where no measurement was made, so that lost = sent and NaN. `local_drops` is how
    many of the missing packets this host itself may have thrown away: the kernel counts its drops,
    but not whose they were, so that it is the smaller of drops and missing. When it is not 0, the
    loss is not the network's alone. `discarded` counts replies that were not counted as such, by the reason's name.
    `started_at` is an aware UTC time.
    """

    library: AddressLibrary
    egress: Egress
    engine: str
    started_at: datetime
    duration_seconds: float
    rtt_seconds: npt.NDArray[np.float32]
    sent: npt.NDArray[np.bool_]
    local_drops: int = 0
    discarded: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[ProvinceFailure, ...] = ()

    @property
    def packets_sent(self) -> int:
        return int(np.count_nonzero(self.sent))

    @property
    def tainted(self) -> bool:
        """The host itself may have dropped packets: the loss may not be the network's alone."""
        return self.local_drops > 0

    @property
    def packets_received(self) -> int:
        return int(np.count_nonzero(~np.isnan(self.rtt_seconds)))


Progress = Callable[[int], None]
"""Told, while a sweep runs, how many of its packets are done with so far."""


class Engine(Protocol):
    """What sends and receives. Engines differ in speed and privilege, never in the `Sweep`."""

    @property
    def name(self) -> str:
        """The name that `--engine` takes and the metrics have."""

    def check(self, egress: Egress) -> None:
        """Raise EngineError, with how to mend it, when this engine cannot probe through `egress`."""

    def sweep(
        self, library: AddressLibrary, egress: Egress, plan: ProbePlan, progress: Progress
    ) -> Sweep:
        """Probe every target once as `plan` says.

        A province that cannot be measured is in `failures` and does not disturb the others;
        EngineError when none could be. An exception raised in the calling thread (a signal
        handler's, say) ends the sweep at once and leaves no process behind.
        """
