import socket
import struct

import pytest

from lab.network.responder import BEHAVIOURS, delayed, honest, wrong_source


def request(payload=b"some payload"):
    """An echo request from 192.0.2.1 to 10.16.0.9, as a TUN device hands it over."""
    addresses = socket.inet_aton("192.0.2.1") + socket.inet_aton("10.16.0.9")
    header = struct.pack(">BBHHHBBH", 0x45, 0, 28 + len(payload), 1, 0, 60, 1, 0) + addresses
    return header + struct.pack(">BBHHH", 8, 0, 0, 77, 5) + payload


def sum_of_words(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    return (total & 0xFFFF) + (total >> 16)


@pytest.mark.parametrize("payload", [b"even", b"odd"])
def test_a_reply_goes_back_with_the_same_payload_and_right_checksums(payload):
    ((seconds, reply),) = honest(request(payload))
    assert seconds == 0
    assert socket.inet_ntoa(reply[12:16]) == "10.16.0.9"
    assert socket.inet_ntoa(reply[16:20]) == "192.0.2.1"
    assert reply[20:22] == b"\0\0"
    assert struct.unpack(">HH", reply[24:28]) == (77, 5)
    assert reply[28:] == payload
    assert sum_of_words(reply[:20]) == sum_of_words(reply[20:]) == 0xFFFF


def test_jitter_is_more_or_less_than_the_delay_and_never_before_the_request():
    waits = [delayed(request(), 0.02, 0.005)[0][0] for _ in range(500)]
    assert 0.015 <= min(waits) < 0.017
    assert 0.023 < max(waits) <= 0.025
    assert min(delayed(request(), 0.001, 0.01)[0][0] for _ in range(500)) == 0


def test_every_behaviour_answers_with_packets_or_not_at_all():
    replies = {
        name: len(behave(request(), *[0.1][: name == "delayed"]))
        for name, behave in BEHAVIOURS.items()
    }
    assert replies == {
        "honest": 1,
        "delayed": 1,
        "twice": 2,
        "wrong_cookie": 1,
        "wrong_source": 1,
        "for_others": 0,
        "cut_short": 1,
        "silent": 0,
    }
    assert wrong_source(request())[0][1][12:16] == socket.inet_aton("10.16.0.8")
