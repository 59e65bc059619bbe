"""A far side in Python: answers echo requests on a TUN device, each province in its own way.

    python tun.py respond NAME '{"10.16.": ["honest"], "10.17.": ["delayed", 0.02], …}'
    python tun.py observe NAME FILE

`observe` writes down when the kernel saw each packet on the device: the truth about RTTs, as a
second pair of eyes. Both say "ready" and run until their standard input ends.
"""

from __future__ import annotations

import fcntl
import heapq
import json
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SO_TIMESTAMPNS = 35
ETH_P_ALL = 0x0003  # only those who want all see what goes out, too

Replies = list[tuple[float, bytes]]  # seconds to wait, packet


def honest(request: bytes) -> Replies:
    return [(0.0, _reply(request))]


def delayed(request: bytes, seconds: float) -> Replies:
    return [(seconds, _reply(request))]


def twice(request: bytes) -> Replies:
    return [(0.0, _reply(request))] * 2


def wrong_cookie(request: bytes) -> Replies:
    payload = bytes([request[28] ^ 0xFF]) + request[29:]
    return [(0.0, _reply(request[:28] + payload))]


def wrong_source(request: bytes) -> Replies:
    neighbour = request[:19] + bytes([request[19] ^ 1]) + request[20:]
    return [(0.0, _reply(neighbour))]


def cut_short(request: bytes) -> Replies:
    return [(0.0, _reply(request[:36]))]


def silent(request: bytes) -> Replies:
    return []


def _reply(request: bytes) -> bytes:
    """The echo reply to a request without IP options, all checksums made anew."""
    icmp = b"\0\0\0\0" + request[24:]
    icmp = icmp[:2] + _checksum(icmp) + icmp[4:]
    source, destination = request[16:20], request[12:16]
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(icmp), 1, 0x4000, 64, 1, 0)
    header += source + destination
    return header[:10] + _checksum(header) + header[12:] + icmp


def _checksum(data: bytes) -> bytes:
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack(">H", ~total & 0xFFFF)


def respond(name: str, behaviours: str) -> None:
    behave: dict[str, tuple[Callable[..., Replies], list[float]]] = {
        prefix: (globals()[how], arguments)
        for prefix, (how, *arguments) in json.loads(behaviours).items()
    }
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    _ready()
    due: list[tuple[float, int, bytes]] = []
    serial = 0
    while True:
        wait = max(0.0, due[0][0] - time.monotonic()) if due else None
        readable, _, _ = select.select([tun, sys.stdin], [], [], wait)
        if sys.stdin in readable:
            return
        if tun in readable:
            request = os.read(tun, 2048)
            address = socket.inet_ntoa(request[16:20])
            prefix = next((prefix for prefix in behave if address.startswith(prefix)), None)
            if prefix is not None and request[9] == socket.IPPROTO_ICMP and request[20] == 8:
                how, arguments = behave[prefix]
                for seconds, reply in how(request, *arguments):
                    serial += 1
                    heapq.heappush(due, (time.monotonic() + seconds, serial, reply))
        while due and due[0][0] <= time.monotonic():
            os.write(tun, heapq.heappop(due)[2])


def observe(name: str, file: str) -> None:
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    sniffer.bind((name, ETH_P_ALL))
    sniffer.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sniffer.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
    _ready()
    asked: dict[bytes, int] = {}  # by address and ICMP id and seq
    rtts: dict[str, list[float]] = {}
    while True:
        readable, _, _ = select.select([sniffer, sys.stdin], [], [])
        if sniffer not in readable:  # the end of standard input, and nothing left to see
            break
        packet, control, _, _ = sniffer.recvmsg(2048, 64)
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
