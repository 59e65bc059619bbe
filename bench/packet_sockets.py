"""Sending past routing and queues, straight to one interface: for bench/variants.py only.

An engine cannot do this for an operator: it would have to route and to resolve neighbours itself.
"""

from __future__ import annotations

import mmap
import socket
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from netsky.addresses import Addresses
from netsky.engines import icmp_sender
from netsky.engines.icmp_packet import IP, EchoRequests

SOL_PACKET, PACKET_TX_RING, PACKET_VERSION, PACKET_QDISC_BYPASS = 263, 13, 10, 20
TPACKET_V2, TP_STATUS_SEND_REQUEST = 1, 1
FRAME_BYTES = 256
FRAME_HEADER = np.dtype([("status", "=u4"), ("length", "=u4"), ("rest", "u1", 24)])  # tpacket2_hdr
ETHERNET_BYTES = 14


def use_packet_socket(interface: str, source: str, gateway: str) -> None:
    """Let the engine send Ethernet frames to `gateway` through a packet socket, in batches."""
    _use(interface, source, gateway, _FrameRequests)


def use_packet_ring(interface: str, source: str, gateway: str) -> None:
    """The same through a ring of frames that is shared with the kernel."""
    _use(interface, source, gateway, _RingRequests)


def _use(interface: str, source: str, gateway: str, requests: Any) -> None:
    requests.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
    requests.socket.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
    own = requests.socket
    own.bind((interface, 0))
    hardware = own.getsockname()[4]
    requests.ethernet = bytes.fromhex(gateway.replace(":", "")) + hardware + b"\x08\x00"
    requests.source = int.from_bytes(socket.inet_aton(source), "big")
    icmp_sender.EchoRequests = requests  # type: ignore[attr-defined]


class _FrameRequests(EchoRequests):
    """Echo requests as whole Ethernet frames, all checksums our own."""

    socket: socket.socket
    ethernet: bytes
    source: int

    def __init__(self, slots: int, **options: Any) -> None:
        super().__init__(slots, **options)
        assert self._ip is not None
        self._ip["length"] = self.packets.shape[1]
        self._ip["source"] = self.source
        words = self.packets[0, : IP.itemsize].view(">u2")
        self._ip_sum = int(words.sum(dtype=np.uint32))
        self._frames = np.zeros((slots, ETHERNET_BYTES + self.packets.shape[1]), np.uint8)
        self._frames[:, :ETHERNET_BYTES] = np.frombuffer(self.ethernet, np.uint8)
        self._iovecs["base"] = self._frames.ctypes.data + (
            np.arange(slots) * self._frames.strides[0]
        )
        self._iovecs["len"] = self._frames.shape[1]
        self._headers["hdr"]["name"] = 0
        self._headers["hdr"]["namelen"] = 0

    def fill(
        self, targets: Addresses, slots: npt.NDArray[np.uint32], cookies: npt.NDArray[np.uint64]
    ) -> None:
        super().fill(targets, slots, cookies)
        assert self._ip is not None
        total = self._ip_sum + (targets >> 16) + (targets & 0xFFFF)
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        self._ip["checksum"][: len(slots)] = ~total & 0xFFFF
        self._frames[: len(slots), ETHERNET_BYTES:] = self.packets[: len(slots)]

    def send(self, _descriptor: int, first: int, count: int) -> int:
        return super().send(self.socket.fileno(), first, count)


class _RingRequests(_FrameRequests):
    """The frames lie in a ring; one empty send call lets the kernel take what is marked."""

    def __init__(self, slots: int, **options: Any) -> None:
        super().__init__(slots, **options)
        own = self.socket
        own.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
        blocks = slots * FRAME_BYTES // mmap.PAGESIZE
        ring = struct.pack("4I", mmap.PAGESIZE, blocks, FRAME_BYTES, slots)
        own.setsockopt(SOL_PACKET, PACKET_TX_RING, ring)
        memory = mmap.mmap(own.fileno(), slots * FRAME_BYTES)
        self._ring = np.frombuffer(memory, np.uint8).reshape(slots, FRAME_BYTES)
        self._ring_headers = self._ring[:, : FRAME_HEADER.itemsize].view(FRAME_HEADER)[:, 0]
        self._ring_headers["length"] = self._frames.shape[1]

    def fill(
        self, targets: Addresses, slots: npt.NDArray[np.uint32], cookies: npt.NDArray[np.uint64]
    ) -> None:
        super().fill(targets, slots, cookies)
        data = FRAME_HEADER.itemsize
        self._ring[: len(slots), data : data + self._frames.shape[1]] = self._frames[: len(slots)]

    def send(self, _descriptor: int, first: int, count: int) -> int:
        self._ring_headers["status"][first : first + count] = TP_STATUS_SEND_REQUEST
        self.socket.send(b"")
        return count
