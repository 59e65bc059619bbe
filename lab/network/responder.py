"""A far side in Python on a TUN device: answers echo requests late, twice, wrongly or not at all.

    python responder.py respond DEVICE '{"10.16.": ["delayed", 0.02], "10.17.": ["silent"], …}'
    python responder.py observe DEVICE FILE

`respond` makes the device and treats each request as its address's prefix says ("" stands for all).
`observe` writes down when the kernel saw request and reply on the device: the truth about RTTs, as
a second pair of eyes. Both say "ready", and end when their standard input does: a pipe's when
whoever holds it ends, a pidfd's when that process ends. Needs nothing but the standard library.
"""

from __future__ import annotations

import fcntl
import heapq
import json
import os
import random
import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
ETH_P_ALL = 0x0003  # a socket sees what goes out only when it asks for all
STANDARD_INPUT = 0
LONGEST = 2048

Replies = list[tuple[float, bytes]]  # seconds to wait, packet


def honest(request: bytes) -> Replies:
    return [(0.0, _reply(request))]


def delayed(request: bytes, seconds: float, jitter: float = 0.0) -> Replies:
    wait = seconds + random.uniform(-jitter, jitter)  # noqa: S311  nothing secret about it
    return [(max(0.0, wait), _reply(request))]


def twice(request: bytes) -> Replies:
    return [(0.0, _reply(request))] * 2


def wrong_cookie(request: bytes) -> Replies:
    payload = bytes([request[28] ^ 0xFF]) + request[29:]
    return [(0.0, _reply(request[:28] + payload))]


def wrong_source(request: bytes) -> Replies:
    neighbour = request[:19] + bytes([request[19] ^ 1]) + request[20:]
    return [(0.0, _reply(neighbour))]


def for_others(request: bytes) -> Replies:
    """Of two neighbours the even one answers, for itself and for the odd one, which is silent.

    It makes the best of what it knows: its own cookie, the neighbour's address and slot.
    """
    if request[19] % 2:
        return []
    slot = struct.pack(">I", int.from_bytes(request[36:40], "big") + 1)
    neighbour = request[:19] + bytes([request[19] + 1]) + request[20:26] + slot[2:]
    return [(0.0, _reply(request)), (0.0, _reply(neighbour + request[28:36] + slot + request[40:]))]


def cut_short(request: bytes) -> Replies:
    return [(0.0, _reply(request[:36]))]


def silent(_request: bytes) -> Replies:
    return []


BEHAVIOURS: dict[str, Callable[..., Replies]] = {
    behave.__name__: behave
    for behave in (
        honest,
        delayed,
        twice,
        wrong_cookie,
        wrong_source,
        for_others,
        cut_short,
        silent,
    )
}


def _reply(request: bytes) -> bytes:
    """The echo reply to a request without IP options, all checksums made anew."""
    icmp = b"\0\0\0\0" + request[24:]
    icmp = icmp[:2] + _checksum(icmp) + icmp[4:]
    source, destination = request[16:20], request[12:16]
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(icmp), 1, 0x4000, 64, 1, 0)
    header += source + destination
    return header[:10] + _checksum(header) + header[12:] + icmp


def _checksum(data: bytes) -> bytes:
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)


class Responder:
    """Answers what comes in on the TUN device `device`, each reply when it is due."""

    def __init__(self, device: str, behaviours: dict[str, list[object]]) -> None:
        self._behaviours = [
            (prefix, BEHAVIOURS[str(how)], arguments)
            for prefix, (how, *arguments) in behaviours.items()
        ]
        self._due: list[tuple[float, int, bytes]] = []
        self._serial = 0  # keeps replies that are due together in order
        self._tun = _open_tun(device)

    def run(self) -> None:
        """Until standard input ends, or the device is removed."""
        while True:
            wait = max(0.0, self._due[0][0] - time.monotonic()) if self._due else None
            readable, _, _ = select.select([self._tun, STANDARD_INPUT], [], [], wait)
            if STANDARD_INPUT in readable:
                return
            try:
                self._receive()
                self._send()
            except OSError:
                return

    def _receive(self) -> None:
        """Take the requests that have come, at most so many that replies are not late."""
        for _ in range(64):
            try:
                request = os.read(self._tun, LONGEST)
            except BlockingIOError:
                return
            now = time.monotonic()
            if request[9] == socket.IPPROTO_ICMP and request[20] == 8:
                for seconds, reply in self._replies(request):
                    self._serial += 1
                    heapq.heappush(self._due, (now + seconds, self._serial, reply))

    def _replies(self, request: bytes) -> Replies:
        address = socket.inet_ntoa(request[16:20])
        for prefix, behave, arguments in self._behaviours:
            if address.startswith(prefix):
                return behave(request, *arguments)
        return []

    def _send(self) -> None:
        while self._due and self._due[0][0] <= time.monotonic():
            os.write(self._tun, heapq.heappop(self._due)[2])


def _open_tun(device: str) -> int:
    request = struct.pack("16sH", device.encode(), IFF_TUN | IFF_NO_PI)
    try:
        tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(tun, TUNSETIFF, request)
    except OSError as error:
        sys.exit(f"/dev/net/tun: {error.strerror}; be root, or be allowed to use it")
    return tun


def respond(device: str, behaviours: str) -> None:
    responder = Responder(device, json.loads(behaviours))
    _ready()
    responder.run()


def observe(device: str, file: str) -> None:
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    sniffer.bind((device, ETH_P_ALL))
    sniffer.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sniffer.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
    _ready()
    asked: dict[bytes, int] = {}  # the key is address, ICMP id and seq
    rtts: dict[str, list[float]] = {}
    while True:
        readable, _, _ = select.select([sniffer.fileno(), STANDARD_INPUT], [], [])
        # Standard input has ended, and there is nothing left to read.
        if sniffer.fileno() not in readable:
            break
        packet, control, _, _ = sniffer.recvmsg(LONGEST, 64)
        seconds, nanoseconds = struct.unpack("qq", control[0][2])
        now = seconds * 1_000_000_000 + nanoseconds
        if packet[20] == 8:
            asked[packet[16:20] + packet[24:28]] = now
        elif (sent := asked.pop(packet[12:16] + packet[24:28], None)) is not None:
            rtts.setdefault(socket.inet_ntoa(packet[12:16]), []).append((now - sent) / 1e9)
    Path(file).write_text(json.dumps(rtts), encoding="ascii")


def _ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


if __name__ == "__main__":
    {"respond": respond, "observe": observe}[sys.argv[1]](*sys.argv[2:])
