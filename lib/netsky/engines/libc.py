"""sendmmsg, recvmmsg and socket filters: all of ctypes is here; above it there is plain numpy.

The C structures are declared once, for ctypes and, through `np.dtype`, for arrays of them.
Both calls let other Python threads run while they are in the kernel.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
from ctypes import c_int, c_long, c_size_t, c_uint, c_void_p
from typing import Any

import numpy as np
import numpy.typing as npt

# These values of asm-generic/socket.h, linux/in.h and linux/icmp.h have no name in the module socket.
SO_ATTACH_FILTER = 26
SO_RCVBUFFORCE = 33
SO_TIMESTAMPNS = 35
SO_MEMINFO = 55
SOL_RAW = 255
ICMP_FILTER = 1
IP_RECVERR = 11
IP_MTU_DISCOVER, IP_PMTUDISC_DONT = 10, 0


class Iovec(ctypes.Structure):
    _fields_ = (("base", c_size_t), ("len", c_size_t))


class Msghdr(ctypes.Structure):
    _fields_ = (
        ("name", c_size_t),
        ("namelen", c_uint),
        ("iov", c_size_t),
        ("iovlen", c_size_t),
        ("control", c_size_t),
        ("controllen", c_size_t),
        ("flags", c_int),
    )


class Mmsghdr(ctypes.Structure):
    _fields_ = (("hdr", Msghdr), ("len", c_uint))


class Timestamp(ctypes.Structure):
    """A control message SCM_TIMESTAMPNS: cmsghdr, then timespec."""

    _fields_ = (
        ("len", c_size_t),
        ("level", c_int),
        ("type", c_int),
        ("seconds", c_long),
        ("nanoseconds", c_long),
    )


class SockFprog(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", c_void_p))


# Parts of these structs are in network byte order, and ctypes cannot mix byte orders.
SOCKADDR_IN = np.dtype([("family", "=u2"), ("port", ">u2"), ("address", ">u4"), ("zero", "u1", 8)])
SOCK_FILTER = np.dtype([("code", "=u2"), ("jt", "u1"), ("jf", "u1"), ("k", "=u4")])

_libc = ctypes.CDLL(None, use_errno=True)


_sendmmsg = _libc.sendmmsg
_sendmmsg.argtypes = (c_int, c_size_t, c_uint, c_int)
_recvmmsg = _libc.recvmmsg
_recvmmsg.argtypes = (c_int, c_size_t, c_uint, c_int, c_size_t)
_prctl = _libc.prctl
_PR_SET_PDEATHSIG = 1


class Messages:
    """`slots` messages of up to `size` bytes, to be filled or read as numpy arrays.

    `packets` is uint8[slots, size], `addresses` SOCKADDR_IN[slots], `lengths` the bytes of each
    received packet that lie in `packets`, `timestamps` the kernel's time of each in ns since 1970.
    """

    def __init__(self, slots: int, size: int) -> None:
        self.packets = np.zeros((slots, size), np.uint8)
        self.addresses = np.zeros(slots, SOCKADDR_IN)
        self.addresses["family"] = socket.AF_INET
        self._controls = np.zeros(slots, np.dtype(Timestamp))
        self._iovecs = np.zeros(slots, np.dtype(Iovec))
        self._iovecs["base"] = _pointers(self.packets)
        self._iovecs["len"] = size
        self._headers = np.zeros(slots, np.dtype(Mmsghdr))
        header = self._headers["hdr"]
        header["name"] = _pointers(self.addresses)
        header["namelen"] = SOCKADDR_IN.itemsize
        header["iov"] = _pointers(self._iovecs)
        header["iovlen"] = 1
        self._first_header = self._headers.ctypes.data

    def send(self, descriptor: int, first: int, count: int) -> int:
        """Send `count` messages from slot `first` on; how many went out, at least one.

        Raises OSError when the first of them could not be sent, BlockingIOError when not now.
        """
        return _checked(_sendmmsg(descriptor, self._pointer(first), count, socket.MSG_DONTWAIT))

    def receive(self, descriptor: int, first: int) -> int:
        """Receive what is there into the slots from `first` on; how many messages came.

        Before a slot is used again, `make_ready`.
        """
        free = len(self._headers) - first
        try:
            return _checked(
                _recvmmsg(descriptor, self._pointer(first), free, socket.MSG_DONTWAIT, 0)
            )
        except BlockingIOError:
            return 0

    def put(self, slot: int, packet: bytes, address: int, timestamp_ns: int) -> None:
        """Fill a slot as if this packet had been received from that address at that time."""
        self.packets[slot, : len(packet)] = np.frombuffer(packet, np.uint8)
        self._headers["len"][slot] = len(packet)
        self.addresses["address"][slot] = address
        seconds, nanoseconds = divmod(timestamp_ns, 1_000_000_000)
        self._controls["seconds"][slot] = seconds
        self._controls["nanoseconds"][slot] = nanoseconds

    def make_ready(self) -> None:
        """Tell the kernel again how much room each slot has for addresses and control data."""
        header = self._headers["hdr"]
        header["namelen"] = SOCKADDR_IN.itemsize
        header["control"] = _pointers(self._controls)
        header["controllen"] = self._controls.itemsize

    def _pointer(self, slot: int) -> int:
        return self._first_header + slot * self._headers.itemsize

    @property
    def lengths(self) -> npt.NDArray[np.uint32]:
        lengths: npt.NDArray[np.uint32] = self._headers["len"]
        return lengths

    @property
    def timestamps(self) -> npt.NDArray[np.int64]:
        controls = self._controls
        timestamps: npt.NDArray[np.int64]
        timestamps = controls["seconds"] * 1_000_000_000 + controls["nanoseconds"]
        return timestamps


def end_with_parent() -> None:
    """Have this process killed when the thread that started it ends, be it by `kill -9`."""
    _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def attach_filter(sock: socket.socket, instructions: list[tuple[int, int, int, int]]) -> None:
    """Let only packets through that the classic BPF program (code, jt, jf, k) accepts."""
    program = np.array(instructions, SOCK_FILTER)
    header = SockFprog(len(program), program.ctypes.data)
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, bytes(header))


def _pointers(array: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """The address of each row of an array."""
    return array.ctypes.data + np.arange(len(array)) * array.strides[0]


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
