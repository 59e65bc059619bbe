import struct

import numpy as np
import pytest

from netsky.engines.icmp_packet import IP, TTL
from netsky.engines.trace_packet import (
    RECEIVE_BYTES,
    ROUND_BITS,
    SIZE,
    WHOLE_WAY,
    TraceRequests,
    parse_answers,
)

IDENT, TARGET, ROUTER = 0x1234, 0xC6336401, 0xC0000201


def made(ttls, checksum, *, number=7, traces=(3,)):
    """The bytes of requests of these TTLs, for each of the traces."""
    ttls, traces = (np.array(each).ravel() for each in np.meshgrid(ttls, traces))
    requests = TraceRequests(ident=IDENT)
    slots = (traces << 16 | ttls << ROUND_BITS | number).astype(np.uint32)
    requests.describe(slots, ttls, np.full(len(slots), checksum))
    numbers = np.arange(len(slots), dtype=np.uint32)
    cookies = np.random.default_rng(1).integers(0, 2**64, len(slots), dtype=np.uint64)
    requests.fill(np.full(len(slots), TARGET, np.uint32), numbers, cookies)
    return [bytes(packet) for packet in requests.packets[: len(slots)]]


def ones_complement_sum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@pytest.mark.parametrize("checksum", [1, 2, 0x7FFF, 0x8000, 0xFFFE])
def test_all_packets_of_a_flow_have_its_checksum_and_it_is_right(checksum):
    packets = made(range(32), checksum, traces=range(0, 1000, 37))
    for packet in packets:
        icmp = packet[IP.itemsize :]
        assert len(icmp) == 8 + SIZE
        assert struct.unpack_from(">H", icmp, 2) == (checksum,)
        assert ones_complement_sum(icmp) == 0xFFFF
    assert len({packet[20:26] for packet in packets}) == 1  # type, code, checksum, id


def test_the_ip_header_has_the_ttl_or_one_for_the_whole_way():
    whole_way, third = made([WHOLE_WAY, 3], 99)
    assert (whole_way[8], third[8]) == (TTL, 3)


def answer(kind, quoted, *, code=0, options=b""):
    words = 5 + len(options) // 4
    header = struct.pack(">BBHHHBBHII", 0x40 | words, 0, 0, 0, 0, 64, 1, 0, ROUTER, 0)
    return header + options + struct.pack(">BBHI", kind, code, 0, 0) + quoted


def parse(*packets):
    rows = np.zeros((len(packets), RECEIVE_BYTES), np.uint8)
    for row, packet in zip(rows, packets, strict=True):
        row[: len(packet)] = np.frombuffer(packet, np.uint8)
    return parse_answers(rows, np.array([len(packet) for packet in packets], np.uint32))


def test_a_router_that_quotes_no_more_than_it_must_is_understood():
    (request,) = made([4], 0xBEEF, number=9)
    short = request[:28]
    answers = parse(answer(11, short), answer(11, short, options=bytes(40)), answer(3, short))
    assert answers.quoting.all()
    assert answers.unreachable.tolist() == [False, False, True]
    assert set(answers.destination.tolist()) == {TARGET}
    assert set(answers.checksum.tolist()) == {0xBEEF}
    assert set(answers.seq.tolist()) == {4 << ROUND_BITS | 9}
    assert not answers.reply.any()


def test_what_is_cut_off_or_quotes_something_else_is_not_heeded():
    (request,) = made([4], 0xBEEF)
    udp = request[:9] + b"\x11" + request[10:]
    reply = request[:20] + b"\0" + request[21:]
    no_header = b"\x41" + request[1:]
    cut = [answer(11, request)[:length] for length in (20, 28, 40, 55)]
    answers = parse(*(answer(11, quoted) for quoted in (udp, reply, no_header)), *cut)
    assert not answers.quoting.any()


def test_an_echo_reply_tells_its_packet_and_is_no_router():
    (request,) = made([WHOLE_WAY], 0xBEEF, number=2)
    reply = answer(0, b"")[:20] + b"\0" + request[21:]
    answers = parse(reply)
    assert answers.reply.all()
    assert not answers.quoting.any()
    assert answers.slot.tolist() == [3 << 16 | 2]


def test_no_bytes_at_all_break_it():
    noise = np.random.default_rng(1).integers(0, 256, (20_000, RECEIVE_BYTES), dtype=np.uint8)
    lengths = np.random.default_rng(2).integers(0, RECEIVE_BYTES + 1, 20_000).astype(np.uint32)
    noise[::2, 20] = 11
    parse_answers(noise, lengths)
