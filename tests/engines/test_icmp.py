"""The icmp engine, on networks whose truth is known."""

from __future__ import annotations

import ipaddress
import json

import numpy as np
import pytest

from netsky.aggregate import aggregate
from netsky.engines.fping import FpingEngine
from netsky.engines.icmp import IcmpEngine
from netsky.places import PROVINCES, Egress
from netsky.sweep import ProbePlan
from testing.farside import (
    Network,
    far_prefix,
    make_network,
    network,
    tun_observer,
    tun_responder,
    write_far_library,
)
from testing.netns import make_namespace, needs_root
from testing.samples import load_library

pytestmark = needs_root

__all__ = ["network"]


def ignore(packets):
    pass


def matching(per_mille):
    """An nft match for this share of packets."""
    if per_mille in (0, 1000):
        return "ip ttl >= 1" if per_mille else "ip ttl < 1"
    return f"numgen random mod 1000 < {per_mille}"


def test_every_target_on_loopback_answers_every_packet(tmp_path):
    library = load_library(tmp_path, targets=2000)
    sweep = IcmpEngine().sweep(library, Egress(), ProbePlan(window=0.5, count=3), ignore)
    assert sweep.sent.shape == sweep.rtt_seconds.shape == (62_000, 3)
    assert sweep.sent.all()
    assert not np.isnan(sweep.rtt_seconds).any()
    assert sweep.local_drops == 0
    assert set(sweep.discarded.values()) == {0}
    assert sweep.failures == ()


@pytest.mark.parametrize(
    ("engine", "targets", "window"), [(IcmpEngine(), 2000, 1.0), (FpingEngine(), 40, 2.0)]
)
def test_lost_is_what_the_network_dropped_packet_for_packet(
    tmp_path, network, engine, targets, window
):
    directory = write_far_library(tmp_path, targets=targets)
    per_mille = [0, 1, 10, 50, 500, 1000, *range(25)]
    rules = [
        f"ip daddr {far_prefix(index)} {matching(share)}" for index, share in enumerate(per_mille)
    ]
    wire = network.wires[0]
    with wire.drop(*rules):
        sweep = network.sweep(engine, directory, ProbePlan(window=window, count=2, timeout=2.0))
        dropped = wire.dropped()
    qualities = aggregate(sweep, abnormal_rtt=0.3)
    assert [q.packets_sent - q.packets_received for q in qualities] == dropped
    assert sweep.local_drops == 0
    assert dropped[0] == 0
    assert dropped[5] == 2 * targets
    assert 0 < dropped[4] < 2 * targets


def test_packets_leave_through_the_egress_asked_for(tmp_path):
    directory = write_far_library(tmp_path, targets=100, provinces=PROVINCES[:3])
    with make_network(wires=2) as network:
        for table, wire in (("101", network.wires[0]), ("102", network.wires[1])):
            gateway = wire.source[:-1] + str(int(wire.source[-1]) + 1)
            network.probe.run("ip", "route", "add", "default", "via", gateway, "table", table)
        network.probe.run("ip", "rule", "add", "from", network.wires[1].source, "table", "102")
        network.probe.run("ip", "rule", "add", "fwmark", "7", "table", "102")
        network.probe.run("ip", "rule", "add", "oif", "exit1", "table", "102")
        second = network.wires[1]
        for egress in (
            Egress("by-source", source=second.source),
            Egress("by-mark", fwmark=7),
            Egress("by-interface", interface=second.interface),
        ):
            before = [wire.heard() for wire in network.wires]
            sweep = network.sweep(IcmpEngine(), directory, ProbePlan(window=0.2), egress)
            heard = [wire.heard() - old for wire, old in zip(network.wires, before, strict=True)]
            assert heard == [0, 300], egress
            assert sweep.packets_received == 300, egress
        sweep = network.sweep(IcmpEngine(), directory, ProbePlan(window=0.2))
        assert network.wires[0].heard() == 300


def test_a_reply_counts_only_if_it_is_ours_and_every_other_kind_is_counted_apart(tmp_path):
    kinds = ["honest", "wrong_cookie", "wrong_source", "twice", "cut_short", "silent"]
    behaviours = {f"10.{16 + index}.": [kind] for index, kind in enumerate(kinds)}
    behaviours["10.22."] = ["delayed", 0.25]
    directory = write_far_library(tmp_path, targets=50, provinces=PROVINCES[:7])
    with make_namespace() as probe, tun_responder(probe, behaviours):
        # Slow enough for the last late reply to come while the sweep still runs.
        plan = ProbePlan(window=1.0, count=2, timeout=0.2)
        sweep = Network(probe).sweep(IcmpEngine(), directory, plan)
    received = [q.packets_received for q in aggregate(sweep, abnormal_rtt=0.3)]
    assert received == [100, 0, 0, 100, 0, 0, 0]
    assert sweep.discarded["wrong_cookie"] == 100
    assert sweep.discarded["wrong_source"] == 100
    assert sweep.discarded["duplicate"] == 100
    assert sweep.discarded["malformed"] == 100
    assert sweep.discarded["late"] > 50


def test_a_target_can_answer_for_itself_alone(tmp_path):
    directory = write_far_library(tmp_path, targets=50, provinces=PROVINCES[:1])
    with make_namespace() as probe, tun_responder(probe, {"10.16.": ["for_others"]}):
        sweep = Network(probe).sweep(IcmpEngine(), directory, ProbePlan(window=0.5))
    answered = ~np.isnan(sweep.rtt_seconds[:, 0])
    assert np.array_equal(answered, sweep.library.addresses % 2 == 0)
    assert sweep.discarded["wrong_cookie"] == 25


@pytest.mark.alone
def test_the_rtt_is_what_the_wire_saw(tmp_path):
    delays = [0.005, 0.02, 0.05, 0.2]
    behaviours = {f"10.{16 + index}.": ["delayed", delay] for index, delay in enumerate(delays)}
    directory = write_far_library(tmp_path, targets=500, provinces=PROVINCES[:4])
    with (
        make_namespace() as probe,
        tun_responder(probe, behaviours),
        tun_observer(probe, tmp_path / "seen.json"),
    ):
        sweep = Network(probe).sweep(IcmpEngine(), directory, ProbePlan(window=2.0))
    seen = json.loads((tmp_path / "seen.json").read_text())
    addresses = [str(ipaddress.ip_address(int(address))) for address in sweep.library.addresses]
    # A second pair of eyes: the kernel's own time stamps of both packets on the device.
    truth = np.array([seen[address][0] for address in addresses])
    error = np.abs(sweep.rtt_seconds[:, 0] - truth)
    assert np.median(error) <= 0.0002
    for index, delay in enumerate(delays):
        where = sweep.library.slice_of(index)
        assert np.median(truth[where]) >= delay  # later when the responder itself is held up
        median = np.median(sweep.rtt_seconds[where])
        assert abs(median - np.median(truth[where])) <= 0.0002
