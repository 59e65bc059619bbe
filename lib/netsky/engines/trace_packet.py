"""Echo requests whose TTL runs out on the way, and what routers say of them.

They are those of `icmp_packet`, with a word more:

     +---------------------------------------------------------------+
  16 |                             slot                              |  the trace, and seq
     +-------------------------------+-------------------------------+
  20 |            balance            |       zeros up to SIZE        |
     +-------------------------------+-------------------------------+

Routers choose one of several equal ways by the first words of what IP carries: type, code, checksum. So
`balance` is such that the checksum is the same for all packets of a trace: it is the flow. (The id is the
same for all.) A router sends back no more for sure than the IP header and the first 8 bytes (RFC 792), so
that a packet is known by its destination, its checksum and `seq`: 5 bits of TTL, 11 bits of round.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.engines.icmp_packet import (
    ECHO,
    ECHO_REQUEST,
    IP,
    LONGEST_IP_HEADER,
    TTL,
    UNREACHABLE,
    EchoRequests,
    parse_replies,
)
from netsky.engines.icmp_sender import PREPARED

SIZE = 36  # bytes of ICMP payload: packets of 64 bytes, as mtr sends
ROUND_BITS = 11
MOST_ROUNDS = (1 << ROUND_BITS) - 1
MOST_HOPS = 31
WHOLE_WAY = 0  # stands in `seq` for the TTL of a packet that is to reach its target
RECEIVE_BYTES = 2 * (LONGEST_IP_HEADER + 8) + 4  # with an IP header, and another that is quoted


class TraceRequests(EchoRequests):
    """A row of such requests; `describe` says which ones the next calls of `fill` make."""

    def __init__(self, *, ident: int, raw: bool = True) -> None:
        super().__init__(PREPARED, size=SIZE, ident=ident, raw=raw)
        balance = ECHO.itemsize + (IP.itemsize if raw else 0)
        self._balance = self.packets[:, balance : balance + 2].view(">u2")[:, 0]

    def describe(
        self,
        slots: npt.NDArray[np.uint32],
        ttls: npt.NDArray[np.int64],
        checksums: npt.NDArray[np.int64],
    ) -> None:
        """The slot, TTL (WHOLE_WAY for all the way) and checksum of each packet that is to be sent."""
        self._slots = slots
        self._ttls = np.where(ttls == WHOLE_WAY, TTL, ttls)
        self._checksums = checksums

    def fill(
        self,
        targets: Addresses,
        slots: npt.NDArray[np.uint32],
        cookies: npt.NDArray[np.uint64],
    ) -> None:
        """Make the first `len(slots)` packets; `slots` are numbers of those that were described."""
        count = len(slots)
        super().fill(targets, self._slots[slots], cookies)
        # Adding to a word what the checksum is too large by makes it as wanted (RFC 1624); the sum
        # is modulo 65,535. `checksum` was made for a balance of 0.
        made = self._echo["checksum"][:count].astype(np.int64)
        self._balance[:count] = (made - self._checksums[slots]) % 0xFFFF
        self._echo["checksum"][:count] = self._checksums[slots]
        if self._ip is not None:
            self._ip["ttl"][:count] = self._ttls[slots]


@dataclass(frozen=True, slots=True)
class Answers:
    """Received packets taken apart, in arrays of one entry a packet.

    `reply`: it is a whole echo reply, of `slot` and `cookie`. `quoting`: it is a router's message, of TTL run
    out or else `unreachable`, that quotes the `destination`, `checksum` and `seq` of an echo request.
    """

    reply: npt.NDArray[np.bool_]
    slot: npt.NDArray[np.uint32]
    cookie: npt.NDArray[np.uint64]
    quoting: npt.NDArray[np.bool_]
    unreachable: npt.NDArray[np.bool_]
    destination: npt.NDArray[np.int64]
    checksum: npt.NDArray[np.int64]
    seq: npt.NDArray[np.int64]


def parse_answers(packets: npt.NDArray[np.uint8], lengths: npt.NDArray[np.uint32]) -> Answers:
    """Take apart `packets`, uint8[n, RECEIVE_BYTES], of which `lengths` bytes each are filled."""
    rows = np.arange(len(packets))
    replies = parse_replies(packets, lengths, raw=True)
    start = 4 * (packets[:, 0] & 0x0F).astype(np.intp)
    kind = packets[rows, start]
    quoted = start + 8
    # What is sent in spite of RFC 791 must not lead out of the row.
    inner = quoted + 4 * (packets[rows, quoted] & 0x0F).astype(np.intp)
    ip = packets[rows[:, np.newaxis], quoted[:, np.newaxis] + np.arange(IP.itemsize)].view(IP)[:, 0]
    echo = packets[rows[:, np.newaxis], inner[:, np.newaxis] + np.arange(8)]
    words = echo.view(">u2").astype(np.int64)
    quoting = (
        (kind != 0)
        & (lengths >= inner + 8)
        & (inner >= quoted + IP.itemsize)
        & (ip["protocol"] == 1)
        & (echo[:, 0] == ECHO_REQUEST)
    )
    return Answers(
        reply=replies.whole,
        slot=replies.slot,
        cookie=replies.cookie,
        quoting=quoting,
        unreachable=quoting & (kind == UNREACHABLE),
        destination=ip["destination"].astype(np.int64),
        checksum=words[:, 1],
        seq=words[:, 3],
    )
