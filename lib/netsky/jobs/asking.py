"""Asking addresses whether they answer, politely: what `discover` and `refresh` send goes through here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses, AddressLibrary
from netsky.errors import StoppedError
from netsky.places import PROVINCES, Egress
from netsky.sweep import Engine, ProbePlan, Progress
from netsky.targets.blocks import Rows
from netsky.targets.permission import Permission
from netsky.targets.pool import rank_within

# Carriers limit ICMP near one packet a second and /24 (Guo and Heidemann 2018): 0.4 stays below.
SPACING_SECONDS = 2.5
# What is asked at once is noted before: so many seconds' worth is not known after a crash.
BATCH_SECONDS = 5.0
ROUND_SECONDS = SPACING_SECONDS + 1.0
HEADER_BYTES = 28  # of IPv4 and ICMP
MOST_LOCAL_DROPS = 0.001
FEWEST_ANSWERS = 1 / 3
# With fewer answers to be expected, chance alone may bring a third of them.
ENOUGH_EXPECTED = 30.0
# Even of the emptiest ISP somebody answers among so many.
MOST_UNANSWERED = 100_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """What would be sent at most, in how many /24s; `left` are a day's packets that are still free.

    `packets_per_second` is what a round sends at most: few /24s are asked slowly, whatever the rate.
    """

    packets: int
    blocks: int
    seconds: float
    packets_per_second: float
    bits_per_second: float
    left: int


def estimate(*, packets: int, blocks: int, rounds: int, rate: int, left: int) -> Estimate:
    """What so many packets come to, when each /24 is asked in so many rounds at most.

    A round waits for the last replies, too.
    """
    packets = min(packets, left)
    packets_per_second = min(rate, blocks / SPACING_SECONDS)
    return Estimate(
        packets=packets,
        blocks=blocks,
        seconds=max(packets / rate, rounds * ROUND_SECONDS),
        packets_per_second=packets_per_second,
        bits_per_second=8.0 * (ProbePlan().size + HEADER_BYTES) * packets_per_second,
        left=left,
    )


@dataclass(slots=True)
class Watch:
    """Stops what is sent when answers stay away: somebody limits it, or the exit is dead."""

    asked: int = 0
    answered: int = 0
    expected_lately: float = 0.0
    answered_lately: int = 0

    def look(self, asked: int, answered: int, expected: float) -> None:
        """Take note of what a batch brought. Raises StoppedError."""
        self.asked += asked
        self.answered += answered
        self.expected_lately += expected
        self.answered_lately += answered
        if self.asked >= MOST_UNANSWERED and not self.answered:
            raise StoppedError(
                f"stopped: none of {self.asked:,} addresses answered: is this exit alive, and may "
                "ICMP pass?"
            )
        if self.expected_lately < ENOUGH_EXPECTED:
            return
        if self.answered_lately < FEWEST_ANSWERS * self.expected_lately:
            raise StoppedError(
                f"stopped: only {self.answered_lately:,} answered of some {self.expected_lately:,.0f} "
                "to be expected: somebody limits these packets, or the exit fails. Look at the exit, "
                "and run it again later, with a lower --rate"
            )
        self.expected_lately, self.answered_lately = 0.0, 0


@dataclass(slots=True)
class Asker:
    """Sends a packet to each address that is asked, through one exit.

    `rate` is packets a second, `timeout` seconds. `progress` is told how many packets are done with.
    """

    engine: Engine
    egress: Egress
    permission: Permission
    rate: int
    timeout: float
    progress: Progress = lambda _done: None
    watch: Watch = field(default_factory=Watch)
    done: int = 0

    def batches(self, addresses: Addresses) -> Iterator[Rows]:
        """The places of all addresses, in portions to `ask` one after the other.

        None of these has two addresses of a /24. Within a portion the order is the engine's, at random.
        """
        most = max(1, int(self.rate * BATCH_SECONDS))
        rank = rank_within(addresses >> 8)
        for number in range(int(rank.max(initial=-1)) + 1):
            rows = np.random.default_rng().permutation(np.flatnonzero(rank == number))
            for start in range(0, len(rows), most):
                yield rows[start : start + most]

    def ask(
        self, addresses: Addresses, province: npt.NDArray[np.int32], expected: float
    ) -> npt.NDArray[np.bool_]:
        """Who of them answers, as bool[n]; about `expected` should. `province` is into PROVINCES.

        Raises EngineError, StoppedError, and LibraryError when one of them must not be asked.
        """
        library, order = _as_library(addresses, province)
        self.permission.check(library.addresses)
        plan = ProbePlan(window=SPACING_SECONDS, rate=self.rate, timeout=self.timeout)
        sweep = self.engine.sweep(
            library, self.egress, plan, lambda done: self.progress(self.done + done)
        )
        self.done += len(addresses)
        self.progress(self.done)
        if sweep.failures:
            failure = sweep.failures[0]
            raise StoppedError(
                f"stopped: {failure.targets:,} addresses of {failure.province.slug} could not be "
                f"asked: {failure.reason}"
            )
        if sweep.local_drops > MOST_LOCAL_DROPS * sweep.packets_sent:
            raise StoppedError(
                f"stopped: this host itself dropped up to {sweep.local_drops:,} of "
                f"{sweep.packets_sent:,} packets: it is too busy, or --rate is too high"
            )
        answered = np.zeros(len(addresses), np.bool_)
        answered[order] = ~np.isnan(sweep.rtt_seconds[:, 0])
        self.watch.look(len(addresses), int(np.count_nonzero(answered)), expected)
        return answered


def _as_library(
    addresses: Addresses, province: npt.NDArray[np.int32]
) -> tuple[AddressLibrary, npt.NDArray[np.intp]]:
    """The addresses as an engine takes them, and where each stood before."""
    order = np.lexsort((addresses, province))
    present, sizes = np.unique(province, return_counts=True)
    library = AddressLibrary(
        isp="library",
        provinces=tuple(PROVINCES[index] for index in present.tolist()),
        addresses=addresses[order],
        bounds=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
    )
    return library, order
