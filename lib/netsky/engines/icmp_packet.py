"""Echo requests and replies, many at a time, as numpy arrays.

      0                   1                   2                   3
      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
   0 |     type      |     code      |           checksum            |  RFC 792
     +---------------+---------------+-------------------------------+
   4 |              id               |             seq               |
     +-------------------------------+-------------------------------+
   8 |                            cookie                             |  payload from here on,
     |                                                               |  which the far side
     +---------------------------------------------------------------+  sends back unchanged
  16 |                             slot                              |
     +---------------------------------------------------------------+
  20 |                      zeros up to --size                       |

`id` is random for each sweep, and `cookie` for each target of it, so that no target knows what a
reply of another must look like. `slot` says which packet it is: target * count + round. `seq` is the
slot's lower half, for people with tcpdump.

On a raw socket 20 bytes of IP header (RFC 791) go before it, of which the kernel fills in length,
checksum and source address. It chooses an IP id, too, where that is 0: a cost for each packet that is
saved for small ones, which are not to be fragmented, so that the id means nothing (RFC 6864).
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.engines.libc import Messages

ECHO_REQUEST, ECHO_REPLY, UNREACHABLE, TIME_EXCEEDED = 8, 0, 3, 11

ECHO = np.dtype(
    [
        ("type", "u1"),
        ("code", "u1"),
        ("checksum", ">u2"),
        ("id", ">u2"),
        ("seq", ">u2"),
        ("cookie", ">u8"),
        ("slot", ">u4"),
    ]
)
IP = np.dtype(
    [
        ("version_and_words", "u1"),
        ("tos", "u1"),
        ("length", ">u2"),
        ("id", ">u2"),
        ("fragment", ">u2"),
        ("ttl", "u1"),
        ("protocol", "u1"),
        ("checksum", ">u2"),
        ("source", ">u4"),
        ("destination", ">u4"),
    ]
)
DONT_FRAGMENT = 0x4000
ALWAYS_FITS = 576  # bytes of an IP packet that no path may be too narrow for, in practice
TTL = 64
LONGEST_IP_HEADER = 60

PAYLOAD_BYTES = ECHO.itemsize - 8
RECEIVE_BYTES = LONGEST_IP_HEADER + ECHO.itemsize


class EchoRequests(Messages):
    """A row of echo requests that differ in destination, cookie and slot only.

    `size` is the bytes of ICMP payload, at least PAYLOAD_BYTES. With `raw` an IP header goes first.
    """

    def __init__(self, slots: int, *, size: int, ident: int, raw: bool) -> None:
        header = IP.itemsize if raw else 0
        super().__init__(slots, header + 8 + size)
        self._echo = self.packets[:, header : header + ECHO.itemsize].view(ECHO)[:, 0]
        self._ip = self.packets[:, :header].view(IP)[:, 0] if raw else None
        if self._ip is not None:
            self._ip["version_and_words"] = 0x45
            # A larger packet may be fragmented on its way: kept whole it would be lost wherever the
            # path is narrower than this host's own line. The kernel then chooses its id.
            if self.packets.shape[1] <= ALWAYS_FITS:
                self._ip["id"] = ident or 1
                self._ip["fragment"] = DONT_FRAGMENT
            self._ip["ttl"] = TTL
            self._ip["protocol"] = socket.IPPROTO_ICMP
        self._echo["type"] = ECHO_REQUEST
        self._echo["id"] = ident
        # RFC 1071; the words that are the same in all packets are added up once.
        words = self.packets[0, header : header + ECHO.itemsize].view(">u2")
        self._constant_sum = int(words.sum(dtype=np.uint32))

    def fill(
        self,
        targets: Addresses,
        slots: npt.NDArray[np.uint32],
        cookies: npt.NDArray[np.uint64],
    ) -> None:
        """Make the first `len(slots)` packets those of `slots` to `targets`, with their `cookies`."""
        count = len(slots)
        low, high = slots & 0xFFFF, slots >> 16
        # The checksum adds words of 16 bits, so that a larger number may be added as its halves. The
        # lower half of the slot is in the packet twice, because it is `seq`, too.
        total = (cookies >> 32) + (cookies & 0xFFFFFFFF) + self._constant_sum + high + 2 * low
        for _ in range(3):
            total = (total & 0xFFFF) + (total >> 16)
        self._echo["cookie"][:count] = cookies
        self._echo["slot"][:count] = slots
        self._echo["seq"][:count] = low
        self._echo["checksum"][:count] = ~total & 0xFFFF
        self.addresses["address"][:count] = targets
        if self._ip is not None:
            self._ip["destination"][:count] = targets


@dataclass(frozen=True, slots=True)
class EchoReplies:
    """Received packets taken apart: `whole` is False where a packet is no whole echo reply."""

    whole: npt.NDArray[np.bool_]
    cookie: npt.NDArray[np.uint64]
    slot: npt.NDArray[np.uint32]


def parse_replies(
    packets: npt.NDArray[np.uint8], lengths: npt.NDArray[np.uint32], *, raw: bool
) -> EchoReplies:
    """Take apart `packets`, uint8[n, RECEIVE_BYTES], of which `lengths` bytes each are filled."""
    rows = np.arange(len(packets))[:, np.newaxis]
    start = 4 * (packets[:, :1] & 0x0F).astype(np.intp) if raw else np.zeros((1, 1), np.intp)
    echo = packets[rows, start + np.arange(ECHO.itemsize)].view(ECHO)[:, 0]
    whole = (lengths >= start[:, 0] + ECHO.itemsize) & (echo["type"] == ECHO_REPLY)
    return EchoReplies(
        whole,
        echo["cookie"].astype(np.uint64),
        echo["slot"].astype(np.uint32),
    )
