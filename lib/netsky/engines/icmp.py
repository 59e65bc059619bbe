"""The icmp engine: one sender and one receiver for the whole sweep, packets in batches.

The kernel's way of a packet is nearly all of the cost; Python prepares and counts, a thousand
packets at a time.
"""

from __future__ import annotations

import errno
import logging
import os
import secrets
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from netsky.addresses import AddressLibrary
from netsky.engines.exit_check import NEIGHBOURS_FULL, watch_exit
from netsky.engines.icmp_receiver import Receiver
from netsky.engines.icmp_sender import BUSY, KEPT_BACK, LOST, TOO_SLOW, Sender
from netsky.engines.icmp_socket import open_sockets
from netsky.engines.outcome import SweepStart, Unmeasured
from netsky.places import Egress
from netsky.sweep import ProbePlan, Progress, Sweep

log = logging.getLogger(__name__)

Value = TypeVar("Value", bound=np.generic)


class IcmpEngine:
    """Sweeps with ICMP sockets of its own; see `netsky.sweep.Engine`."""

    name = "icmp"

    def __init__(self, receive_buffer: int = 32 << 20) -> None:
        self._receive_buffer = receive_buffer

    def check(self, egress: Egress) -> None:
        with open_sockets(egress, ident=1, receive_buffer=self._receive_buffer):
            pass

    def sweep(
        self, library: AddressLibrary, egress: Egress, plan: ProbePlan, progress: Progress
    ) -> Sweep:
        ident, cookies = 1 + secrets.randbelow(0xFFFF), _random_cookies(library.targets)
        slots = _random_order(library.targets, plan.count)
        with (
            watch_exit(library, egress) as watch,
            open_sockets(egress, ident=ident, receive_buffer=self._receive_buffer) as sockets,
        ):
            sender = Sender(sockets, library, slots, plan, ident=ident, cookies=cookies)
            start = SweepStart(library, egress, self.name)
            with Receiver(sockets, library, plan, cookies) as receiver:
                sender.run(progress)
                receiver.wait(sender.packets_sent, plan.timeout)
            duration, dropped = start.elapsed(), sockets.dropped
        if receiver.stepped_ns:
            log.warning(
                "the clock was set by %+.3f s during the sweep: RTTs are right all the same",
                receiver.stepped_ns / 1e9,
            )
        errors = _by_slot(sender.errors, slots)
        rtt_seconds, late = _rtts(
            receiver.received_ns, _by_slot(sender.sent_ns(), slots), plan.timeout
        )
        return start.end(
            rtt_seconds.reshape(library.targets, plan.count),
            _unmeasured(errors.reshape(library.targets, plan.count), overflows=watch.overflows),
            duration_seconds=duration,
            dropped=dropped + watch.overflows,
            kept_back=int(np.count_nonzero(np.isin(errors, KEPT_BACK))),
            discarded={**receiver.discarded, "late": late},
        )


_REASONS = {
    errno.EPERM: "the local firewall refuses the packets: see `nft list ruleset`",
    errno.EACCES: "this host may not send there: is it a broadcast address?",
    errno.ENETUNREACH: "this host has no route there: see `ip route get`",
    errno.ENETDOWN: "the interface of this exit is down",
    errno.EMSGSIZE: "the packets are larger than the line's MTU: lower --size",
    TOO_SLOW: "this host was too slow to send in time: is it busy with other work?",
} | dict.fromkeys(BUSY, "this host's send queue stayed full")


def reason_of(number: int) -> str:
    """Why this host could not send, of the sender's error number."""
    return _REASONS.get(number, os.strerror(number))


def _random_cookies(targets: int) -> npt.NDArray[np.uint64]:
    """One for each target, that nobody can guess, also who knows all the others."""
    return np.frombuffer(secrets.token_bytes(8 * targets), np.uint64)


def _random_order(targets: int, count: int) -> npt.NDArray[np.uint32]:
    """Every slot once, in `count` rounds over all targets in random order.

    So provinces progress and finish together, and no /24 sees a burst.
    """
    order = np.random.default_rng().permutation(targets) * count
    return (order + np.arange(count)[:, np.newaxis]).astype(np.uint32).ravel()


def _rtts(
    received_ns: npt.NDArray[np.int64], sent_ns: npt.NDArray[np.int64], timeout: float
) -> tuple[npt.NDArray[np.float32], int]:
    """RTTs in seconds, NaN where no reply came within `timeout`; how many came later."""
    rtt_seconds = ((received_ns - sent_ns) / 1e9).astype(np.float32)
    rtt_seconds[received_ns == 0] = np.nan
    late = rtt_seconds > timeout
    rtt_seconds[late] = np.nan
    # Send times are interpolated within a batch: on loopback one may come out after its reply.
    return np.maximum(rtt_seconds, np.float32(0)), int(np.count_nonzero(late))


def _by_slot(values: npt.NDArray[Value], slots: npt.NDArray[np.uint32]) -> npt.NDArray[Value]:
    """`values`, which are in the order of sending, in the order of slots."""
    result = np.empty_like(values)
    result[slots] = values
    return result


def _unmeasured(errors: npt.NDArray[np.uint8], *, overflows: int) -> Unmeasured:
    """The targets that this host could not send to; `errors` is by target and packet."""
    lost = errors[np.isin(errors, LOST)]
    for number, packets in zip(*np.unique(lost, return_counts=True), strict=True):
        log.warning("%s packets counted as lost: %s", packets, os.strerror(int(number)))
    unmeasured = Unmeasured()
    for number in np.unique(errors[~np.isin(errors, (0, *LOST))]).tolist():
        targets = np.flatnonzero((errors == number).any(axis=1))
        crowded = overflows and number in (errno.ENOBUFS, errno.ENOMEM)
        reason = NEIGHBOURS_FULL if crowded else reason_of(number)
        unmeasured.add(targets, reason)
    return unmeasured
