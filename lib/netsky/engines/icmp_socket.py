"""ICMP sockets: raw where the process may, else the unprivileged ping socket of Linux.

On a raw socket requests leave through a second socket of protocol IPPROTO_RAW: that one takes
whole IP packets, reports a full queue (ENOBUFS needs IP_RECVERR), and gets neither copies of
replies nor the routers' ICMP errors, which IP_RECVERR would otherwise bring into every send.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from netsky.engines import libc
from netsky.engines.icmp_packet import ECHO_REPLY, TIME_EXCEEDED, UNREACHABLE
from netsky.errors import EngineError, EngineUnavailableError
from netsky.places import Egress

HOW_TO_ALLOW = (
    "this process may open no ICMP socket: allow ping sockets with `sysctl -w "
    "net.ipv4.ping_group_range='0 2147483647'`, or give raw sockets to an interpreter of "
    "netsky's own with `setcap cap_net_raw,cap_net_admin+ep FILE` (see docs/setup.md), or run as root"
)

LEAST_BYTES_PER_PACKET = 512  # what the kernel charges for a packet in a buffer is never less
SEND_BUFFER = 1 << 20  # bytes; the kernel may give less (net.core.wmem_max)

_MEMINFO = struct.Struct("9I")  # linux/sock_diag.h
_MEMINFO_DROPS = 8


@dataclass(frozen=True, slots=True)
class IcmpSockets:
    """What requests go out through and replies come in by; one and the same for a ping socket."""

    sender: socket.socket
    receiver: socket.socket
    raw: bool
    dropped_before: int = 0

    @property
    def receive_buffer(self) -> int:
        """Bytes of kernel memory that received packets may take, their overhead included."""
        return self.receiver.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)

    @property
    def capacity(self) -> int:
        """More packets than this never wait in the receive buffer."""
        return self.receive_buffer // LEAST_BYTES_PER_PACKET + 1

    @property
    def dropped(self) -> int:
        """Packets that the kernel dropped at the receiver because its buffer was full."""
        return _drops(self.receiver) - self.dropped_before


def _drops(sock: socket.socket) -> int:
    meminfo = sock.getsockopt(socket.SOL_SOCKET, libc.SO_MEMINFO, _MEMINFO.size)
    return int(_MEMINFO.unpack(meminfo)[_MEMINFO_DROPS])


@contextmanager
def open_sockets(
    egress: Egress, *, ident: int, receive_buffer: int, routers: bool = False
) -> Iterator[IcmpSockets]:
    """Sockets that send through `egress` and receive the echo replies with that id.

    With `routers` they receive what routers say of requests with that id, too, a ping socket in its queue
    of errors. (The id is the kernel's choice there.) Raises EngineError with what to mend.
    """
    types = (ECHO_REPLY, UNREACHABLE, TIME_EXCEEDED) if routers else (ECHO_REPLY,)
    with ExitStack() as stack:
        try:
            sockets = _open(stack, ident, types)
        except PermissionError as error:
            raise EngineUnavailableError(HOW_TO_ALLOW) from error
        except OSError as error:
            raise EngineError(f"cannot open an ICMP socket: {error.strerror}") from error
        for sock in {sockets.sender, sockets.receiver}:
            _use_egress(sock, egress)
        _set_receive_buffer(sockets.receiver, receive_buffer)
        sockets.receiver.setsockopt(socket.SOL_SOCKET, libc.SO_TIMESTAMPNS, 1)
        yield sockets


def _open(stack: ExitStack, ident: int, types: Sequence[int]) -> IcmpSockets:
    try:
        receiver = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    except PermissionError:
        ping = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        stack.enter_context(ping)
        # Packets that are too large for the path are fragmented there, and not lost.
        ping.setsockopt(socket.IPPROTO_IP, libc.IP_MTU_DISCOVER, libc.IP_PMTUDISC_DONT)
        if TIME_EXCEEDED in types:
            ping.setsockopt(socket.IPPROTO_IP, libc.IP_RECVERR, 1)
        return IcmpSockets(ping, ping, raw=False)
    stack.enter_context(receiver)
    # The mask names the types to keep out: on loopback our own requests would come back, too.
    kept_out = 0xFFFFFFFF & ~sum(1 << kind for kind in types)
    receiver.setsockopt(libc.SOL_RAW, libc.ICMP_FILTER, struct.pack("I", kept_out))
    libc.attach_filter(receiver, _only_id(ident))
    _drain(receiver, IcmpSockets(receiver, receiver, raw=True).capacity)
    sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    stack.enter_context(sender)
    sender.setsockopt(socket.IPPROTO_IP, libc.IP_RECVERR, 1)
    # More than the packets that the kernel keeps while it asks for a gateway's address: a dead line
    # would fill the buffer, and look like a host that cannot send.
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    return IcmpSockets(sender, receiver, raw=True, dropped_before=_drops(receiver))


def _drain(receiver: socket.socket, capacity: int) -> None:
    """Throw away what came in before the filters were set: other probes' packets.

    There are `capacity` of them at most; whatever comes in meanwhile has passed the filters.
    """
    with suppress(BlockingIOError):
        for _ in range(capacity):
            receiver.recv(1, socket.MSG_DONTWAIT)


def _only_id(ident: int) -> list[tuple[int, int, int, int]]:
    """Accept packets with this ICMP id: other probes on this host get replies by the million.

    What a router says quotes the request, whose IP header has no options when it is ours.
    """
    return [
        (0xB1, 0, 0, 0),  # ldxb 4*([0]&0xf): X is the length of the IP header
        (0x50, 0, 0, 0),  # ldb [x]: the type
        (0x15, 0, 2, ECHO_REPLY),  # jeq: else two further
        (0x48, 0, 0, 4),  # ldh [x+4]: the id
        (0x05, 0, 0, 1),  # ja: one further
        (0x48, 0, 0, 32),  # ldh [x+32]: the quoted id
        (0x15, 0, 1, ident),  # jeq
        (0x06, 0, 0, 0xFFFFFFFF),  # ret: all of the packet
        (0x06, 0, 0, 0),  # ret: none of it
    ]


def _use_egress(sock: socket.socket, egress: Egress) -> None:
    where = f"egress {egress.name!r}:"
    if egress.fwmark is not None:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, egress.fwmark)
        except PermissionError as error:
            raise EngineError(f"{where} fwmark needs root or CAP_NET_ADMIN") from error
    if egress.interface is not None:
        name = egress.interface.encode()
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
        except OSError as error:
            raise EngineError(
                f"{where} cannot use interface {egress.interface!r}: {error.strerror}"
            ) from error
    if egress.source is not None:
        try:
            sock.bind((egress.source, 0))
        except OSError as error:
            hint = ": it is no address of this host" if error.errno == errno.EADDRNOTAVAIL else ""
            raise EngineError(
                f"{where} cannot send from {egress.source}: {error.strerror}{hint}"
            ) from error


def _set_receive_buffer(sock: socket.socket, size: int) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, libc.SO_RCVBUFFORCE, size)
    except PermissionError:  # without CAP_NET_ADMIN the limit is net.core.rmem_max
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
