"""The receiving half of the trace engine: what routers and targets answer, by packet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netsky.engines.icmp_receiver import PacketReceiver
from netsky.engines.icmp_socket import IcmpSockets
from netsky.engines.trace_packet import RECEIVE_BYTES, ROUND_BITS, WHOLE_WAY, parse_answers

REST_SECONDS = 0.02  # nothing waits for a trace's answers, and the kernel says when they came
_TTLS = 1 << (16 - ROUND_BITS)


@dataclass(frozen=True, slots=True)
class Flows:
    """The traces that are made: the address, checksum and cookie of each, by its number.

    No two have the same address and checksum.
    """

    addresses: npt.NDArray[np.uint32]
    checksums: npt.NDArray[np.int64]
    cookies: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.addresses)


class TraceReceiver(PacketReceiver):
    """Takes answers in its own thread while the block runs; a packet is [trace, TTL, round].

    `received_ns` is when it was first answered, in ns of the monotonic clock, or 0; `answered_by` is who
    did, and `reached` whether it was the target. Only a router where the TTL ran out counts, and the
    target's own echo reply. `unreachable` are the (trace, address) that said that a target cannot be reached,
    this host itself, say.
    """

    def __init__(self, sockets: IcmpSockets, flows: Flows, *, rounds: int, rate: float) -> None:
        super().__init__(sockets, size=RECEIVE_BYTES, rate=rate, rest_seconds=REST_SECONDS)
        self._flows = flows
        self._keys = _key(flows.addresses, flows.checksums)
        self._by_key = np.argsort(self._keys)
        shape = (len(flows), _TTLS, rounds + 1)
        self.received_ns = np.zeros(shape, np.int64)
        self.answered_by = np.zeros(shape, np.uint32)
        self.reached = np.zeros(shape, np.bool_)
        self.unreachable: set[tuple[int, int]] = set()
        self._sent.set()  # what comes in is sorted out at once

    def _sort_out(self) -> None:
        messages, packets = self._messages, self._taken
        self._taken = 0
        if not packets:
            return
        answers = parse_answers(messages.packets[:packets], messages.lengths[:packets])
        source = messages.addresses["address"][:packets].astype(np.int64)
        times = messages.timestamps[:packets] - self._offsets_ns[:packets]

        trace = (answers.slot >> 16).astype(np.int64)
        known = answers.reply & (trace < len(self._flows))
        trace = np.where(known, trace, 0)
        right = known & (answers.cookie == self._flows.cookies[trace])
        right &= source == self._flows.addresses[trace]
        self._note(right, trace, answers.slot & 0xFFFF, source, times, reached=True)

        key = _key(answers.destination, answers.checksum)
        place = np.searchsorted(self._keys, key, sorter=self._by_key)
        trace = self._by_key[np.minimum(place, len(self._flows) - 1)]
        ours = answers.quoting & (self._keys[trace] == key)
        right = ours & ~answers.unreachable & (answers.seq >> ROUND_BITS != WHOLE_WAY)
        self._note(right, trace, answers.seq, source, times, reached=False)
        told = ours & answers.unreachable
        self.unreachable |= set(zip(trace[told].tolist(), source[told].tolist(), strict=True))
        messages.make_ready()

    def _note(
        self,
        right: npt.NDArray[np.bool_],
        trace: npt.NDArray[np.int64],
        seq: npt.NDArray[np.int64] | npt.NDArray[np.uint32],
        source: npt.NDArray[np.int64],
        times: npt.NDArray[np.int64],
        *,
        reached: bool,
    ) -> None:
        """Keep the first answer to each packet."""
        ttl, number = seq >> ROUND_BITS, seq & ((1 << ROUND_BITS) - 1)
        right &= number < self.received_ns.shape[2]
        for i in np.flatnonzero(right).tolist():  # of a trace there are hundreds a second
            place = (trace[i], ttl[i], number[i])
            if self.received_ns[place] == 0:
                self.received_ns[place] = times[i]
                self.answered_by[place] = source[i]
                self.reached[place] = reached
                self._answered += 1


def _key(
    addresses: npt.NDArray[np.uint32] | npt.NDArray[np.int64], checksums: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    return addresses.astype(np.int64) << 16 | checksums
