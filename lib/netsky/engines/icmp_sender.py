"""The sending half of the icmp engine."""

from __future__ import annotations

import errno
import time

import numpy as np
import numpy.typing as npt

from netsky.addresses import AddressLibrary
from netsky.engines.icmp_packet import EchoRequests
from netsky.engines.icmp_socket import IcmpSockets
from netsky.engines.pacer import Pacer
from netsky.sweep import ProbePlan, Progress

PREPARED = 1024  # packets prepared at a time
BATCH = 32  # packets handed to the kernel at a time; their send times are interpolated

# The gateway of the exit does not answer, so the users are cut off and the packet counts as lost.
LOST = (errno.EHOSTUNREACH, errno.EHOSTDOWN)
# The host can take no more packets at the moment.
BUSY = (errno.ENOBUFS, errno.EAGAIN, errno.ENOMEM, errno.EINTR)
# The host was so slow that the time was over before the packet's turn came.
TOO_SLOW = errno.ETIME
KEPT_BACK = (*BUSY, TOO_SLOW)
BACK_OFF_SECONDS = 0.001
PATIENCE_SECONDS = 1.0  # and the span again: what has not been sent by then is given up


class Sender:
    """Sends one packet for each of `slots`, in that order, as `plan` says; `cookies` are by target.

    `requests` makes the packets, PREPARED at a time; without it they are plain echo requests.

    After `run`, `errors` is uint8[packets]: 0 where the packet went out, else the errno with
    which this host refused it; with one of KEPT_BACK the host could not send it in time.
    """

    def __init__(
        self,
        sockets: IcmpSockets,
        library: AddressLibrary,
        slots: npt.NDArray[np.uint32],
        plan: ProbePlan,
        *,
        ident: int,
        cookies: npt.NDArray[np.uint64],
        requests: EchoRequests | None = None,
    ) -> None:
        self._descriptor = sockets.sender.fileno()
        self._addresses = library.addresses
        self._slots = slots
        self._count = plan.count
        self._cookies = cookies
        self._requests = requests or EchoRequests(
            PREPARED, size=plan.size, ident=ident, raw=sockets.raw
        )
        span = plan.span(library.targets)
        self._pacer = Pacer(len(slots), span, plan.rate)
        self._longest_seconds = 2 * span + PATIENCE_SECONDS
        self._busy = 0  # the errno with which the newest packet waits, 0 when it does not
        self._batches: list[tuple[int, int, int, int]] = []  # first, packets, before, after (ns)
        self.errors = np.zeros(len(slots), np.uint8)

    @property
    def packets_sent(self) -> int:
        return sum(packets for _, packets, _, _ in self._batches)

    def run(self, progress: Progress) -> None:
        """Send everything, or as much as the time allows: twice the span and PATIENCE_SECONDS.

        An exception in this thread, ^C say, ends it in the middle.
        """
        deadline = time.monotonic() + self._longest_seconds
        for start in range(0, len(self._slots), PREPARED):
            slots = self._slots[start : start + PREPARED]
            targets = slots // self._count
            self._requests.fill(self._addresses[targets], slots, self._cookies[targets])
            done = 0
            while done < len(slots):
                if time.monotonic() > deadline:
                    self.errors[start + done :] = self._busy or TOO_SLOW
                    return
                ready = min(self._pacer.allowance(start + done), len(slots) - done, BATCH)
                if ready > 0:
                    done += self._send(start, done, ready)
                if ready < BATCH and done < len(slots):  # we are ahead of the pace
                    time.sleep(self._pacer.pause)
            progress(start + len(slots))

    def _send(self, start: int, first: int, packets: int) -> int:
        """How many packets from `start` + `first` on are done with: sent or given up."""
        before = time.monotonic_ns()
        try:
            sent = self._requests.send(self._descriptor, first, packets)
        except OSError as error:
            return self._refused(start + first, error.errno or errno.EIO)
        self._batches.append((start + first, sent, before, time.monotonic_ns()))
        self._busy = 0
        return sent

    def _refused(self, position: int, number: int) -> int:
        if number in BUSY:
            self._busy = number
            time.sleep(BACK_OFF_SECONDS)
            return 0
        self.errors[position] = number
        return 1

    def sent_ns(self) -> npt.NDArray[np.int64]:
        """When each packet left, in ns of the monotonic clock: evenly spread over the call that sent it."""
        sent_ns = np.zeros(len(self._slots), np.int64)
        if self._batches:
            first, packets, before, after = np.array(self._batches, np.int64).T
            within = np.arange(packets.sum()) - np.repeat(packets.cumsum() - packets, packets)
            share = (within + 0.5) / np.repeat(packets, packets)
            spent = share * np.repeat(after - before, packets)
            times = np.repeat(before, packets) + spent.astype(np.int64)
            sent_ns[np.repeat(first, packets) + within] = times
        return sent_ns
