"""The receiving half of the icmp engine: a thread that takes replies and keeps only its own."""

from __future__ import annotations

import select
import threading
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from netsky.addresses import AddressLibrary
from netsky.engines.clock import WallClock
from netsky.engines.icmp_packet import RECEIVE_BYTES, parse_replies
from netsky.engines.icmp_socket import IcmpSockets
from netsky.engines.libc import Messages
from netsky.errors import EngineError
from netsky.sweep import ProbePlan

SLOTS = 16_384  # packets to take before they are sorted, because many at a time cost less
# The pause between two looks, because few full batches cost less than many small ones.
REST_SECONDS = 0.005
# When the buffer has no room for a longer pause, we wait for each packet.
SHORTEST_REST_SECONDS = 0.0005
BUFFER_BYTES_PER_PACKET = 1280  # the kernel charges at most this for a small packet


class PacketReceiver(ABC):
    """Takes packets of up to `size` bytes in its own thread while the block runs, `rate` a second of them.

    It looks for them every `rest_seconds`, more often where its buffer is small. `_sort_out` does with them what they are for. `stepped_ns` is by how much the wall clock, with which the
    kernel stamps packets, was set meanwhile.
    """

    def __init__(
        self,
        sockets: IcmpSockets,
        *,
        size: int,
        rate: float,
        rest_seconds: float = REST_SECONDS,
    ) -> None:
        self._sockets = sockets
        self._messages = Messages(SLOTS, size)
        self._messages.make_ready()
        self._taken = 0
        self._clock = WallClock()
        self._offsets_ns = np.zeros(SLOTS, np.int64)
        room = sockets.receive_buffer / BUFFER_BYTES_PER_PACKET
        self._rest_seconds = min(rest_seconds, room / rate / 4)
        self._sent = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="icmp-receiver", daemon=True)
        self._error: Exception | None = None
        self._answered = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopping.set()
        self._thread.join()
        if kind is None:
            self._check()

    @property
    def stepped_ns(self) -> int:
        return self._clock.stepped_ns

    def wait(self, packets: int, timeout: float) -> None:
        """Wait until `packets` replies are in, for `timeout` seconds at most."""
        deadline = time.monotonic() + timeout
        self._sent.set()
        while self._answered < packets and time.monotonic() < deadline:
            self._check()
            time.sleep(REST_SECONDS)

    def _check(self) -> None:
        if self._error:
            raise EngineError(f"cannot receive replies: {self._error!r}") from self._error

    def _run(self) -> None:
        try:
            self._receive_until_stopped()
        except Exception as error:  # noqa: BLE001 - what was not received must not pass for loss
            self._error = error

    def _receive_until_stopped(self) -> None:
        while not self._stopping.is_set():
            full = self._take() == SLOTS
            if full or self._sent.is_set():
                self._sort_out()
            if not full:
                self._rest()
        self._take_the_rest()

    def _rest(self) -> None:
        if self._rest_seconds >= SHORTEST_REST_SECONDS:
            time.sleep(self._rest_seconds)
        else:
            select.select([self._sockets.receiver], [], [], REST_SECONDS)

    def _take_the_rest(self) -> None:
        """Take what waits by now, and no more: somebody may send without end what looks like ours."""
        waiting = self._taken + self._sockets.capacity
        full = True
        while full and waiting > 0:
            taken = self._take()
            self._sort_out()
            full = taken == SLOTS
            waiting -= taken

    def _take(self) -> int:
        """How many packets wait to be sorted out, with those that are there now."""
        new = slice(self._taken, self._taken + self._receive(self._taken))
        self._offsets_ns[new] = self._clock.offsets_ns(self._messages.timestamps[new])
        self._taken = new.stop
        return self._taken

    def _receive(self, first: int) -> int:
        """Receive what is there into the messages from `first` on; how many came."""
        return self._messages.receive(self._sockets.receiver.fileno(), first)

    @abstractmethod
    def _sort_out(self) -> None:
        """Do with the `_taken` packets what they are for, and make room for others."""


class Receiver(PacketReceiver):
    """Takes the replies of a sweep; `cookies` are by target.

    Afterwards `received_ns` is int64[targets * count], by slot: when the first right reply came
    in, in ns of the monotonic clock, or 0. `discarded` counts the others by reason.
    """

    def __init__(
        self,
        sockets: IcmpSockets,
        library: AddressLibrary,
        plan: ProbePlan,
        cookies: npt.NDArray[np.uint64],
    ) -> None:
        packets = library.targets * plan.count
        rate = packets / plan.span(library.targets)
        super().__init__(sockets, size=RECEIVE_BYTES, rate=rate)
        self._addresses = library.addresses
        self._count = plan.count
        self._cookies = cookies
        self.received_ns = np.zeros(packets, np.int64)
        self.discarded = dict.fromkeys(
            ("malformed", "wrong_cookie", "wrong_source", "duplicate"), 0
        )

    def _sort_out(self) -> None:
        """The first reply to a packet that is right in all respects counts."""
        messages, packets = self._messages, self._taken
        self._taken = 0
        if not packets:
            return
        replies = parse_replies(
            messages.packets[:packets], messages.lengths[:packets], raw=self._sockets.raw
        )
        right = self._discard(np.ones(packets, np.bool_), replies.whole, "malformed")
        known = right & (replies.slot < len(self.received_ns))
        slots = np.where(known, replies.slot, 0)
        targets = slots // self._count
        right = self._discard(
            right, known & (replies.cookie == self._cookies[targets]), "wrong_cookie"
        )
        right = self._discard(
            right,
            self._addresses[targets] == messages.addresses["address"][:packets],
            "wrong_source",
        )
        times = (messages.timestamps[:packets] - self._offsets_ns[:packets])[right]
        slots, first = np.unique(slots[right], return_index=True)
        new = self.received_ns[slots] == 0
        self.received_ns[slots[new]] = times[first[new]]
        answered = int(np.count_nonzero(new))
        self._answered += answered
        self.discarded["duplicate"] += len(times) - answered
        messages.make_ready()

    def _discard(
        self, right: npt.NDArray[np.bool_], test: npt.NDArray[np.bool_], reason: str
    ) -> npt.NDArray[np.bool_]:
        kept = right & test
        self.discarded[reason] += int(np.count_nonzero(right) - np.count_nonzero(kept))
        return kept
