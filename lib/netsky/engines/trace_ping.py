"""Traces without privileges: a ping socket, and the queue of errors in which Linux tells what routers say.

The kernel puts in the id of the socket and makes the checksum, which comes out as wanted, since the id is known.
Everything that arrives is brought into the form in which a raw socket gives it.
"""

from __future__ import annotations

import errno
import socket
import struct
import time
from ipaddress import IPv4Address

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.engines import libc
from netsky.engines.icmp_packet import IP
from netsky.engines.trace_packet import RECEIVE_BYTES, TraceRequests
from netsky.engines.trace_receiver import TraceReceiver

_EXTENDED_ERROR = struct.Struct(
    "=IBBBBII"
)  # sock_extended_err of linux/errqueue.h: errno, origin, …
_OFFENDER = struct.Struct("=H2x4s")  # sockaddr_in
_TIMESTAMP = struct.Struct("=qq")
_FROM_ICMP = 2
_HEADER = struct.Struct(">BBHHHBBH4s4s")  # an IP header, RFC 791
_ATTEMPTS = 5


class PingRequests(TraceRequests):
    """Such requests for a ping socket, which takes the TTL of each beside it."""

    def __init__(self, sender: socket.socket) -> None:
        super().__init__(ident=id_of(sender), raw=False)
        self._sender = sender
        self._ready = np.zeros(len(self.packets), np.int64)

    def fill(
        self,
        targets: Addresses,
        slots: npt.NDArray[np.uint32],
        cookies: npt.NDArray[np.uint64],
    ) -> None:
        super().fill(targets, slots, cookies)
        self._ready[: len(slots)] = self._ttls[slots]

    def send(self, descriptor: int, first: int, count: int) -> int:  # noqa: ARG002
        """Send `count` packets from `first` on; how many went out. OSError when the first did not."""
        for index in range(first, first + count):
            try:
                self._send_one(index)
            except OSError:
                if index == first:
                    raise
                return index - first
        return count

    def _send_one(self, index: int) -> None:
        """The error of an earlier packet's router is told to the next one that is sent: try again."""
        address = str(IPv4Address(int(self.addresses["address"][index])))
        ttl = struct.pack("=i", int(self._ready[index]))
        control = [(socket.IPPROTO_IP, socket.IP_TTL, ttl)]
        for attempt in range(_ATTEMPTS):
            self._sender.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # which clears it
            try:
                packet = self.packets[index].tobytes()
                self._sender.sendmsg([packet], control, socket.MSG_DONTWAIT, (address, 0))
            except OSError as error:
                if error.errno != errno.EHOSTUNREACH or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return


class PingReceiver(TraceReceiver):
    """Takes answers from a ping socket; see `TraceReceiver`."""

    def _receive(self, first: int) -> int:
        """Replies lack their IP header; errors are there apart from them, as the kernel took them apart."""
        try:
            replies = super()._receive(first)
        except OSError:  # the error of a packet of ours, which is in the queue, too
            replies = 0
        rows = slice(first, first + replies)
        packets = self._messages.packets
        packets[rows, IP.itemsize :] = packets[rows, : -IP.itemsize].copy()
        packets[rows, 0] = 0x45
        self._messages.lengths[rows] += np.uint32(IP.itemsize)
        row = first + replies
        while row < len(packets) and self._receive_error(row):
            row += 1
        return row - first

    def _receive_error(self, row: int) -> bool:
        """Put the next error, if there is one, into a row."""
        try:
            quoted, control, _, target = self._sockets.receiver.recvmsg(
                RECEIVE_BYTES, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT
            )
        except BlockingIOError:
            return False
        origin = kind = code = 0
        offender, stamp = bytes(4), time.time_ns()
        for level, what, data in control:
            if (level, what) == (socket.IPPROTO_IP, libc.IP_RECVERR):
                _, origin, kind, code, _, _, _ = _EXTENDED_ERROR.unpack_from(data)
                _, offender = _OFFENDER.unpack_from(data, _EXTENDED_ERROR.size)
            elif (level, what) == (socket.SOL_SOCKET, libc.SO_TIMESTAMPNS):
                seconds, nanoseconds = _TIMESTAMP.unpack_from(data)
                stamp = seconds * 1_000_000_000 + nanoseconds
        destination = socket.inet_aton(str(target[0]))
        packet = b""
        if origin == _FROM_ICMP:
            header = _HEADER.pack(0x45, 0, 0, 0, 0, 0, 1, 0, bytes(4), destination)
            packet = header + bytes([kind, code]) + bytes(6) + header + quoted[:8]
        self._messages.put(row, packet, int.from_bytes(offender, "big"), stamp)
        return True


def id_of(sock: socket.socket) -> int:
    """The id that the kernel gives the packets of a ping socket, which it chooses when that is bound."""
    if sock.getsockname()[1] == 0:
        sock.bind(("", 0))
    return int(sock.getsockname()[1])
