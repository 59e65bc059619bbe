"""The receiving half of the icmp engine, when somebody sends without end what looks like replies."""

import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from netsky.addresses import AddressLibrary
from netsky.engines.icmp import IcmpEngine
from netsky.engines.icmp_packet import RECEIVE_BYTES
from netsky.engines.icmp_receiver import SLOTS, Receiver
from netsky.engines.icmp_socket import open_sockets
from netsky.engines.libc import Messages
from netsky.places import PROVINCES, Egress
from netsky.sweep import ProbePlan
from testing.commands import ROOT
from testing.farside import network, write_far_library
from testing.netns import needs_root

__all__ = ["network"]

CAPACITY = 3 * SLOTS


class Flood(Messages):
    """As many packets as there is room for, whenever asked; in the end an error, lest a test hang."""

    calls = 0

    def receive(self, _descriptor, first):
        self.calls += 1
        assert self.calls < 50, "the receiver takes packets without end"
        return SLOTS - first


def receiver_in_a_flood():
    sockets = SimpleNamespace(
        raw=False,
        receive_buffer=CAPACITY * 512,
        capacity=CAPACITY,
        receiver=SimpleNamespace(fileno=lambda: -1),
    )
    library = AddressLibrary("cu", PROVINCES[:1], np.array([1], np.uint32), np.array([0, 1]))
    receiver = Receiver(sockets, library, ProbePlan(), np.ones(1, np.uint64))
    receiver._messages = Flood(SLOTS, RECEIVE_BYTES)
    return receiver


def test_the_end_of_a_sweep_takes_what_the_buffer_can_hold_and_no_more():
    receiver = receiver_in_a_flood()
    receiver._stopping.set()
    receiver._receive_until_stopped()
    assert receiver.discarded["malformed"] + receiver.discarded["wrong_cookie"] >= CAPACITY
    assert receiver._messages.calls <= CAPACITY / SLOTS + 1


def test_a_full_batch_after_the_other_does_not_keep_the_receiver_from_ending():
    receiver = receiver_in_a_flood()
    take = receiver._take

    def take_and_stop():
        if receiver._messages.calls == 10:
            receiver._stopping.set()
        return take()

    receiver._take = take_and_stop
    receiver._receive_until_stopped()
    assert receiver._messages.calls <= 10 + 1 + CAPACITY / SLOTS + 1


@needs_root
def test_the_capacity_is_never_less_than_what_a_receive_buffer_holds():
    with open_sockets(Egress(), ident=77, receive_buffer=1 << 16) as sockets:
        shortest = b"\0\0\0\0\0\x4d\0\0"
        for _ in range(2 * sockets.capacity):
            sockets.sender.sendto(_ip_header(len(shortest)) + shortest, ("127.0.0.1", 0))
        assert sockets.dropped > 0
        held = 2 * sockets.capacity - sockets.dropped
        assert 0 < held <= sockets.capacity


def _ip_header(payload):
    return bytes([0x45, 0, 0, 20 + payload, 0, 1, 0x40, 0, 64, 1, 0, 0]) + bytes([127, 0, 0, 1] * 2)


@contextmanager
def forged_replies(far, *, seconds, processes):
    """Forge replies on the far side, once the first request has come there."""
    command = [sys.executable, str(ROOT / "testing" / "forger.py"), str(seconds), str(processes)]
    forger = subprocess.Popen(
        far.command("env", f"PYTHONPATH={ROOT}", *command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert forger.stdout.readline() == b"ready\n"
        yield
    finally:
        forger.communicate(timeout=20)  # closes its standard input


@pytest.mark.alone
@needs_root
def test_a_sweep_ends_in_time_while_replies_are_forged_as_fast_as_they_can(network, tmp_path):
    directory = write_far_library(tmp_path, targets=300)
    plan = ProbePlan(window=0.5, timeout=0.3)
    with forged_replies(network.wires[0].far, seconds=8, processes=3):
        sweep = network.sweep(IcmpEngine(), directory, plan)
    assert sweep.duration_seconds < 2 * plan.window + 1 + plan.timeout + 1
    assert sweep.discarded["wrong_cookie"] > 10_000
    assert sweep.failures == ()
    # The flood may fill the receive buffer; then it is told.
    assert sweep.packets_received + sweep.local_drops == sweep.packets_sent
    assert sweep.packets_received > 0.5 * sweep.packets_sent
