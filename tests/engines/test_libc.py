"""The C structures are those of this machine's C library."""

import ctypes
import socket

import numpy as np
import pytest

from netsky.engines import libc


def test_sizes_are_those_of_64_bit_linux():
    """As `gcc -D_GNU_SOURCE` gives them from sys/socket.h, netinet/in.h and linux/filter.h."""
    assert ctypes.sizeof(libc.Iovec) == 16
    assert ctypes.sizeof(libc.Msghdr) == 56
    assert ctypes.sizeof(libc.Mmsghdr) == 64
    assert ctypes.sizeof(libc.Timestamp) == 32  # cmsghdr 16, timespec 16
    assert ctypes.sizeof(libc.SockFprog) == 16
    assert libc.SOCKADDR_IN.itemsize == 16
    assert libc.SOCK_FILTER.itemsize == 8
    assert libc.Msghdr.iov.offset == 16
    assert libc.Msghdr.control.offset == 32
    assert libc.Mmsghdr.len.offset == 56


def test_messages_go_from_slot_to_slot_with_address_length_and_time():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        receiver.bind(("127.0.0.1", 0))
        receiver.setsockopt(socket.SOL_SOCKET, libc.SO_TIMESTAMPNS, 1)
        sent, received = libc.Messages(4, 8), libc.Messages(4, 16)
        sent.packets[:] = np.arange(32).reshape(4, 8)
        sent.addresses["address"] = 0x7F000001
        sent.addresses["port"] = receiver.getsockname()[1]
        received.make_ready()
        assert sent.send(sender.fileno(), 1, 2) == 2
        assert received.receive(receiver.fileno(), 0) == 2
        assert received.receive(receiver.fileno(), 2) == 0
    assert received.packets[:2, :8].tolist() == sent.packets[1:3].tolist()
    assert received.lengths[:2].tolist() == [8, 8]
    assert received.addresses["address"][:2].tolist() == [0x7F000001] * 2
    assert (received.timestamps[:2] > 1_700_000_000 * 10**9).all()


def test_a_message_that_cannot_be_sent_is_an_oserror():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        messages = libc.Messages(1, 8)
        messages.addresses["address"] = 0x7FFFFFFF  # broadcast on loopback, which nobody allowed
        messages.addresses["port"] = 9
        with pytest.raises(PermissionError):
            messages.send(sender.fileno(), 0, 1)
