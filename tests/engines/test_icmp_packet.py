"""The layout of echo requests and replies, held against the module struct and RFC 1071."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netsky.engines.icmp_packet import RECEIVE_BYTES, EchoRequests, parse_replies


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@given(
    ident=st.integers(1, 0xFFFF),
    packets=st.lists(
        st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)), min_size=1, max_size=5
    ),
    size=st.sampled_from([12, 16, 56, 1472]),
)
def test_a_request_is_an_echo_request_with_a_right_checksum(ident, packets, size):
    requests = EchoRequests(5, size=size, ident=ident, raw=False)
    targets = np.arange(0x0A000001, 0x0A000001 + len(packets), dtype=np.uint32)
    slots, cookies = zip(*packets, strict=True)
    requests.fill(targets, np.array(slots, np.uint32), np.array(cookies, np.uint64))
    for index, (slot, cookie) in enumerate(packets):
        packet = bytes(requests.packets[index])
        assert len(packet) == 8 + size
        kind, code, _, got_ident, seq = struct.unpack(">BBHHH", packet[:8])
        assert (kind, code, got_ident, seq) == (8, 0, ident, slot & 0xFFFF)
        assert struct.unpack(">QI", packet[8:20]) == (cookie, slot)
        assert packet[20:] == bytes(size - 12)
        assert checksum(packet) == 0
        assert requests.addresses["address"][index] == targets[index]


def test_the_ip_header_of_a_raw_request_has_what_the_kernel_does_not_fill_in():
    requests = EchoRequests(2, size=56, ident=7, raw=True)
    targets = np.array([0x0A010203, 0x0A010204], np.uint32)
    requests.fill(targets, np.array([0, 1], np.uint32), np.array([5, 6], np.uint64))
    header = struct.unpack(">BBHHHBBHII", bytes(requests.packets[1, :20]))
    assert header == (0x45, 0, 0, 7, 0x4000, 64, 1, 0, 0, 0x0A010204)
    assert checksum(bytes(requests.packets[1, 20:])) == 0


def received(*packets):
    rows = np.zeros((len(packets), RECEIVE_BYTES), np.uint8)
    for row, packet in zip(rows, packets, strict=True):
        row[: len(packet)] = np.frombuffer(packet[:RECEIVE_BYTES], np.uint8)
    return rows, np.array([min(len(packet), RECEIVE_BYTES) for packet in packets], np.uint32)


def echo(kind=0, cookie=5, slot=9):
    return struct.pack(">BBHHHQI", kind, 0, 0, 7, slot & 0xFFFF, cookie, slot) + bytes(44)


@pytest.mark.parametrize("words", [5, 7, 15])
def test_a_reply_is_found_behind_an_ip_header_of_any_length(words):
    packet = bytes([0x40 + words]) + bytes(4 * words - 1) + echo(slot=70_000)
    replies = parse_replies(*received(packet), raw=True)
    assert replies.whole.tolist() == [True]
    assert replies.cookie.tolist() == [5]
    assert replies.slot.tolist() == [70_000]


def test_a_ping_socket_gives_replies_without_ip_header():
    replies = parse_replies(*received(echo(), echo(slot=1)), raw=False)
    assert replies.whole.tolist() == [True, True]
    assert replies.slot.tolist() == [9, 1]


def test_what_is_too_short_or_no_echo_reply_is_not_whole():
    header = bytes([0x45]) + bytes(19)
    packets = [header + echo()[:19], header, b"", header + echo(kind=8), header + echo(kind=3)]
    assert not parse_replies(*received(*packets), raw=True).whole.any()


@given(st.lists(st.binary(max_size=RECEIVE_BYTES), min_size=1, max_size=20), st.booleans())
def test_no_bytes_at_all_break_the_parser(packets, raw):
    replies = parse_replies(*received(*packets), raw=raw)
    assert len(replies.whole) == len(replies.cookie) == len(replies.slot) == len(packets)
